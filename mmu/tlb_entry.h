#pragma once

#include "mmu/page_order.h"
#include "sim/number.h"

#include <cstddef>

namespace mkclean
{

/// A virtual page of 4 KiB: virtual address / 4096.
using virtual_page = number<struct virtual_page_kind>;
/// Whose translation it is. Without ASIDs (x86 without PCID, as in 2006) every address space is 0
/// and a switch flushes.
using asid = number<struct asid_kind>;

constexpr virtual_page page_of(virtual_address va)
{
    return virtual_page(va.raw() >> page_shift);
}

/// What a TLB remembers of one leaf of a page table, however large the page.
struct tlb_entry {
    virtual_page page; ///< the first of those it maps
    page_order order = page_order::small;
    asid space;
    bool global = false;       ///< every address space's
    frame_number frame;        ///< the first
    std::byte* host = nullptr; ///< the frames' bytes, as bus_port::direct_frame() granted them
    std::uint64_t last_use = 0;
    std::uint64_t filled = 0; ///< its first, since it took the place of another
    bool valid = false;
    bool writable = false;
    bool dirty = false; ///< with storage keys: C is set, as far as the emulator is concerned
    /// With storage keys: the next access has to set R first.
    bool reference_due = false;
    bool others_see = false;    ///< another core's TLB holds the frame, too,
    bool others_change = false; ///< and lets it store there without further ado

    bool maps(virtual_page p, asid by) const
    {
        return valid && ((page.raw() ^ p.raw()) >> static_cast<unsigned>(order)) == 0 &&
               (space == by || global);
    }
    bool maps(frame_number f) const
    {
        return valid && f >= frame && f.raw() - frame.raw() < pages_of(order);
    }
    std::byte* host_of(virtual_address va) const
    {
        if (order == page_order::small) // nearly always, and a constant mask is quicker
            return host + va.raw() % page_size;
        return host + va.raw() % (pages_of(order) * page_size);
    }
    /// P W D as the log prints them.
    std::uint64_t raw() const
    {
        return (valid ? 1u : 0u) | (valid && writable ? 2u : 0u) | (valid && dirty ? 0x40u : 0u);
    }
};

} // namespace mkclean
