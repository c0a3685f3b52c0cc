#pragma once

#include "sim/option_set.h"
#include "tb/command_line.h"

#include <cstddef>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <signal.h>

namespace mkclean
{

/// An option and the values it takes in turn, in canonical form.
struct sweep_axis {
    std::string name;
    std::vector<std::string> values;
};

/// One combination: (option, value), in the order of the axes.
using sweep_point = std::vector<std::pair<std::string, std::string>>;

/// What became of a point.
struct sweep_result {
    int code = exit_code::interrupted; ///< the run's exit code, made one of those of exit_code
    nlohmann::ordered_json stats;      ///< an object if the code is 0 or 1, else null
    std::string complaint;             ///< what the run said on its standard error
};

/// A column of the table: the value at `pointer` (RFC 6901, as in "/time/ps") of a run's stats,
/// divided by `divisor` and rounded to `decimals`.
struct sweep_column {
    std::string title;
    std::string pointer;
    double divisor = 1;
    int decimals = 0;
};

/// All that a sweep takes.
struct sweep_plan {
    std::vector<sweep_axis> axes;
    std::vector<sweep_column> columns;
    std::vector<std::string> words; ///< the run without what varies, from child_words()
    std::string stats_path;         ///< where a JSON array of all stats goes; "" for nowhere
    bool quiet = false;             ///< no table
    std::size_t jobs = 1;
    std::string executable = "/proc/self/exe";
};

/// Reads `name=a,b,c`; an item may also be lo..hi*factor or lo..hi+step, both ends included, with
/// units as in 10us..1ms*10. Whole numbers stay whole; steps of a real are rounded to 12 digits.
/// Error: input_error for an unknown option, a value it refuses, a value twice, a range that is
/// empty, endless or over 100,000 values, or a range of what has no numbers.
sweep_axis parse_axis(std::string_view text, const option_set& model);

/// The axes of a command line. Error: as in parse_axis(); an option that varies twice, or that
/// varies and is given as well; more than 100,000 points in all.
std::vector<sweep_axis> parse_axes(const std::vector<std::string>& vary, const arguments& given,
                                   const option_set& model);

/// Every combination; the last axis varies fastest.
std::vector<sweep_point> sweep_points(const std::vector<sweep_axis>& axes);

/// The words that repeat `given` for one point, but for what belongs to the sweep: --vary, --jobs,
/// --stats, --quiet. Error: input_error for an own option that all points would write to (--log,
/// --vcd, --trace, --report) or that prints (--biography).
std::vector<std::string> child_words(const arguments& given);

/// The same for one point: `words`, what varies, and --quiet --stats -.
std::vector<std::string> point_words(const std::vector<std::string>& words,
                                     const sweep_point& point);

/// The table for people: what varies, then the columns, then the exit codes if any is not 0.
std::string sweep_table(const sweep_plan& plan, const std::vector<sweep_point>& points,
                        const std::vector<sweep_result>& results);

/// [{"vary": {...}, ...stats}], in the order of the points; a point that failed has "error":
/// {"exit": code, "stderr": text} instead of stats.
nlohmann::ordered_json sweep_json(const std::vector<sweep_point>& points,
                                  const std::vector<sweep_result>& results);

/// Which of two exit codes a sweep ends with: 130 before 70, 3, 2, 1, 0.
int worse_code(int one, int other);

/// While it lives, SIGINT and SIGTERM do nothing but be noticed, here.
class interrupt_watch
{
public:
    /// Error: std::system_error.
    interrupt_watch();
    ~interrupt_watch();
    interrupt_watch(const interrupt_watch&) = delete;
    interrupt_watch& operator=(const interrupt_watch&) = delete;

    /// Whether a signal has come since the watch began.
    bool interrupted();
    /// Readable (as poll(2) sees it) when a signal has come.
    int descriptor() const { return m_descriptor; }
    /// The signals that were blocked before the watch, for new processes.
    const sigset_t& blocked_before() const { return m_blocked_before; }

private:
    bool take_signal();

    sigset_t m_blocked_before;
    int m_descriptor = -1;
    bool m_interrupted = false;
};

/// Runs `executable` once per command, at most `jobs` at once, each in a process of its own, and
/// collects the JSON object it prints. `finished` is called with the number of runs done. The
/// results are in the order of the commands. When `watch` is interrupted, or a run says it was,
/// whatever runs is killed: those results, and those never begun, keep the code 130.
/// Error: std::system_error if no process can be made.
std::vector<sweep_result> run_commands(const std::string& executable,
                                       const std::vector<std::vector<std::string>>& commands,
                                       std::size_t jobs, interrupt_watch& watch,
                                       const std::function<void(std::size_t)>& finished);

/// The sweep that `run --vary ...` asks for. The caller has given `model` the configs and options
/// of the command line already, so that their errors are reported once and not by every point.
/// Each point is run with --quiet --stats=- and must print the stats and nothing else. Errors as in
/// parse_axes() and child_words().
sweep_plan plan_sweep(const run_options& options, const arguments& given, const option_set& model,
                      const std::vector<sweep_column>& columns);

/// Runs every point, prints the table on `out` (unless quiet, or the stats go there) and what
/// failed on `err`, and writes the stats. Returns the worst exit code; 130 if interrupted, in which
/// case the points that were not run say so. Error: file_error, std::system_error.
int run_sweep(const sweep_plan& plan, std::ostream& out, std::ostream& err);

} // namespace mkclean
