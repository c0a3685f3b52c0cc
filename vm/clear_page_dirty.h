#pragma once

#include "vm/kernel.h"

namespace mkclean
{

/// Takes the page's dirtiness away, for I/O that is about to be started; the page is locked. True
/// if it was dirty and has to be written. Differs by era: see clear_page_dirty.cpp.
bool clear_page_dirty_for_io(kernel& k, core& cpu, page& pg);

/// try_to_free_buffers(): drops the buffers of a locked page if all of them are clean. Differs by
/// era in what then becomes of the page's own dirty bit.
bool try_to_free_buffers(kernel& k, core& cpu, page& pg);

/// try_to_release_page(): the filesystem's part of the same, first.
bool try_to_release_page(kernel& k, core& cpu, page& pg);

} // namespace mkclean
