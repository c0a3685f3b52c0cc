#include "storage/disk/geometry.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace mkclean
{

std::vector<disk_zone> cheetah_9lp_zones()
{
    // First and last cylinder, sectors per track, track skew, cylinder skew, spares. A cylinder is
    // left out between most zones.
    return {{0, 846, 254, 97, 133, 1270},    {848, 1643, 245, 97, 133, 980},
            {1645, 2392, 238, 97, 117, 952}, {2394, 3096, 227, 97, 116, 908},
            {3098, 3757, 217, 97, 108, 651}, {3759, 4379, 209, 97, 108, 627},
            {4381, 4964, 201, 97, 108, 402}, {4966, 5515, 189, 88, 94, 2268},
            {5516, 6031, 181, 88, 93, 1991}, {6032, 6517, 174, 88, 93, 1914},
            {6518, 6961, 167, 88, 80, 218}};
}

namespace
{

constexpr std::uint64_t most_cylinders = 10'000'000;
constexpr std::uint64_t most_sectors_per_track = 1'000'000;
constexpr std::uint64_t most_surfaces = 1000;

} // namespace

disk_geometry::disk_geometry(std::vector<disk_zone> zones, std::uint64_t surfaces)
    : m_zones(std::move(zones)),
      m_surfaces(surfaces)
{
    // The limits keep every product below 64 bits.
    if (m_zones.empty() || m_surfaces == 0 || m_surfaces > most_surfaces)
        throw std::invalid_argument(
            "disk_geometry: no zone, or a number of surfaces not in 1..1000");
    std::uint64_t next_cylinder = 0;
    for (const disk_zone& z : m_zones) {
        if (z.first_cylinder < next_cylinder || z.last_cylinder < z.first_cylinder ||
            z.last_cylinder > most_cylinders)
            throw std::invalid_argument("disk_geometry: zones out of order");
        if (z.sectors_per_track == 0 || z.sectors_per_track > most_sectors_per_track ||
            z.track_skew >= z.sectors_per_track || z.cylinder_skew >= z.sectors_per_track)
            throw std::invalid_argument("disk_geometry: no sector on a track, or a skew of a turn");
        const std::uint64_t sectors =
            (z.last_cylinder - z.first_cylinder + 1) * m_surfaces * z.sectors_per_track;
        if (z.spare_sectors >= sectors)
            throw std::invalid_argument("disk_geometry: a zone of nothing but spares");
        m_first_sector.push_back(m_capacity);
        m_capacity += sectors - z.spare_sectors;
        next_cylinder = z.last_cylinder + 1;
    }
}

disk_geometry::place disk_geometry::find(sector_number s) const
{
    if (s.raw() >= m_capacity)
        throw std::out_of_range("disk_geometry: no such sector");
    const auto after = std::upper_bound(m_first_sector.begin(), m_first_sector.end(), s.raw());
    const auto index = static_cast<std::size_t>(after - m_first_sector.begin()) - 1;
    const disk_zone& z = m_zones[index];

    const std::uint64_t track = (s.raw() - m_first_sector[index]) / z.sectors_per_track;
    const std::uint64_t on_track = (s.raw() - m_first_sector[index]) % z.sectors_per_track;
    const std::uint64_t cylinder = track / m_surfaces;
    const std::uint64_t head = track % m_surfaces;
    const std::uint64_t skew =
        cylinder * (z.cylinder_skew + (m_surfaces - 1) * z.track_skew) + head * z.track_skew;
    return {z.first_cylinder + cylinder, head, (skew + on_track) % z.sectors_per_track,
            z.sectors_per_track};
}

} // namespace mkclean
