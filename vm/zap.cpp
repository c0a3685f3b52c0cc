// zap_pte_range(): what munmap and madvise do to PTEs. The eras differ in when the TLBs are
// flushed; a core that still has a {W,D} entry after the page was found clean stores where nobody
// looks.

#include "vm/zap.h"
#include "vm/huge_memory.h"
#include "vm/rmap.h"
#include "vm/tlb_flush.h"

#include <algorithm>

namespace mkclean
{

namespace
{

const step_site site_zap{"zap_pte", place::pte, show_pte_change};
const step_site site_zap_huge{"zap_huge_pmd", place::pte, show_pte_change};

constexpr std::uint64_t batch_pages = 64; // PTEs zapped under one holding of the lock
constexpr std::uint64_t gather_pages =
    506; // FREE_PTE_NR of asm-generic/tlb.h: what one gather holds

/// struct mmu_gather: what was unmapped, and pages that may be freed once no TLB reaches them any
/// more.
struct mmu_gather {
    std::vector<page*> pages;
    std::vector<page*> delayed_rmap; ///< of them: those that the reverse map still knows of
    virtual_address start;
    virtual_address end;
    bool small = false; ///< PTEs are among it, not PMDs only
    bool dirty = false; ///< and some were dirty, of pages of files

    bool empty() const { return end == virtual_address(); }
    // __tlb_adjust_range()
    void add_range(virtual_address from, virtual_address to, bool of_ptes)
    {
        start = empty() ? from : std::min(start, from);
        end = std::max(end, to);
        small = small || of_ptes;
    }
};

// Up to 6.1 the reverse map forgot a mapping together with its PTE. Then page_mkclean() takes a
// page that nobody maps any more for one that nobody can store to, looks at no PTE, and so does not
// wait for the lock under which the TLBs are about to be flushed (5df397dec7c4, 6.2 [commit
// unverified]).
void remove_rmaps(kernel& k, core& cpu, std::vector<page*>& pages)
{
    for (page* pg : pages)
        page_remove_rmap(k, cpu, *pg);
    pages.clear();
}

void tlb_flush_mmu_tlbonly(kernel& k, core& cpu, mm_struct& mm, const mmu_gather& tlb)
{
    if (!tlb.empty())
        flush_tlb_range(k, cpu, mm, tlb.start, tlb.end,
                        tlb.small ? page_order::small : page_order::mega);
}

virtual_address end_of_batch(virtual_address va, virtual_address end)
{
    return std::min(end, va + batch_pages * page_size);
}

// Clears the PTEs of [start, end), and PMDs that begin there; dirtiness moves to the pages, or to
// `dirty` for the caller to see to it.
mmu_gather clear_ptes(kernel& k, core& cpu, vm_area_struct& vma, virtual_address start,
                      virtual_address end, std::vector<page*>* dirty = nullptr)
{
    mmu_gather gathered;
    std::uint64_t bytes = page_size;
    for (virtual_address va = start; va < end;
         va = virtual_address(va.raw() / bytes * bytes + bytes)) {
        std::optional<pte_slot> slot = vma.mm->pgd.find(va);
        bytes = slot ? pages_of(slot->order()) * page_size : page_size;
        if (!slot)
            continue;
        cpu.sync();
        if (!slot->get().present())
            continue;
        page& pg = k.cache.page_of(slot->get().frame());
        subject what = subject_of(pg);
        what.va = va;
        const step_site& site = slot->order() == page_order::small ? site_zap : site_zap_huge;
        const pte entry = cpu.step(site, what, *slot, [&] { return slot->get_and_clear(); });
        gathered.add_range(va, va + bytes, slot->order() == page_order::small);
        for_each_mapped_page(k, entry, [&](page& mapped) {
            if (entry.dirty() && mapped.mapping != nullptr) {
                gathered.dirty = true;
                if (dirty != nullptr)
                    dirty->push_back(&mapped);
                else
                    set_page_dirty(cpu, mapped);
            }
            gathered.pages.push_back(&mapped);
            gathered.delayed_rmap.push_back(&mapped);
        });
    }
    if (k.policies.rmap_remove == rmap_remove_policy::before_flush)
        remove_rmaps(k, cpu, gathered.delayed_rmap);
    return gathered;
}

void free_pages(kernel& k, const std::vector<page*>& pages)
{
    for (page* pg : pages)
        k.cache.put_page(*pg);
}

// The flush and what waits for it; the gather begins anew.
void tlb_flush_mmu(kernel& k, core& cpu, mm_struct& mm, mmu_gather& tlb)
{
    tlb_flush_mmu_tlbonly(k, cpu, mm, tlb);
    remove_rmaps(k, cpu, tlb.delayed_rmap);
    free_pages(k, tlb.pages);
    tlb = mmu_gather();
}

void append(mmu_gather& all, const mmu_gather& more)
{
    if (more.empty())
        return;
    all.add_range(more.start, more.end, more.small);
    all.pages.insert(all.pages.end(), more.pages.begin(), more.pages.end());
    all.delayed_rmap.insert(all.delayed_rmap.end(), more.delayed_rmap.begin(),
                            more.delayed_rmap.end());
}

// ---- who finds nothing to flush -----------------------------------------------------------------
// Where the flush comes after the lock, somebody else may find the PTEs gone meanwhile, have
// nothing to flush, and tell his program that they are gone from the TLBs as well. Since
// 99baac21e458 (4.13) he flushes all the same while another zap is under way
// (mm_tlb_flush_nested()).

void tlb_gather_mmu(kernel& k, core& cpu, mm_struct& mm)
{
    if (!k.policies.tlb_flush_pending)
        return;
    cpu.spend(cpu.cost().atomic_rmw);
    cpu.sync();
    ++mm.tlb_flush_pending;
}

void tlb_finish_mmu(kernel& k, core& cpu, mm_struct& mm, mmu_gather& tlb, virtual_address start,
                    virtual_address end)
{
    if (!k.policies.tlb_flush_pending)
        return tlb_flush_mmu(k, cpu, mm, tlb);
    cpu.sync();
    if (mm.tlb_flush_pending > 1)
        tlb.add_range(start, end, true);
    tlb_flush_mmu(k, cpu, mm, tlb);
    cpu.spend(cpu.cost().atomic_rmw);
    cpu.sync();
    --mm.tlb_flush_pending;
}

} // namespace

// ---- up to Linux 3.14 ---------------------------------------------------------------------------
// The lock is dropped while other cores can still store through their TLBs; the flush comes when
// the gather is full, or at the end of it all.

namespace linux_2_6_18
{

void zap_page_range(kernel& k, core& cpu, vm_area_struct& vma, virtual_address start,
                    virtual_address end)
{
    mm_struct& mm = *vma.mm;
    mmu_gather all;
    tlb_gather_mmu(k, cpu, mm);
    for (virtual_address va = start; va < end; va += virtual_address(batch_pages * page_size)) {
        const lock_guard<spinlock> ptl(cpu, mm.page_table_lock);
        flush_tlb_batched_pending(k, cpu, mm);
        append(all, clear_ptes(k, cpu, vma, va, end_of_batch(va, end)));
        if (all.pages.size() + batch_pages > gather_pages)
            tlb_flush_mmu(k, cpu, mm, all);
    }
    tlb_finish_mmu(k, cpu, mm, all, start, end);
}

} // namespace linux_2_6_18

// ---- Linux 3.15 (1cf35d47712d) ------------------------------------------------------------------
// The same, but once a dirty PTE of a file has gone the TLBs are flushed before the lock is
// dropped: nobody can clean the page while somebody stores to it.

namespace linux_3_15
{

void zap_page_range(kernel& k, core& cpu, vm_area_struct& vma, virtual_address start,
                    virtual_address end)
{
    mm_struct& mm = *vma.mm;
    mmu_gather all;
    tlb_gather_mmu(k, cpu, mm);
    for (virtual_address va = start; va < end; va += virtual_address(batch_pages * page_size)) {
        const lock_guard<spinlock> ptl(cpu, mm.page_table_lock);
        flush_tlb_batched_pending(k, cpu, mm);
        const mmu_gather tlb = clear_ptes(k, cpu, vma, va, end_of_batch(va, end));
        append(all, tlb);
        if (tlb.dirty || all.pages.size() + batch_pages > gather_pages)
            tlb_flush_mmu(k, cpu, mm, all);
    }
    tlb_finish_mmu(k, cpu, mm, all, start, end);
}

} // namespace linux_3_15

// ---- golden -------------------------------------------------------------------------------------
// No translation outlives the lock under which its PTE went, and nothing is dirtied before the last
// store to it. Linux dirties first: whoever cleans the page waits for our lock, or so it seems. But
// a journal that writes buffers by itself waits for no PTE, and may be done with them before that
// store (docs/referee.md); and where the hardware logs stores, no lock of ours keeps it from one.

namespace golden
{

void zap_page_range(kernel& k, core& cpu, vm_area_struct& vma, virtual_address start,
                    virtual_address end)
{
    for (virtual_address va = start; va < end; va += virtual_address(batch_pages * page_size)) {
        mmu_gather tlb;
        {
            const lock_guard<spinlock> ptl(cpu, vma.mm->page_table_lock);
            flush_tlb_batched_pending(k, cpu, *vma.mm);
            std::vector<page*> dirty;
            tlb = clear_ptes(k, cpu, vma, va, end_of_batch(va, end), &dirty);
            tlb_flush_mmu_tlbonly(k, cpu, *vma.mm, tlb);
            for (page* pg : dirty)
                set_page_dirty(cpu, *pg);
            remove_rmaps(k, cpu, tlb.delayed_rmap);
        }
        free_pages(k, tlb.pages);
    }
}

} // namespace golden

void zap_page_range(kernel& k, core& cpu, vm_area_struct& vma, virtual_address start,
                    virtual_address end)
{
    switch (k.policies.zap_flush) {
    case zap_flush_policy::after_unlock:
        return linux_2_6_18::zap_page_range(k, cpu, vma, start, end);
    case zap_flush_policy::dirty_before_unlock:
        return linux_3_15::zap_page_range(k, cpu, vma, start, end);
    case zap_flush_policy::before_unlock:
        return golden::zap_page_range(k, cpu, vma, start, end);
    }
}

void zap_page_range(kernel& k, core& cpu, vm_area_struct& vma)
{
    zap_page_range(k, cpu, vma, vma.start, vma.end);
}

} // namespace mkclean
