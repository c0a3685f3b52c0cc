#pragma once

#include "vm/kernel.h"

namespace mkclean
{

/// madvise(MADV_DONTNEED) on `length` bytes (rounded up to pages): these pages go from the page
/// table and the TLBs; whoever uses one again gets it from the file, or, in memory of no file,
/// zeros. -ENOMEM if there are holes.
int madvise_dontneed(kernel& k, core& cpu, mm_struct& mm, virtual_address start,
                     std::uint64_t length);

} // namespace mkclean
