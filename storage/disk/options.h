#pragma once

#include "storage/disk/constant_latency.h"
#include "storage/disk/media.h"
#include "storage/disk/rotating_disk.h"
#include "storage/disk/write_cache.h"

#include <memory>

namespace mkclean
{

/// Which commands the mechanism serves first (`disk.scheduling`).
enum class disk_scheduling {
    fcfs, ///< in the order in which they were fetched
    /// The one whose first sector passes soonest (shortest positioning time first). Nothing keeps
    /// a far one from waiting as long as nearer ones keep coming.
    nearest
};

enum class disk_kind { rotating, constant_latency };

/// `disk.*`. Where nothing else is said, the defaults are a Seagate Cheetah 9LP (ST39102LW) and
/// come from the validation set of DiskSim 4.0 (cheetah9LP.diskspecs).
struct disk_options {
    disk_kind kind = disk_kind::rotating;
    std::uint64_t capacity = 17'783'240; ///< sectors; 1..what the kind can address
    leftover never_written = leftover::pattern;

    bool write_cache = true;            ///< false: a write is done when it is on the media
    std::uint64_t cache_size = 861'696; ///< bytes, 512..2^40; also the buffer without write cache
    destage_order destage = destage_order::elevator;
    std::uint64_t destage_idle = 10'000'000'000; ///< ps without a command, then the cache empties
    std::uint64_t destage_run = 256;             ///< sectors in one access at most, 1..2^20

    /// A write's sectors are read from memory twice: for their checksums, and then for good. If one
    /// has changed in between, the write fails (T10 DIF, RAID 5 and whatever else computes first).
    bool checksums = false;

    std::uint64_t queue_depth = 32; ///< commands worked on at a time, 1..32
    disk_scheduling scheduling = disk_scheduling::fcfs;

    std::uint64_t dma_beat = 64;              ///< bytes, 1..512: moved in one bus transaction
    std::uint64_t dma_bandwidth = 80'000'000; ///< bytes a second, 1..10^12 (Ultra2 wide SCSI)
    /// What the controller's processor takes over a command before it begins to work on it, ps, 0..
    /// 10^12. Source: "read miss overhead after read", "write hit overhead after read".
    std::uint64_t read_overhead = 283'620'000;
    std::uint64_t write_overhead = 748'000'000;
    std::uint64_t flush_overhead = 0;

    rotating_disk_options rotating;
    constant_latency_options constant;
};

/// Throws std::invalid_argument if a value of the controller's own is out of its range.
void check(const disk_options& options);

/// The timing model that the options name. Throws std::invalid_argument for what they cannot be.
std::unique_ptr<access_timing> make_timing(const disk_options& options);

} // namespace mkclean
