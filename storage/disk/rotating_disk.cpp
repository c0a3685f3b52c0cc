#include "storage/disk/rotating_disk.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

namespace mkclean
{

namespace
{

// Slots since time zero, times a minute in ps, need 90 bits.
__extension__ using wide = unsigned __int128;

constexpr std::uint64_t minute = 60'000'000'000'000; // ps

constexpr std::uint64_t longest_delay = 1'000'000'000'000; // ps

void check(bool fine, const char* what)
{
    if (!fine)
        throw std::invalid_argument(std::string("rotating_disk: ") + what);
}

} // namespace

rotating_disk::rotating_disk(rotating_disk_options options)
    : m_options(std::move(options)),
      m_geometry(m_options.zones, m_options.surfaces)
{
    const rotating_disk_options& o = m_options;
    check(o.rpm >= 1 && o.rpm <= 1'000'000, "rpm is not in 1..1000000");
    check(o.seek_knee <= 10'000'000, "seek_knee is above 10^7 cylinders");
    for (const std::uint64_t delay : {o.seek_short, o.seek_root, o.seek_long, o.seek_slope,
                                      o.seek_one, o.head_switch, o.write_settle})
        check(delay <= longest_delay, "a time is above 1 s");
}

picoseconds rotating_disk::seek_time(std::uint64_t distance) const
{
    const rotating_disk_options& o = m_options;
    if (distance == 0)
        return picoseconds(0);
    if (distance == 1)
        return picoseconds(o.seek_one);
    if (distance >= o.seek_knee)
        return picoseconds(o.seek_long + o.seek_slope * distance);
    // IEEE 754 rounds a root and a product correctly; the sum is taken in integers because a
    // compiler may fuse a floating product and sum, which rounds differently.
    const double root = std::sqrt(static_cast<double>(distance));
    const double product = static_cast<double>(o.seek_root) * root;
    return picoseconds(o.seek_short + static_cast<std::uint64_t>(product));
}

picoseconds rotating_disk::slot_start(std::uint64_t slots_since_zero,
                                      std::uint64_t sectors_per_track) const
{
    const wide slots_a_minute = wide{m_options.rpm} * sectors_per_track;
    const wide start = (wide{minute} * slots_since_zero + slots_a_minute - 1) / slots_a_minute;
    return picoseconds(static_cast<std::uint64_t>(start));
}

std::uint64_t rotating_disk::first_slot_from(picoseconds when,
                                             std::uint64_t sectors_per_track) const
{
    // The least n for which slot_start(n) >= when. Exact, so that whoever arrives at the very end
    // of a sector gets the next one instead of a whole turn.
    if (when == picoseconds(0))
        return 0;
    const wide slots_a_minute = wide{m_options.rpm} * sectors_per_track;
    return static_cast<std::uint64_t>(wide{when.raw() - 1} * slots_a_minute / minute) + 1;
}

sector_window rotating_disk::approach(picoseconds now, const disk_geometry::place& to,
                                      media_access kind) const
{
    const std::uint64_t distance =
        to.cylinder > m_cylinder ? to.cylinder - m_cylinder : m_cylinder - to.cylinder;
    picoseconds arrival = now + seek_time(distance);
    if (to.head != m_head)
        arrival = std::max(arrival, now + m_options.head_switch);
    if ((distance != 0 || to.head != m_head) && kind == media_access::write)
        arrival += picoseconds(m_options.write_settle);

    const std::uint64_t here = first_slot_from(arrival, to.sectors_per_track);
    const std::uint64_t ahead =
        (to.slot + to.sectors_per_track - here % to.sectors_per_track) % to.sectors_per_track;
    return {slot_start(here + ahead, to.sectors_per_track),
            slot_start(here + ahead + 1, to.sectors_per_track), distance};
}

sector_window rotating_disk::begin(picoseconds now, sector_number first, media_access kind)
{
    const disk_geometry::place to = m_geometry.find(first);
    const sector_window window = approach(now, to, kind);
    m_cylinder = to.cylinder;
    m_head = to.head;
    m_next = first + 1;
    m_kind = kind;
    return window;
}

sector_window rotating_disk::next(picoseconds now)
{
    return begin(now, m_next, m_kind);
}

picoseconds rotating_disk::would_start(picoseconds now, sector_number first,
                                       media_access kind) const
{
    return approach(now, m_geometry.find(first), kind).start;
}

} // namespace mkclean
