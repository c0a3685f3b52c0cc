// ext3: what its journal thread does to data, in which order, and what it leaves alone.

#include "storage/fs/tests/fs_world.h"

#include <doctest/doctest.h>

using namespace mkclean;

namespace
{

constexpr std::uint64_t us = block_world::us;
constexpr std::uint64_t s = block_world::s;

fs_world_options ext3_options(data_mode data, std::uint32_t block_size = 4096)
{
    fs_world_options o;
    o.data = data;
    o.block_size = block_size;
    o.journal.blocks = 256;
    return o;
}

bool on_media(const fs_world& world, std::uint64_t ino, std::uint64_t index, unsigned value)
{
    std::array<std::byte, page_size> bytes;
    recovered_filesystem(world.machine.media).read_page(ino, index, bytes.data());
    return std::all_of(bytes.begin(), bytes.end(),
                       [&](std::byte b) { return std::to_integer<unsigned>(b) == value; });
}

/// The same, by where the running filesystem has put the page.
bool on_media_now(const fs_world& world, const inode& file, std::uint64_t index, unsigned value)
{
    const auto bytes =
        read_block(world.machine.media, page_size, world.fs->peek_block(file, index));
    return std::all_of(bytes.begin(), bytes.end(),
                       [&](std::byte b) { return std::to_integer<unsigned>(b) == value; });
}

/// Whether pages of file 1 were on the media whenever a block of the log was submitted.
class data_before_log
{
public:
    data_before_log(fs_world& world, std::uint64_t pages, std::initializer_list<unsigned> values)
    {
        world.machine.on_any_event = [this, &world, pages, values = std::vector<unsigned>(values)](
                                         const event& e, std::uint64_t) {
            const bool of_a_file = e.what.ino != inode_number();
            if (file == nullptr || of_a_file || std::string(e.site->name) != "submit_bh")
                return;
            ++log_blocks;
            for (std::uint64_t index = 0; index < pages; ++index)
                too_early =
                    too_early || std::none_of(values.begin(), values.end(), [&](unsigned value) {
                        return on_media_now(world, *file, index, value);
                    });
        };
    }
    const inode* file = nullptr; ///< set when the watch is to begin
    unsigned log_blocks = 0;
    bool too_early = false;
};

/// Drops a page although the VM believes that it is dirty: only its buffers have a say.
bool drop_dirty(fs_world& world, kernel_thread& self, inode& file, std::uint64_t index)
{
    page& pg = page_of(file, index);
    lock_page(self, pg);
    test_and_clear_page_dirty(self, pg);
    account_page_cleaned(self, pg);
    unlock_page(self, pg);
    const bool gone = world.drop(self, file, index);
    if (!gone)
        set_page_dirty_nobuffers(self, pg);
    return gone;
}

/// Page 0 of file 1 was stored to and written back (its buffers are the running transaction's), and
/// then stored to again. That is where the trouble of 2006 begins.
void store_write_back_store(fs_world& world, kernel_thread& self, inode& file)
{
    world.store(self, file, 0, page_size, 1);
    world.write_pages(self, file, sync_mode::all);
    world.wait_for_pages(self, file);
    world.store(self, file, 0, page_size, 2);
}

} // namespace

TEST_CASE(
    "a transaction commits when it is as old as it may get, not before, or when somebody asks")
{
    fs_world world(ext3_options(data_mode::ordered));
    CHECK(world.run([&](kernel_thread& self) {
        inode& file = world.open(self, 1);
        self.pause(3 * s);
        world.truncate(self, file, 1000);
        CHECK(world.journal->stats().commits == 0);
        self.pause(5 * s - 1000 * us);
        CHECK(world.journal->stats().commits == 0);
        CHECK(recovered_filesystem(world.machine.media).read_inode(1).size == 0);
        self.pause(2000 * us);
        CHECK(world.journal->stats().commits == 1);
        CHECK(recovered_filesystem(world.machine.media).read_inode(1).size == 1000);

        world.truncate(self, file, 2000);
        const picoseconds before = self.now();
        world.fs->sync_fs(self);
        CHECK(self.now() - before < picoseconds(5000 * us));
        CHECK(world.journal->stats().commits == 2);
        CHECK(recovered_filesystem(world.machine.media).read_inode(1).size == 2000);

        // Nothing is running: nothing to commit, and nothing to wait for.
        world.fs->sync_fs(self);
        self.pause(20 * s);
        CHECK(world.journal->stats().commits == 2);
    }));
}

