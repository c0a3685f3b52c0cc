#pragma once

#include "sim/number.h"

#include <cstdint>

namespace mkclean
{

/// What a disk has done since it was switched on. A command counts when it has succeeded.
struct disk_stats {
    std::uint64_t reads = 0;
    std::uint64_t writes = 0;
    std::uint64_t flushes = 0;
    std::uint64_t failures = 0;        ///< commands that did not succeed
    std::uint64_t sectors_read = 0;    ///< by the host
    std::uint64_t sectors_written = 0; ///< by the host
    std::uint64_t media_reads = 0;     ///< sectors that passed the head, being read
    std::uint64_t media_writes = 0;    ///< sectors that reached the media
    std::uint64_t cache_hits = 0;      ///< sectors read by the host that the write cache had
    std::uint64_t destage_runs = 0;    ///< accesses to write sectors of the cache
    std::uint64_t seeks = 0;           ///< accesses and steps within them that moved the arm
    std::uint64_t room_waits = 0;      ///< times that a write found the cache full
    std::uint64_t max_queue = 0;       ///< most slots outstanding at a time
    picoseconds mechanism_busy;        ///< positioning and transferring
    picoseconds interface_busy;        ///< fetching commands and moving data over the bus
    picoseconds service_time;          ///< sum over commands, from issue to done or failed
};

} // namespace mkclean
