#pragma once

#include "sim/number.h"

#include <cstdint>
#include <vector>

namespace mkclean
{

/// Neighbouring cylinders with the same number of sectors on every track.
struct disk_zone {
    std::uint64_t first_cylinder = 0;
    std::uint64_t last_cylinder = 0;
    std::uint64_t sectors_per_track = 1;
    /// By how many sectors the first sector of a track lies behind that of the track before: with
    /// the next head in the same cylinder, and with the first head of the next cylinder.
    std::uint64_t track_skew = 0;
    std::uint64_t cylinder_skew = 0;
    std::uint64_t spare_sectors = 0; ///< at the zone's end, never addressed
};

/// The zones of a Seagate Cheetah 9LP (ST39102LW), as extracted from a drive for the validation set
/// of DiskSim 4.0 (Carnegie Mellon University, University of Michigan), file cheetah9LP.model.
std::vector<disk_zone> cheetah_9lp_zones();

/// Where the sectors lie: track by track through a cylinder, cylinder by cylinder inwards.
/// Complexity: O(log zones).
class disk_geometry
{
public:
    /// Where a sector is, in the shape of the platters.
    struct place {
        std::uint64_t cylinder = 0;
        std::uint64_t head = 0;
        std::uint64_t slot = 0;              ///< 1/sectors_per_track of a turn after the index mark
        std::uint64_t sectors_per_track = 1; ///< there
    };

    /// Zones in order and apart; throws std::invalid_argument otherwise.
    disk_geometry(std::vector<disk_zone> zones, std::uint64_t surfaces);

    std::uint64_t capacity() const { return m_capacity; }
    /// `s` must be below capacity().
    place find(sector_number s) const;

private:
    std::vector<disk_zone> m_zones;
    std::vector<std::uint64_t> m_first_sector; // of each zone
    std::uint64_t m_surfaces;
    std::uint64_t m_capacity = 0;
};

} // namespace mkclean
