#pragma once

#include "vm/kernel.h"

namespace mkclean
{

/// Takes every page of [start, end) of a mapping out of its page table, with what the PTEs know of
/// their dirtiness, and out of every TLB.
void zap_page_range(kernel& k, core& cpu, vm_area_struct& vma, virtual_address start,
                    virtual_address end);

} // namespace mkclean
