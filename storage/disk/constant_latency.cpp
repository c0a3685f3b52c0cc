#include "storage/disk/constant_latency.h"

#include <stdexcept>

namespace mkclean
{

namespace
{

constexpr std::uint64_t second = 1'000'000'000'000; // ps

} // namespace

constant_latency::constant_latency(const constant_latency_options& options) : m_options(options)
{
    if (options.read_latency > second || options.write_latency > second)
        throw std::invalid_argument("constant_latency: a latency is above 1 s");
    if (options.bandwidth == 0 || options.bandwidth > second)
        throw std::invalid_argument("constant_latency: bandwidth is not in 1..10^12 bytes/s");
    m_sector_time = picoseconds((sector_size * second + options.bandwidth - 1) / options.bandwidth);
}

sector_window constant_latency::begin(picoseconds now, sector_number first, media_access kind)
{
    const picoseconds start = would_start(now, first, kind);
    return {start, start + m_sector_time, 0};
}

sector_window constant_latency::next(picoseconds now)
{
    return {now, now + m_sector_time, 0};
}

picoseconds constant_latency::would_start(picoseconds now, sector_number, media_access kind) const
{
    return now + (kind == media_access::read ? m_options.read_latency : m_options.write_latency);
}

} // namespace mkclean
