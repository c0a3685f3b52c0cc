#pragma once

#include "storage/block/tests/block_world.h"
#include "storage/fs/ext3.h"
#include "storage/fs/mkfs.h"
#include "storage/fs/recovery.h"
#include "storage/options.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace mkclean
{

struct fs_world_options {
    fs_world_options()
    {
        machine.cache.fsync_writes_clean_inode = true;
    } // or fsync promises little

    block_world_options machine;
    filesystem_type type = filesystem_type::ext3;
    std::uint32_t block_size = 4096;
    data_mode data = data_mode::ordered;
    journal_options journal;
    std::vector<std::uint64_t> files{0, 0, 0};
};

/// A filesystem on a disk, its journal thread, and what it needs of a VM: just enough to write,
/// map, write back, sync and drop pages of files.
class fs_world final
{
public:
    explicit fs_world(const fs_world_options& o)
        : options(o),
          machine(o.machine),
          layout(mkfs(machine.media, o.block_size,
                      o.type == filesystem_type::ext3 ? o.journal.blocks : 0, o.files)),
          io(*machine.device, machine.ram)
    {
        bdi.write_congested = [this] { return machine.device->congested(); };
        if (o.type == filesystem_type::ext2) {
            fs = std::make_unique<ext2>(machine.cache, io, layout, bdi, o.journal.barrier);
            return;
        }
        auto journalled = std::make_unique<ext3>(machine.cache, io, layout, bdi, o.data, o.journal);
        journal = journalled.get();
        fs = std::move(journalled);
        fs->start([this](const std::string& name, std::function<void(actor&)> body) {
            machine.spawn(name, [body = std::move(body)](kernel_thread& self) { body(self); });
        });
    }
    // Before the filesystem goes, whoever is still in it has to be out.
    ~fs_world() { machine.exec.cancel_all(); }

    bool run(std::function<void(kernel_thread&)> body) { return machine.run(std::move(body)); }

    inode& open(kernel_thread& self, std::uint64_t ino)
    {
        return fs->open(self, inode_number(ino));
    }

    // ---- write(2), and a store through a mapping

    int write(kernel_thread& self, inode& file, std::uint64_t offset, std::uint64_t length,
              unsigned value, const std::function<void()>& copied = {})
    {
        const lock_guard<mutex> guard(self, file.i_mutex);
        page& pg =
            machine.cache.find_or_create_page(self, file.mapping, page_index(offset / page_size));
        const auto from = static_cast<std::uint32_t>(offset % page_size);
        const auto to = static_cast<std::uint32_t>(from + length);
        const int error = file.mapping.ops().prepare_write(self, pg, from, to);
        if (error == 0) {
            std::memset(bytes_of(pg) + from, static_cast<int>(value), length);
            if (copied)
                copied();
            file.mapping.ops().commit_write(self, pg, from, to);
        }
        unlock_page(self, pg);
        wait_for_tag(self, pg);
        machine.cache.put_page(pg);
        return error;
    }
    void store(kernel_thread& self, inode& file, std::uint64_t offset, std::uint64_t length,
               unsigned value, const std::function<void()>& stored = {})
    {
        page& pg = read_page(self, file, offset / page_size);
        std::memset(bytes_of(pg) + offset % page_size, static_cast<int>(value), length);
        if (stored)
            stored();
        set_page_dirty(self, pg);
        wait_for_tag(self, pg);
        machine.cache.put_page(pg);
    }
    int truncate(kernel_thread& self, inode& file, std::uint64_t size)
    {
        const lock_guard<mutex> guard(self, file.i_mutex);
        return fs->truncate(self, file, size);
    }

    // ---- reading

    /// Uptodate, with a reference.
    page& read_page(kernel_thread& self, inode& file, std::uint64_t index)
    {
        for (;;) {
            page& pg = machine.cache.find_or_create_page(self, file.mapping, page_index(index));
            if (pg.uptodate())
                unlock_page(self, pg);
            else
                file.mapping.ops().readpage(self, pg);
            wait_on_page_locked(self, pg);
            if (pg.uptodate() && pg.mapping == &file.mapping)
                return pg;
            machine.cache.put_page(pg);
        }
    }
    bool holds(kernel_thread& self, inode& file, std::uint64_t offset, std::uint64_t length,
               unsigned value)
    {
        page& pg = read_page(self, file, offset / page_size);
        const std::byte* const from = bytes_of(pg) + offset % page_size;
        const bool all = std::all_of(from, from + length, [&](std::byte b) {
            return std::to_integer<unsigned>(b) == value;
        });
        machine.cache.put_page(pg);
        return all;
    }

    // ---- writeback

    void write_pages(kernel_thread& self, inode& file, sync_mode mode)
    {
        writeback_control wbc;
        wbc.mode = mode;
        wbc.nonblocking = mode == sync_mode::none;
        page_index at;
        for (;;) {
            self.sync();
            page* const pg = file.mapping.pages.next_tagged(at, page_tag::dirty);
            if (pg == nullptr)
                return;
            at = pg->index + 1;
            machine.cache.get_page(*pg);
            write_page(self, *pg, wbc);
            machine.cache.put_page(*pg);
        }
    }
    void wait_for_pages(kernel_thread& self, inode& file)
    {
        page_index at;
        for (;;) {
            self.sync();
            page* const pg = file.mapping.pages.next_tagged(at, page_tag::writeback);
            if (pg == nullptr)
                return;
            at = pg->index + 1;
            machine.cache.get_page(*pg);
            wait_on_page_writeback(self, *pg);
            machine.cache.put_page(*pg);
        }
    }
    void fsync(kernel_thread& self, inode& file)
    {
        write_pages(self, file, sync_mode::all);
        {
            const lock_guard<mutex> guard(self, file.i_mutex);
            fs->fsync(self, file);
        }
        wait_for_pages(self, file);
        fs->flush_device(self);
    }
    /// One page, as fadvise(DONTNEED) or reclaim do it; true if it is gone.
    bool drop(kernel_thread& self, inode& file, std::uint64_t index)
    {
        page* const pg = machine.cache.find_lock_page(self, file.mapping, page_index(index));
        if (pg == nullptr)
            return true;
        const bool gone = !pg->dirty() && !pg->writeback() && free_buffers(self, *pg) &&
                          !pg->dirty() && !pg->writeback() && pg->count == 2;
        if (gone)
            machine.cache.remove_from_page_cache(self, *pg);
        unlock_page(self, *pg);
        machine.cache.put_page(*pg);
        return gone;
    }

    std::byte* bytes_of(const page& pg) { return machine.ram.frame(pg.frame); }

    const fs_world_options options;
    block_world machine;
    super_block_layout layout;
    backing_dev_info bdi;
    buffer_io io;
    std::unique_ptr<ext2> fs;
    ext3* journal = nullptr; ///< the same, if it is one

private:
    // Somebody else may have set PG_dirty just now, and not yet the tag by which a sync finds the
    // page. Linux does not wait, and has that hole (cache/tests/page_dirty_test.cpp); here the
    // filesystem is on trial.
    void wait_for_tag(kernel_thread& self, const page& pg)
    {
        while (pg.dirty() && pg.mapping != nullptr &&
               !pg.mapping->pages.tagged(pg.index, page_tag::dirty))
            self.pause(block_world::us);
    }
    void write_page(kernel_thread& self, page& pg, writeback_control& wbc)
    {
        lock_page(self, pg);
        if (wbc.mode == sync_mode::all)
            wait_on_page_writeback(self, pg);
        if (pg.mapping == nullptr || pg.writeback() || !test_and_clear_page_dirty(self, pg)) {
            unlock_page(self, pg);
            return;
        }
        account_page_cleaned(self, pg);
        pg.mapping->ops().writepage(self, pg, wbc);
    }
    bool free_buffers(kernel_thread& self, page& pg)
    {
        if (!pg.has_buffers())
            return true;
        if (!pg.mapping->ops().releasepage(self, pg))
            return false;
        const lock_guard<spinlock> guard(self, pg.mapping->private_lock);
        return drop_buffers(self, pg);
    }
};

/// A page that is in memory.
inline page& page_of(inode& file, std::uint64_t index)
{
    return *file.mapping.pages.lookup(page_index(index));
}

inline unsigned dirty_buffers(const page& pg)
{
    return static_cast<unsigned>(std::count_if(pg.buffers.begin(), pg.buffers.end(),
                                               [](const buffer_head& bh) { return bh.dirty(); }));
}

/// fsck: what is wrong with the metadata of a filesystem that was just recovered. Empty if nothing.
inline std::string fsck(const recovered_filesystem& fs)
{
    if (!fs.valid())
        return "no filesystem";
    const super_block_layout& sb = fs.layout();
    const std::uint64_t per_block = sb.block_size / 4;
    std::set<std::uint64_t> used;
    std::string wrong;
    const std::function<void(std::uint64_t, unsigned)> visit = [&](std::uint64_t block,
                                                                   unsigned levels_below) {
        if (block == 0 || !wrong.empty())
            return;
        if (block < sb.first_data || block >= sb.blocks)
            wrong = "a pointer to block " + std::to_string(block);
        else if (!used.insert(block).second)
            wrong = "block " + std::to_string(block) + " is used twice";
        if (!wrong.empty() || levels_below == 0)
            return;
        const std::vector<std::byte> table = fs.block(block);
        for (std::uint64_t i = 0; i < per_block; ++i)
            visit(get_u32(table.data() + 4 * i), levels_below - 1);
    };
    for (std::uint64_t ino = 1; ino <= sb.inodes; ++ino) {
        const inode_layout node = fs.read_inode(ino);
        for (unsigned i = 0; i < inode_pointers; ++i)
            visit(node.block[i], i < direct_pointers ? 0 : i - direct_pointers + 1);
    }
    const std::uint64_t bits = std::uint64_t{sb.block_size} * 8;
    for (std::uint64_t first = 0; first < sb.blocks && wrong.empty(); first += bits) {
        const std::vector<std::byte> bitmap = fs.block(sb.block_bitmap + first / bits);
        for (std::uint64_t bit = 0; bit < bits && first + bit < sb.blocks; ++bit) {
            const std::uint64_t block = first + bit;
            const bool taken = (bitmap[bit / 8] >> (bit % 8) & std::byte{1}) != std::byte{0};
            if (block >= sb.first_data && taken != (used.count(block) != 0))
                wrong = "block " + std::to_string(block) +
                        (taken ? " is lost" : " is used and marked as free");
        }
    }
    return wrong;
}

} // namespace mkclean
