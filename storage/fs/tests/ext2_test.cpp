// ext2, and with it what every filesystem here does with pages and their buffers.

#include "storage/fs/tests/fs_world.h"

#include <doctest/doctest.h>

#include <cerrno>

using namespace mkclean;

namespace
{

fs_world_options ext2_options(std::uint32_t block_size)
{
    fs_world_options o;
    o.type = filesystem_type::ext2;
    o.block_size = block_size;
    return o;
}

std::uint64_t blocks_written(const fs_world& world)
{
    return world.machine.device->stats().blocks_written;
}
std::uint64_t blocks_read(const fs_world& world)
{
    return world.machine.device->stats().blocks_read;
}

/// Every block's place in the file where another indirection begins, and the block before.
std::vector<std::uint64_t> edges(std::uint32_t block_size)
{
    const std::uint64_t n = block_size / 4;
    return {0,
            direct_pointers - 1,
            direct_pointers,
            direct_pointers + n - 1,
            direct_pointers + n,
            direct_pointers + n + n * n - 1,
            direct_pointers + n + n * n,
            direct_pointers + n + n * n + n * n * n - 1};
}

} // namespace

TEST_CASE("at every depth of indirection a block is found again, and what lies between is a hole")
{
    for (const std::uint32_t size : {1024u, 2048u, 4096u}) {
        CAPTURE(size);
        fs_world world(ext2_options(size));
        CHECK(world.run([&](kernel_thread& self) {
            inode& file = world.open(self, 1);
            unsigned value = 1;
            std::set<std::uint64_t> places;
            for (const std::uint64_t block : edges(size)) {
                CHECK(world.write(self, file, block * size, size, value++) == 0);
                const std::uint64_t place = world.fs->peek_block(file, block);
                CHECK(place >= world.layout.first_data);
                CHECK(places.insert(place).second);
            }
            CHECK(world.fs->peek_block(file, 5) == 0);
            CHECK(world.fs->peek_block(file, direct_pointers + 7) == 0);
            CHECK(world.fs->peek_block(file, direct_pointers + size) == 0);
            world.fsync(self, file);

            const std::uint64_t reads = blocks_read(world);
            value = 1;
            for (const std::uint64_t block : edges(size)) {
                CHECK(world.drop(self, file, block * size / page_size));
                CHECK(world.holds(self, file, block * size, size, value++));
            }
            CHECK(blocks_read(world) == reads + edges(size).size());
            CHECK(world.holds(self, file, 5 * size, size, 0));
        }));
        const recovered_filesystem found(world.machine.media);
        CHECK(found.read_inode(1).size == (edges(size).back() + 1) * size);
    }
}

TEST_CASE("blocks that are written one after the other lie one after the other")
{
    fs_world world(ext2_options(1024));
    CHECK(world.run([&](kernel_thread& self) {
        inode& file = world.open(self, 1);
        for (std::uint64_t block = 0; block < 40; ++block)
            world.write(self, file, block * 1024, 1024, 7);
        for (std::uint64_t block = 0; block < 40; ++block) {
            // The table of the blocks behind the direct ones lies between them.
            const std::uint64_t table = block < direct_pointers ? 0 : 1;
            CHECK(world.fs->peek_block(file, block) == world.layout.first_data + block + table);
        }
    }));
}

TEST_CASE("a hole gets its block when its page is written, not when it is stored to")
{
    for (const std::uint32_t size : {1024u, 2048u, 4096u}) {
        CAPTURE(size);
        fs_world_options o = ext2_options(size);
        o.files = {3 * page_size};
        fs_world world(o);
        CHECK(world.run([&](kernel_thread& self) {
            inode& file = world.open(self, 1);
            const std::uint64_t reads = blocks_read(world);
            world.store(self, file, page_size + 100, 50, 9);
            CHECK(blocks_read(world) == reads);
            const std::uint64_t first = page_size / size;
            CHECK(world.fs->peek_block(file, first) == 0);
            world.fsync(self, file);
            for (std::uint64_t i = 0; i < page_size / size; ++i)
                CHECK(world.fs->peek_block(file, first + i) != 0);
            CHECK(world.fs->peek_block(file, first - 1) == 0);
            CHECK(world.drop(self, file, 1));
            CHECK(world.holds(self, file, page_size + 100, 50, 9));
            CHECK(world.holds(self, file, page_size, 100, 0));
            CHECK(world.holds(self, file, page_size + 150, page_size - 150, 0));
        }));
    }
}

