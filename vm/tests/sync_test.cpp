// msync, fsync, sync: what they promise is on the media when they return.

#include "vm/page_writeback.h"
#include "vm/sync.h"
#include "vm/tests/vm_world.h"

#include <doctest/doctest.h>

#include <cerrno>

using namespace mkclean;

namespace
{

const std::vector<kernel_era> all_eras{kernel_era::linux_2_6_18, kernel_era::linux_2_6_19,
                                       kernel_era::linux_2_6_20, kernel_era::linux_2_6_23,
                                       kernel_era::golden};

std::vector<vm_world_options> every_machine()
{
    std::vector<vm_world_options> all;
    for (const kernel_era era : all_eras)
        for (const filesystem_type type : {filesystem_type::ext2, filesystem_type::ext3})
            for (const bool write_cache : {false, true}) {
                vm_world_options o(era);
                o.fs.type = type;
                o.disk.write_cache = write_cache;
                o.cores = 2;
                all.push_back(o);
            }
    return all;
}

} // namespace

TEST_CASE("What was stored to a mapping is on the media when msync returns, in every era")
{
    for (const vm_world_options& o : every_machine()) {
        vm_world w(o);
        w.play([&](user_task& task) {
            inode& file = w.open(task);
            w.write(task, file, 0, 1, 20 * page_size);
            task.sync(); // it has its blocks
            const virtual_address va = w.map(task, file, 20);
            for (unsigned round = 1; round < 4; ++round) {
                for (unsigned page = 0; page < 20; ++page)
                    w.put(task, va + page * page_size + 7 * page, 20 * round + page);
                CHECK(task.msync(va, 20 * page_size) == 0);
                for (unsigned page = 0; page < 20; ++page)
                    CHECK(w.durable(page * page_size + 7 * page) == 20 * round + page);
            }
        });
    }
}

TEST_CASE(
    "ext3 before golden: msync of a hole's first store is a promise until the next commit only")
{
    for (const kernel_era era : all_eras) {
        vm_world_options o(era);
        o.fs.type = filesystem_type::ext3;
        vm_world w(o);
        w.play([&](user_task& task) {
            inode& file = w.open(task);
            const virtual_address va = w.map(task, file, 1);
            w.put(task, va, 1);
            CHECK(task.msync(va, page_size) == 0);
            CHECK(w.durable(0) == (era == kernel_era::golden ? 1 : 0));
            task.sync();
            CHECK(w.durable(0) == 1);
        });
    }
}

