#pragma once

#include "vm/kernel.h"

namespace mkclean
{

/// A user access that no mapping allows, or that a corrupt page table does not let the kernel help
/// with (kill). Ends the thread that made it.
struct user_signal {
    enum class kind { segv, bus, kill } what;
    virtual_address va;
};

/// do_page_fault(): makes the faulting access possible, or throws user_signal.
void do_page_fault(kernel& k, core& cpu, const page_fault& fault);

/// What a fault has found out on its way to the PTE. Holds a reference on the page.
struct fault_context {
    mm_struct& mm;
    vm_area_struct& vma;
    virtual_address va;
    pte_slot slot;
    pte seen; ///< the entry as it was when the fault looked; if it has changed, the access retries
    page* pg = nullptr;
    std::uint64_t truncate_count = 0; ///< of the file, before its page was looked for
    bool page_locked = false;         ///< ->page_mkwrite has returned with the page locked
};

/// Puts `entry` in the PTE, under its lock, if it is still as it was seen; counts the mapping if it
/// is a new one. False if somebody else was faster.
bool install_pte(kernel& k, core& cpu, fault_context& f, pte entry);

/// vma_wants_writenotify(): PTEs of this mapping stay read-only until their page is dirty.
bool vma_wants_writenotify(const kernel& k, const vm_area_struct& vma);

/// A store to a page of a shared mapping whose PTE does not allow it: makes the page dirty and the
/// PTE writable, in the order of the era (write_fault.cpp).
void write_fault(kernel& k, core& cpu, fault_context& f);

/// do_page_mkwrite(): the filesystem makes room for what is about to be stored. With
/// vm.page_mkwrite = locked the page stays locked. False: it has left the file meanwhile, and the
/// access is to be retried. Throws user_signal if there is no room.
bool do_page_mkwrite(kernel& k, core& cpu, fault_context& f);

/// wait_for_stable_page(): until the page is not being written, if its disk asks for that.
void wait_for_stable_page(kernel& k, core& cpu, page& pg);

/// filemap_nopage(): the page of the file, read in if need be, with a reference; null if the file
/// ends before it or cannot be read. `major` becomes true if the disk had to be waited for.
page* filemap_nopage(kernel& k, core& cpu, inode& file, page_index index, bool& major);

} // namespace mkclean