TEST_CASE("part of a new block is written: the rest are zeros, whatever the disk had there")
{
    for (const std::uint32_t size : {1024u, 2048u, 4096u}) {
        CAPTURE(size);
        fs_world world(ext2_options(size));
        CHECK(world.run([&](kernel_thread& self) {
            inode& file = world.open(self, 1);
            world.write(self, file, 700, 600, 5);
            world.truncate(self, file, page_size);
            world.fsync(self, file);
            CHECK(world.drop(self, file, 0));
            CHECK(world.holds(self, file, 0, 700, 0));
            CHECK(world.holds(self, file, 700, 600, 5));
            CHECK(world.holds(self, file, 1300, page_size - 1300, 0));
        }));
    }
}

TEST_CASE("part of an old block is written: the rest is read first, and no other block")
{
    for (const std::uint32_t size : {1024u, 2048u, 4096u}) {
        CAPTURE(size);
        fs_world world(ext2_options(size));
        CHECK(world.run([&](kernel_thread& self) {
            inode& file = world.open(self, 1);
            world.write(self, file, 0, page_size, 5);
            world.fsync(self, file);
            CHECK(world.drop(self, file, 0));
            const std::uint64_t reads = blocks_read(world);
            const std::uint64_t writes = blocks_written(world);
            world.write(self, file, 10, 20, 6);
            CHECK(blocks_read(world) == reads + 1);
            world.write_pages(self, file, sync_mode::all);
            world.wait_for_pages(self, file);
            CHECK(blocks_written(world) == writes + 1);
            CHECK(world.holds(self, file, 0, 10, 5));
            CHECK(world.holds(self, file, 10, 20, 6));
            CHECK(world.holds(self, file, 30, page_size - 30, 5));
        }));
    }
}

TEST_CASE("writepage writes the buffers that are dirty and no others")
{
    fs_world_options o = ext2_options(1024);
    o.files = {page_size};
    fs_world world(o);
    CHECK(world.run([&](kernel_thread& self) {
        inode& file = world.open(self, 1);
        world.store(self, file, 0, page_size, 1);
        world.fsync(self, file);
        std::array<unsigned, 4> last{1, 1, 1, 1};
        for (unsigned mask = 0; mask < 16; ++mask) {
            CAPTURE(mask);
            world.store(self, file, 0, page_size, 0x10 + mask);
            page& pg = page_of(file, 0);
            CHECK(dirty_buffers(pg) == 4);
            for (unsigned i = 0; i < 4; ++i)
                if ((mask >> i & 1) == 0)
                    test_and_clear_buffer_dirty(self, pg.buffers.begin()[i]);
            const unsigned dirty = dirty_buffers(pg);
            const std::uint64_t writes = blocks_written(world);
            world.write_pages(self, file, sync_mode::all);
            world.wait_for_pages(self, file);
            CHECK(blocks_written(world) - writes == dirty);
            CHECK(dirty_buffers(pg) == 0);
            CHECK(world.drop(self, file, 0));
            for (unsigned i = 0; i < 4; ++i) {
                const bool written = (mask >> i & 1) != 0;
                last[i] = written ? 0x10 + mask : last[i];
                CHECK(world.holds(self, file, 1024 * i, 1024, last[i]));
            }
        }
    }));
}

