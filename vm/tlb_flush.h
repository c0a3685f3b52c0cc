#pragma once

#include "vm/kernel.h"

namespace mkclean
{

/// Drops one page's translation from every TLB that may hold it, and returns when none does.
void flush_tlb_page(kernel& k, core& cpu, mm_struct& mm, virtual_address va);
/// The same for [start, end), page by page or, above vm.tlb_flush_ceiling pages, everything. With a
/// `stride` all pages in it are that large.
void flush_tlb_range(kernel& k, core& cpu, mm_struct& mm, virtual_address start,
                     virtual_address end, page_order stride = page_order::small);
/// The same for everything of an address space.
void flush_tlb_mm(kernel& k, core& cpu, mm_struct& mm);
/// What reclaim has put off for an address space, if it has: a PTE that is gone may still be in
/// TLBs. The page_table_lock is held.
void flush_tlb_batched_pending(kernel& k, core& cpu, mm_struct& mm);
/// As page_mkclean() flushes: as far as `vm.mkclean_flush` lets it.
void flush_tlb_page_for_mkclean(kernel& k, core& cpu, mm_struct& mm, virtual_address va);

/// What the log says that a flush is about: a page, if it is of one only that a file is mapped at.
subject subject_of_flush(const flush_tlb_info& info);

/// The core's own part of a flush: nothing, if it has another address space loaded.
void flush_tlb_func(kernel& k, core& cpu, const flush_tlb_info& info);

} // namespace mkclean
