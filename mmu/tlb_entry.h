#pragma once

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

/// How many pages of 4 KiB one entry of a page table maps, as the kernel counts them: 2 to the
/// power of `order`.
enum class page_order : unsigned {
    small = 0, ///< 4 KiB
    mega = 9,  ///< 2 MiB: a PMD, a RISC-V megapage, an AArch64 level-2 block
    giga = 18  ///< 1 GiB: a PUD, a gigapage, a level-1 block
};

constexpr std::uint64_t pages_of(page_order order)
{
    return std::uint64_t{1} << static_cast<unsigned>(order);
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
        return host + (va.raw() & (pages_of(order) * page_size - 1));
    }
    /// P W D as the log prints them.
    std::uint64_t raw() const
    {
        return (valid ? 1u : 0u) | (valid && writable ? 2u : 0u) | (valid && dirty ? 0x40u : 0u);
    }
};

} // namespace mkclean
