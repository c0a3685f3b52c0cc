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
constexpr std::uint64_t most_requests = 131'072;
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

// Enough memory for the kernel not to throttle: with most of it mapped it does so at 5 %.
std::string plenty_of_memory(std::uint64_t pages)
{
    return std::to_string(std::max(pages * page_size * 32, std::uint64_t{64} << 20));
}

run_settings cached_pages(std::uint64_t pages)
{
    return {{"workload.kind", "touch"},
            {"workload.threads", "1"},
            {"workload.pages", std::to_string(pages)},
            {"workload.operations", std::to_string(pages * 2)},
            {"memory", plenty_of_memory(pages)},
            {"vm.dirty_writeback", "0s"}, // or else the longer runs write some pages twice
            {"fs.type", "ext2"},
            {"disk.capacity", std::to_string(pages * page_size / sector_size * 2)},
            {"disk.kind", "constant"}};
}

// The first msync gives every page its block: while it does, it waits for bitmaps to be read,
// behind all that is queued. The second only writes, one request a page.
run_settings deep_queue(std::uint64_t pages)
{
    return {{"oracle", "off"},
            {"workload.kind", "touch"},
            {"workload.threads", "1"},
            {"workload.pages", std::to_string(pages)},
            {"workload.operations", std::to_string(pages * 8)},
            {"workload.sync_every", std::to_string(pages * 4)},
            {"memory", plenty_of_memory(pages)},
            {"vm.dirty_ratio", "100%"},
            {"vm.dirty_background_ratio", "100%"},
            {"vm.dirty_writeback", "0s"},
            {"fs.type", "ext2"},
            {"block.nr_requests", "1000000"},
            {"block.max_segments", "1"},
            {"block.queue_depth", "32"},
            {"disk.capacity", std::to_string(pages * page_size / sector_size * 2)},
            {"disk.kind", "constant"},
            {"disk.constant.write", "1ms"}};
}

// As many pages in all, however many cores share them out: the host's caches shall weigh the same.
run_settings busy_cores(std::uint64_t cores)
{
    return {{"workload.kind", "touch"},
            {"cores", std::to_string(cores)},
            {"workload.threads", std::to_string(cores)},
            {"workload.pages", std::to_string(most_cores / cores)},
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

void grow_file(growth& g, bench_runner& runner, std::uint64_t repetitions, std::uint64_t most_bytes)
{
    g.of_what = "file, one page in 16 stored to and synced";
    g.in_bytes = true;
    for (std::uint64_t bytes = smallest_file; bytes <= most_bytes; bytes *= 4)
        g.points.push_back(
            {bytes, runner.fastest(repetitions, fmt::format("file of {} MiB", bytes >> 20),
                                   sparse_file(bytes), "/workload/stores")});
}

void grow_page_cache(growth& g, bench_runner& runner, std::uint64_t repetitions,
                     std::uint64_t most_bytes)
{
    g.of_what = "pages cached";
    for (std::uint64_t pages = 4096; pages * page_size <= most_bytes / 4; pages *= 4) {
        const timed_run run = runner.fastest(repetitions, fmt::format("{} cached pages", pages),
                                             cached_pages(pages), "/vm/nr_file_pages");
        g.points.push_back({static_cast<std::uint64_t>(run.operations), run});
    }
}

void grow_request_queue(growth& g, bench_runner& runner, std::uint64_t repetitions,
                        std::uint64_t most_bytes)
{
    g.of_what = "requests queued at once";
    for (std::uint64_t pages = 512; pages <= most_requests && pages * page_size <= most_bytes / 4;
         pages *= 4) {
        const timed_run run = runner.fastest(repetitions, fmt::format("{} requests", pages),
                                             deep_queue(pages), "/block/max_queued");
        g.points.push_back({static_cast<std::uint64_t>(run.operations), run});
    }
}

void grow_cores(growth& g, bench_runner& runner, std::uint64_t repetitions)
{
    g.of_what = "cores, each storing as much to its own pages";
    for (std::uint64_t cores = 1; cores <= most_cores; cores *= 2)
        g.points.push_back({cores, runner.fastest(repetitions, fmt::format("{} cores", cores),
                                                  busy_cores(cores), "/workload/stores")});
}

} // namespace mkclean
