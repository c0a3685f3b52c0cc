#pragma once

#include "vm/kernel.h"

namespace mkclean
{

/// Drops one page's translation from every TLB that may hold it, and returns when all have said so.
void flush_tlb_page(kernel& k, core& cpu, mm_struct& mm, virtual_address va);
/// The same for everything of an address space.
void flush_tlb_mm(kernel& k, core& cpu, mm_struct& mm);
/// As page_mkclean() flushes: as far as `vm.mkclean_flush` lets it.
void flush_tlb_page_for_mkclean(kernel& k, core& cpu, mm_struct& mm, virtual_address va);

/// The handler of the shootdown interrupt.
void flush_tlb_interrupt(kernel& k, core& cpu);

} // namespace mkclean
