#include "tb/verb_bench.h"
#include "tb/bench/exploring.h"
#include "tb/bench/report.h"
#include "tb/output/progress.h"

#include <algorithm>
#include <functional>
#include <iostream>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace mkclean
{

namespace
{

constexpr const char* scale_name = "scale";
constexpr const char* exploring_name = "explore";
constexpr std::uint64_t costly_repetitions = 2;
constexpr std::uint64_t scale_repetitions = 3;

bool take_out(std::vector<std::string>& names, const std::string& name)
{
    const auto taken = std::remove(names.begin(), names.end(), name);
    const bool there = taken != names.end();
    names.erase(taken, names.end());
    return there;
}

std::vector<std::string> known_names()
{
    std::vector<std::string> names = {scale_name, exploring_name};
    for (const bench_case& c : bench_cases())
        names.push_back(c.name);
    return names;
}

void check_names(const std::vector<std::string>& given)
{
    const std::vector<std::string> known = known_names();
    for (const std::string& name : given)
        if (std::find(known.begin(), known.end(), name) == known.end())
            throw input_error(origin(), fmt::format("no case is called {}{}", in_quotes(name),
                                                    suggestion(name, known)));
}

/// The table, line by line as it comes into being, and the JSON at the end.
class bench_session
{
public:
    bench_session(const bench_options& options, std::ostream& out, std::ostream& err)
        : m_options(options),
          m_out(out),
          m_progress(err),
          m_runner("/proc/self/exe", m_watch, [this](const std::string& what) {
              m_progress.show(fmt::format("{}: run {}", what, ++m_runs));
          })
    {
        if (!options.json.empty())
            m_json.emplace(options.json, out);
    }

    void run_cases(const std::vector<std::string>& names)
    {
        for (const bench_case& c : bench_cases()) {
            if (!names.empty() && std::find(names.begin(), names.end(), c.name) == names.end())
                continue;
            const std::uint64_t repetitions =
                c.costly ? std::min(costly_repetitions, m_options.repetitions)
                         : m_options.repetitions;
            m_results.push_back(m_runner.measure(c, repetitions, m_options.percent));
            say((m_results.size() == 1 ? "\n" + bench_columns() : "") +
                bench_row(m_results.back()));
        }
    }

    void run_scale()
    {
        const std::uint64_t times = std::min(scale_repetitions, m_options.repetitions);
        const std::uint64_t most = m_options.max_size;
        show([&](growth& g) { grow_file(g, m_runner, times, most); });
        show([&](growth& g) { grow_page_cache(g, m_runner, times, most); });
        show([&](growth& g) { grow_request_queue(g, m_runner, times, most); });
        show([&](growth& g) { grow_cores(g, m_runner, times); });
    }

    void run_exploring()
    {
        const auto tell = [&] { say("\n" + exploring_table(m_rates)); };
        try {
            measure_exploring(m_rates, m_runner, std::min(scale_repetitions, m_options.repetitions),
                              m_options.percent);
        } catch (const bench_interrupted&) {
            tell();
            throw;
        }
        tell();
    }

    void finish(const char* how)
    {
        m_progress.clear();
        if (!m_json)
            return;
        nlohmann::ordered_json all = {
            {"ended", how}, {"host", m_host}, {"cases", bench_json(m_results)}};
        all["scale"] = nlohmann::ordered_json::array();
        for (const growth& g : m_growths)
            all["scale"].push_back(growth_json(g));
        all["explore"] = exploring_json(m_rates);
        m_json->write(all.dump(2) + '\n');
        m_json->commit();
    }

private:
    void show(const std::function<void(growth&)>& grow)
    {
        growth& g = m_growths.emplace_back();
        try {
            grow(g);
        } catch (const bench_interrupted&) {
            say("\n" + growth_table(g));
            throw;
        }
        say("\n" + growth_table(g));
    }
    void say(const std::string& lines)
    {
        m_progress.clear();
        if (m_options.json == "-")
            return;
        if (!m_header_said)
            m_out << bench_header(m_host);
        m_header_said = true;
        m_out << lines << std::flush;
    }

    const bench_options& m_options;
    std::ostream& m_out;
    std::optional<output_file> m_json;
    nlohmann::ordered_json m_host = bench_host();
    interrupt_watch m_watch;
    progress_line m_progress;
    bench_runner m_runner;
    std::vector<bench_result> m_results;
    std::vector<growth> m_growths;
    std::vector<exploring_rate> m_rates;
    std::uint64_t m_runs = 0;
    bool m_header_said = false;
};

int run_bench(const bench_options& options, const arguments& given, std::ostream& out,
              std::ostream& err)
{
    check_names(given.operands);
    if (options.list) {
        out << bench_listing();
        return exit_code::as_expected;
    }
    bench_session session(options, out, err);
    std::vector<std::string> names = given.operands;
    const bool with_scale = take_out(names, scale_name);
    const bool with_exploring = take_out(names, exploring_name);
    try {
        if (!names.empty() || (!with_scale && !with_exploring))
            session.run_cases(names);
        if (with_exploring)
            session.run_exploring();
        if (with_scale)
            session.run_scale();
    } catch (const bench_interrupted&) {
        session.finish("interrupted");
        err << "interrupted\n";
        return exit_code::interrupted;
    }
    session.finish("finished");
    return exit_code::as_expected;
}

} // namespace

void bench_options::declare(option_set& own)
{
    own.count("repetitions", repetitions, {1, 1000}, "of each measurement; costly cases take 2");
    own.percent("scale", percent, {1, 1000}, "of every case's length; shorter is noisier");
    own.bytes(
        "max-size", max_size, {std::uint64_t{16} << 20, std::uint64_t{1} << 40},
        "the largest file of the case `scale`; its page cache and its queue go to a quarter of it");
    own.path("json", json, "write all samples; - is the standard output");
    own.flag("list", list, "only say which cases there are");
}

verb bench_verb(bench_options& options, std::ostream& out, std::ostream& err)
{
    verb v;
    v.name = "bench";
    v.operands = "CASE...";
    v.kind = operand_kind::listed;
    v.listed = known_names();
    v.help = "what things cost on this host, beside every_access and a bare program";
    v.takes_model_options = false;
    options.declare(v.own);
    v.run = [&options, &out, &err](const arguments& given) {
        return run_bench(options, given, out, err);
    };
    return v;
}

} // namespace mkclean
