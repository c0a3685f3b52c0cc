#pragma once

#include "tb/sweep/axes.h"
#include "tb/sweep/column.h"
#include "tb/sweep/processes.h"

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace mkclean
{

/// The value at a pointer, or null if there is none.
const nlohmann::ordered_json* value_at(const nlohmann::ordered_json& stats,
                                       const std::string& pointer);

/// Whether the run came to an end and said what it had found out.
bool has_stats(const sweep_result& result);

/// What a sweep has found out, line by line.
struct sweep_lines {
    std::size_t axes = 0; ///< so many columns say what varied
    std::vector<std::string> titles;
    std::vector<std::vector<std::string>> lines;
};

/// What varies, then the columns, then the exit codes if any is not 0. Values of the option `sum`
/// (if it is not "") share a line, in which the columns have their sums; a column that divides by
/// another value of the run then divides sum by sum. What there is no value of is a dash.
sweep_lines lines_of(const std::vector<sweep_axis>& axes, const std::vector<sweep_column>& shown,
                     const std::vector<sweep_point>& points,
                     const std::vector<sweep_result>& results, const std::string& sum);

/// The same for programs: numbers unrounded; what varied in the base unit, which its title then
/// bears, as in core.ipi_latency_ps; and nothing where there is no value.
sweep_lines csv_lines_of(const std::vector<sweep_axis>& axes,
                         const std::vector<sweep_column>& shown,
                         const std::vector<sweep_point>& points,
                         const std::vector<sweep_result>& results, const std::string& sum);

/// The lines of lines_of().
std::string sweep_table(const sweep_lines& lines);
/// The lines of csv_lines_of(), as RFC 4180 has them.
std::string sweep_csv(const sweep_lines& lines);

/// [{"vary": {...}, ...stats}], in the order of the points; a point that failed has "error":
/// {"exit": code, "stderr": text} instead of stats.
nlohmann::ordered_json sweep_json(const std::vector<sweep_point>& points,
                                  const std::vector<sweep_result>& results);

} // namespace mkclean
