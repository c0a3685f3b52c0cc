#pragma once

#include "sim/input_error.h"
#include "sim/option_set.h"

#include <string>
#include <vector>

namespace mkclean
{

/// `name = value`, and where somebody wrote it.
struct setting {
    std::string name;
    std::string value;
    origin where;
};

/// Reads a config file and the files it uses; the settings come in the order in which they apply,
/// so that a later one of the same name wins.
///
///     # A comment, at the start of a line or after a blank; "a#b" is a value.
///     use = hardware/opteron.cfg     # applies that file here; relative to this file
///     tlb.entries = 64
///     [workload]                     # from here on, names get the prefix "workload."
///     kind = rtorrent                # workload.kind
///     [sweep]
///     columns = walks=/walker/walks
///     columns += faults=/vm/pgfault  # goes on: a blank, and this
///
/// `use` stands before the first section. Under a section a name is the section's, even when it
/// has dots of its own. Line ends may be CRLF and the file may begin with a UTF-8 byte order mark.
///
/// `asked_by` is blamed if the file cannot be read, as read_text_file() says. Error: input_error
/// for a line that is neither blank, comment, section nor setting, or holds anything but printable
/// UTF-8; for a name set twice in one file; for files that use each other in a circle, nest deeper
/// than 32, or are more than 1000 altogether.
std::vector<setting> read_config(const std::string& path, const origin& asked_by);

/// Sets the options in order. Error: input_error if an option does not exist or refuses its value.
void apply_settings(const std::vector<setting>& settings, option_set& options);

/// Gives `options` what the files say, later files over earlier ones, and `overrides` over all.
/// Errors as in read_config() and apply_settings().
void configure(option_set& options, const std::vector<std::string>& config_paths,
               const std::vector<setting>& overrides);

} // namespace mkclean
