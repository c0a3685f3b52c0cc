#pragma once

#include "vm/huge_memory.h"

namespace mkclean
{

/// The page an event is about, found by file and index or by frame; null if it is about none that
/// is cached now. A change of a PMD is about the page on whose account it was made,
page* page_of_event(kernel& k, const event& e);
bool is_change_of_pmd(const event& e);
/// and about all others that the PMD maps: calls `visit(page)` for each that is cached.
template <class Visit>
void for_each_page_of_event(kernel& k, const event& e, Visit&& visit)
{
    if (!is_change_of_pmd(e)) {
        if (page* const pg = page_of_event(k, e))
            visit(*pg);
        return;
    }
    const std::uint64_t first = e.what.frame.raw() / hpage_pmd_nr * hpage_pmd_nr;
    for (std::uint64_t i = 0; i < hpage_pmd_nr; ++i) {
        page& mapped = k.cache.page_of(frame_number(first + i));
        if (mapped.mapping != nullptr)
            visit(mapped);
    }
}

/// Calls `visit(vma, pte)` for every PTE or PMD that maps the page, without time or locks: for
/// checkers.
template <class Visit>
void for_each_pte(const page& pg, Visit&& visit)
{
    if (pg.mapping == nullptr)
        return;
    for (const vm_area_struct* vma : pg.mapping->i_mmap) {
        if (!vma->maps(pg.index))
            continue;
        const virtual_address va = vma->address_of(pg.index);
        const auto slot = vma->mm->pgd.find(va);
        if (slot && slot->get().present() && slot->frame_at(va) == pg.frame)
            visit(*vma, slot->get());
    }
}

/// Whether anything still says that the page has to be written: a PTE, the storage key of a mapped
/// frame, PG_dirty, a buffer, I/O under way. When nothing does and memory is newer than the disk, a
/// store is lost.
bool has_dirty_evidence(const kernel& k, const page& pg);

} // namespace mkclean
