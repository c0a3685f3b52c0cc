#pragma once

#include "vm/kernel.h"

namespace mkclean
{

// s390: what is done with a page's storage key. Whoever takes C out of it holds the mapping's
// key_lock until the page says in another way that it is dirty. Otherwise somebody who cleans the
// page at that moment finds neither: the key is clean already, and the page clean still. Linux had
// no such lock.

/// Whether the frame of this page of a file has a key that says what its PTEs do not.
bool is_keyed(const kernel& k, const page& pg);

/// The end of page_mkclean(), when no PTE lets anybody store any more: page_test_and_clear_dirty()
/// of a page that is mapped. What is not mapped need not be up to date, and its C is the disk's
/// (Schwidefsky, "page_mkclean data corruption", April 2007).
bool page_mkclean_key(kernel& k, core& cpu, page& pg);

/// C moves to PG_dirty, and the caller has the lock.
void key_to_page_dirty(kernel& k, core& cpu, page& pg);

} // namespace mkclean
