#pragma once

#include "vm/kernel.h"

namespace mkclean
{

/// try_to_free_pages(): memory has run out. Takes idle pages of files out of page tables and drops
/// the clean ones; has the flusher write the others, and waits for that if nothing else is left.
/// Returns how many pages it freed.
///
/// Complexity: O(mappings) for each page it looks at, in the order of the LRU list; it stops at 32
/// freed ones, but may look at all n before it waits for writeback. Linux looks at n / 4096 first,
/// then at twice as many.
std::uint64_t try_to_free_pages(kernel& k, core& cpu);

} // namespace mkclean
