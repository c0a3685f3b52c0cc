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

    /// cr3: the table to walk. Without PCID everything cached is forgotten.
    void load_root(frame_number root);
    frame_number root() const { return m_root; }

    /// A TLB entry through which `access` needs nobody's help, or null.
    tlb_entry* hit(virtual_address va, access_kind access)
    {
        tlb_entry* const entry = m_tlb.lookup(page_of(va), asid());
        if (entry != nullptr && access == access_kind::store && !(entry->writable && entry->dirty))
            return nullptr;
        return entry;
    }

    /// What the hardware does when there is no such entry: walks, sets A and D, fills the TLB.
    /// False: the access faults as `fault` says. Interrupts must be held off by the caller, for the
    /// core takes them between instructions, never between a walk and its fill.
    bool miss(actor& self, virtual_address va, access_kind access, page_fault& fault);

    void invlpg(actor& self, virtual_address va);
    void flush_all(actor& self);

    tlb& translations() { return m_tlb; }
    const tlb& translations() const { return m_tlb; }
    const walker& page_walker() const { return m_walker; }

private:
    void fill(actor& self, virtual_address va, pte leaf);

    bus_port& m_bus;
    tlb m_tlb;
    walker m_walker;
    frame_number m_root;
};

} // namespace mkclean
