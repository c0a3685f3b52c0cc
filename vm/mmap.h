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

/// Everything, as when a process ends.
void exit_mmap(kernel& k, core& cpu, mm_struct& mm);

} // namespace mkclean
