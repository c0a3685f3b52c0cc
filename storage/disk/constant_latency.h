#pragma once

#include "storage/disk/timing.h"

namespace mkclean
{

/// `disk.constant.*`. The defaults are a flash drive: 4 KiB read 29.76 us, page program 185 us,
/// 3360 MB/s (Samsung 970 PRO as fitted by NVMeVirt, ssd_config.h).
struct constant_latency_options {
    std::uint64_t read_latency = 29'760'000;   ///< ps before an access' first sector; 0..10^12
    std::uint64_t write_latency = 185'000'000; ///< ps before an access' first sector; 0..10^12
    std::uint64_t bandwidth = 3'360'000'000;   ///< bytes a second; 1..10^12
};

/// A device that takes the same time everywhere.
class constant_latency final : public access_timing
{
public:
    /// Throws std::invalid_argument if a value is out of its range.
    explicit constant_latency(const constant_latency_options& options);

    std::uint64_t capacity() const override { return ~std::uint64_t{0}; }
    sector_window begin(picoseconds now, sector_number first, media_access kind) override;
    sector_window next(picoseconds now) override;
    picoseconds would_start(picoseconds now, sector_number first, media_access kind) const override;

private:
    constant_latency_options m_options;
    picoseconds m_sector_time;
};

} // namespace mkclean
