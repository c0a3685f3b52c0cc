#pragma once

#include "vm/kernel.h"

namespace mkclean
{

/// do_truncate(): sets i_size; i_mutex is held. What lies behind it leaves every page table, the
/// page cache and the disk. 0 or a negative errno: not every filesystem lets files shrink.
int do_truncate(kernel& k, core& cpu, inode& file, std::uint64_t size);

/// pagecache_isize_extended(): the file has grown from `from` to `to` bytes. Where a page has
/// blocks of both sides and is writable somewhere, ->page_mkwrite has to hear of the next store.
void pagecache_isize_extended(kernel& k, core& cpu, inode& file, std::uint64_t from,
                              std::uint64_t to);

} // namespace mkclean