TEST_CASE(
    "What was written is on the media when fsync or sync returns, and size and blocks are too")
{
    for (const vm_world_options& o : every_machine())
        for (const bool all_files : {false, true}) {
            vm_world w(o);
            w.play([&](user_task& task) {
                inode& file = w.open(task);
                const std::uint64_t end = 64 * page_size;
                CHECK(w.write(task, file, 5, 1, 10'000) == 10'000);
                CHECK(w.write(task, file, end - 3, 2, 5000) == 5000); // the file grows
                if (all_files)
                    task.sync();
                else
                    CHECK(task.fsync(file) == 0);
                CHECK(w.durable(4) == 0);
                CHECK(w.durable(5) == 1);
                CHECK(w.durable(10'004) == 1);
                CHECK(w.durable(10'005) == 0);
                CHECK(w.durable(end + 4996) == 2);
                CHECK(recovered_filesystem(w.media).read_inode(1).size == end + 4997);
            });
        }
}

TEST_CASE("fsync finds stores of a mapping from 2.6.19 on, and in 2.6.18 msync alone does")
{
    for (const kernel_era era : all_eras) {
        vm_world w{vm_world_options(era)};
        w.play([&](user_task& task) {
            inode& file = w.open(task);
            const virtual_address va = w.map(task, file, 1);
            w.put(task, va, 1);
            CHECK(task.fsync(file) == 0);
            CHECK(w.durable(0) == (era == kernel_era::linux_2_6_18 ? 0 : 1));
            CHECK(task.msync(va, page_size) == 0);
            CHECK(w.durable(0) == 1);
        });
    }
}

TEST_CASE("2.6.18's msync cleans the PTEs, leaves them writable, and hears of the next store again")
{
    vm_world w(vm_world_options(kernel_era::linux_2_6_18));
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address va = w.map(task, file, 3);
        w.put(task, va, 1);
        w.get(task, va + page_size);
        w.steps.clear();
        CHECK(task.msync(va, 3 * page_size) == 0);
        CHECK(w.count_of("msync_pte") == 1);
        CHECK(w.order_of({"msync_pte", "TestSetPageDirty"}).at(1) == "TestSetPageDirty");
        CHECK(vm_world::pte_of(task.mm(), va).writable());
        CHECK(!vm_world::pte_of(task.mm(), va).dirty());
        CHECK(w.tlb_entry_of(0, va) == nullptr);
        w.put(task, va, 2);
        CHECK(w.k->stats.pgfault == 2);
        CHECK(task.msync(va, 3 * page_size) == 0);
        CHECK(w.durable(0) == 2);
    });
}

TEST_CASE("2.6.18's msync looks at the PTEs of its range only")
{
    vm_world w(vm_world_options(kernel_era::linux_2_6_18));
    w.play([&](user_task& task) {
        const virtual_address va = w.map(task, w.open(task), 3);
        for (std::uint64_t i = 0; i < 3; ++i)
            w.put(task, va + i * page_size, 1);
        CHECK(task.msync(va + page_size, page_size) == 0);
        CHECK(w.durable(0) == 0);
        CHECK(w.durable(page_size) == 1);
        CHECK(w.durable(2 * page_size) == 0);
    });
}

TEST_CASE("2.6.18's msync finds what other cores have stored through their TLBs")
{
    vm_world_options o(kernel_era::linux_2_6_18);
    o.cores = 2;
    vm_world w(o);
    mm_struct& mm = w.new_process();
    w.start(0, mm, [&](user_task& task) {
        const virtual_address va = w.map(task, w.open(task), 1);
        w.start(1, mm, [&w, va](user_task& other) { w.put(other, va, 1); });
        task.sleep(picoseconds(ms));
        task.msync(va, page_size);
        CHECK(w.durable(0) == 1);
        w.start(1, mm, [&w, va](user_task& other) { w.put(other, va, 2); });
        task.sleep(picoseconds(ms));
        task.msync(va, page_size);
        CHECK(w.durable(0) == 2);
    });
    CHECK(w.run());
}

TEST_CASE(
    "msync passes over holes in its range, syncs what lies behind, and says ENOMEM at the end")
{
    for (const kernel_era era : {kernel_era::linux_2_6_18, kernel_era::golden}) {
        vm_world w{vm_world_options(era)};
        w.play([&](user_task& task) {
            inode& first = w.open(task, 1);
            inode& second = w.open(task, 2);
            const virtual_address va(std::uint64_t{1} << 30);
            task.mmap(&first, page_index(0), page_size, shared_write, va + page_size);
            task.mmap(&second, page_index(0), page_size, shared_write, va + 3 * page_size);
            w.put(task, va + page_size, 1);
            w.put(task, va + 3 * page_size, 2);
            CHECK(task.msync(va, 2 * page_size) == -ENOMEM); // a hole at the front
            CHECK(w.durable(0, 1) == 1);
            CHECK(w.durable(0, 2) == 0);
            CHECK(task.msync(va + page_size, 3 * page_size) == -ENOMEM); // in the middle
            CHECK(w.durable(0, 2) == 2);
            CHECK(task.msync(va + 3 * page_size, 2 * page_size) == -ENOMEM); // at the end
            CHECK(task.msync(va + 2 * page_size, page_size) == -ENOMEM);     // nothing else
            CHECK(task.msync(va + 9 * page_size, page_size) == -ENOMEM);
            CHECK(task.msync(va + page_size, page_size) == 0);
            CHECK(task.msync(va, 0) == 0);
        });
    }
}

TEST_CASE("msync of private and anonymous memory writes nothing")
{
    vm_world w;
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address own = w.map(task, file, 1, private_write);
        const virtual_address anonymous =
            task.mmap(nullptr, page_index(0), page_size, private_write);
        w.put(task, own, 1);
        w.put(task, anonymous, 1);
        CHECK(task.msync(own, page_size) == 0);
        CHECK(task.msync(anonymous, page_size) == 0);
        CHECK(w.device->stats().writes == 0);
    });
}

TEST_CASE("While msync waits for the disk, another thread may map and unmap")
{
    vm_world_options o;
    o.cores = 2;
    o.disk.write_cache = false;
    o.disk.constant.write_latency = 100 * ms;
    vm_world w(o);
    mm_struct& mm = w.new_process();
    picoseconds mapped;
    picoseconds synced;
    w.start(0, mm, [&](user_task& task) {
        const virtual_address va = w.map(task, w.open(task), 1);
        w.put(task, va, 1);
        w.start(1, mm, [&](user_task& other) {
            other.sleep(picoseconds(ms));
            const virtual_address more = w.map(other, w.open(other), 1);
            other.munmap(more, page_size);
            mapped = other.now();
        });
        CHECK(task.msync(va, page_size) == 0);
        synced = task.now();
    });
    CHECK(w.run());
    CHECK(synced > picoseconds(100 * ms));
    CHECK(mapped < picoseconds(10 * ms));
}

TEST_CASE("fsync waits for what the flusher has under way, and writes again what was stored since")
{
    vm_world_options o;
    o.disk.write_cache = false;
    vm_world w(o);
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address va = w.map(task, file, 1);
        w.put(task, va, 1);
        filemap_flush(*w.k, task.cpu(), file);
        REQUIRE(vm_world::page_of(file, 0)->writeback());
        CHECK(task.fsync(file) == 0);
        CHECK(w.durable(0) == 1);
        w.put(task, va, 2);
        filemap_flush(*w.k, task.cpu(), file);
        w.put(task, va, 3);
        CHECK(task.fsync(file) == 0);
        CHECK(w.durable(0) == 3);
    });
}

