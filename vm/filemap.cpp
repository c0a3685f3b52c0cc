// mm/filemap.c, mm/truncate.c, mm/fadvise.c of 2.6.18: files by way of the page cache.

#include "vm/filemap.h"
#include "vm/clear_page_dirty.h"
#include "vm/fault.h"
#include "vm/page_writeback.h"
#include "vm/sync.h"
#include "vm/truncate.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mkclean
{

namespace
{

const step_site site_copy{"filemap_copy_from_user", place::none, show_bytes};

std::uint64_t pages_of(const inode& file)
{
    return (file.size + page_size - 1) / page_size;
}

// Reads the locked page, if that was not done meanwhile, and waits. True if it is uptodate.
bool read_locked_page(core& cpu, page& pg)
{
    if (pg.uptodate()) {
        unlock_page(cpu, pg);
        return true;
    }
    pg.mapping->ops().readpage(cpu, pg);
    wait_on_page_locked(cpu, pg);
    return pg.uptodate();
}

void copy_cost(core& cpu, std::uint64_t bytes)
{
    cpu.spend(cpu.cost().copy_page * bytes / page_size + 1);
}

} // namespace

page* filemap_nopage(kernel& k, core& cpu, inode& file, page_index index, bool& major)
{
    if (index.raw() >= pages_of(file))
        return nullptr;
    for (;;) {
        if (page* const pg = k.cache.find_get_page(cpu, file.mapping, index)) {
            if (pg->uptodate())
                return pg;
            k.cache.put_page(*pg);
        }
        page& pg = k.cache.find_or_create_page(cpu, file.mapping, index);
        major = major || !pg.uptodate();
        if (read_locked_page(cpu, pg))
            return &pg;
        const bool gone = pg.mapping == nullptr;
        k.cache.put_page(pg);
        if (!gone)
            return nullptr; // an I/O error
    }
}

std::int64_t generic_file_read(kernel& k, core& cpu, inode& file, std::uint64_t offset,
                               std::byte* to, std::uint64_t length)
{
    if (offset >= file.size)
        return 0;
    length = std::min(length, file.size - offset);
    std::uint64_t done = 0;
    while (done < length) {
        const std::uint64_t at = offset + done;
        const std::uint64_t in_page = at % page_size;
        const std::uint64_t piece = std::min(length - done, page_size - in_page);
        bool major = false;
        page* const pg = filemap_nopage(k, cpu, file, page_index(at / page_size), major);
        if (pg == nullptr) // or it has shrunk meanwhile
            return at < file.size ? -EIO : static_cast<std::int64_t>(done);
        copy_cost(cpu, piece);
        cpu.sync();
        std::memcpy(to + done, k.memory.frame(pg->frame) + in_page, piece);
        if (k.observer != nullptr)
            k.observer->on_file_read(cpu, file, at, to + done, piece);
        k.cache.put_page(*pg);
        done += piece;
    }
    return static_cast<std::int64_t>(done);
}

std::int64_t generic_file_write(kernel& k, core& cpu, inode& file, std::uint64_t offset,
                                const std::byte* from, std::uint64_t length)
{
    const lock_guard<mutex> guard(cpu, file.i_mutex);
    std::uint64_t done = 0;
    while (done < length) {
        const std::uint64_t at = offset + done;
        const auto begin = static_cast<std::uint32_t>(at % page_size);
        const auto piece = static_cast<std::uint32_t>(std::min(length - done, page_size - begin));
        page& pg = k.cache.find_or_create_page(cpu, file.mapping, page_index(at / page_size));
        wait_for_stable_page(k, cpu, pg);
        const std::uint64_t size = file.size;
        const int error = file.mapping.ops().prepare_write(cpu, pg, begin, begin + piece);
        if (error != 0) {
            unlock_page(cpu, pg);
            k.cache.put_page(pg);
            return done > 0 ? static_cast<std::int64_t>(done) : error;
        }
        copy_cost(cpu, piece);
        cpu.sync();
        std::memcpy(k.memory.frame_to_store(pg.frame) + begin, from + done, piece);
        cpu.note(site_copy, subject_of(pg), begin, begin + piece - 1);
        if (k.observer != nullptr)
            k.observer->on_file_write(cpu, file, at, from + done, piece);
        file.mapping.ops().commit_write(cpu, pg, begin, begin + piece);
        if (k.observer != nullptr)
            k.observer->on_file_written(cpu);
        unlock_page(cpu, pg);
        k.cache.put_page(pg);
        if (size < at)
            pagecache_isize_extended(k, cpu, file, size, at);
        balance_dirty_pages_ratelimited(k, cpu, file.mapping);
        done += piece;
    }
    return static_cast<std::int64_t>(done);
}

bool invalidate_complete_page(kernel& k, core& cpu, page& pg)
{
    if (pg.has_buffers() && !try_to_release_page(k, cpu, pg))
        return false;
    cpu.sync();
    if (pg.writeback())
        return false;
    // A fault may have found the page since, and have stored to it.
    const inode& file = pg.mapping->host();
    const page_index index = pg.index;
    if (!k.cache.remove_mapping(cpu, pg))
        return false;
    if (k.observer != nullptr)
        k.observer->on_drop(cpu, file, index);
    return true;
}

void fadvise_dontneed(kernel& k, core& cpu, inode& file)
{
    if (!file.mapping.backing().write_congested())
        filemap_flush(k, cpu, file);
    page_index index;
    for (;;) {
        cpu.spend(cpu.cost().tree_op);
        cpu.sync();
        page* const pg = file.mapping.pages.next(index);
        if (pg == nullptr)
            return;
        index = pg->index + 1;
        k.cache.get_page(*pg);
        if (trylock_page(cpu, *pg)) {
            if (!pg->dirty() && !pg->writeback() && !pg->mapped() &&
                invalidate_complete_page(k, cpu, *pg))
                ++k.stats.drop_pagecache;
            unlock_page(cpu, *pg);
        }
        k.cache.put_page(*pg);
    }
}

} // namespace mkclean