TEST_CASE("fsync commits a new size, and the block of a hole only if it does not believe the inode")
{
    for (const bool golden : {false, true}) {
        CAPTURE(golden);
        fs_world_options o = ext3_options(data_mode::ordered);
        o.machine.cache.fsync_writes_clean_inode = golden;
        fs_world world(o);
        CHECK(world.run([&](kernel_thread& self) {
            inode& file = world.open(self, 1);
            world.truncate(self, file, 2 * page_size);
            world.fsync(self, file);
            CHECK(world.journal->stats().commits == 1);
            CHECK(recovered_filesystem(world.machine.media).read_inode(1).size == 2 * page_size);

            world.store(self, file, 0, page_size, 1);
            world.fsync(self, file);
            CHECK(on_media(world, 1, 0, 1) == golden);
            world.fs->sync_fs(self);
            CHECK(on_media(world, 1, 0, 1));

            // An overwrite changes nothing that would have to be committed.
            const std::uint64_t commits = world.journal->stats().commits;
            world.store(self, file, 0, page_size, 2);
            world.fsync(self, file);
            CHECK(on_media(world, 1, 0, 2));
            if (!golden)
                CHECK(world.journal->stats().commits == commits);
        }));
    }
}

TEST_CASE(
    "ordered: kjournald writes the dirty buffers of data by itself and clears only their bits")
{
    for (const std::uint32_t size : {1024u, 2048u, 4096u}) {
        CAPTURE(size);
        fs_world_options o = ext3_options(data_mode::ordered, size);
        o.files = {page_size};
        fs_world world(o);
        CHECK(world.run([&](kernel_thread& self) {
            inode& file = world.open(self, 1);
            store_write_back_store(world, self, file);
            page& pg = page_of(file, 0);
            CHECK(dirty_buffers(pg) == page_size / size);
            CHECK(world.journal->stats().data_buffers_written == 0);

            self.pause(6 * s);
            CHECK(world.journal->stats().commits == 1);
            CHECK(world.journal->stats().data_buffers_written == page_size / size);
            CHECK(dirty_buffers(pg) == 0);
            CHECK(on_media(world, 1, 0, 2));
            // Nobody has told the VM.
            CHECK(pg.dirty());
            CHECK_FALSE(pg.writeback());
            CHECK(file.mapping.pages.tagged(page_index(0), page_tag::dirty));
            CHECK(file.test(inode_state::dirty_pages));
            CHECK(world.machine.cache.stats.nr_dirty >= 1);

            // A CPU whose TLB says "dirty" stores once more; then the flusher comes.
            std::memset(world.bytes_of(pg), 3, page_size);
            world.write_pages(self, file, sync_mode::all);
            CHECK(world.machine.cache.stats.no_io_writepages == 1);
            CHECK_FALSE(pg.dirty());
            CHECK(world.drop(self, file, 0));
            CHECK(world.holds(self, file, 0, page_size, 2)); // the 3 is gone
        }));
    }
}

TEST_CASE("of a page it writes only the buffers that are dirty")
{
    fs_world_options o = ext3_options(data_mode::ordered, 1024);
    o.files = {page_size};
    fs_world world(o);
    CHECK(world.run([&](kernel_thread& self) {
        inode& file = world.open(self, 1);
        store_write_back_store(world, self, file);
        page& pg = page_of(file, 0);
        test_and_clear_buffer_dirty(self, pg.buffers.begin()[0]);
        test_and_clear_buffer_dirty(self, pg.buffers.begin()[3]);
        world.fs->sync_fs(self);
        CHECK(world.journal->stats().data_buffers_written == 2);
        std::array<std::byte, page_size> bytes;
        recovered_filesystem(world.machine.media).read_page(1, 0, bytes.data());
        for (unsigned i = 0; i < 4; ++i)
            CHECK(std::to_integer<int>(bytes[i * 1024]) == (i == 1 || i == 2 ? 2 : 1));
    }));
}

