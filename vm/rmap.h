#pragma once

#include "vm/kernel.h"

namespace mkclean
{

// Each of these is O(mappings of the file), as a walk of i_mmap, and a walk of four levels of page
// tables for those that show the page.

// A PMD that maps the page is treated as a whole, and so are the other pages that it maps.

/// Write-protects and cleans every PTE of shared mappings that maps the page; the page is locked.
/// Returns how many it changed: whoever ignores that may throw away the only evidence of a store.
/// (Of the other pages of a PMD it is not thrown away: they become dirty.)
unsigned page_mkclean(kernel& k, core& cpu, page& pg);

/// Takes the page out of every page table that maps it; the page is locked. What a PTE knows of its
/// dirtiness goes to set_page_dirty().
void try_to_unmap(kernel& k, core& cpu, page& pg);

/// Whether any PTE says the page was used since this was last asked; page locked. Flushes the TLBs
/// of those that do, as asm-generic's ptep_clear_flush_young() of 2.6.
bool page_referenced(kernel& k, core& cpu, page& pg);

/// One more PTE maps the page, or one less.
void page_add_file_rmap(kernel& k, core& cpu, page& pg);
void page_remove_rmap(kernel& k, core& cpu, page& pg);

} // namespace mkclean
