#pragma once

#include "vm/kernel.h"

namespace mkclean
{

/// fsync(): returns 0 when everything stored to the file before is on the disk, as far as the
/// kernel knows, or a negative errno.
int do_fsync(kernel& k, core& cpu, inode& file);

/// msync(MS_SYNC) on [start, end) of an address space.
int do_msync(kernel& k, core& cpu, mm_struct& mm, virtual_address start, virtual_address end);

/// sync(): every file, the filesystem's own data, the device.
void do_sync(kernel& k, core& cpu);

/// filemap_flush(): starts writing the file's dirty pages and waits for none.
void filemap_flush(kernel& k, core& cpu, inode& file);

} // namespace mkclean
