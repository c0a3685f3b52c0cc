#include "tb/bench/exploring.h"
#include "tb/configs_directory.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace mkclean
{

namespace
{

struct way_of_exploring {
    const char* name;
    std::vector<std::string> options;
    const char* length_option;
    std::uint64_t length;
};

// Walks first: they keep what they pass through, but look at no move twice and for no shorter way.
const std::vector<way_of_exploring>& ways()
{
    constexpr std::uint64_t some = 200'000;
    static const std::vector<way_of_exploring> all = {
        {"random walks", {"--explore.order=random"}, "explore.walks", 2000},
        {"walks by priorities (pct)", {"--explore.order=pct"}, "explore.walks", 2000},
        {"search, few moves first", {"--explore.order=moves", "--jobs=1"}, "explore.states", some},
        {"search, few switches first",
         {"--explore.order=switches", "--jobs=1"},
         "explore.states",
         some},
        {"the same, all processors", {"--explore.order=switches"}, "explore.states", some}};
    return all;
}

exploring_rate once(const way_of_exploring& way, bench_runner& runner, std::uint64_t percent)
{
    const std::uint64_t length = std::max<std::uint64_t>(1, way.length * percent / 100);
    std::vector<std::string> words = {
        "explore",   configs_directory("explore") + "/fixme-race.cfg", "--kernel=golden", "--quiet",
        "--stats=-", fmt::format("--{}={}", way.length_option, length)};
    words.insert(words.end(), way.options.begin(), way.options.end());
    const nlohmann::ordered_json stats = runner.stats_of(way.name, words);
    exploring_rate rate;
    rate.way = way.name;
    rate.seconds = stats.at("host").at("wall_s");
    rate.peak_rss = stats.at("host").at("peak_rss_bytes");
    rate.states = stats.at("explore").at("states");
    rate.moves = stats.at("explore").at("transitions");
    if (way.length_option == std::string("explore.walks"))
        rate.walks = length;
    return rate;
}

std::string walks_cell(const exploring_rate& r)
{
    return r.walks == 0 ? "-" : fmt::format("{:.0f}", static_cast<double>(r.walks) / r.seconds);
}

} // namespace

void measure_exploring(std::vector<exploring_rate>& rates, bench_runner& runner,
                       std::uint64_t repetitions, std::uint64_t percent)
{
    for (const way_of_exploring& way : ways()) {
        exploring_rate best = once(way, runner, percent);
        for (std::uint64_t i = 1; i < repetitions; ++i) {
            const exploring_rate another = once(way, runner, percent);
            if (another.seconds < best.seconds)
                best = another;
        }
        rates.push_back(best);
    }
}

std::string exploring_table(const std::vector<exploring_rate>& rates)
{
    std::string text =
        fmt::format("{:<28} {:>12} {:>12} {:>12} {:>8} {:>8}\n", "exploring fixme-race on golden",
                    "schedules/s", "states/s", "moves/s", "ratio", "RSS MiB");
    for (const exploring_rate& r : rates)
        text +=
            fmt::format("{:<30} {:>12} {:>12.0f} {:>12.0f} {:>8.2f} {:>8}\n", r.way, walks_cell(r),
                        static_cast<double>(r.states) / r.seconds, r.moves_per_second(),
                        r.moves_per_second() / rates.front().moves_per_second(), r.peak_rss >> 20);
    return text;
}

nlohmann::ordered_json exploring_json(const std::vector<exploring_rate>& rates)
{
    nlohmann::ordered_json all = nlohmann::ordered_json::array();
    for (const exploring_rate& r : rates)
        all.push_back({{"way", r.way},
                       {"seconds", r.seconds},
                       {"states", r.states},
                       {"moves", r.moves},
                       {"walks", r.walks},
                       {"moves_to_first", r.moves_per_second() / rates.front().moves_per_second()},
                       {"peak_rss_bytes", r.peak_rss}});
    return all;
}

} // namespace mkclean
