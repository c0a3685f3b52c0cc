#pragma once

#include "vm/kernel.h"

namespace mkclean
{

/// Drops one page's translation from every TLB that may hold it, and returns when none does.
void flush_tlb_page(kernel& k, core& cpu, mm_struct& mm, virtual_address va);
/// The same for [start, end), page by page or, above vm.tlb_flush_ceiling pages, everything.
void flush_tlb_range(kernel& k, core& cpu, mm_struct& mm, virtual_address start,
                     virtual_address end);
/// The same for everything of an address space.
void flush_tlb_mm(kernel& k, core& cpu, mm_struct& mm);
/// As page_mkclean() flushes: as far as `vm.mkclean_flush` lets it.
void flush_tlb_page_for_mkclean(kernel& k, core& cpu, mm_struct& mm, virtual_address va);

/// The core's own part of a flush: nothing, if it has another address space loaded.
void flush_tlb_func(kernel& k, core& cpu, const flush_tlb_info& info);

} // namespace mkclean
