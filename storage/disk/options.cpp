#include "storage/disk/options.h"

#include "storage/disk/registers.h"

#include <stdexcept>
#include <string>

namespace mkclean
{

namespace
{

void check_range(const char* name, std::uint64_t value, std::uint64_t least, std::uint64_t most)
{
    if (value < least || value > most)
        throw std::invalid_argument(std::string("disk.") + name + " = " + std::to_string(value) +
                                    " is not in " + std::to_string(least) + ".." +
                                    std::to_string(most));
}

constexpr std::uint64_t second = 1'000'000'000'000; // ps

} // namespace

void check(const disk_options& options)
{
    check_range("capacity", options.capacity, 1, std::uint64_t{1} << 48);
    check_range("cache_size", options.cache_size, sector_size, std::uint64_t{1} << 40);
    check_range("destage_idle", options.destage_idle, 0, 1'000'000 * second);
    check_range("destage_run", options.destage_run, 1, std::uint64_t{1} << 20);
    check_range("queue_depth", options.queue_depth, 1, disk_slots);
    check_range("dma_beat", options.dma_beat, 1, sector_size);
    check_range("dma_bandwidth", options.dma_bandwidth, 1, second);
    check_range("read_overhead", options.read_overhead, 0, second);
    check_range("write_overhead", options.write_overhead, 0, second);
    check_range("flush_overhead", options.flush_overhead, 0, second);
}

std::unique_ptr<access_timing> make_timing(const disk_options& options)
{
    if (options.kind == disk_kind::constant_latency)
        return std::make_unique<constant_latency>(options.constant);
    return std::make_unique<rotating_disk>(options.rotating);
}

} // namespace mkclean
