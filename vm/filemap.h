#pragma once

#include "vm/kernel.h"

namespace mkclean
{

/// read(2) and write(2) at an offset. Bytes moved, or a negative errno.
std::int64_t generic_file_read(kernel& k, core& cpu, inode& file, std::uint64_t offset,
                               std::byte* to, std::uint64_t length);
std::int64_t generic_file_write(kernel& k, core& cpu, inode& file, std::uint64_t offset,
                                const std::byte* from, std::uint64_t length);

/// posix_fadvise(POSIX_FADV_DONTNEED) on the whole file: starts writeback, drops what is clean,
/// unmapped and unused.
void fadvise_dontneed(kernel& k, core& cpu, inode& file);

/// Drops a clean page that nobody uses; the page is locked. False if it has to stay.
bool invalidate_complete_page(kernel& k, core& cpu, page& pg);

} // namespace mkclean
