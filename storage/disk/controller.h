#pragma once

#include "sim/bus_port.h"
#include "sim/engine.h"
#include "storage/disk/command.h"
#include "storage/disk/options.h"
#include "storage/disk/registers.h"
#include "storage/disk/stats.h"

#include "sim/fifo.h"
#include <array>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace mkclean
{

/// How the log prints the disk's steps: "before" is the first sector, "after" how many.
std::string show_disk_sectors(std::uint64_t first, std::uint64_t count);

/// What a disk is plugged into.
struct disk_connections {
    executor& exec;
    event_log& log;
    const costs& cost;
    bus_port& bus;
    interrupt_line& interrupt;
    std::string name = "disk"; ///< as the log prints it
    unsigned priority = 0;     ///< the interface's among what is due at one instant; mechanism +1
};

/// A disk as its host sees it: registers, commands in memory, data moved by DMA.
///
/// Two engines work side by side. The *interface* fetches commands and moves data over the bus,
/// beat by beat: what a write stores is what memory holds at the instant of each beat. The
/// *mechanism* moves sectors between cache and media, sector by sector: a sector is on the media
/// at the end of its window, not before, so a power cut tears a write between sectors.
///
/// Every write goes through the cache. It is done when its last beat is there; with FUA, or
/// without write cache, when the media has all of it (or newer data for the same sectors). Without
/// room its DMA stops at the sector until there is some; other commands go on. A write whose DMA
/// fails leaves the sectors before. A flush is done when everything the cache held when it was
/// fetched is on the media: all writes that were done by then, perhaps more. Commands outstanding
/// together have no order among them.
///
/// The cache empties on its own when the disk has been idle for `destage_idle` and while it is more
/// than half full; such a run gives way to a command after the current sector.
///
/// Lives as long as its executor runs tasks: end those with cancel_all() before destroying it.
class disk_controller
{
public:
    /// Throws std::invalid_argument if an option is out of its range or the media is larger than
    /// what `timing` can address. All references must outlive the controller.
    disk_controller(const disk_options& options, const disk_connections& to, disk_media& media,
                    access_timing& timing);

    /// Registers by byte offset, see registers.h. Neither takes time nor waits; may be called by
    /// the interrupt's handler.
    std::uint32_t read_register(std::uint64_t offset) const;
    void write_register(std::uint64_t offset, std::uint32_t value);

    /// A defect: the next write to this sector fails as a whole.
    void fail_next_write(sector_number s) { m_defects.insert(s.raw()); }

    /// From this instant nothing reaches the media or the bus any more, for good. To switch it on
    /// again, build another controller over the same media.
    void cut_power();
    bool powered() const { return m_powered; }

    /// Without time, for whoever judges: what would survive a power cut now, and what a read
    /// would return now. Throw std::out_of_range beyond the end.
    void read_durable(sector_number first, std::uint64_t count, void* to) const;
    void read_current(sector_number first, std::uint64_t count, void* to) const;

    const disk_stats& stats() const { return m_stats; }
    const volatile_write_cache& cache() const { return m_cache; }

private:
    enum class stage {
        free,
        to_cache,   // interface: memory -> cache
        no_room,    // mechanism is to make some
        to_media,   // mechanism: all in the cache, not done before it is on the media
        from_media, // mechanism: media and cache -> buffer
        to_memory,  // interface: buffer -> memory
        flushing    // mechanism: cache -> media
    };

    struct slot {
        stage now = stage::free;
        disk_command command;
        picoseconds issued;
        std::vector<disk_segment> segments;
        std::size_t segment = 0;                             // where the DMA is
        std::uint32_t segment_offset = 0;                    // bytes into it
        std::uint32_t moved = 0;                             // sectors
        std::vector<std::byte> buffer;                       // of a read
        std::vector<std::uint16_t> guards;                   // of a write's sectors
        bool durable = false;                                // a write that waits for the media
        std::vector<volatile_write_cache::version> versions; // of its sectors; 0: not yet in cache
        std::uint32_t landed = 0;                            // sectors on the media
        volatile_write_cache::version flush_up_to = 0;

        sector_number at(std::uint64_t index) const { return command.first + index; }
    };

    /// What the mechanism does next.
    struct work {
        std::optional<unsigned> read; // that slot; else it destages `run`
        sector_run run;
        bool background = false;
    };

    struct power_lost {
    };

    static constexpr unsigned no_slot = disk_slots;

    void run_interface(engine& self);
    void fetch(engine& self, unsigned index);
    bool fetch_command(engine& self, unsigned index);
    void begin(engine& self, unsigned index);
    void move_to_cache(engine& self, unsigned index);
    bool guard_sectors(engine& self, slot& s);
    void move_to_memory(engine& self, unsigned index);
    template <class Move>
    bool move_sector(engine& self, slot& s, Move&& move);
    bool fetch_bytes(engine& self, physical_address from, std::byte* to, std::size_t bytes);
    bool may_fetch() const;
    unsigned next_transfer() const;

    void run_mechanism(engine& self);
    std::optional<work> next_work() const;
    std::optional<work> work_for(unsigned index) const;
    bool has_demand() const;
    /// Fills a read's buffer; `missing` must come from the media, the rest may.
    void gather(engine& self, unsigned index, const sector_run& missing);
    void destage(engine& self, const work& w);
    void landed(engine& self, sector_number sector, volatile_write_cache::version written);
    sector_run missing_from_cache(const slot& s) const;

    void complete(engine& self, unsigned index, bool fine);
    template <class Ready>
    void wait_for(engine& self, wait_queue& queue, Ready&& ready);
    void pause_until(engine& self, picoseconds when);
    picoseconds beat_time(std::size_t bytes) const;
    void issue(std::uint32_t slots);

    const disk_options m_options;
    executor& m_executor;
    bus_port& m_bus;
    interrupt_line& m_interrupt;
    disk_media& m_media;
    access_timing& m_timing;
    volatile_write_cache m_cache;
    std::set<std::uint64_t> m_defects; // sectors
    disk_stats m_stats;
    bool m_powered = true;

    std::uint64_t m_list = 0;
    std::uint32_t m_outstanding = 0;
    std::uint32_t m_done = 0;
    std::uint32_t m_failed = 0;
    std::uint32_t m_interrupt_enable = 0;

    std::array<slot, disk_slots> m_slots;
    fifo<unsigned> m_issued;        // not fetched yet, in the order of issue
    std::vector<unsigned> m_active; // fetched, in that order
    sector_number m_arm;            // behind the sector accessed last
    picoseconds m_idle_since;
    executor::timer m_idle_timer;
    wait_queue m_interface_work;
    wait_queue m_mechanism_work;
    engine m_interface; // last: they begin to use all of the above
    engine m_mechanism;
};

template <class Ready>
void disk_controller::wait_for(engine& self, wait_queue& queue, Ready&& ready)
{
    self.block_until(queue, [&] { return !m_powered || ready(); });
    if (!m_powered)
        throw power_lost();
}

} // namespace mkclean
