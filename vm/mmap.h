#pragma once

#include "vm/kernel.h"

namespace mkclean
{

/// mmap(): `length` bytes (rounded up to pages) of `file` from page `pgoff` on, or anonymous memory
/// if `file` is null, at an address of the kernel's choice or at `fixed` (which must be free).
/// Address 0 if that cannot be.
virtual_address do_mmap(kernel& k, core& cpu, mm_struct& mm, inode* file, page_index pgoff,
                        std::uint64_t length, vm_flags flags,
                        virtual_address fixed = virtual_address());

/// munmap(): whatever is mapped in [start, start + length). Whole mappings only: -EINVAL otherwise.
int do_munmap(kernel& k, core& cpu, mm_struct& mm, virtual_address start, std::uint64_t length);

/// mremap(MREMAP_MAYMOVE) where there is no room to stay: the mapping that begins at `start` moves
/// to an address of the kernel's choice. With `dontunmap` another one of the same stays where it
/// was, with nothing in its page table yet (MREMAP_DONTUNMAP, 5.13 for files). Address 0 if that
/// cannot be.
virtual_address do_mremap(kernel& k, core& cpu, mm_struct& mm, virtual_address start,
                          bool dontunmap);

/// remap_file_pages(): the mapping that begins at `start` shows its file from page `pgoff` on.
/// -EINVAL if there is none, or it is no shared one of a file.
int do_remap_file_pages(kernel& k, core& cpu, mm_struct& mm, virtual_address start,
                        page_index pgoff);

/// Everything, as when a process ends.
void exit_mmap(kernel& k, core& cpu, mm_struct& mm);

} // namespace mkclean
