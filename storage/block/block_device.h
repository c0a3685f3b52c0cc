#pragma once

#include "cache/page_cache.h"
#include "mmu/physical_memory.h"
#include "sim/bus_port.h"
#include "sim/locks.h"
#include "storage/disk/registers.h"

#include <array>
#include <map>
#include <memory>
#include <vector>

namespace mkclean
{

class option_set;

enum class elevator {
    noop, ///< first come, first served; contiguous requests are merged
    cscan ///< by sector, upwards, then from the lowest again
};

struct block_options {
    elevator order = elevator::cscan;
    std::uint64_t queue_depth = 1;    ///< commands outstanding at the disk, 1..32; 1 = no NCQ
    std::uint64_t max_segments = 128; ///< buffers in one request, 1..128
    std::uint64_t nr_requests = 128;  ///< queued; who comes then sleeps

    void declare(option_set& options);
};

struct block_stats {
    std::uint64_t reads = 0;  ///< requests
    std::uint64_t writes = 0; ///< requests
    std::uint64_t flushes = 0;
    std::uint64_t merges = 0;
    std::uint64_t blocks_read = 0;
    std::uint64_t blocks_written = 0; ///< buffers, of whatever size
    std::uint64_t sectors_written = 0;
    std::uint64_t max_queued = 0;
};

enum class block_op { read, write };

/// A block device as filesystems see it: a queue of requests, sorted and merged, and the driver of
/// the controller below. Completions come in interrupt context.
///
/// Complexity: O(log n) in the requests queued, for every operation.
class block_device
{
public:
    /// `registers` is where the controller's registers are on the bus. Takes frames for the command
    /// list and the segment tables from `cache` before anything runs.
    block_device(const block_options& options, page_cache& cache, physical_memory& memory,
                 bus_port& bus, physical_address registers);
    ~block_device();

    /// submit_bh(): `bh` is locked, mapped, its completion set. Sleeps while the queue is full.
    void submit(actor& self, block_op op, buffer_head& bh, bool fua = false);
    /// blkdev_issue_flush(): returns when everything written before is on the media.
    void issue_flush(actor& self);
    /// The interrupt service routine.
    void handle_interrupt(actor& self);

    /// Nearly full: who need not wait should do something else.
    bool congested() const { return m_by_sector.size() >= m_options.nr_requests * 7 / 8; }
    std::uint64_t in_flight() const { return m_in_flight; }
    std::uint64_t queued() const { return m_by_sector.size(); }
    const block_stats& stats() const { return m_stats; }

private:
    struct request {
        block_op op = block_op::write;
        bool flush = false;
        bool fua = false;
        std::uint64_t first = 0; ///< sector
        std::uint64_t sectors = 0;
        std::vector<buffer_head*> buffers;
        bool* done = nullptr; ///< of a flush
        std::uint64_t end() const { return first + sectors; }
    };
    using request_key =
        std::pair<std::uint64_t, std::uint64_t>; // first sector (or arrival), arrival
    using queue = std::map<request_key, request>;

    void write_register(actor& self, std::uint64_t offset, std::uint32_t value);
    std::uint32_t read_register(actor& self, std::uint64_t offset);
    bool merge(block_op op, buffer_head& bh, std::uint64_t first, std::uint64_t sectors, bool fua);
    void enqueue(request r);
    request take_next();
    void dispatch(actor& self);
    void start(actor& self, unsigned slot, request r);
    void complete(actor& self, request& r, bool success);
    physical_address table_of(unsigned slot) const;

    block_options m_options;
    page_cache& m_cache;
    physical_memory& m_memory;
    bus_port& m_bus;
    physical_address m_registers;
    physical_address m_list;
    std::vector<page*> m_tables;

    irq_spinlock m_lock;
    queue m_by_sector;
    std::map<std::uint64_t, request_key> m_by_end; ///< for merging at the back
    std::vector<request> m_flushes;
    std::uint64_t m_arrivals = 0;
    std::uint64_t m_arm = 0; ///< where the last request ended
    std::array<std::unique_ptr<request>, disk_slots> m_slots;
    std::uint64_t m_in_flight = 0;
    bool m_interrupts_enabled = false;
    wait_queue m_flush_waiters;
    wait_queue m_room;
    block_stats m_stats;
};

} // namespace mkclean
