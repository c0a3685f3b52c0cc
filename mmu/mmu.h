#pragma once

#include "mmu/tlb.h"
#include "mmu/walker.h"

namespace mkclean
{

struct page_fault {
    virtual_address va;
    page_fault_error error;
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
    mmu(bus_port& bus, const tlb_options& tlb_opts, const walker_options& walker_opts);

    /// cr3 without PCID, satp or TTBR0 followed by a flush: the table to walk. Of what is cached,
    /// only global entries stay.
    void load_root(frame_number root);
    /// With ASIDs: the table to walk, and the tag of its translations. What is cached stays.
    void load_root(frame_number root, asid space);
    frame_number root() const { return m_root; }
    asid space() const { return m_space; }

    /// A TLB entry through which `access` needs nobody's help, or null.
    tlb_entry* hit(virtual_address va, access_kind access)
    {
        tlb_entry* const entry = m_tlb.lookup(page_of(va), m_space);
        if (entry == nullptr || access == access_kind::load)
            return entry;
        if (!(entry->writable && entry->dirty))
            return nullptr;
        if (m_asks_pte) // good for this store; the next one walks again
            entry->dirty = false;
        return entry;
    }
    /// A hit lets one store through, and no more (`tlb.caches_dirty = off`).
    bool asks_pte_for_every_store() const { return m_asks_pte; }

    /// What the hardware does when there is no such entry: walks, sets A and D, fills the TLB.
    /// False: the access faults as `fault` says. Interrupts must be held off by the caller, for the
    /// core takes them between instructions, never between a walk and its fill.
    bool miss(actor& self, virtual_address va, access_kind access, page_fault& fault);

    /// Drops what maps `va` for the address space that is loaded, or for everyone.
    void invlpg(actor& self, virtual_address va);
    /// Drops everything, global entries too.
    void flush_all(actor& self);
    /// Drops what is cached of one address space, loaded or not (INVPCID type 1, TLBI ASIDE1).
    void flush_space(actor& self, asid space);

    tlb& translations() { return m_tlb; }
    const tlb& translations() const { return m_tlb; }
    const walker& page_walker() const { return m_walker; }

private:
    void fill(actor& self, virtual_address va, const walk_result& found);
    std::byte* bytes_of(frame_number first, page_order order);

    tlb_entry* find_entry(actor& self, virtual_page page);

    bus_port& m_bus;
    tlb m_tlb;
    walker m_walker;
    std::uint64_t m_l2_latency; ///< cycles
    bool m_asks_pte;
    bool m_rewalks;
    frame_number m_root;
    asid m_space;
};

} // namespace mkclean
