#pragma once

#include "vm/kernel.h"

namespace mkclean
{

/// The page an event is about, found by file and index or by frame; null if it is about none that
/// is cached now.
page* page_of_event(kernel& k, const event& e);

/// Calls `visit(vma, pte)` for every PTE that maps the page, without time or locks: for checkers.
template <class Visit>
void for_each_pte(const page& pg, Visit&& visit)
{
    if (pg.mapping == nullptr)
        return;
    for (const vm_area_struct* vma : pg.mapping->i_mmap) {
        if (!vma->maps(pg.index))
            continue;
        const auto slot = vma->mm->pgd.find(vma->address_of(pg.index));
        if (slot && slot->get().present() && slot->get().frame() == pg.frame)
            visit(*vma, slot->get());
    }
}

/// Whether anything still says that the page has to be written: a PTE, the storage key of a mapped
/// frame, PG_dirty, a buffer, I/O under way. When nothing does and memory is newer than the disk, a
/// store is lost.
bool has_dirty_evidence(const kernel& k, const page& pg);

} // namespace mkclean