TEST_CASE("sync waits for files that the flusher is writing just then, and for those behind them")
{
    vm_world_options o;
    o.cores = 2;
    vm_world w(o);
    mm_struct& mm = w.new_process();
    w.start(0, mm, [&](user_task& task) {
        inode& first = w.open(task, 1);
        inode& second = w.open(task, 2);
        for (unsigned i = 0; i < 10; ++i)
            w.write(task, first, i * page_size, 1, page_size);
        page& pg = *w.cache.find_lock_page(task.cpu(), first.mapping, page_index(5));
        // The flusher stops in the middle of the first file.
        w.start(1, mm, [&](user_task& other) {
            writeback_control wbc;
            wbc.nr_to_write = 8; // and not enough for all
            writeback_inodes(*w.k, other.cpu(), wbc);
        });
        task.sleep(picoseconds(10 * ms));
        CHECK(vm_world::dirty_buffers(pg) > 0);
        w.write(task, second, 0, 2, 1);
        bool synced = false;
        w.start(1, mm, [&](user_task& other) {
            other.sync();
            synced = true;
            for (unsigned i = 0; i < 10; ++i)
                CHECK(w.durable(i * page_size, 1) == 1);
            CHECK(w.durable(0, 2) == 2);
        });
        task.sleep(picoseconds(10 * ms));
        CHECK(!synced);
        unlock_page(task.cpu(), pg);
        w.cache.put_page(pg);
    });
    CHECK(w.run());
}

TEST_CASE("sync takes more than one pdflush pass' worth, in one go")
{
    vm_world_options o;
    o.frames = 16384;
    o.files = {2000 * page_size};
    vm_world w(o);
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        w.write(task, file, 0, 3, 2000 * page_size);
        task.sync();
        CHECK(w.durable(0) == 3);
        CHECK(w.durable(2000 * page_size - 1) == 3);
        CHECK(!file.mapping.pages.any_tagged(page_tag::dirty));
    });
}

TEST_CASE("filemap_flush waits for nothing and leaves nothing out, however congested the disk is")
{
    vm_world_options o;
    o.disk.write_cache = false;
    vm_world w(o);
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        w.write(task, file, 0, 1, 20 * page_size);
        w.congested = true;
        filemap_flush(*w.k, task.cpu(), file);
        CHECK(w.k->stats.nr_writeback > 0);
        CHECK(!file.mapping.pages.any_tagged(page_tag::dirty));
    });
}

TEST_CASE("A disk that is full is told of once, by the next fsync")
{
    vm_world_options o;
    o.disk.capacity = 400; // 200 KiB with the filesystem's own
    vm_world w(o);
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address va = w.map(task, file, 64);
        for (std::uint64_t i = 0; i < 64; ++i)
            w.put(task, va + i * page_size, 1);
        CHECK(task.fsync(file) == -ENOSPC);
        CHECK(task.fsync(file) == 0);
        CHECK(w.durable(0) == 1);
    });
}

TEST_CASE("A second fsync has nothing to write")
{
    for (const kernel_era era : all_eras) {
        vm_world w{vm_world_options(era)};
        w.play([&](user_task& task) {
            inode& file = w.open(task);
            w.write(task, file, 0, 1, 3 * page_size);
            task.fsync(file);
            const std::uint64_t writes = w.device->stats().writes;
            CHECK(task.fsync(file) == 0);
            CHECK(w.device->stats().writes == writes);
        });
    }
}

TEST_CASE("An error of writeback is for the first fsync, or, since 4.13, for everybody's first")
{
    for (const wb_error_policy policy : {wb_error_policy::flag, wb_error_policy::errseq}) {
        vm_world_options o;
        o.cores = 2;
        o.policies.wb_error = policy;
        vm_world w(o);
        mm_struct& mm = w.new_process();
        w.start(0, mm, [&](user_task& task) {
            inode& file = w.open(task);
            w.write(task, file, 0, 1, page_size);
            REQUIRE(task.fsync(file) == 0);
            const std::uint64_t block = w.fs->peek_block(file, 0);
            w.disk->fail_next_write(sector_number(block * w.fs->block_size() / sector_size));
            std::vector<int> others;
            w.start(1, mm, [&](user_task& other) {
                inode& same = w.open(other);
                other.sleep(picoseconds(100 * ms));
                others = {other.fsync(same), other.fsync(same)};
            });
            task.sleep(picoseconds(ms));
            w.write(task, file, 0, 2, page_size);
            CHECK(task.fsync(file) == -EIO);
            page& pg = *vm_world::page_of(file, 0);
            CHECK(!pg.dirty()); // and nobody will write it
            CHECK(pg.flags.test(page_flag::error));
            CHECK(task.fsync(file) == 0);
            task.sleep(picoseconds(s));
            const int told = policy == wb_error_policy::errseq ? -EIO : 0;
            CHECK(others == std::vector<int>{told, 0});
            w.write(task, file, 0, 3, page_size);
            CHECK(task.fsync(file) == 0);
            CHECK(w.durable(0) == 3);
        });
        CHECK(w.run());
    }
}