TEST_CASE("a dirty page with clean buffers is called written at once: somebody wrote them by hand")
{
    fs_world_options o = ext2_options(1024);
    o.files = {page_size};
    fs_world world(o);
    CHECK(world.run([&](kernel_thread& self) {
        inode& file = world.open(self, 1);
        world.store(self, file, 0, page_size, 1);
        world.fsync(self, file);
        const vmstat& stats = world.machine.cache.stats;
        const std::int64_t others_dirty = stats.nr_dirty; // of the device: metadata
        world.store(self, file, 0, page_size, 2);
        page& pg = page_of(file, 0);
        for (buffer_head& bh : pg.buffers)
            test_and_clear_buffer_dirty(self, bh);
        const std::uint64_t writes = blocks_written(world);
        CHECK(stats.no_io_writepages == 0);
        world.write_pages(self, file, sync_mode::all);
        // Without a wait: there was nothing to wait for.
        CHECK(stats.no_io_writepages == 1);
        CHECK_FALSE(pg.dirty());
        CHECK_FALSE(pg.writeback());
        CHECK_FALSE(pg.locked());
        CHECK_FALSE(file.mapping.pages.tagged(page_index(0), page_tag::dirty));
        CHECK_FALSE(file.mapping.pages.tagged(page_index(0), page_tag::writeback));
        CHECK(stats.nr_dirty == others_dirty);
        CHECK(stats.nr_writeback == 0);
        CHECK(blocks_written(world) == writes);
        CHECK(world.drop(self, file, 0));
        CHECK(world.holds(self, file, 0, page_size, 1)); // and so it is lost
    }));
}

TEST_CASE("a page is under writeback until its last buffer is on the disk")
{
    fs_world_options o = ext2_options(1024);
    o.machine.disk.write_cache = false;
    o.machine.block.max_segments = 1;
    fs_world world(o);
    unsigned done = 0;
    world.machine.on_any_event = [&](const event& e, std::uint64_t) {
        done += std::string(e.site->name) == "end_io";
    };
    CHECK(world.run([&](kernel_thread& self) {
        inode& file = world.open(self, 1);
        world.write(self, file, 0, page_size, 1);
        page& pg = page_of(file, 0);
        done = 0;
        world.write_pages(self, file, sync_mode::all);
        CHECK(pg.writeback());
        CHECK_FALSE(pg.locked());
        wait_on_page_writeback(self, pg);
        CHECK(done == 4);
        CHECK_FALSE(pg.writeback());
    }));
}

TEST_CASE("a page whose other blocks are read while it is under writeback ends both")
{
    fs_world_options o = ext2_options(1024);
    o.machine.disk.write_cache = false;
    fs_world world(o);
    CHECK(world.run([&](kernel_thread& self) {
        inode& file = world.open(self, 1);
        world.write(self, file, 0, page_size, 1);
        world.fsync(self, file);
        CHECK(world.drop(self, file, 0));
        world.write(self, file, 1024, 1024, 2);
        world.write_pages(self, file, sync_mode::all);
        CHECK(page_of(file, 0).writeback());
        CHECK(world.holds(self, file, 2048, 2048, 1));
        world.wait_for_pages(self, file);
        CHECK_FALSE(page_of(file, 0).writeback());
        CHECK_FALSE(page_of(file, 0).locked());
    }));
}

TEST_CASE("who will not wait for a buffer leaves it dirty, with its page, and writes the others")
{
    fs_world_options o = ext2_options(1024);
    fs_world world(o);
    CHECK(world.run([&](kernel_thread& self) {
        inode& file = world.open(self, 1);
        world.write(self, file, 0, page_size, 1);
        page& pg = page_of(file, 0);
        buffer_head& busy = pg.buffers.begin()[2];
        lock_buffer(self, busy);
        const std::uint64_t writes = blocks_written(world);
        world.write_pages(self, file, sync_mode::none);
        wait_on_page_writeback(self, pg);
        CHECK(blocks_written(world) == writes + 3);
        CHECK(pg.dirty());
        CHECK(dirty_buffers(pg) == 1);
        CHECK(busy.dirty());
        CHECK(file.mapping.pages.tagged(page_index(0), page_tag::dirty));
        unlock_buffer(self, busy);
        world.write_pages(self, file, sync_mode::none);
        wait_on_page_writeback(self, pg);
        CHECK(blocks_written(world) == writes + 4);
        CHECK_FALSE(pg.dirty());
    }));
}

TEST_CASE("what lies beyond the end of the file gets no block and is not written")
{
    fs_world_options o = ext2_options(1024);
    o.files = {1100};
    fs_world world(o);
    CHECK(world.run([&](kernel_thread& self) {
        inode& file = world.open(self, 1);
        world.store(self, file, 0, 1100, 3);
        const std::uint64_t writes = blocks_written(world);
        world.write_pages(self, file, sync_mode::all);
        world.wait_for_pages(self, file);
        CHECK(blocks_written(world) == writes + 2);
        CHECK(world.fs->peek_block(file, 1) != 0);
        CHECK(world.fs->peek_block(file, 2) == 0);
        CHECK(dirty_buffers(page_of(file, 0)) == 0);
    }));
}

