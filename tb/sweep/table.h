#pragma once

#include "tb/sweep/axes.h"
#include "tb/sweep/processes.h"

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace mkclean
{

/// A column of the table: the value at `pointer` (RFC 6901, as in "/time/ps") of a run's stats,
/// divided by `divisor` and rounded to `decimals`.
struct sweep_column {
    std::string title;
    std::string pointer;
    double divisor = 1;
    int decimals = 0;
};

/// Whether the run came to an end and said what it had found out.
bool has_stats(const sweep_result& result);

/// The table for people: what varies, then the columns, then the exit codes if any is not 0.
std::string sweep_table(const std::vector<sweep_axis>& axes, const std::vector<sweep_column>& shown,
                        const std::vector<sweep_point>& points,
                        const std::vector<sweep_result>& results);

/// [{"vary": {...}, ...stats}], in the order of the points; a point that failed has "error":
/// {"exit": code, "stderr": text} instead of stats.
nlohmann::ordered_json sweep_json(const std::vector<sweep_point>& points,
                                  const std::vector<sweep_result>& results);

} // namespace mkclean
