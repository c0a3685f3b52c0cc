#pragma once

#include "mmu/storage_keys.h"
#include "mmu/tlb.h"
#include "mmu/walker.h"
#include "mmu/walker_ports.h"

#include <utility>

namespace mkclean
{

struct page_fault {
    virtual_address va;
    page_fault_error error;
    bool log_full = false; ///< no fault: the core's log of dirtied pages has no room for this store
};

/// What hardware tells hardware to forget.
struct tlb_invalidation {
    asid space;
    bool everything = false; ///< of that space, or else these:
    virtual_page first;
    page_order stride = page_order::small;
    std::uint64_t pages = 1; ///< of that size
};

/// The memory-management unit of one core: TLB in front, walker behind.
///
/// Where dirtiness lives here: the D bit of a TLB entry says "the PTE's D is set already", so that
/// a store through it tells nobody anything (rule R2).
class mmu
{
public:
    /// The walker reads and changes tables by transactions on `bus`; loads and stores that hit the
    /// TLB go straight to the frames that it grants.
    /// `keys`: the memory's, if it is they that say what is dirty. Throws std::invalid_argument if
    /// `walker_opts` say so and there are none, or the other way round.
    mmu(bus_port& bus, const tlb_options& tlb_opts, const walker_options& walker_opts,
        storage_keys* keys = nullptr);

    /// Others walk with the same walkers.
    void share_walkers(walker_ports& ports) { m_ports = &ports; }

    /// cr3 without PCID, satp or TTBR0 followed by a flush: the table to walk. Of what is cached,
    /// only global entries stay.
    void load_root(frame_number root);
    /// Loads what is loaded already.
    void reload_root();
    /// With ASIDs: the table to walk, and the tag of its translations. What is cached stays.
    void load_root(frame_number root, asid space);
    frame_number root() const { return m_root; }
    asid space() const { return m_space; }
    /// How many address spaces the TLB can tell apart; 0: none.
    std::uint64_t asids() const { return m_asids; }

    /// A TLB entry through which `access` needs nobody's help, or null.
    tlb_entry* hit(virtual_address va, access_kind access)
    {
        tlb_entry* const entry = m_tlb.lookup(page_of(va), m_space);
        if (entry == nullptr || access == access_kind::load)
            return entry;
        if (!(entry->writable && entry->dirty))
            return nullptr;
        if (m_asks_pte) { // good for this store; the next one walks again
            entry->dirty = false;
            m_walked_for = nullptr;
        }
        return entry;
    }
    /// A hit lets one store through, and no more (`tlb.caches_dirty = off`).
    bool asks_pte_for_every_store() const { return m_asks_pte; }

    /// With storage keys, at the instant of an access that had no hit(): sets R, and C for a store,
    /// if the TLB has what the access needs. True: it has, and hit() will say so; to the model that
    /// was no miss. Takes no time.
    bool record_in_key(actor& self, virtual_address va, access_kind access);

    /// What the hardware does when there is no such entry: walks, sets A and D, fills the TLB.
    /// False: the access faults as `fault` says. Interrupts must be held off by the caller, for the
    /// core takes them between instructions, never between a walk and its fill.
    bool miss(actor& self, virtual_address va, access_kind access, page_fault& fault);

    /// The core takes an interrupt: a store that has walked but was not made yet will begin anew.
    void interrupted()
    {
        if (tlb_entry* const entry = std::exchange(m_walked_for, nullptr))
            entry->dirty = false;
    }

    /// Drops what maps `va` for the address space that is loaded, or for everyone.
    void invlpg(actor& self, virtual_address va);
    /// Drops everything, global entries too.
    void flush_all(actor& self);
    /// Drops what is cached of one address space, loaded or not (INVPCID type 1, TLBI ASIDE1).
    void flush_space(actor& self, asid space);

    /// Another core has this one's hardware forget something, by broadcast or request: at once,
    /// and what a walk is about to find out as well.
    void invalidate_from_outside(const tlb_invalidation& what);

    tlb& translations() { return m_tlb; }
    const tlb& translations() const { return m_tlb; }
    const walker& page_walker() const { return m_walker; }
    /// The log of pages that this core's stores have made dirty.
    dirty_log& log_of_dirtied() { return m_walker.log(); }

private:
    void fill(actor& self, virtual_address va, access_kind access, const walk_result& found);
    std::byte* bytes_of(frame_number first, page_order order);
    void note_evictions(actor& self, const tlb::displaced& gone) const;

    tlb_entry* find_entry(actor& self, virtual_page page);
    walk_result walk(actor& self, virtual_address va, access_kind access);

    bus_port& m_bus;
    tlb m_tlb;
    walker m_walker;
    storage_keys* m_keys;       ///< null: entries' D is PTEs' D
    std::uint64_t m_l2_latency; ///< cycles
    std::uint64_t m_asids;
    bool m_asks_pte;
    tlb_entry* m_walked_for = nullptr; ///< if m_asks_pte: by a store that comes next
    bool m_rewalks;
    walker_ports* m_ports = nullptr; ///< null: it has its own
    bool m_walking = false;
    bool m_overtaken = false; ///< by an invalidation from outside, while it walks
    frame_number m_root;
    asid m_space;
};

} // namespace mkclean
