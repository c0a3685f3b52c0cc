#pragma once

#include "mmu/dirty_log.h"
#include "mmu/page_table.h"
#include "mmu/paging_structure_cache.h"
#include "mmu/table_line_cache.h"
#include "mmu/tlb.h"
#include "sim/actor.h"
#include "sim/bus_port.h"

namespace mkclean
{

class option_set;

enum class access_kind { load, store };

/// `mmu.sets_dirty`: who sets A and D.
enum class dirty_setter {
    walker,     ///< hardware: x86, RISC-V with Svadu, Arm with FEAT_HAFDBS
    fault,      ///< software, told by a fault: RISC-V with Svade, Armv8.0, MIPS, Alpha
    storage_key ///< nobody: R and C in the key of the frame are set instead (s390)
};

/// `walker.rechecks`: what setting A or D does if the PTE is not what the walk has read any more.
enum class dirty_recheck {
    always, ///< nothing: it is read again, as is done in one locked operation (rule R4)
    strays, ///< the bits are set all the same, and then it is read again: erratum KNL4
    never   ///< the bits are set, and the access goes through, as of what was read first
};

struct walker_options {
    dirty_setter sets_dirty = dirty_setter::walker;
    pte_layout layout = pte_layout::x86_64;
    paging_structure_cache_options tables;
    std::uint64_t dirty_log_entries = 0; ///< of a core's log of dirtied pages; 0: there is none
    dirty_recheck rechecks = dirty_recheck::always;
    std::uint64_t assist = 0; ///< cycles that setting A or D takes beyond the locked operation
    table_line_options lines;
    std::uint64_t shared_ports = 0; ///< walks at a time on all cores; 0: every core has a walker

    void declare(option_set& options);
};

struct walker_stats {
    std::uint64_t walks = 0;
    std::uint64_t reads = 0;      ///< entries read over the bus
    std::uint64_t line_hits = 0;  ///< those that found their line in a cache, where any is modelled
    std::uint64_t cache_hits = 0; ///< walks that began at the leaf table
    std::uint64_t upper_cache_hits = 0; ///< walks that began at a table between it and the root
    std::uint64_t accessed_set = 0;
    std::uint64_t dirty_set = 0; ///< PTE.D turned from 0 to 1 by hardware
    std::uint64_t retries = 0;   ///< the PTE changed between the read and the locked update
    std::uint64_t logged = 0;    ///< pages appended to the log of dirtied pages
};

/// Why a walk did not give a translation: the bits of the x86 page-fault error code.
struct page_fault_error {
    bool present = false; ///< a protection violation, or A or D has to be set, not a missing page
    bool write = false;
};

struct walk_result {
    bool faulted = false;
    page_fault_error error;
    pte leaf;                             ///< as the walker left it
    page_order order = page_order::small; ///< what it maps
    /// No translation, and no fault of anybody's: D has to be set, and the log has no room.
    bool log_full = false;
};

/// The page-table walker of one core: reads the tables over the bus, entry by entry, in time.
///
/// Follows the rules of Intel SDM vol. 3, 4.8 and 4.10 (R1-R5 in docs/design.md), whatever the
/// format: A is set in every entry used that has one, D in the leaf for a store, both by a locked
/// read-modify-write that fails if the entry is no longer the one that was read, whereupon it is
/// read again. A leaf ends the walk at whatever level it is. With a log of dirtied pages, what D
/// was set for is in it before the walk is over.
///
/// Complexity: a walk is a search through the paging-structure cache and a read a level.
class walker
{
public:
    walker(bus_port& memory, const walker_options& options);

    /// Walks for `access` at `va` below `root`, on behalf of `self`, who waits out the bus.
    walk_result walk(actor& self, frame_number root, virtual_address va, access_kind access);

    /// invlpg and loads of cr3 forget the paging-structure cache as well (rule R6).
    void forget_tables() { m_tables.clear(); }

    const pte_format& format() const { return m_format; }
    /// The fewest cycles that any access to a table takes; 0: the bus says.
    std::uint64_t shortest_access() const { return m_lines.exists() ? m_lines.shortest() : 0; }
    bool sets_dirty() const { return m_options.sets_dirty == dirty_setter::walker; }
    dirty_setter setter() const { return m_options.sets_dirty; }
    dirty_log& log() { return m_log; }
    const walker_stats& stats() const { return m_stats; }

private:
    /// An entry of a table: where it is, what level, and what was read there last.
    struct table_entry {
        physical_address at;
        unsigned level = 0;
        std::uint64_t raw = 0;
    };
    /// Waits for a line of a table: the cycles of the cache that has it, or the bus.
    void wait_for_line(actor& self, std::optional<std::uint64_t> cached, picoseconds by_bus);
    table_entry read_entry(actor& self, frame_number table, virtual_address va, unsigned level);
    const std::byte* line_of(physical_address at);
    table_entry read_first(actor& self, frame_number root, virtual_address va);
    table_entry find_leaf(actor& self, frame_number root, virtual_address va, table_entry entry);
    pte decode(const table_entry& entry) const { return m_format.decode(entry.raw, entry.level); }
    static bool is_table(const table_entry& entry, pte decoded)
    {
        return entry.level > 0 && decoded.present() && !decoded.huge();
    }
    bool mark(actor& self, table_entry& entry, bool dirty, virtual_address va);
    void log_dirtied(actor& self, frame_number frame, virtual_address va);

    bus_port& m_memory;
    const pte_format& m_format;
    walker_options m_options;
    table_line_cache m_lines;
    dirty_log m_log;
    paging_structure_cache m_tables;
    walker_stats m_stats;
};

} // namespace mkclean
