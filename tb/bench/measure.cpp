#include "tb/bench/measure.h"
#include "tb/bench/native.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace mkclean
{

namespace
{

constexpr double nanoseconds = 1e9;
constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;
constexpr std::uint64_t rtorrent_chunk = 1460;
constexpr unsigned most_attempts = 5;

// The sums that a store in its plainest form takes are too short to be timed alone.
constexpr std::uint64_t fewest_native_stores = 20'000'000;

std::uint64_t part_of(std::uint64_t length, std::uint64_t percent)
{
    return std::max<std::uint64_t>(1, length * percent / 100);
}

double native_nanoseconds(const bench_case& c, std::uint64_t percent)
{
    if (c.native == native_program::rtorrent) {
        const std::uint64_t bytes = part_of(c.most, percent) * mebibyte;
        const std::uint64_t chunks = bytes / rtorrent_chunk; // whole ones
        return time_rtorrent(bytes, rtorrent_chunk) / static_cast<double>(chunks) * nanoseconds;
    }
    const std::uint64_t stores = part_of(fewest_native_stores, percent);
    return time_scattered_stores(c.native_pages, stores) / static_cast<double>(stores) *
           nanoseconds;
}

} // namespace

nlohmann::ordered_json bench_runner::stats_of(const std::string& name,
                                              const std::vector<std::string>& words)
{
    m_progress(name);
    const auto nobody_waits = [](std::size_t, const sweep_result&) {};
    const sweep_result result =
        run_commands(m_executable, {words}, 1, m_watch, nobody_waits).front();
    if (result.code == exit_code::interrupted)
        throw bench_interrupted();
    if (result.code != exit_code::as_expected)
        throw std::runtime_error(fmt::format("{}: a run ended with exit code {}: {}", name,
                                             result.code, result.complaint));
    return result.stats;
}

timed_run bench_runner::run(const std::string& name, const run_settings& settings,
                            const std::string& operations)
{
    std::vector<std::string> words = {"run", "--quiet", "--stats=-"};
    for (const auto& [option, value] : settings)
        words.push_back(fmt::format("--{}={}", option, value));
    const nlohmann::ordered_json stats = stats_of(name, words);
    timed_run timed;
    timed.seconds = stats.at("host").at("wall_s");
    timed.peak_rss = stats.at("host").at("peak_rss_bytes");
    timed.operations = stats.at(nlohmann::ordered_json::json_pointer(operations)).get<double>();
    return timed;
}

timed_run bench_runner::fastest(std::uint64_t repetitions, const std::string& name,
                                const run_settings& settings, const std::string& operations)
{
    timed_run best = run(name, settings, operations);
    for (std::uint64_t i = 1; i < repetitions; ++i) {
        const timed_run another = run(name, settings, operations);
        if (another.seconds < best.seconds)
            best = another;
    }
    return best;
}

double bench_runner::nanoseconds_an_operation(const bench_case& c, const run_settings& extra,
                                              std::uint64_t percent, bench_result& result)
{
    const auto run_of_length = [&](std::uint64_t length) {
        run_settings settings = c.settings;
        settings.insert(settings.end(), extra.begin(), extra.end());
        settings.emplace_back(c.length_option,
                              fmt::format("{}{}", part_of(length, percent), c.length_unit));
        const timed_run timed = run(c.name, settings, c.operations);
        result.peak_rss = std::max(result.peak_rss, timed.peak_rss);
        result.operations =
            std::max(result.operations, static_cast<std::uint64_t>(timed.operations));
        return timed;
    };
    for (unsigned attempts = most_attempts;;) {
        const timed_run less = c.least == 0 ? timed_run() : run_of_length(c.least);
        const timed_run more = run_of_length(c.most);
        // The shorter one was held up by something else if it took longer.
        if (more.seconds > less.seconds || --attempts == 0)
            return (more.seconds - less.seconds) / (more.operations - less.operations) *
                   nanoseconds;
    }
}

bench_result bench_runner::measure(const bench_case& c, std::uint64_t repetitions,
                                   std::uint64_t percent)
{
    bench_case slow = c;
    slow.least /= c.every_access_part;
    slow.most /= c.every_access_part;
    bench_result result;
    result.what = c;
    bench_result of_slow_runs;
    for (std::uint64_t i = 0; i < repetitions; ++i) {
        result.window.values.push_back(nanoseconds_an_operation(c, {}, percent, result));
        result.every_access.values.push_back(
            nanoseconds_an_operation(slow, {{"time.sync", "every_access"}}, percent, of_slow_runs));
        if (c.native != native_program::none)
            result.native.values.push_back(native_nanoseconds(c, percent));
    }
    return result;
}

} // namespace mkclean
