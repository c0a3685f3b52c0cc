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

/// struct mmu_gather: pages that may be freed once no TLB reaches them any more.
using mmu_gather = std::vector<page*>;

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
                      virtual_address end, mmu_gather* dirty = nullptr)
{
    mmu_gather gathered;
    std::uint64_t bytes = page_size;
    for (virtual_address va = start; va < end; va += virtual_address(bytes)) {
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
        for_each_mapped_page(k, entry, [&](page& mapped) {
            if (entry.dirty() && mapped.mapping != nullptr) {
                if (dirty != nullptr)
                    dirty->push_back(&mapped);
                else
                    set_page_dirty(cpu, mapped);
            }
            gathered.push_back(&mapped);
        });
    }
    return gathered;
}

void remove_rmaps(kernel& k, core& cpu, const mmu_gather& pages)
{
    for (page* pg : pages)
        page_remove_rmap(k, cpu, *pg);
}

void free_pages(kernel& k, const mmu_gather& pages)
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

// tlb_flush_mmu(), of all up to `end`
static void flush_gather(kernel& k, core& cpu, vm_area_struct& vma, virtual_address end,
                         mmu_gather& all)
{
    if (!all.empty())
        flush_tlb_range(k, cpu, *vma.mm, vma.start, end);
    free_pages(k, all);
    all.clear();
}

void zap_page_range(kernel& k, core& cpu, vm_area_struct& vma)
{
    mmu_gather all;
    for (virtual_address va = vma.start; va < vma.end;) {
        const virtual_address end = std::min(vma.end, va + batch_pages * page_size);
        const lock_guard<spinlock> ptl(cpu, vma.mm->page_table_lock);
        const mmu_gather pages = clear_ptes(k, cpu, vma, va, end);
        remove_rmaps(k, cpu, pages);
        all.insert(all.end(), pages.begin(), pages.end());
        if (all.size() + batch_pages > gather_pages)
            flush_gather(k, cpu, vma, end, all);
        va = end;
    }
    flush_gather(k, cpu, vma, vma.end, all);
}

} // namespace linux_2_6_18

// ---- 3.15 (1cf35d47712d) and 6.2 (5df397dec7c4) -------------------------------------------------
// The TLBs are flushed before the lock is dropped, and the reverse map forgets only after that.

namespace golden
{

void zap_page_range(kernel& k, core& cpu, vm_area_struct& vma)
{
    for (virtual_address va = vma.start; va < vma.end;) {
        const virtual_address end = std::min(vma.end, va + batch_pages * page_size);
        mmu_gather pages;
        {
            const lock_guard<spinlock> ptl(cpu, vma.mm->page_table_lock);
            mmu_gather dirty;
            pages = clear_ptes(k, cpu, vma, va, end, dirties_after_flush(k) ? &dirty : nullptr);
            if (!pages.empty())
                flush_tlb_range(k, cpu, *vma.mm, va, end);
            for (page* pg : dirty)
                set_page_dirty(cpu, *pg);
            remove_rmaps(k, cpu, pages);
        }
        free_pages(k, pages);
        va = end;
    }
}

} // namespace golden

void zap_page_range(kernel& k, core& cpu, vm_area_struct& vma)
{
    if (k.policies.zap_flush == zap_flush_policy::after_unlock)
        linux_2_6_18::zap_page_range(k, cpu, vma);
    else
        golden::zap_page_range(k, cpu, vma);
}

} // namespace mkclean
