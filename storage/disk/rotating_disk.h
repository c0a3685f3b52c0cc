#pragma once

#include "storage/disk/geometry.h"
#include "storage/disk/timing.h"

namespace mkclean
{

/// `disk.rotating.*`. The defaults are a Seagate Cheetah 9LP (ST39102LW, 1998): geometry and
/// mechanics from the validation set of DiskSim 4.0, the seek curve fitted by least squares to the
/// 106 distances measured there (cheetah9LP.seek; error 0.057 ms rms).
struct rotating_disk_options {
    std::uint64_t rpm = 10045;   ///< turns a minute; 1..1000000
    std::uint64_t surfaces = 12; ///< 1..1000
    std::vector<disk_zone> zones = cheetah_9lp_zones();

    /// The seek curve of Ruemmler and Wilkes (HP Laboratories), d in cylinders, in picoseconds:
    /// d = 1: seek_one; d < seek_knee: seek_short + seek_root * sqrt(d);
    /// else seek_long + seek_slope * d. Each 0..10^12.
    std::uint64_t seek_knee = 1200;           ///< V1, cylinders; 0..10^7
    std::uint64_t seek_short = 1'083'000'000; ///< V2, ps
    std::uint64_t seek_root = 96'640'000;     ///< V3, ps a root of a cylinder
    std::uint64_t seek_long = 3'110'000'000;  ///< V4, ps
    std::uint64_t seek_slope = 1'079'000;     ///< V5, ps a cylinder
    std::uint64_t seek_one = 831'000'000;     ///< V6, ps
    std::uint64_t head_switch = 30'000'000;   ///< ps
    std::uint64_t write_settle = 461'000'000; ///< ps more before writing, wherever the head moved
};

/// Platters that turn and one arm over them.
///
/// The angle is a function of absolute time (the index mark passes the heads at 0 and at every
/// turn), so rotational latency is exact. An access is seek or head switch, settling, and waiting
/// for the sector; it always begins with its first sector. Times are rounded up to the picosecond
/// from exact fractions, the only floating point being one root and one product a seek.
class rotating_disk final : public access_timing
{
public:
    /// Throws std::invalid_argument if a value is out of its range.
    explicit rotating_disk(rotating_disk_options options);

    std::uint64_t capacity() const override { return m_geometry.capacity(); }
    sector_window begin(picoseconds now, sector_number first, media_access kind) override;
    sector_window next(picoseconds now) override;
    picoseconds would_start(picoseconds now, sector_number first, media_access kind) const override;

    const disk_geometry& geometry() const { return m_geometry; }
    /// From one cylinder to another that is `distance` away.
    picoseconds seek_time(std::uint64_t distance) const;

private:
    sector_window approach(picoseconds now, const disk_geometry::place& to,
                           media_access kind) const;
    picoseconds slot_start(std::uint64_t slots_since_zero, std::uint64_t sectors_per_track) const;
    std::uint64_t first_slot_from(picoseconds when, std::uint64_t sectors_per_track) const;

    rotating_disk_options m_options;
    disk_geometry m_geometry;
    std::uint64_t m_cylinder = 0;
    std::uint64_t m_head = 0;
    sector_number m_next;
    media_access m_kind = media_access::read;
};

} // namespace mkclean