TEST_CASE("a write that fails is reported by the mapping, and the page is clean")
{
    fs_world world(ext2_options(4096));
    CHECK(world.run([&](kernel_thread& self) {
        inode& file = world.open(self, 1);
        world.write(self, file, 0, page_size, 1);
        page& pg = page_of(file, 0);
        pg.buffers.begin()->blocknr = block_number(world.layout.blocks + 10);
        world.write_pages(self, file, sync_mode::all);
        world.wait_for_pages(self, file);
        CHECK(file.mapping.error == -EIO);
        CHECK(pg.flags.test(page_flag::error));
        CHECK_FALSE(pg.dirty());
        CHECK_FALSE(pg.writeback());
    }));
}

TEST_CASE("files grow and do not shrink, and no file is larger than three indirections reach")
{
    fs_world world(ext2_options(1024));
    CHECK(world.run([&](kernel_thread& self) {
        inode& file = world.open(self, 1);
        CHECK(world.truncate(self, file, 10'000) == 0);
        CHECK(file.size == 10'000);
        CHECK(world.truncate(self, file, 9'999) == -EINVAL);
        CHECK(file.size == 10'000);
        CHECK(world.holds(self, file, 0, page_size, 0));
        world.fsync(self, file);
        CHECK(recovered_filesystem(world.machine.media).read_inode(1).size == 10'000);
        CHECK(world.write(self, file, (edges(1024).back() + 1) * 1024, 1024, 1) == -EFBIG);
        CHECK(file.size == 10'000);
    }));
}

TEST_CASE("on a full disk write(2) says so at once, a store when its page is written")
{
    for (const filesystem_type type : {filesystem_type::ext2, filesystem_type::ext3}) {
        fs_world_options o = ext2_options(1024);
        o.type = type;
        o.journal.blocks = 128;
        o.machine.disk.capacity = 600;
        o.files = {0, page_size};
        fs_world world(o);
        CHECK(world.run([&](kernel_thread& self) {
            inode& file = world.open(self, 1);
            std::uint64_t blocks = 0;
            while (world.write(self, file, blocks * 1024, 1024, 1) == 0)
                ++blocks;
            CHECK(blocks > 50);
            CHECK(file.size == blocks * 1024);
            CHECK(world.write(self, file, blocks * 1024, 1024, 1) == -ENOSPC);
            world.fsync(self, file);

            inode& second = world.open(self, 2);
            world.store(self, second, 0, page_size, 2);
            world.write_pages(self, second, sync_mode::all);
            world.wait_for_pages(self, second);
            CHECK(second.mapping.error == -ENOSPC);
            CHECK_FALSE(page_of(second, 0).dirty());
            world.fsync(self, second);
            world.write_pages(self, world.fs->device_inode(), sync_mode::all);
            world.wait_for_pages(self, world.fs->device_inode());
            world.fs->flush_device(self);
        }));
        CHECK(fsck(recovered_filesystem(world.machine.media)) == "");
    }
}

TEST_CASE("after fsync a file is on the media, unless the disk has a cache and is not told")
{
    for (const bool write_cache : {false, true}) {
        for (const bool barrier : {false, true}) {
            CAPTURE(write_cache);
            CAPTURE(barrier);
            fs_world_options o = ext2_options(2048);
            o.machine.disk.write_cache = write_cache;
            o.journal.barrier = barrier;
            fs_world world(o);
            CHECK(world.run([&](kernel_thread& self) {
                inode& file = world.open(self, 1);
                for (const std::uint64_t block : edges(2048))
                    world.write(self, file, block * 2048, 2048, 8);
                world.fsync(self, file);
                const recovered_filesystem found(world.machine.media);
                bool all = true;
                for (const std::uint64_t block : edges(2048)) {
                    std::array<std::byte, page_size> bytes;
                    found.read_page(1, block * 2048 / page_size, bytes.data());
                    const std::byte* const from = bytes.data() + block * 2048 % page_size;
                    all = all && std::all_of(from, from + 2048,
                                             [](std::byte b) { return b == std::byte{8}; });
                }
                CHECK(all == (!write_cache || barrier));
            }));
        }
    }
}
