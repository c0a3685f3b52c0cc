// run --vary: one run a point, a table of them all.

#include "tb/sweep/sweep.h"
#include "tb/output/progress.h"
#include "tb/output/terminal.h"
#include "tb/sweep/columns.h"
#include "tb/text_file.h"

#include <algorithm>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

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

// One line, but for a run that has said more.
void report_failure(const sweep_point& point, const sweep_result& result, std::ostream& err)
{
    err << describe(point) << ": failed with exit code " << result.code;
    std::string_view before = ": ";
    std::istringstream lines(result.complaint);
    for (std::string line; std::getline(lines, line);) {
        if (line.empty())
            continue;
        err << before << printable(line);
        before = "\n    ";
    }
    err << '\n';
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
        report_failure(points[at], result, err);
    }
    if (unfinished > 0)
        err << fmt::format("interrupted: {} of {} points were not run\n", unfinished,
                           points.size());
}

/// Whether sweep.columns names figures that there are.
class figures_check
{
public:
    explicit figures_check(const sweep_plan& plan)
        : m_plan(plan),
          m_check(plan.columns, plan.axes, !plan.sum.empty())
    {
    }

    void look_at(const sweep_result& result)
    {
        if (m_has_looked || !has_stats(result))
            return;
        m_has_looked = true;
        judge(m_check.complaint(result.stats));
    }
    void look_at(const std::vector<sweep_result>& all) const { judge(m_check.complaint(all)); }

private:
    void judge(const std::string& complaint) const
    {
        if (m_plan.columns_from && !complaint.empty())
            throw input_error(*m_plan.columns_from, "sweep.columns", complaint);
    }

    const sweep_plan& m_plan;
    column_check m_check;
    bool m_has_looked = false;
};

std::string with_bold_titles(const std::string& table, const palette& colours)
{
    const std::size_t end = table.find('\n');
    return colours.title(table.substr(0, end)) + table.substr(end);
}

std::string progress_of(std::size_t done, std::size_t points)
{
    return fmt::format("{} of {} points", done, points);
}

std::vector<sweep_result> run_points(const sweep_plan& plan, const std::vector<sweep_point>& points,
                                     interrupt_watch& watch, std::ostream& err)
{
    std::vector<std::vector<std::string>> commands;
    commands.reserve(points.size());
    for (const sweep_point& point : points)
        commands.push_back(point_words(plan.words, point));
    progress_line progress(err, plan.quiet);
    progress.show(progress_of(0, points.size()));
    figures_check figures(plan);
    auto results = run_commands(plan.executable, commands, plan.jobs, watch,
                                [&](std::size_t done, const sweep_result& latest) {
                                    progress.show(progress_of(done, points.size()));
                                    figures.look_at(latest);
                                });
    const auto was_not_run = [](const sweep_result& result) {
        return result.code == exit_code::interrupted; // and may have had the figure
    };
    if (std::none_of(results.begin(), results.end(), was_not_run))
        figures.look_at(results);
    return results;
}

} // namespace

std::vector<std::string> child_words(const arguments& given)
{
    const std::set<std::string> of_the_sweep = {"vary", "jobs", "stats", "json", "csv", "quiet"};
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
        if (!begins_with(one.name, "sweep."))
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

static void plan_axes(sweep_plan& plan, const run_options& options, const sweep_options& experiment,
                      const arguments& given, const option_set& model)
{
    const axes_source in_config{"sweep.vary", model.info("sweep.vary").where};
    const axes_source as_option{};
    plan.varied_by = options.vary.empty() ? in_config : as_option;
    plan.axes = with_changes(parse_axes(experiment.axes(), given, model, in_config),
                             parse_axes(options.vary, given, model, as_option));
    check_size(plan.axes, plan.varied_by);
}

static void check_sum(const std::vector<sweep_axis>& axes, const std::string& sum,
                      const option_set& model)
{
    std::vector<std::string> names;
    names.reserve(axes.size());
    for (const sweep_axis& axis : axes)
        names.push_back(axis.name);
    if (!sum.empty() && std::find(names.begin(), names.end(), sum) == names.end())
        throw model.complaint(
            "sweep.sum", fmt::format("{} does not vary{}", in_quotes(sum), suggestion(sum, names)));
}

sweep_plan plan_sweep(const run_options& options, const sweep_options& experiment,
                      const arguments& given, const option_set& model,
                      const std::vector<sweep_column>& columns)
{
    sweep_plan plan;
    plan_axes(plan, options, experiment, given, model);
    plan.columns = experiment.table(model);
    if (plan.columns.empty())
        plan.columns = columns;
    else
        plan.columns_from = model.info("sweep.columns").where;
    check_sum(plan.axes, experiment.sum, model);
    plan.sum = experiment.sum;
    plan.words = child_words(given);
    if (model.was_set("sweep.vary")) // one point is no sweep
        plan.words.insert(plan.words.begin() + 1, "--sweep.vary=");
    plan.csv_path = options.csv;
    plan.stats_path = options.stats;
    plan.quiet = options.quiet;
    plan.jobs = static_cast<std::size_t>(options.jobs);
    return plan;
}

void check_points(const sweep_plan& plan, const std::string& of_all,
                  const std::function<void(const sweep_point&)>& check)
{
    for (const sweep_point& point : sweep_points(plan.axes)) {
        try {
            check(point);
        } catch (const input_error& error) {
            if (error.what() == of_all)
                throw;
            throw input_error(plan.varied_by.where, plan.varied_by.option,
                              describe(point) + ": " + error.what());
        }
    }
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
    if (!plan.quiet && plan.stats_path != "-" && plan.csv_path != "-")
        out << with_bold_titles(
                   sweep_table(lines_of(plan.axes, plan.columns, points, results, plan.sum)),
                   palette(out))
            << std::flush;
    report_failures(points, results, err);
    // An older table is worth more than one of empty cells.
    if (csv && std::any_of(results.begin(), results.end(), has_stats)) {
        csv->write(sweep_csv(csv_lines_of(plan.axes, plan.columns, points, results, plan.sum)));
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
