#pragma once

#include "vm/kernel.h"

namespace mkclean
{

/// move_page_tables(): what the PTEs of `from` say is said by those of `to`, page by page, and no
/// TLB has a translation of `from` any more. Both are mappings of the same pages; mmap_sem is held
/// for writing. PMDs stay where they are.
void move_page_tables(kernel& k, core& cpu, const vm_area_struct& from, const vm_area_struct& to);

} // namespace mkclean
