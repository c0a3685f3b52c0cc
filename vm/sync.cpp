#include "vm/sync.h"
#include "sim/span.h"
#include "vm/dirty_log.h"
#include "vm/keyed_page.h"
#include "vm/page_writeback.h"
#include "vm/tlb_flush.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace mkclean
{

namespace
{

const step_site site_msync{"msync_pte", place::pte, show_pte_change};
const span_site site_do_fsync{"do_fsync"};
const span_site site_do_msync{"do_msync"};
const span_site site_do_sync{"do_sync"};

subject subject_of_file(const inode& file)
{
    subject what;
    what.ino = file.ino;
    return what;
}

subject subject_of_range(virtual_address start)
{
    subject what;
    what.va = start;
    return what;
}

// filemap_fdatawrite(): everything dirty is on its way when this returns.
int filemap_fdatawrite(kernel& k, core& cpu, inode& file)
{
    writeback_control wbc;
    wbc.mode = sync_mode::all;
    wbc.nr_to_write = static_cast<std::int64_t>(file.mapping.pages.size()) * 2;
    if (!mapping_cap_writeback_dirty(file.mapping))
        return 0;
    return write_cache_pages(k, cpu, file.mapping, wbc);
}

// Up to 4.12 AS_EIO was for whoever came first: a sync of somebody else's, or of no one's, took it
// away, and the next one returned 0. (The page is clean in any case, and its bytes are not on the
// disk.)
int wb_error_of(kernel& k, core& cpu, address_space& mapping)
{
    if (k.policies.wb_error == wb_error_policy::flag)
        return std::exchange(mapping.error, 0);
    return mapping.wb_err.check_and_advance(k.f_wb_err[{cpu.id(), mapping.host().ino}]);
}

// filemap_fdatawait(): nothing of it is on its way any more.
int filemap_fdatawait(kernel& k, core& cpu, inode& file)
{
    page_index index;
    for (;;) {
        cpu.spend(cpu.cost().tree_op);
        cpu.sync();
        page* const pg = file.mapping.pages.next_tagged(index, page_tag::writeback);
        if (pg == nullptr)
            break;
        k.cache.get_page(*pg);
        wait_on_page_writeback(cpu, *pg);
        index = pg->index + 1;
        k.cache.put_page(*pg);
    }
    return wb_error_of(k, cpu, file.mapping);
}

int first_error(int a, int b)
{
    return a != 0 ? a : b;
}

int sync_file(kernel& k, core& cpu, inode& file)
{
    drain_dirty_logs(k, cpu);
    int error = filemap_fdatawrite(k, cpu, file);
    {
        const lock_guard<mutex> guard(cpu, file.i_mutex);
        error = first_error(error, k.fs.fsync(cpu, file));
    }
    error = first_error(error, filemap_fdatawait(k, cpu, file));
    k.fs.flush_device(cpu);
    return error;
}

} // namespace

int do_fsync(kernel& k, core& cpu, inode& file)
{
    cpu.sync();
    span in(cpu, site_do_fsync, subject_of_file(file));
    if (k.observer != nullptr)
        k.observer->on_sync_begin(cpu, file, page_index(), page_index::max());
    const int error = sync_file(k, cpu, file);
    cpu.sync();
    if (k.observer != nullptr)
        k.observer->on_sync_end(cpu, file, error);
    return in.returns(error);
}

// ---- Linux 2.6.18: msync is what finds the stores of a mapping ----------------------------------

namespace linux_2_6_18
{

// msync_pte_range(): what the PTEs know goes to the pages, under the page-table lock.
void msync_ptes(kernel& k, core& cpu, vm_area_struct& vma, virtual_address start,
                virtual_address end)
{
    mm_struct& mm = *vma.mm;
    for (virtual_address va = start; va < end; va += virtual_address(page_size)) {
        const lock_guard<spinlock> ptl(cpu, mm.page_table_lock);
        cpu.sync();
        std::optional<pte_slot> slot = mm.pgd.find(va);
        if (!slot || !slot->get().present())
            continue;
        page& pg = k.cache.page_of(slot->get().frame());
        if (is_keyed(k, pg)) {
            const lock_guard<spinlock> guard(cpu, pg.mapping->key_lock);
            key_to_page_dirty(k, cpu, pg);
            continue;
        }
        if (!slot->get().dirty())
            continue;
        subject what = subject_of(pg);
        what.va = va;
        cpu.step(site_msync, what, *slot, [&] { slot->set_pte(slot->get().mkclean()); });
        flush_tlb_page_for_mkclean(k, cpu, mm, va);
        set_page_dirty(cpu, pg);
    }
}

} // namespace linux_2_6_18

namespace
{

/// The next piece of an msync: what is mapped of it, up to `end`, and the file behind it.
struct msync_piece {
    bool found = false;
    bool hole_before = false;
    inode* file = nullptr; ///< to be synced
    virtual_address end;
};

// Looks at the mapping at `at` or, if there is none, at the next one. mmap_sem is held only here,
// not while the file is written.
msync_piece next_piece(kernel& k, core& cpu, mm_struct& mm, virtual_address at, virtual_address end)
{
    const read_guard mmap_sem(cpu, mm.mmap_sem);
    cpu.sync();
    msync_piece piece;
    vm_area_struct* vma = mm.find_vma(at);
    if (vma == nullptr) {
        piece.hole_before = true;
        const auto next = mm.mmap.upper_bound(at);
        if (next == mm.mmap.end() || next->first >= end)
            return piece;
        vma = next->second.get();
    }
    piece.found = true;
    piece.end = std::min(end, vma->end);
    if (vma->file == nullptr || !vma->flags.shared)
        return piece;
    piece.file = vma->file;
    const virtual_address start = std::max(at, vma->start);
    if (k.observer != nullptr)
        k.observer->on_sync_begin(cpu, *vma->file, vma->index_of(start),
                                  vma->index_of(piece.end + (page_size - 1)));
    if (k.policies.msync == msync_policy::linux_2_6_18)
        linux_2_6_18::msync_ptes(k, cpu, *vma, start, piece.end);
    return piece;
}

} // namespace

int do_msync(kernel& k, core& cpu, mm_struct& mm, virtual_address start, virtual_address end)
{
    span in(cpu, site_do_msync, subject_of_range(start));
    int unmapped_error = 0; // holes are passed over, and told of at the end
    while (start < end) {
        const msync_piece piece = next_piece(k, cpu, mm, start, end);
        if (piece.hole_before)
            unmapped_error = -ENOMEM;
        if (!piece.found)
            break;
        if (piece.file != nullptr) {
            const int error = sync_file(k, cpu, *piece.file);
            cpu.sync();
            if (k.observer != nullptr)
                k.observer->on_sync_end(cpu, *piece.file, error);
            if (error != 0)
                return in.returns(error);
        }
        start = piece.end;
    }
    return in.returns(unmapped_error);
}

void do_sync(kernel& k, core& cpu)
{
    const span in(cpu, site_do_sync, subject());
    drain_dirty_logs(k, cpu);
    writeback_control wbc;
    wbc.mode = sync_mode::all;
    wbc.nr_to_write = static_cast<std::int64_t>(k.cache.total_pages()) * 2;
    // Twice, for writing the files may dirty the metadata that is written with them.
    for (int pass = 0; pass < 2; ++pass) {
        writeback_inodes(k, cpu, wbc);
        k.fs.sync_fs(cpu);
        cpu.sync();
        cpu.block_until(k.cache.writeback_ended, [&] { return k.stats.nr_writeback == 0; });
    }
    k.fs.flush_device(cpu);
}

void filemap_flush(kernel& k, core& cpu, inode& file)
{
    writeback_control wbc;
    wbc.nr_to_write = static_cast<std::int64_t>(file.mapping.pages.size()) * 2;
    if (mapping_cap_writeback_dirty(file.mapping))
        write_cache_pages(k, cpu, file.mapping, wbc);
}

} // namespace mkclean
