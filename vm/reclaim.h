#pragma once

#include "vm/kernel.h"

namespace mkclean
{

/// try_to_free_pages(): memory has run out. Takes idle pages of files out of page tables and drops
/// the clean ones; has the flusher write the others, and waits for that if nothing else is left.
/// Returns how many pages it freed.
std::uint64_t try_to_free_pages(kernel& k, core& cpu);

} // namespace mkclean