TEST_CASE("writeback: kjournald leaves data alone, and the flusher writes what was stored last")
{
    fs_world_options o = ext3_options(data_mode::writeback);
    o.files = {page_size};
    fs_world world(o);
    CHECK(world.run([&](kernel_thread& self) {
        inode& file = world.open(self, 1);
        store_write_back_store(world, self, file);
        page& pg = page_of(file, 0);
        self.pause(6 * s);
        CHECK(world.journal->stats().commits == 1);
        CHECK(world.journal->stats().data_buffers_written == 0);
        CHECK(dirty_buffers(pg) == 1);
        std::memset(world.bytes_of(pg), 3, page_size);
        world.write_pages(self, file, sync_mode::all);
        world.wait_for_pages(self, file);
        CHECK(world.machine.cache.stats.no_io_writepages == 0);
        CHECK(world.drop(self, file, 0));
        CHECK(world.holds(self, file, 0, page_size, 3));
    }));
}

TEST_CASE(
    "ordered: data that write(2) left in memory are on the media before the commit, and only so")
{
    for (const data_mode mode : {data_mode::ordered, data_mode::writeback}) {
        fs_world world(ext3_options(mode));
        bool exposed = false;
        bool committed = false;
        world.machine.on_any_event = [&](const event& e, std::uint64_t) {
            if (world.machine.log.name_of(e.actor).where != "disk")
                return;
            if (recovered_filesystem(world.machine.media).read_inode(1).size == 0)
                return;
            committed = true;
            for (std::uint64_t index = 0; index < 20; ++index)
                exposed = exposed || !on_media(world, 1, index, 7);
        };
        CHECK(world.run([&](kernel_thread& self) {
            inode& file = world.open(self, 1);
            for (std::uint64_t index = 0; index < 20; ++index)
                world.write(self, file, index * page_size, page_size, 7);
            world.fs->sync_fs(self);
        }));
        CHECK(committed);
        CHECK(exposed == (mode == data_mode::writeback));
    }
}

TEST_CASE("a commit waits for data that writepage has under way")
{
    fs_world_options o = ext3_options(data_mode::ordered);
    o.machine.disk.write_cache = false;
    o.machine.disk.constant.write_latency = 900 * us;
    fs_world world(o);
    data_before_log watch(world, 1, {7});
    CHECK(world.run([&](kernel_thread& self) {
        inode& file = world.open(self, 1);
        world.write(self, file, 0, page_size, 7);
        world.write_pages(self, file, sync_mode::none);
        CHECK(page_of(file, 0).writeback());
        watch.file = &file;
        world.fs->sync_fs(self);
        CHECK_FALSE(page_of(file, 0).writeback());
        CHECK(world.journal->stats().data_buffers_written == 0);
    }));
    CHECK(watch.log_blocks > 1);
    CHECK_FALSE(watch.too_early);
}

TEST_CASE("metadata reach their place after the log has them, whoever wants to write them before")
{
    fs_world world(ext3_options(data_mode::ordered));
    const auto size_in_place = [&] {
        const auto table = read_block(world.machine.media, 4096, world.layout.inode_table);
        return inode_layout::read(table.data()).size;
    };
    CHECK(world.run([&](kernel_thread& self) {
        inode& file = world.open(self, 1);
        const auto write_metadata = [&] {
            world.write_pages(self, world.fs->device_inode(), sync_mode::all);
            world.wait_for_pages(self, world.fs->device_inode());
            world.fs->flush_device(self);
        };
        world.truncate(self, file, 1000);
        write_metadata();
        CHECK(size_in_place() == 0);
        world.fs->sync_fs(self);
        CHECK(size_in_place() == 0);
        write_metadata();
        CHECK(size_in_place() == 1000);

        // Committed, not in its place, and changed again.
        world.truncate(self, file, 2000);
        world.fs->sync_fs(self);
        world.truncate(self, file, 3000);
        write_metadata();
        CHECK(size_in_place() == 1000);
        CHECK(recovered_filesystem(world.machine.media).read_inode(1).size == 2000);
        world.fs->sync_fs(self);
        write_metadata();
        CHECK(size_in_place() == 3000);
    }));
}

