#pragma once

#include "vm/kernel.h"

namespace mkclean
{

// Shared mappings of files by PMDs (`vm.huge_pages`): 512 pages of the page cache that lie in a row
// in memory, mapped by one entry with one dirty bit. They stay pages: each has its flags, buffers,
// references and its place in the file's tree; the entry alone is common.

constexpr std::uint64_t hpage_pmd_nr = pages_of(page_order::mega); ///< HPAGE_PMD_NR
constexpr std::uint64_t hpage_pmd_size = hpage_pmd_nr * page_size; ///< HPAGE_PMD_SIZE, bytes

/// Calls `visit(page)` for every page that a leaf maps: the one, or all of a PMD, in their order.
template <class Visit>
void for_each_mapped_page(kernel& k, pte leaf, Visit&& visit)
{
    const std::uint64_t pages = leaf.huge() ? hpage_pmd_nr : 1;
    for (std::uint64_t i = 0; i < pages; ++i)
        visit(k.cache.page_of(leaf.frame() + i));
}

/// A fault where a PMD may be, or is. False if it is one for small pages: the mapping or the file
/// does not reach that far, some pages are mapped one by one there already, or 512 frames in a row
/// cannot be had for them (thp_file_fallback).
///
/// O(512) for whatever it does, and O(free frames) when it has to find new ones.
bool do_huge_pmd_fault(kernel& k, core& cpu, mm_struct& mm, vm_area_struct& vma, virtual_address va,
                       bool write);

/// What a PMD, now clean, knew of the pages that its cleaner did not ask about: it was dirty, and
/// each of them may have been stored to since its buffers were written last.
void set_other_pages_dirty(kernel& k, core& cpu, pte pmd, const page& asked_about);

/// thp_get_unmapped_area(): where a mapping of `size` bytes from page `pgoff` on should begin if it
/// cannot begin before `start`: there, or where PMDs can map it.
virtual_address thp_align(const kernel& k, const inode* file, page_index pgoff, std::uint64_t size,
                          vm_flags flags, virtual_address start);

} // namespace mkclean
