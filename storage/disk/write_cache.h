#pragma once

#include "sim/number.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

namespace mkclean
{

/// In which order the cache's sectors go to the media (`disk.destage`).
enum class destage_order {
    elevator, ///< upwards from the arm, then again from the lowest (C-SCAN)
    fifo      ///< what has waited longest first
};

/// Contiguous sectors.
struct sector_run {
    sector_number first;
    std::uint64_t count = 0;
};

/// The disk's volatile memory: sectors that it has accepted and that are not on the media yet.
///
/// Every accepted sector gets a version, counted over the whole cache. The media gets the version
/// that the cache held when the head began to write the sector; a sector accepted again meanwhile
/// has a newer one and so stays in the cache.
///
/// Complexity: O(log n) in the sectors held; next_run() may pass over many, but see there.
class volatile_write_cache
{
public:
    using version = std::uint64_t;
    static constexpr version any_version = ~version{0};

    /// `capacity` in bytes; only whole sectors count, at least one.
    explicit volatile_write_cache(std::uint64_t capacity);

    std::uint64_t capacity_sectors() const { return m_capacity; }
    std::uint64_t held_sectors() const { return m_entries.size(); }
    bool empty() const { return m_entries.empty(); }
    bool contains(sector_number s) const { return m_entries.count(s.raw()) != 0; }
    /// A sector that is rewritten takes the room it has.
    bool has_room_for(sector_number s) const { return held_sectors() < m_capacity || contains(s); }

    /// Accepts one sector, for which there must be room; returns its version, counted from 1.
    version put(sector_number s, const void* from);
    /// Copies the sector if it is here.
    bool read(sector_number s, void* to) const;

    /// The version of the sector accepted last; 0 before the first.
    version latest() const { return m_latest; }
    /// The oldest version that is neither on the media nor has been overtaken there by a newer one
    /// of its sector; any_version if there is none. A flush of everything accepted up to version v
    /// is done when this is above v.
    version oldest() const;

    /// The next run to go to the media, at most `longest` sectors, beginning with a sector that
    /// waits since version `not_after` or before. By the elevator it passes over what is younger:
    /// O(n) for all the runs of one turn together, as long as the arm goes with them.
    std::optional<sector_run> next_run(destage_order order, sector_number arm,
                                       std::uint64_t longest,
                                       version not_after = any_version) const;
    /// The run that begins with `first`; its count is 0 if that sector is not here.
    sector_run run_at(sector_number first, std::uint64_t longest) const;

    /// The head begins to write this sector: copies what it is to write. The sector must be here.
    version begin_destage(sector_number s, void* to);
    /// The media holds that version now; the sector leaves unless it was accepted again meanwhile.
    void destaged(sector_number s, version written);

    /// The power is gone, and everything with it.
    void drop();

private:
    struct entry {
        std::array<std::byte, sector_size> data;
        version current = 0;
        version waits_since = 0; // the oldest version that the media does not have
        version first_after = 0; // the first accepted since begin_destage(); 0: none
    };

    std::uint64_t m_capacity;
    version m_latest = 0;
    std::map<std::uint64_t, entry> m_entries;  // by sector
    std::map<version, std::uint64_t> m_by_age; // waits_since -> sector
};

} // namespace mkclean
