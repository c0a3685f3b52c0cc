#pragma once

#include "sim/option_set.h"
#include "tb/command_line.h"

#include <iosfwd>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace mkclean
{

/// The own options of `options`.
struct listing_options {
    bool config = false;
    bool json = false;
    bool markdown = false;

    /// Binds the options to this object, which must then stay where it is.
    void declare(option_set& own);
};

/// {type, "64, 4KiB, 1460B, 500GB"}: how values are written, for every type that takes numbers or
/// words of its own.
const std::vector<std::pair<std::string, std::string>>& how_values_are_written();

/// The options whose names begin with one of `prefixes` (all of them if there is none) as a listing
/// for people: name, type, default, what is allowed, and under it what it means. Error: input_error
/// for a prefix that no option begins with.
std::string list_options(const option_set& options, const std::vector<std::string>& prefixes);

/// The same for programs: an array of {"name", "type", "unit", "default", "value", "range",
/// "choices", "help"}. Error: as in list_options().
nlohmann::ordered_json options_json(const option_set& options,
                                    const std::vector<std::string>& prefixes);

/// Every option's present value as a config file that reads back to the same values wherever it is
/// saved (relative paths become absolute). Whoever set an option is named behind it.
std::string write_config(const option_set& options);

/// Every option's present value, {"name": "canonical text"}, as the stats of a run carry it.
nlohmann::ordered_json config_json(const option_set& options);

/// `mkclean options [PREFIX...]` or, with --config, `mkclean options --config [CONFIG...]`: sets
/// `model` as the arguments say and prints. Error: input_error.
int show_options(const listing_options& asked, const arguments& given, option_set& model,
                 std::ostream& out);

/// The table entry of the verb. All three must outlive it.
verb options_verb(listing_options& asked, option_set& model, std::ostream& out);

} // namespace mkclean
