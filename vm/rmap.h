#pragma once

#include "vm/kernel.h"

namespace mkclean
{

/// struct tlbflush_unmap_batch: whose TLBs may still hold translations that PTEs do not have.
struct unmap_batch {
    std::vector<mm_struct*> unflushed;
};

enum class unmap_for { reclaim, migration };

// Each of these is O(mappings of the file), as a walk of i_mmap, and a walk of four levels of page
// tables for those that show the page.

// A PMD that maps the page is treated as a whole, and so are the other pages that it maps.

/// Write-protects (if it is that by which stores are noticed) and cleans every PTE of shared
/// mappings that maps the page; the page is locked. Returns how many it changed, and one more if
/// the page's storage key said that it was dirty: whoever ignores that may throw away the only
/// evidence of a store. (Of the other pages of a PMD it is not thrown
/// away: they become dirty.)
unsigned page_mkclean(kernel& k, core& cpu, page& pg);

/// Takes the page out of every page table that maps it; the page is locked. What a PTE knows of its
/// dirtiness goes to set_page_dirty().
///
/// For the sake of migration D may be dropped (vm.migrate_dirty).
///
/// With a batch, TLBs are flushed only where the PTE was dirty; the rest has to be flushed before
/// the page is used for anything else. A clean PTE may wait: a store that hits a clean TLB entry
/// walks again, and finds nothing (rule R4).
void try_to_unmap(kernel& k, core& cpu, page& pg, unmap_batch* batch = nullptr,
                  unmap_for whom = unmap_for::reclaim);
/// Flushes what a batch has left.
void try_to_unmap_flush(kernel& k, core& cpu, unmap_batch& batch);

/// Whether any PTE, or the storage key, says the page was used since this was last asked; page
/// locked. Flushes the TLBs of those that do, as asm-generic's ptep_clear_flush_young() of 2.6.
bool page_referenced(kernel& k, core& cpu, page& pg);

/// One more PTE maps the page, or one less. When the last goes, what a storage key knows of the
/// page's dirtiness goes to set_page_dirty(): the TLBs should have been flushed before.
void page_add_file_rmap(kernel& k, core& cpu, page& pg);
void page_remove_rmap(kernel& k, core& cpu, page& pg);

} // namespace mkclean
