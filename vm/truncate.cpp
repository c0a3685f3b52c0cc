// mm/truncate.c and vmtruncate(): files that shrink, in the order of 2.6: i_size, the PTEs, the
// pages, the blocks.

#include "vm/truncate.h"
#include "vm/rmap.h"
#include "vm/zap.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

namespace mkclean
{

namespace
{

std::string show_count(std::uint64_t before, std::uint64_t after)
{
    return std::to_string(before) + " -> " + std::to_string(after);
}

std::string show_size(std::uint64_t before, std::uint64_t after)
{
    return "i_size " + std::to_string(before) + " -> " + std::to_string(after);
}

const step_site site_size{"i_size_write", place::none, show_size};
const step_site site_count{"truncate_count", place::none, show_count};

/// A number as the word that a step changes.
struct counted {
    const std::uint64_t& value;
    std::uint64_t raw() const { return value; }
};

subject subject_of_file(const inode& file)
{
    subject what;
    what.ino = file.ino;
    return what;
}

page_index first_page_behind(std::uint64_t size)
{
    return page_index((size + page_size - 1) / page_size);
}

// Faults that have found their page before the count goes up do not install it any more; what they
// have installed by then is found here.
void unmap_mapping_range(kernel& k, core& cpu, address_space& mapping, page_index first)
{
    const lock_guard<spinlock> guard(cpu, mapping.i_mmap_lock);
    cpu.step(site_count, subject_of_file(mapping.host()), counted{mapping.truncate_count},
             [&] { ++mapping.truncate_count; });
    for (vm_area_struct* vma : mapping.i_mmap) {
        const page_index from = std::max(first, vma->pgoff);
        const virtual_address start = vma->address_of(from);
        if (start < vma->end)
            zap_page_range(k, cpu, *vma, start, vma->end);
    }
}

void cancel_dirty_page(core& cpu, page& pg)
{
    if (test_and_clear_page_dirty(cpu, pg))
        account_page_cleaned(cpu, pg);
}

void do_invalidatepage(core& cpu, page& pg, std::uint32_t offset)
{
    if (pg.has_buffers())
        pg.mapping->ops().invalidatepage(cpu, pg, offset);
}

} // namespace

// ---- Linux 2.6.18 -------------------------------------------------------------------------------

namespace linux_2_6_18
{

static void truncate_complete_page(kernel& k, core& cpu, page& pg)
{
    do_invalidatepage(cpu, pg, 0);
    cancel_dirty_page(cpu, pg); // clear_page_dirty(), of a page that nobody maps
    k.cache.remove_from_page_cache(cpu, pg);
}

} // namespace linux_2_6_18

// ---- Linux 2.6.20 (3e67c0987d75) ----------------------------------------------------------------
// So that try_to_free_buffers() finds a clean page. But a filesystem whose ->invalidatepage dirties
// it leaves one more in nr_dirty than there are (bugzilla 9182).

namespace linux_2_6_20
{

static void truncate_complete_page(kernel& k, core& cpu, page& pg)
{
    cancel_dirty_page(cpu, pg);
    do_invalidatepage(cpu, pg, 0);
    k.cache.remove_from_page_cache(cpu, pg);
}

} // namespace linux_2_6_20

// ---- golden (a2b345642f53, 2.6.25) --------------------------------------------------------------
// And who takes the page out of the page cache looks once more (3a6927906f1b, 2.6.24).

namespace golden
{

static void truncate_complete_page(kernel& k, core& cpu, page& pg)
{
    do_invalidatepage(cpu, pg, 0);
    cancel_dirty_page(cpu, pg);
    k.cache.remove_from_page_cache(cpu, pg);
}

} // namespace golden

static void truncate_complete_page(kernel& k, core& cpu, page& pg)
{
    switch (k.policies.truncate_complete_page) {
    case truncate_policy::linux_2_6_18:
        return linux_2_6_18::truncate_complete_page(k, cpu, pg);
    case truncate_policy::linux_2_6_20:
        return linux_2_6_20::truncate_complete_page(k, cpu, pg);
    case truncate_policy::golden:
        return golden::truncate_complete_page(k, cpu, pg);
    }
}

namespace
{

void truncate_partial_page(kernel& k, core& cpu, page& pg, std::uint32_t offset)
{
    cpu.sync();
    std::memset(k.memory.frame_to_store(pg.frame) + offset, 0, page_size - offset);
    do_invalidatepage(cpu, pg, offset);
}

// The next page at `index` or behind it, locked, not being written, and with a reference. Null:
// there is none.
page* find_page_to_truncate(kernel& k, core& cpu, address_space& mapping, page_index index)
{
    for (;;) {
        cpu.spend(cpu.cost().tree_op);
        cpu.sync();
        page* const pg = mapping.pages.next(index);
        if (pg == nullptr)
            return nullptr;
        k.cache.get_page(*pg);
        lock_page(cpu, *pg);
        if (pg->mapping == &mapping) {
            wait_on_page_writeback(cpu, *pg);
            return pg;
        }
        unlock_page(cpu, *pg);
        k.cache.put_page(*pg);
    }
}

void truncate_inode_pages(kernel& k, core& cpu, address_space& mapping, std::uint64_t size)
{
    const page_index first = first_page_behind(size);
    if (size % page_size != 0) {
        if (page* const pg = k.cache.find_lock_page(cpu, mapping, page_index(size / page_size))) {
            wait_on_page_writeback(cpu, *pg);
            truncate_partial_page(k, cpu, *pg, static_cast<std::uint32_t>(size % page_size));
            unlock_page(cpu, *pg);
            k.cache.put_page(*pg);
        }
    }
    while (page* const pg = find_page_to_truncate(k, cpu, mapping, first)) {
        truncate_complete_page(k, cpu, *pg);
        unlock_page(cpu, *pg);
        k.cache.put_page(*pg);
    }
}

void tell(kernel& k, core& cpu, const inode& file, truncated what)
{
    if (k.observer == nullptr)
        return;
    cpu.sync();
    k.observer->on_truncate(cpu, file, what);
}

int vmtruncate(kernel& k, core& cpu, inode& file, std::uint64_t size)
{
    if (!k.fs.shrinks())
        return -EINVAL;
    cpu.step(site_size, subject_of_file(file), counted{file.size}, [&] { file.size = size; });
    tell(k, cpu, file, truncated::size);
    unmap_mapping_range(k, cpu, file.mapping, first_page_behind(size));
    truncate_inode_pages(k, cpu, file.mapping, size);
    tell(k, cpu, file, truncated::pages);
    k.fs.truncate_blocks(cpu, file);
    tell(k, cpu, file, truncated::blocks);
    return 0;
}

} // namespace

int do_truncate(kernel& k, core& cpu, inode& file, std::uint64_t size)
{
    const std::uint64_t before = file.size;
    if (size < before)
        return vmtruncate(k, cpu, file, size);
    const int error = k.fs.truncate(cpu, file, size);
    if (error == 0)
        pagecache_isize_extended(k, cpu, file, before, size);
    return error;
}

// 90a8020278c1. Up to then whoever had made the page writable while the file was shorter went on
// storing to blocks that nobody had heard of.
void pagecache_isize_extended(kernel& k, core& cpu, inode& file, std::uint64_t from,
                              std::uint64_t to)
{
    if (!k.policies.pagecache_isize_extended ||
        k.policies.page_mkwrite == page_mkwrite_policy::none)
        return;
    const std::uint64_t block = k.fs.block_size();
    const std::uint64_t rounded = (from + block - 1) / block * block;
    if (to <= rounded || rounded % page_size == 0)
        return;
    page* const pg = k.cache.find_lock_page(cpu, file.mapping, page_index(rounded / page_size));
    if (pg == nullptr)
        return;
    if (page_mkclean(k, cpu, *pg))
        set_page_dirty(cpu, *pg);
    unlock_page(cpu, *pg);
    k.cache.put_page(*pg);
}

} // namespace mkclean