TEST_CASE("while a commit goes on, pages whose data it has written can be dropped, others not")
{
    constexpr std::uint64_t pages = 60;
    fs_world_options o = ext3_options(data_mode::ordered);
    o.machine.disk.write_cache = false;
    o.machine.block.max_segments = 1; // one after the other
    fs_world world(o);
    data_before_log watch(world, pages, {7});
    CHECK(world.run([&](kernel_thread& self) {
        inode& file = world.open(self, 1);
        for (std::uint64_t index = 0; index < pages; ++index)
            world.write(self, file, index * page_size, page_size, 6);
        world.fsync(self, file);
        // From the end, so that the buffer that the commit waits for first is written first.
        for (std::uint64_t index = pages; index-- > 0;)
            world.write(self, file, index * page_size, page_size, 7);
        world.truncate(self, file, pages * page_size + 1); // there is something to log
        for (std::uint64_t index = 0; index < pages; ++index)
            CHECK_FALSE(drop_dirty(world, self, file, index)); // dirty
        watch.file = &file;
        kernel_thread& syncer =
            world.machine.spawn([&](kernel_thread& other) { world.fs->sync_fs(other); });
        std::uint64_t dropped = 0;
        bool too_early = false;
        while (!syncer.ended()) {
            self.pause(5 * us);
            for (std::uint64_t index = 0; index < pages; ++index) {
                if (file.mapping.pages.lookup(page_index(index)) == nullptr)
                    continue;
                const bool gone = drop_dirty(world, self, file, index);
                dropped += gone;
                too_early = too_early || (gone && !on_media_now(world, file, index, 7));
            }
        }
        CHECK_FALSE(too_early);
        CHECK(dropped > pages / 2);
        for (std::uint64_t index = 0; index < pages; ++index)
            CHECK(world.holds(self, file, index * page_size, page_size, 7));
    }));
    CHECK(watch.log_blocks > 1);
    CHECK_FALSE(watch.too_early);
}

TEST_CASE("a buffer of the committing transaction is written before the next one may have it")
{
    fs_world_options o = ext3_options(data_mode::ordered);
    o.machine.disk.write_cache = false;
    o.machine.hold_up = 20 * us; // the commit takes its time
    fs_world world(o);
    data_before_log watch(world, 30, {7, 8});
    CHECK(world.run([&](kernel_thread& self) {
        inode& file = world.open(self, 1);
        for (std::uint64_t index = 0; index < 30; ++index)
            world.write(self, file, index * page_size, page_size, 7);
        watch.file = &file;
        kernel_thread& syncer =
            world.machine.spawn([&](kernel_thread& other) { world.fs->sync_fs(other); });
        // Again and again, as long as it commits.
        unsigned rewritten = 0;
        for (std::uint64_t index = 29; !syncer.ended(); index = (index + 29) % 30) {
            world.write(self, file, index * page_size, page_size, 8);
            ++rewritten;
            self.pause(us);
        }
        watch.file = nullptr;
        CHECK(rewritten > 10);
        CHECK(world.journal->stats().commits == 1);
        world.fsync(self, file);
        for (std::uint64_t index = 0; index < 30; ++index) {
            CHECK(world.drop(self, file, index));
            CHECK((world.holds(self, file, index * page_size, page_size, 8) ||
                   world.holds(self, file, index * page_size, page_size, 7)));
        }
    }));
    CHECK(watch.log_blocks > 1);
    CHECK_FALSE(watch.too_early);
    CHECK(fsck(recovered_filesystem(world.machine.media)) == "");
}

TEST_CASE("a tiny journal wraps and is checkpointed, and what it held is in its place")
{
    const auto value_of = [](std::uint64_t turn) { return 1 + static_cast<unsigned>(turn) % 255; };
    for (const std::uint64_t blocks : {64u, 65u, 96u, 127u}) {
        CAPTURE(blocks);
        fs_world_options o = ext3_options(data_mode::ordered, 1024);
        o.journal.blocks = blocks;
        fs_world world(o);
        CHECK(world.run([&](kernel_thread& self) {
            for (std::uint64_t turn = 0; turn < 250; ++turn) {
                inode& file = world.open(self, 1 + turn % 3);
                world.write(self, file, turn * 7 * 1024, 1024, value_of(turn));
                if (turn % 4 == 0)
                    world.fsync(self, file);
            }
            for (std::uint64_t ino = 1; ino <= 3; ++ino)
                world.fsync(self, world.open(self, ino));
        }));
        CHECK(world.journal->stats().metadata_buffers_logged > 2 * blocks);
        CHECK(world.journal->stats().checkpoints > 2);
        const recovered_filesystem found(world.machine.media);
        CHECK(fsck(found) == "");
        for (std::uint64_t turn = 0; turn < 250; ++turn) {
            std::array<std::byte, page_size> bytes;
            const std::uint64_t offset = turn * 7 * 1024;
            found.read_page(1 + turn % 3, offset / page_size, bytes.data());
            CHECK(std::to_integer<unsigned>(bytes[offset % page_size]) == value_of(turn));
        }
    }
}
