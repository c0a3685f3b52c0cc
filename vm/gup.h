#pragma once

#include "vm/kernel.h"

namespace mkclean
{

/// get_user_pages(), for one page that a device is going to store to: makes it present and
/// writable, and takes a reference. Throws user_signal if no mapping allows that.
page& get_user_page(kernel& k, core& cpu, mm_struct& mm, virtual_address va);

/// The driver is done with the page: what its device has stored there, without any PTE, is to
/// reach the file. Differs by policy: see gup.cpp.
void unpin_user_page(kernel& k, core& cpu, page& pg);

} // namespace mkclean
