#pragma once

#include "sim/number.h"

#include <array>
#include <cstddef>
#include <vector>

namespace mkclean
{

class frame_sharing;
class option_set;

/// A virtual page of 4 KiB: virtual address / 4096.
using virtual_page = number<struct virtual_page_kind>;
/// Whose translation it is. Without PCID (as in 2006) every address space is 0 and a switch
/// flushes.
using asid = number<struct asid_kind>;

constexpr virtual_page page_of(virtual_address va)
{
    return virtual_page(va.raw() >> page_shift);
}

struct tlb_options {
    std::uint64_t entries = 64; ///< 1..65536
    std::uint64_t ways = 4;     ///< entries must be a multiple of it

    void declare(option_set& options);
};

struct tlb_entry {
    virtual_page page;
    asid space;
    frame_number frame;
    std::byte* host = nullptr; ///< the frame's bytes, as bus_port::direct_frame() granted them
    std::uint64_t last_use = 0;
    bool valid = false;
    bool writable = false;
    bool dirty = false;
    bool others_see = false;    ///< another core's TLB holds the frame, too,
    bool others_change = false; ///< and lets it store there without further ado

    /// P W D as the log prints them.
    std::uint64_t raw() const
    {
        return (valid ? 1u : 0u) | (valid && writable ? 2u : 0u) | (valid && dirty ? 0x40u : 0u);
    }
};

struct tlb_stats {
    std::uint64_t hits = 0;   ///< accesses that found all they needed at once
    std::uint64_t misses = 0; ///< walks: no entry, or one without W or D for a store
    std::uint64_t fills = 0;
    std::uint64_t evictions = 0;
    std::uint64_t flushed_pages = 0; ///< entries dropped by single-page invalidations
    std::uint64_t flushes = 0;       ///< of everything
};

/// A set-associative translation cache with least-recently-used replacement. Its entries cache the
/// W and D bits of the PTE they were filled from, and nothing keeps them up to date: that is rule
/// R2 (Intel SDM vol. 3, 4.10.4) and the reason for every shootdown. O(ways) a lookup.
class tlb
{
public:
    explicit tlb(const tlb_options& options);
    tlb(const tlb&) = delete;
    tlb& operator=(const tlb&) = delete;
    /// Other cores exist: what this one's holds has to be known. To be called before the first
    /// insert().
    void share(frame_sharing& with, unsigned core);

    /// The entry for `page`, or null. Counts neither hit nor miss: the caller knows how often it
    /// used the answer.
    tlb_entry* lookup(virtual_page page, asid space)
    {
        tlb_entry* e = m_recent[page.raw() % recent];
        if (!(e->valid && e->page == page && e->space == space)) {
            e = search(page, space);
            if (e == nullptr)
                return nullptr;
            m_recent[page.raw() % recent] = e;
        }
        e->last_use = ++m_clock;
        return e;
    }
    /// Puts an entry in, evicting the least recently used one of its set.
    tlb_entry& insert(const tlb_entry& entry);
    /// invlpg: drops the entry for `page`. True if there was one.
    bool invalidate(virtual_page page, asid space);
    void flush_all();

    tlb_stats& stats() { return m_stats; }
    const tlb_stats& stats() const { return m_stats; }
    /// Every valid entry, for checkers and pictures.
    const std::vector<tlb_entry>& entries() const { return m_entries; }

private:
    static constexpr std::uint64_t recent = 64;

    tlb_entry* set_of(virtual_page page);
    void drop(tlb_entry& entry);
    tlb_entry* search(virtual_page page, asid space);

    tlb_options m_options;
    std::uint64_t m_sets;
    std::uint64_t m_clock = 0;
    std::vector<tlb_entry> m_entries;
    /// Where pages were found last: the host's shortcut to an answer that a search would give.
    std::array<tlb_entry*, recent> m_recent;
    tlb_stats m_stats;
    frame_sharing* m_sharing = nullptr; ///< null: this is the only core
    unsigned m_core = 0;
};

} // namespace mkclean
