// zap_pte_range(): what munmap does to PTEs. The eras differ in when the TLBs are flushed; a core
// that still has a {W,D} entry after the page was found clean stores where nobody looks.

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
    virtual_address start;
    virtual_address end;
    bool small = false; ///< PTEs are among it, not PMDs only

    // __tlb_adjust_range(); before its pages are added
    void add_range(virtual_address from, virtual_address to, bool of_ptes)
    {
        start = pages.empty() ? from : std::min(start, from);
        end = std::max(end, to);
        small = small || of_ptes;
    }
};

void tlb_flush(kernel& k, core& cpu, mm_struct& mm, const mmu_gather& tlb)
{
    if (!tlb.pages.empty())
        flush_tlb_range(k, cpu, mm, tlb.start, tlb.end,
                        tlb.small ? page_order::small : page_order::mega);
}

// Where faults tell of stores, whoever cleans the page meanwhile either waits for our lock, or has
// been at this PTE and nobody has stored through it since. Where the log does, somebody may have:
// if the page was dirtied before the flush, it could be cleaned and written before the last store.
bool dirties_after_flush(const kernel& k)
{
    return k.policies.dirty_tracking == dirty_tracking_policy::dirty_log;
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
                if (dirty != nullptr)
                    dirty->push_back(&mapped);
                else
                    set_page_dirty(cpu, mapped);
            }
            gathered.pages.push_back(&mapped);
        });
    }
    return gathered;
}

void remove_rmaps(kernel& k, core& cpu, const std::vector<page*>& pages)
{
    for (page* pg : pages)
        page_remove_rmap(k, cpu, *pg);
}

void free_pages(kernel& k, const std::vector<page*>& pages)
{
    for (page* pg : pages)
        k.cache.put_page(*pg);
}

} // namespace

// ---- up to Linux 3.14 ---------------------------------------------------------------------------
// The lock is dropped, and the reverse map forgets the mapping, while other cores can still store
// through their TLBs; the flush comes when the gather is full, or at the end of it all.

namespace linux_2_6_18
{

static void tlb_flush_mmu(kernel& k, core& cpu, mm_struct& mm, mmu_gather& tlb)
{
    tlb_flush(k, cpu, mm, tlb);
    free_pages(k, tlb.pages);
    tlb = mmu_gather();
}

static void append(mmu_gather& all, const mmu_gather& more)
{
    if (more.pages.empty())
        return;
    all.add_range(more.start, more.end, more.small);
    all.pages.insert(all.pages.end(), more.pages.begin(), more.pages.end());
}

void zap_page_range(kernel& k, core& cpu, vm_area_struct& vma, virtual_address start,
                    virtual_address limit)
{
    mmu_gather all;
    for (virtual_address va = start; va < limit;) {
        const virtual_address end = std::min(limit, va + batch_pages * page_size);
        const lock_guard<spinlock> ptl(cpu, vma.mm->page_table_lock);
        flush_tlb_batched_pending(k, cpu, *vma.mm);
        const mmu_gather tlb = clear_ptes(k, cpu, vma, va, end);
        remove_rmaps(k, cpu, tlb.pages);
        append(all, tlb);
        if (all.pages.size() + batch_pages > gather_pages)
            tlb_flush_mmu(k, cpu, *vma.mm, all);
        va = end;
    }
    tlb_flush_mmu(k, cpu, *vma.mm, all);
}

} // namespace linux_2_6_18

// ---- 3.15 (1cf35d47712d) and 6.2 (5df397dec7c4) -------------------------------------------------
// The TLBs are flushed before the lock is dropped, and the reverse map forgets only after that.

namespace golden
{

void zap_page_range(kernel& k, core& cpu, vm_area_struct& vma, virtual_address start,
                    virtual_address limit)
{
    for (virtual_address va = start; va < limit;) {
        const virtual_address end = std::min(limit, va + batch_pages * page_size);
        mmu_gather tlb;
        {
            const lock_guard<spinlock> ptl(cpu, vma.mm->page_table_lock);
            flush_tlb_batched_pending(k, cpu, *vma.mm);
            std::vector<page*> dirty;
            tlb = clear_ptes(k, cpu, vma, va, end, dirties_after_flush(k) ? &dirty : nullptr);
            tlb_flush(k, cpu, *vma.mm, tlb);
            for (page* pg : dirty)
                set_page_dirty(cpu, *pg);
            remove_rmaps(k, cpu, tlb.pages);
        }
        free_pages(k, tlb.pages);
        va = end;
    }
}

} // namespace golden

void zap_page_range(kernel& k, core& cpu, vm_area_struct& vma, virtual_address start,
                    virtual_address end)
{
    if (k.policies.zap_flush == zap_flush_policy::after_unlock)
        linux_2_6_18::zap_page_range(k, cpu, vma, start, end);
    else
        golden::zap_page_range(k, cpu, vma, start, end);
}

void zap_page_range(kernel& k, core& cpu, vm_area_struct& vma)
{
    zap_page_range(k, cpu, vma, vma.start, vma.end);
}

} // namespace mkclean
