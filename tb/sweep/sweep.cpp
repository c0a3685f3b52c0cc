// run --vary: one run a point, a table of them all.

#include "tb/sweep/sweep.h"
#include "tb/output/progress.h"
#include "tb/text_file.h"

#include <algorithm>
#include <set>
#include <sstream>

#include <fmt/format.h>

namespace mkclean
{

namespace
{

std::string describe(const sweep_point& point)
{
    std::string text;
    for (const auto& [name, value] : point)
        text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, value);
    return text;
}

void report_failures(const std::vector<sweep_point>& points,
                     const std::vector<sweep_result>& results, std::ostream& err)
{
    std::size_t unfinished = 0;
    for (std::size_t at = 0; at < points.size(); ++at) {
        const sweep_result& result = results[at];
        if (result.code == exit_code::interrupted)
            ++unfinished;
        if (has_stats(result) || result.code == exit_code::interrupted)
            continue;
        err << describe(points[at]) << ": failed with exit code " << result.code << '\n';
        std::istringstream lines(result.complaint);
        for (std::string line; std::getline(lines, line);)
            if (!line.empty())
                err << "    " << printable(line) << '\n';
    }
    if (unfinished > 0)
        err << fmt::format("interrupted: {} of {} points were not run\n", unfinished,
                           points.size());
}

std::vector<sweep_result> run_points(const sweep_plan& plan, const std::vector<sweep_point>& points,
                                     interrupt_watch& watch, std::ostream& err)
{
    std::vector<std::vector<std::string>> commands;
    commands.reserve(points.size());
    for (const sweep_point& point : points)
        commands.push_back(point_words(plan.words, point));
    progress_line progress(err);
    return run_commands(plan.executable, commands, plan.jobs, watch, [&](std::size_t done) {
        progress.show(fmt::format("{} of {} points", done, points.size()));
    });
}

} // namespace

std::vector<std::string> child_words(const arguments& given)
{
    const std::set<std::string> of_the_sweep = {"vary", "jobs", "stats", "csv", "quiet"};
    const std::set<std::string> of_one_run = {"log",   "vcd",    "vcd-page",
                                              "trace", "report", "biography"};
    std::vector<std::string> words = {given.verb};
    for (const setting& one : given.own) {
        if (of_one_run.count(one.name) != 0)
            throw input_error(origin(), one.name, "is for one run, not for a sweep");
        if (of_the_sweep.count(one.name) == 0)
            words.push_back("--" + one.name + "=" + one.value);
    }
    for (const setting& one : given.model)
        words.push_back("--" + one.name + "=" + one.value);
    words.emplace_back("--");
    words.insert(words.end(), given.operands.begin(), given.operands.end());
    return words;
}

std::vector<std::string> point_words(const std::vector<std::string>& words,
                                     const sweep_point& point)
{
    std::vector<std::string> extra = {"--quiet", "--stats=-"};
    for (const auto& [name, value] : point)
        extra.push_back(fmt::format("--{}={}", name, value));
    std::vector<std::string> all = words;
    // Behind a lone "--" they would be operands.
    all.insert(std::find(all.begin(), all.end(), "--"), extra.begin(), extra.end());
    return all;
}

// What is wrong with them is wrong where the config says so.
static std::vector<sweep_axis> axes_of(const sweep_options& experiment, const arguments& given,
                                       const option_set& model)
{
    try {
        return parse_axes(experiment.axes(), given, model);
    } catch (const input_error& error) {
        throw model.complaint("sweep.vary", error.message());
    }
}

sweep_plan plan_sweep(const run_options& options, const sweep_options& experiment,
                      const arguments& given, const option_set& model,
                      const std::vector<sweep_column>& columns)
{
    sweep_plan plan;
    const bool own = options.vary.empty();
    plan.axes = own ? axes_of(experiment, given, model) : parse_axes(options.vary, given, model);
    plan.columns = experiment.table(model);
    if (plan.columns.empty())
        plan.columns = columns;
    const auto is_summed = [&](const sweep_axis& axis) { return axis.name == experiment.sum; };
    if (std::any_of(plan.axes.begin(), plan.axes.end(), is_summed))
        plan.sum = experiment.sum;
    else if (own && !experiment.sum.empty())
        throw model.complaint("sweep.sum", "expected an option that varies");
    plan.words = child_words(given);
    if (!experiment.vary.empty()) // one point is no sweep
        plan.words.insert(plan.words.begin() + 1, "--sweep.vary=");
    plan.csv_path = options.csv;
    plan.stats_path = options.stats;
    plan.quiet = options.quiet;
    plan.jobs = static_cast<std::size_t>(options.jobs);
    return plan;
}

int run_sweep(const sweep_plan& plan, std::ostream& out, std::ostream& err)
{
    interrupt_watch watch;
    std::optional<output_file> stats;
    if (!plan.stats_path.empty())
        stats.emplace(plan.stats_path, out);
    std::optional<output_file> csv;
    if (!plan.csv_path.empty())
        csv.emplace(plan.csv_path, out);
    const std::vector<sweep_point> points = sweep_points(plan.axes);
    const std::vector<sweep_result> results = run_points(plan, points, watch, err);
    const sweep_lines lines = lines_of(plan.axes, plan.columns, points, results, plan.sum);
    if (!plan.quiet && plan.stats_path != "-" && plan.csv_path != "-")
        out << sweep_table(lines) << std::flush;
    report_failures(points, results, err);
    if (csv) {
        csv->write(sweep_csv(lines));
        csv->commit();
    }
    if (stats) {
        constexpr auto replace = nlohmann::ordered_json::error_handler_t::replace;
        stats->write(sweep_json(points, results).dump(2, ' ', false, replace) + "\n");
        stats->commit();
    }
    int worst = exit_code::as_expected;
    for (const sweep_result& result : results)
        worst = worse_code(worst, result.code);
    return worst;
}

} // namespace mkclean
