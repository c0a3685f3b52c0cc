#pragma once

#include "cache/page_cache.h"

namespace mkclean
{

// The dirtiness and the age of a page where they are in the storage key of its frame, and not in
// the PTEs that map it (include/asm-s390/pgtable.h of 2.6.18 to 3.8). The cache has keys.

/// page_test_dirty(): whether anybody has stored to the frame since C was reset. Costs an ISKE.
bool page_test_dirty(actor& self, page_cache& cache, const page& pg);
/// page_clear_dirty(): resets C. Costs an SSKE.
void page_clear_dirty(actor& self, page_cache& cache, const page& pg);
/// page_test_and_clear_dirty(): the one and then the other, and a store may come in between: it is
/// before whatever the caller does for a page that was dirty.
bool page_test_and_clear_dirty(actor& self, page_cache& cache, const page& pg);
/// page_test_and_clear_young(): whether anybody has used the frame since R was reset; resets it.
/// Costs an RRBE.
bool page_test_and_clear_young(actor& self, page_cache& cache, const page& pg);

} // namespace mkclean
