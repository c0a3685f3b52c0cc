#pragma once

#include "vm/kernel.h"

namespace mkclean
{

/// Takes every page of a mapping out of its page table, with what the PTEs know of their dirtiness,
/// and out of every TLB.
void zap_page_range(kernel& k, core& cpu, vm_area_struct& vma);
/// The same for [start, end) of it; PMDs that reach into that go as a whole.
void zap_page_range(kernel& k, core& cpu, vm_area_struct& vma, virtual_address start,
                    virtual_address end);

} // namespace mkclean
