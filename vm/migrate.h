#pragma once

#include "vm/kernel.h"

namespace mkclean
{

/// migrate_pages(), for the cached pages of a file: each gets another frame, as compaction, memory
/// hotplug or move_pages(2) would have it. A page that somebody has a reference to (a device that
/// has pinned it, a fault under way) or that a non-linear mapping shows stays where it is. Returns
/// how many were moved. Throws out_of_memory.
///
/// As Linux did it up to 2.6.17, PTEs are taken away and come back by faults; since 04e62a29bf15
/// [unverified] faults find migration entries there, which know W, and nothing of D until 6.1.
///
/// Complexity: that of try_to_unmap() and a copy for each page.
std::uint64_t migrate_pages(kernel& k, core& cpu, inode& file);

} // namespace mkclean
