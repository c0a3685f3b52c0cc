#pragma once

#include "tb/sweep/options.h"
#include "tb/sweep/processes.h"

#include <cstddef>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace mkclean
{

/// All that a sweep takes.
struct sweep_plan {
    std::vector<sweep_axis> axes;
    axes_source varied_by; ///< whom a point is to be blamed on
    std::vector<sweep_column> columns;
    std::optional<origin> columns_from; ///< who set sweep.columns; nobody: they need no check
    std::vector<std::string> words;     ///< the run without what varies, from child_words()
    std::string sum;                    ///< an axis whose values share a line of the table; or ""
    std::string csv_path;               ///< where the table goes as CSV; "" for nowhere
    std::string stats_path;             ///< where a JSON array of all stats goes; "" for nowhere
    bool quiet = false;                 ///< no table
    std::size_t jobs = 1;
    std::string executable = "/proc/self/exe";
};

/// The words that repeat `given` for one point, but for what belongs to the sweep: --vary, --jobs,
/// --stats, --quiet, --sweep.*. Error: input_error for an own option that all points would write to
/// (--log, --vcd, --trace, --report) or that prints (--biography).
std::vector<std::string> child_words(const arguments& given);

/// The same for one point: `words`, what varies, and --quiet --stats -.
std::vector<std::string> point_words(const std::vector<std::string>& words,
                                     const sweep_point& point);

/// The sweep that the config's sweep.vary asks for, as `run --vary ...` changes it. `columns` are
/// shown if the config has no sweep.columns. The caller has given `model` the configs and options
/// of the command line already, so that their errors are reported once and not by every point. Each
/// point is run with --quiet --stats=- and must print the stats and nothing else. Errors as in
/// parse_axes(), check_size() and child_words(); a sweep.sum that does not vary.
sweep_plan plan_sweep(const run_options& options, const sweep_options& experiment,
                      const arguments& given, const option_set& model,
                      const std::vector<sweep_column>& columns);

/// Gives each point to `check`. Error: input_error that tells of the first point that it has thrown
/// an input_error at, and blames who varied it. `of_all` is what would be said without any point;
/// that is no point's fault, and is left as it is.
void check_points(const sweep_plan& plan, const std::string& of_all,
                  const std::function<void(const sweep_point&)>& check);

/// Runs every point, prints the table on `out` (unless quiet, or the stats go there) and what
/// failed on `err`, and writes the CSV (if any point has something to say) and the stats. Returns
/// the worst exit code; 130 if interrupted, in which case the points that were not run say so.
/// Error: file_error, std::system_error; input_error for a column that has no figure to show, which
/// the first run finds out unless it depends on what varies, and then nothing is written.
int run_sweep(const sweep_plan& plan, std::ostream& out, std::ostream& err);

} // namespace mkclean
