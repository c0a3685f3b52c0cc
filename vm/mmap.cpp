#include "vm/mmap.h"
#include "vm/huge_memory.h"
#include "vm/mremap.h"
#include "vm/zap.h"

#include <algorithm>
#include <cerrno>

namespace mkclean
{

namespace
{

// TASK_SIZE: user space ends here.
virtual_address task_size(const kernel& k)
{
    return virtual_address(k.format.address_limit());
}

// High up, as in Linux, so that every level of the tables is in use.
virtual_address mmap_base(const kernel& k)
{
    return virtual_address(k.format.address_limit() / 8 * 7);
}

bool overlaps(const mm_struct& mm, virtual_address start, virtual_address end)
{
    return std::any_of(mm.mmap.begin(), mm.mmap.end(), [&](const auto& entry) {
        return entry.second->start < end && start < entry.second->end;
    });
}

void link_file(core& cpu, vm_area_struct& vma)
{
    const lock_guard<spinlock> guard(cpu, vma.file->mapping.i_mmap_lock);
    vma.file->mapping.i_mmap.push_back(&vma);
}

void unlink_file(core& cpu, vm_area_struct& vma)
{
    const lock_guard<spinlock> guard(cpu, vma.file->mapping.i_mmap_lock);
    std::vector<vm_area_struct*>& list = vma.file->mapping.i_mmap;
    list.erase(std::remove(list.begin(), list.end(), &vma), list.end());
}

// The mapping can be found by nobody any more; then its PTEs go, and only then the reverse map's
// knowledge of it.
void unmap_region(kernel& k, core& cpu, mm_struct& mm, std::unique_ptr<vm_area_struct> vma)
{
    zap_page_range(k, cpu, *vma, vma->start, vma->end);
    if (vma->file != nullptr)
        unlink_file(cpu, *vma);
    cpu.sync();
    if (k.observer != nullptr)
        k.observer->on_munmap(mm, vma->start, vma->end);
}

// The first hole that is large enough. One page stays free between mappings, so that running over
// the end of one faults. `align` is given where a mapping could begin, and says where it would.
template <class Align>
virtual_address arch_get_unmapped_area(const kernel& k, const mm_struct& mm, std::uint64_t size,
                                       Align&& align)
{
    virtual_address start = align(mmap_base(k));
    for (const auto& [at, vma] : mm.mmap) {
        if (start + size + page_size <= at)
            break;
        start = std::max(start, align(vma->end + page_size));
    }
    return start;
}

// The address, or 0 if there is no such hole.
virtual_address get_unmapped_area(const kernel& k, const mm_struct& mm, const inode* file,
                                  page_index pgoff, std::uint64_t size, vm_flags flags)
{
    const virtual_address start = arch_get_unmapped_area(k, mm, size, [&](virtual_address from) {
        return thp_align(k, file, pgoff, size, flags, from);
    });
    if (size > task_size(k).raw() || start + size > task_size(k))
        return virtual_address();
    return start;
}

void insert_vma(kernel& k, core& cpu, std::unique_ptr<vm_area_struct> vma)
{
    if (vma->file != nullptr)
        link_file(cpu, *vma);
    cpu.sync();
    mm_struct& mm = *vma->mm;
    if (k.observer != nullptr)
        k.observer->on_mmap(mm, *vma);
    mm.mmap.emplace(vma->start, std::move(vma));
}

} // namespace

virtual_address do_mmap(kernel& k, core& cpu, mm_struct& mm, inode* file, page_index pgoff,
                        std::uint64_t length, vm_flags flags, virtual_address fixed)
{
    const write_guard mmap_sem(cpu, mm.mmap_sem);
    cpu.spend(cpu.cost().function * 10);
    const std::uint64_t size = page_align(length);
    virtual_address start = fixed;
    if (start == virtual_address()) {
        start = get_unmapped_area(k, mm, file, pgoff, size, flags);
        if (start == virtual_address())
            return start;
    }
    if (size == 0 || offset_in_page(start) != 0 || overlaps(mm, start, start + size))
        return virtual_address();
    auto vma = std::make_unique<vm_area_struct>();
    vma->mm = &mm;
    vma->start = start;
    vma->end = start + size;
    vma->flags = flags;
    vma->file = file;
    vma->pgoff = pgoff;
    insert_vma(k, cpu, std::move(vma));
    return start;
}

virtual_address do_mremap(kernel& k, core& cpu, mm_struct& mm, virtual_address start,
                          bool dontunmap)
{
    const write_guard mmap_sem(cpu, mm.mmap_sem);
    cpu.spend(cpu.cost().function * 10);
    const auto found = mm.mmap.find(start);
    if (found == mm.mmap.end())
        return virtual_address();
    const vm_area_struct& old = *found->second;
    const std::uint64_t size = (old.end - old.start).raw();
    const virtual_address fresh = get_unmapped_area(k, mm, old.file, old.pgoff, size, old.flags);
    if (fresh == virtual_address())
        return fresh;
    auto copy = std::make_unique<vm_area_struct>(old); // copy_vma()
    copy->start = fresh;
    copy->end = fresh + size;
    const vm_area_struct& to = *copy;
    insert_vma(k, cpu, std::move(copy));
    move_page_tables(k, cpu, old, to);
    if (!dontunmap) {
        std::unique_ptr<vm_area_struct> emptied = std::move(found->second);
        mm.mmap.erase(found);
        unmap_region(k, cpu, mm, std::move(emptied));
    }
    return fresh;
}

// ---- up to Linux 2.6.22 -------------------------------------------------------------------------
// The mapping stays and shows something else. Whoever looks for the PTEs of a page by the reverse
// map looks where they would be without that.

namespace linux_2_6_18
{

static void remap_file_pages(kernel& k, core& cpu, vm_area_struct& vma, page_index pgoff)
{
    zap_page_range(k, cpu, vma, vma.start, vma.end);
    cpu.sync();
    vma.nonlinear_pgoff = pgoff;
    if (k.observer == nullptr)
        return;
    vm_area_struct shown = vma;
    shown.pgoff = pgoff;
    k.observer->on_munmap(*vma.mm, vma.start, vma.end);
    k.observer->on_mmap(*vma.mm, shown);
}

} // namespace linux_2_6_18

// ---- 3ee6dafc677a (2.6.23 [version unverified]) -------------------------------------------------
// What has dirty pages to account for gets another mapping in the place of the old one.

namespace golden
{

static void remap_file_pages(kernel& k, core& cpu, mm_struct& mm, virtual_address start,
                             page_index pgoff)
{
    const auto found = mm.mmap.find(start);
    auto fresh = std::make_unique<vm_area_struct>(*found->second);
    fresh->pgoff = pgoff;
    std::unique_ptr<vm_area_struct> old = std::move(found->second);
    mm.mmap.erase(found);
    unmap_region(k, cpu, mm, std::move(old));
    insert_vma(k, cpu, std::move(fresh));
}

} // namespace golden

int do_remap_file_pages(kernel& k, core& cpu, mm_struct& mm, virtual_address start,
                        page_index pgoff)
{
    const write_guard mmap_sem(cpu, mm.mmap_sem);
    cpu.spend(cpu.cost().function * 10);
    const auto found = mm.mmap.find(start);
    if (found == mm.mmap.end() || found->second->file == nullptr || !found->second->flags.shared)
        return -EINVAL;
    if (k.policies.remap_file_pages_emulated)
        golden::remap_file_pages(k, cpu, mm, start, pgoff);
    else
        linux_2_6_18::remap_file_pages(k, cpu, *found->second, pgoff);
    return 0;
}

int do_munmap(kernel& k, core& cpu, mm_struct& mm, virtual_address start, std::uint64_t length)
{
    const write_guard mmap_sem(cpu, mm.mmap_sem);
    cpu.spend(cpu.cost().function * 10);
    const virtual_address end = start + page_align(length);
    const auto first = mm.mmap.lower_bound(start);
    for (auto at = mm.mmap.begin(); at != mm.mmap.end(); ++at) {
        const vm_area_struct& vma = *at->second;
        const bool touched = vma.start < end && start < vma.end;
        if (touched && (vma.start < start || vma.end > end))
            return -EINVAL;
    }
    for (auto at = first; at != mm.mmap.end() && at->first < end;) {
        std::unique_ptr<vm_area_struct> vma = std::move(at->second);
        at = mm.mmap.erase(at);
        unmap_region(k, cpu, mm, std::move(vma));
    }
    return 0;
}

void exit_mmap(kernel& k, core& cpu, mm_struct& mm)
{
    const write_guard mmap_sem(cpu, mm.mmap_sem);
    while (!mm.mmap.empty()) {
        std::unique_ptr<vm_area_struct> vma = std::move(mm.mmap.begin()->second);
        mm.mmap.erase(mm.mmap.begin());
        unmap_region(k, cpu, mm, std::move(vma));
    }
}

} // namespace mkclean
