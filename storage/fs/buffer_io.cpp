#include "storage/fs/buffer_io.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

namespace mkclean
{

namespace
{

std::string show_bytes(std::uint64_t first, std::uint64_t last)
{
    return "bytes " + std::to_string(first) + ".." + std::to_string(last);
}

const step_site site_no_io{"no IO underway", place::none, nullptr};
const step_site site_zero{"memclear_highpage_flush", place::memory, show_bytes};

std::uint64_t first_block_of(const page& pg, std::uint32_t block_size)
{
    return pg.index.raw() * (page_size / block_size);
}

// The page has been read as a whole. mpage_readpage() does without buffers.
void finish_read(actor& self, page& pg)
{
    if (pg.mapping->cache().policies().mpage_readpage)
        drop_buffers(self, pg);
    set_page_uptodate(self, pg);
}

// Whoever truncates has set i_size, and is about to free the block. (Asked where files shrink
// alone: elsewhere there is nothing behind the end to be found.)
bool is_truncated(const page& pg, std::uint64_t block, const block_mapper& fs)
{
    return pg.mapping->cache().policies().files_shrink &&
           block * fs.block_size() >= pg.mapping->host().size;
}

bool is_dirty_and_nowhere(const buffer_head& bh)
{
    return bh.dirty() && !bh.mapped();
}

bool any_other(const page& pg, const buffer_head& bh, buffer_flag f)
{
    return std::any_of(pg.buffers.begin(), pg.buffers.end(),
                       [&](const buffer_head& other) { return &other != &bh && other.test(f); });
}

} // namespace

buffer_io::buffer_io(block_device& device, physical_memory& memory)
    : m_device(device),
      m_memory(memory)
{
}

std::byte* buffer_io::bytes_of(const buffer_head& bh) const
{
    return m_memory.frame(bh.owner->frame) + bh.offset_in_page();
}

std::byte* buffer_io::bytes_to_store(const buffer_head& bh) const
{
    return m_memory.frame_to_store(bh.owner->frame) + bh.offset_in_page();
}

void redirty_page_for_writepage(actor& self, page& pg, writeback_control& wbc)
{
    ++wbc.pages_skipped;
    set_page_dirty_nobuffers(self, pg);
}

// Pass 1: every dirty buffer gets a block on the device, if that is allowed; what lies beyond the
// end of the file is not written.
int buffer_io::map_dirty_buffers(actor& self, page& pg, block_mapper& fs, bool allocate)
{
    inode& file = pg.mapping->host();
    const std::uint64_t end = (file.size + fs.block_size() - 1) / fs.block_size();
    std::uint64_t file_block = first_block_of(pg, fs.block_size());
    for (buffer_head& bh : pg.buffers) {
        if (file_block >= end) {
            test_and_clear_buffer_dirty(self, bh);
            bh.set(buffer_flag::uptodate);
        } else if (allocate && is_dirty_and_nowhere(bh)) {
            if (const int error = fs.get_block(self, file, file_block, bh, true))
                return error;
            bh.clear(buffer_flag::is_new);
        }
        ++file_block;
    }
    return 0;
}

// Pass 2: locks the buffers and takes the dirty bit of those that have it. From here on a store
// needs a new dirty bit, above, to be written. False if a buffer was busy and could not be had.
bool buffer_io::take_dirty_buffers(actor& self, page& pg, const writeback_control& wbc)
{
    bool all = true;
    for (buffer_head& bh : pg.buffers) {
        if (!bh.mapped())
            continue;
        if (wbc.mode == sync_mode::all || !wbc.nonblocking) {
            lock_buffer(self, bh);
        } else if (!trylock_buffer(self, bh)) {
            all = false;
            continue;
        }
        if (test_and_clear_buffer_dirty(self, bh)) {
            bh.set(buffer_flag::async_write);
            bh.clear(buffer_flag::reserved);
            bh.completion = &m_async_write;
        } else {
            unlock_buffer(self, bh);
        }
    }
    return all;
}

void buffer_io::create_dirty_buffers(actor& self, page& pg, std::uint32_t block_size)
{
    create_empty_buffers(self, pg, block_size);
    for (buffer_head& bh : pg.buffers) {
        bh.set(buffer_flag::uptodate);
        test_and_set_buffer_dirty(self, bh);
    }
}

// block_write_full_page(): what lies behind the end of the file in its last page reads as zeros, on
// the disk as well as when the file has grown.
void buffer_io::zero_behind_end(actor& self, page& pg)
{
    self.sync();
    const std::uint64_t begin = pg.index.raw() * page_size;
    const std::uint64_t size = pg.mapping->host().size;
    if (size <= begin || size >= begin + page_size)
        return;
    std::memset(m_memory.frame_to_store(pg.frame) + (size - begin), 0, page_size - (size - begin));
    self.note(site_zero, subject_of(pg), size - begin, page_size - 1);
}

int buffer_io::block_write_full_page(actor& self, page& pg, block_mapper& fs,
                                     writeback_control& wbc)
{
    vmstat& stats = pg.mapping->cache().stats;
    ++stats.writepages;
    zero_behind_end(self, pg);
    if (!pg.has_buffers())
        create_dirty_buffers(self, pg, fs.block_size());
    const cache_policies& policies = pg.mapping->cache().policies();
    const bool allocate = policies.background_allocates || !wbc.nonblocking;
    const int error = map_dirty_buffers(self, pg, fs, allocate);
    if (error != 0) {
        // What did get a block is still written; the rest is lost, and said to be at fsync.
        mapping_set_error(*pg.mapping, error);
        pg.flags.test_and_set(page_flag::error);
        for (buffer_head& bh : pg.buffers)
            if (!bh.mapped())
                test_and_clear_buffer_dirty(self, bh);
    }
    const bool all = take_dirty_buffers(self, pg, wbc) &&
                     std::none_of(pg.buffers.begin(), pg.buffers.end(), is_dirty_and_nowhere);
    if (!all)
        redirty_page_for_writepage(self, pg, wbc);

    // Up to 2014 the page was no longer a sync's business, written or not.
    set_page_writeback(self, pg, policies.set_page_writeback_keepwrite && !all);
    std::vector<buffer_head*> to_write;
    for (buffer_head& bh : pg.buffers)
        if (bh.test(buffer_flag::async_write))
            to_write.push_back(&bh);
    for (buffer_head* bh : to_write)
        m_device.submit(self, block_op::write, *bh);
    if (to_write.empty()) {
        // "The page was marked dirty, but the buffers were clean. Someone wrote them back by hand."
        ++stats.no_io_writepages;
        ++wbc.pages_skipped;
        unlock_page(self, pg);
        self.sync();
        self.note(site_no_io, subject_of(pg));
        end_page_writeback(self, pg);
    } else {
        unlock_page(self, pg);
    }
    return error;
}

void buffer_io::async_write::end_io(actor& self, buffer_head& bh, bool success)
{
    page& pg = *bh.owner;
    if (!success) {
        mapping_set_error(*pg.mapping, -EIO);
        pg.flags.test_and_set(page_flag::error);
        bh.clear(buffer_flag::uptodate);
    }
    bh.clear(buffer_flag::async_write);
    const bool last = !any_other(pg, bh, buffer_flag::async_write);
    unlock_buffer(self, bh);
    if (last)
        end_page_writeback(self, pg);
}

int buffer_io::block_read_full_page(actor& self, page& pg, block_mapper& fs)
{
    if (!pg.has_buffers())
        create_empty_buffers(self, pg, fs.block_size());
    std::vector<buffer_head*> to_read;
    std::uint64_t file_block = first_block_of(pg, fs.block_size());
    for (buffer_head& bh : pg.buffers) {
        const std::uint64_t block = file_block++;
        if (bh.uptodate())
            continue;
        if (!bh.mapped() && !is_truncated(pg, block, fs))
            fs.get_block(self, pg.mapping->host(), block, bh, false);
        if (bh.mapped()) {
            to_read.push_back(&bh);
        } else {
            std::memset(bytes_to_store(bh), 0, bh.size);
            bh.set(buffer_flag::uptodate);
        }
    }
    if (to_read.empty()) {
        finish_read(self, pg);
        unlock_page(self, pg);
        return 0;
    }
    for (buffer_head* bh : to_read) {
        lock_buffer(self, *bh);
        bh->set(buffer_flag::async_read);
        bh->completion = &m_async_read;
    }
    for (buffer_head* bh : to_read)
        m_device.submit(self, block_op::read, *bh);
    return 0;
}

void buffer_io::async_read::end_io(actor& self, buffer_head& bh, bool success)
{
    page& pg = *bh.owner;
    bh.clear(buffer_flag::async_read);
    if (success)
        bh.set(buffer_flag::uptodate);
    const bool last = !any_other(pg, bh, buffer_flag::async_read);
    unlock_buffer(self, bh);
    if (!last)
        return;
    const bool all = std::all_of(pg.buffers.begin(), pg.buffers.end(),
                                 [](const buffer_head& b) { return b.uptodate(); });
    if (all)
        finish_read(self, pg);
    unlock_page(self, pg);
}

void buffer_io::sync_io::end_io(actor& self, buffer_head& bh, bool success)
{
    if (success)
        bh.set(buffer_flag::uptodate);
    else
        bh.clear(buffer_flag::uptodate);
    unlock_buffer(self, bh);
}

void buffer_io::submit_locked(actor& self, buffer_head& bh, block_op op, bool fua)
{
    bh.completion = &m_sync_io;
    m_device.submit(self, op, bh, fua);
}

void buffer_io::sync_dirty_buffer(actor& self, buffer_head& bh)
{
    lock_buffer(self, bh);
    if (!test_and_clear_buffer_dirty(self, bh)) {
        unlock_buffer(self, bh);
        return;
    }
    submit_locked(self, bh, block_op::write);
    wait_on_buffer(self, bh);
}

void buffer_io::read_and_wait(actor& self, buffer_head& bh)
{
    lock_buffer(self, bh);
    if (bh.uptodate()) {
        unlock_buffer(self, bh);
        return;
    }
    submit_locked(self, bh, block_op::read);
    wait_on_buffer(self, bh);
}

// Where there is no barrier: the processor reads BH_Dirty while the store of the data, which comes
// before in the program, still waits to be seen. That is as early as it can get.
static void look_too_early(actor& self, buffer_head& bh)
{
    self.sync();
    if (bh.dirty())
        bh.set(buffer_flag::seen_dirty);
}

int buffer_io::block_prepare_write(actor& self, page& pg, std::uint32_t from, std::uint32_t to,
                                   block_mapper& fs)
{
    if (!pg.has_buffers())
        create_empty_buffers(self, pg, fs.block_size());
    std::uint64_t file_block = first_block_of(pg, fs.block_size());
    for (buffer_head& bh : pg.buffers) {
        const std::uint64_t block = file_block++;
        const auto begin = static_cast<std::uint32_t>(bh.offset_in_page());
        const std::uint32_t end = begin + bh.size;
        if (pg.uptodate())
            bh.set(buffer_flag::uptodate);
        if (end <= from || begin >= to)
            continue;
        if (!bh.mapped()) {
            if (const int error = fs.get_block(self, pg.mapping->host(), block, bh, true))
                return error;
            if (bh.test(buffer_flag::is_new)) {
                bh.clear(buffer_flag::is_new);
                if (!bh.uptodate() && (begin < from || end > to))
                    std::memset(bytes_to_store(bh), 0, bh.size);
                bh.set(buffer_flag::uptodate);
            }
        }
        if (!bh.uptodate() && (begin < from || end > to))
            read_and_wait(self, bh);
        if (!pg.mapping->cache().policies().mark_buffer_dirty_barrier)
            look_too_early(self, bh);
    }
    return 0;
}

int buffer_io::block_commit_write(actor& self, page& pg, std::uint32_t from, std::uint32_t to)
{
    bool all = true;
    for (buffer_head& bh : pg.buffers) {
        const auto begin = static_cast<std::uint32_t>(bh.offset_in_page());
        if (begin + bh.size <= from || begin >= to) {
            all = all && bh.uptodate();
            continue;
        }
        bh.set(buffer_flag::uptodate);
        const bool seen_dirty = bh.test(buffer_flag::seen_dirty);
        bh.clear(buffer_flag::seen_dirty);
        if (!seen_dirty)
            mark_buffer_dirty(self, bh);
    }
    if (all)
        set_page_uptodate(self, pg);
    return 0;
}

} // namespace mkclean
