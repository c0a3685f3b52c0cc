#include "tb/bench/scale.h"
#include "sim/number.h"

#include <algorithm>

#include <fmt/format.h>

namespace mkclean
{

namespace
{

constexpr std::uint64_t smallest_file = std::uint64_t{16} << 20;
constexpr std::uint64_t one_page_in = 16;
constexpr std::uint64_t most_cores = 64;

run_settings sparse_file(std::uint64_t bytes)
{
    const std::uint64_t pages = bytes / page_size;
    const std::uint64_t memory = std::max<std::uint64_t>(bytes / 4, std::uint64_t{64} << 20);
    return {{"workload.kind", "touch"},
            {"workload.threads", "1"},
            {"workload.pages", std::to_string(pages)},
            {"workload.operations", std::to_string(pages / one_page_in)},
            {"memory", std::to_string(memory)},
            {"disk.capacity", std::to_string(bytes / sector_size * 2)},
            {"disk.kind", "constant"}};
}

run_settings busy_cores(std::uint64_t cores)
{
    return {{"workload.kind", "touch"},
            {"cores", std::to_string(cores)},
            {"workload.threads", std::to_string(cores)},
            {"workload.pages", "16"},
            {"workload.operations", "500000"},
            {"disk.kind", "constant"}};
}

std::vector<double> sizes_of(const growth& g)
{
    std::vector<double> sizes;
    for (const growth::point& p : g.points)
        sizes.push_back(static_cast<double>(p.size));
    return sizes;
}

} // namespace

double growth::time_exponent() const
{
    std::vector<double> seconds;
    for (const point& p : points)
        seconds.push_back(p.run.seconds);
    return growth_exponent(sizes_of(*this), seconds);
}

double growth::memory_exponent() const
{
    std::vector<double> bytes;
    for (const point& p : points)
        bytes.push_back(static_cast<double>(p.run.peak_rss));
    return growth_exponent(sizes_of(*this), bytes);
}

growth grow_file(bench_runner& runner, std::uint64_t most_bytes)
{
    growth g;
    g.of_what = "file, one page in 16 stored to and synced";
    for (std::uint64_t bytes = smallest_file; bytes <= most_bytes; bytes *= 4)
        g.points.push_back({bytes, runner.run(fmt::format("file of {} MiB", bytes >> 20),
                                              sparse_file(bytes), "/workload/stores")});
    return g;
}

growth grow_cores(bench_runner& runner)
{
    growth g;
    g.of_what = "cores, each storing to its own pages";
    for (std::uint64_t cores = 1; cores <= most_cores; cores *= 2)
        g.points.push_back({cores, runner.run(fmt::format("{} cores", cores), busy_cores(cores),
                                              "/workload/stores")});
    return g;
}

} // namespace mkclean
