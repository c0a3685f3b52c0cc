#pragma once

#include "vm/kernel.h"

namespace mkclean
{

struct dirty_limits {
    std::int64_t background = 0; ///< pages; above, pdflush writes
    std::int64_t dirty = 0;      ///< pages; above, whoever dirties writes or waits
};

/// get_dirty_limits(): vm.dirty_background_ratio and vm.dirty_ratio of the memory that there is.
dirty_limits get_dirty_limits(const kernel& k);

/// Called for every page that becomes dirty; now and then it makes the caller pay for it.
void balance_dirty_pages_ratelimited(kernel& k, core& cpu, address_space& mapping);
/// The same for so many pages at once.
void balance_dirty_pages_ratelimited_nr(kernel& k, core& cpu, address_space& mapping,
                                        std::uint64_t pages);

/// wakeup_pdflush(): background_writeout(), of at least that many pages.
void wakeup_pdflush(kernel& k, std::int64_t min_pages = 0);

/// generic_writepages(): one pass over the dirty pages of a mapping. 0 or a negative errno.
/// O(pages it finds dirty, each times the file's mappings), however many are cached.
int write_cache_pages(kernel& k, core& cpu, address_space& mapping, writeback_control& wbc);

/// congestion_wait(): until some write has ended, or that long: false.
bool congestion_wait(kernel& k, core& cpu, picoseconds timeout);

/// writeback_inodes(): a pass over the dirty inodes, oldest first. O(inodes and pages that are
/// due).
void writeback_inodes(kernel& k, core& cpu, writeback_control& wbc);
/// One inode: its pages, and then the inode itself.
int writeback_single_inode(kernel& k, core& cpu, inode& node, writeback_control& wbc);

/// pdflush's life: background_writeout() when woken, wb_kupdate() every dirty_writeback.
void run_pdflush(kernel& k, core& cpu);

} // namespace mkclean
