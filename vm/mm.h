#pragma once

#include "cache/page_cache.h"
#include "mmu/page_table.h"
#include "mmu/thread.h"
#include "mmu/tlb_entry.h"
#include "sim/locks.h"

#include <map>
#include <memory>
#include <optional>

namespace mkclean
{

struct mm_struct;

/// PAGE_ALIGN(): whole pages.
constexpr std::uint64_t page_align(std::uint64_t bytes)
{
    return (bytes + page_size - 1) / page_size * page_size;
}

/// VM_* of include/linux/mm.h.
struct vm_flags {
    bool write = false;
    bool shared = false;
};

/// A mapping: [start, end) of an address space shows a file from page `pgoff` on, or, without a
/// file, memory of its own.
struct vm_area_struct {
    mm_struct* mm = nullptr;
    virtual_address start;
    virtual_address end;
    vm_flags flags;
    inode* file = nullptr;
    page_index pgoff;
    /// VM_NONLINEAR: what it shows from `start` on instead (remap_file_pages()). The reverse map,
    /// which goes from a page's place in the file to an address, does not know.
    std::optional<page_index> nonlinear_pgoff;

    bool contains(virtual_address va) const { return va >= start && va < end; }
    page_index index_of(virtual_address va) const
    {
        return nonlinear_pgoff.value_or(pgoff) + ((va - start).raw() >> page_shift);
    }
    bool maps(page_index index) const
    {
        return index >= pgoff && index < pgoff + ((end - start).raw() >> page_shift);
    }
    virtual_address address_of(page_index index) const
    {
        return start + ((index - pgoff).raw() << page_shift);
    }
};

/// An address space: its mappings, found in O(log n), and its page tables. One page-table lock for
/// all of them, as before 2.6.15's split and with few CPUs since.
struct mm_struct : address_context {
    mm_struct(physical_memory& memory, const pte_format& format,
              const page_table::allocate_frame& allocate, page_table::free_frame free)
        : pgd(memory, format, allocate, std::move(free))
    {
        root = pgd.root();
    }

    page_table pgd;
    std::uint64_t tlb_gen = 1; ///< flushes of it so far, where they are counted
    asid tag;                  ///< the same on every core; 0: none
    /// Reclaim has cleared PTEs and not flushed them yet; under page_table_lock.
    bool tlb_flush_batched = false;
    unsigned tlb_flush_pending = 0; ///< zaps under way, where they are counted
    spinlock page_table_lock;       ///< ptl
    rw_semaphore mmap_sem;
    std::map<virtual_address, std::unique_ptr<vm_area_struct>> mmap; ///< by start

    vm_area_struct* find_vma(virtual_address va)
    {
        auto after = mmap.upper_bound(va);
        if (after == mmap.begin())
            return nullptr;
        vm_area_struct* const vma = std::prev(after)->second.get();
        return vma->contains(va) ? vma : nullptr;
    }
};

} // namespace mkclean
