#include "tb/bench/report.h"

#include <fstream>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace mkclean
{

using json = nlohmann::ordered_json;

namespace
{

constexpr const char* nothing = "-";

std::string processor_name()
{
    std::ifstream info("/proc/cpuinfo");
    const std::string key = "model name";
    for (std::string line; std::getline(info, line);)
        if (line.compare(0, key.size(), key) == 0)
            return line.substr(line.find(':') + 2);
    return "unknown";
}

std::string times_cell(const samples& s)
{
    if (s.empty())
        return nothing;
    const int digits = s.median() < 100 ? 2 : 0;
    return fmt::format("{:.{}f} [{:.{}f} {:.{}f}]", s.median(), digits, s.min(), digits, s.max(),
                       digits);
}

std::string ratio_cell(const samples& above, const samples& below)
{
    return above.empty() || below.empty() ? nothing
                                          : fmt::format("{:.1f}", above.median() / below.median());
}

json samples_json(const samples& s)
{
    if (s.empty())
        return json();
    return {{"min", s.min()}, {"median", s.median()}, {"max", s.max()}, {"samples", s.values}};
}

json ratio_json(const samples& above, const samples& below)
{
    return above.empty() || below.empty() ? json() : json(above.median() / below.median());
}

std::string size_text(const growth& g, std::uint64_t size)
{
    return g.in_bytes ? fmt::format("{} MiB", size >> 20) : fmt::format("{}", size);
}

} // namespace

json bench_host()
{
#if defined(NDEBUG)
    const char* const build = "optimised";
#else
    const char* const build = "with assertions";
#endif
    return {{"processor", processor_name()},
            {"processors", std::thread::hardware_concurrency()},
            {"compiler", "g++ " __VERSION__},
            {"build", build}};
}

std::string bench_header(const json& host)
{
    return fmt::format("{}, {} of them; {}, {}\n", host.at("processor").get<std::string>(),
                       host.at("processors").get<unsigned>(),
                       host.at("compiler").get<std::string>(), host.at("build").get<std::string>());
}

std::string bench_columns()
{
    return fmt::format("{:<26} {:>26} {:>26} {:>8} {:>22} {:>8} {:>8}\n", "case",
                       "ns, median [min max]", "every access", "faster", "native", "slower",
                       "RSS MiB");
}

std::string bench_row(const bench_result& r)
{
    return fmt::format("{:<26} {:>26} {:>26} {:>8} {:>22} {:>8} {:>8}\n", r.what.name,
                       times_cell(r.window), times_cell(r.every_access),
                       ratio_cell(r.every_access, r.window), times_cell(r.native),
                       ratio_cell(r.window, r.native), r.peak_rss >> 20);
}

std::string growth_table(const growth& g)
{
    std::string text =
        fmt::format("{}\n{:>12} {:>12} {:>12}\n", g.of_what, "size", "seconds", "RSS MiB");
    for (const growth::point& p : g.points)
        text += fmt::format("{:>12} {:>12.3f} {:>12}\n", size_text(g, p.size), p.run.seconds,
                            p.run.peak_rss >> 20);
    if (g.points.size() > 1)
        text += fmt::format("{:>12} {:>12.2f} {:>12.2f}\n", "exponent", g.time_exponent(),
                            g.memory_exponent());
    return text;
}

std::string bench_listing()
{
    std::string text;
    for (const bench_case& c : bench_cases()) {
        text += fmt::format("  {:<26} {}\n  {:26}   mkclean run", c.name, c.help, "");
        for (const auto& [option, value] : c.settings)
            text += fmt::format(" --{} {}", option, value);
        text += '\n';
    }
    return text +
           fmt::format("  {:<26} {}\n", "scale",
                       "how time and memory grow with file, page cache, request queue and cores") +
           fmt::format("  {:<26} {}\n", "explore",
                       "states, moves and whole schedules that explore looks at in a second");
}

json bench_json(const std::vector<bench_result>& results)
{
    json all = json::array();
    for (const bench_result& r : results)
        all.push_back({{"name", r.what.name},
                       {"settings", r.what.settings},
                       {"operations", r.operations},
                       {"ns", samples_json(r.window)},
                       {"every_access_ns", samples_json(r.every_access)},
                       {"native_ns", samples_json(r.native)},
                       {"faster_than_every_access", ratio_json(r.every_access, r.window)},
                       {"slower_than_native", ratio_json(r.window, r.native)},
                       {"peak_rss_bytes", r.peak_rss}});
    return all;
}

json growth_json(const growth& g)
{
    json points = json::array();
    for (const growth::point& p : g.points)
        points.push_back({{"size", p.size},
                          {"seconds", p.run.seconds},
                          {"operations", p.run.operations},
                          {"peak_rss_bytes", p.run.peak_rss}});
    json j = {{"of", g.of_what}, {"points", points}};
    if (g.points.size() > 1) {
        j["time_exponent"] = g.time_exponent();
        j["memory_exponent"] = g.memory_exponent();
    }
    return j;
}

} // namespace mkclean
