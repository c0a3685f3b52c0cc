#include "vm/madvise.h"
#include "vm/zap.h"

#include <algorithm>
#include <cerrno>

namespace mkclean
{

static int madvise_locked(kernel& k, core& cpu, mm_struct& mm, virtual_address start,
                          virtual_address end)
{
    cpu.spend(cpu.cost().function);
    for (const auto& [at, vma] : mm.mmap) {
        if (vma->end <= start)
            continue;
        if (at > start)
            break;
        zap_page_range(k, cpu, *vma, start, std::min(end, vma->end));
        start = std::min(end, vma->end);
        if (start == end)
            return 0;
    }
    return -ENOMEM;
}

// ---- up to Linux 2.6.21 -------------------------------------------------------------------------

namespace linux_2_6_18
{

static int madvise_dontneed(kernel& k, core& cpu, mm_struct& mm, virtual_address start,
                            virtual_address end)
{
    const write_guard mmap_sem(cpu, mm.mmap_sem);
    return madvise_locked(k, cpu, mm, start, end);
}

} // namespace linux_2_6_18

// ---- Linux 2.6.22 (0a27a14a6292 [commit and version unverified]) --------------------------------
// No mapping is changed, so that threads may do it at the same time. From then on one can find PTEs
// gone that another has yet to flush.

namespace linux_2_6_23
{

static int madvise_dontneed(kernel& k, core& cpu, mm_struct& mm, virtual_address start,
                            virtual_address end)
{
    const read_guard mmap_sem(cpu, mm.mmap_sem);
    return madvise_locked(k, cpu, mm, start, end);
}

} // namespace linux_2_6_23

int madvise_dontneed(kernel& k, core& cpu, mm_struct& mm, virtual_address start,
                     std::uint64_t length)
{
    const virtual_address end = start + page_align(length);
    return k.policies.madvise_lock == madvise_lock_policy::write
               ? linux_2_6_18::madvise_dontneed(k, cpu, mm, start, end)
               : linux_2_6_23::madvise_dontneed(k, cpu, mm, start, end);
}

} // namespace mkclean
