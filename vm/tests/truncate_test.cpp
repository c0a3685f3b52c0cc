// Files that shrink, and pages that files grow over.

#include "vm/tests/vm_world.h"
#include "vm/truncate.h"

#include <doctest/doctest.h>

#include <cerrno>

using namespace mkclean;

namespace
{

vm_world_options shrinking(kernel_era era = kernel_era::golden)
{
    vm_world_options o(era);
    o.policies.cache.files_shrink = true;
    o.disk.write_cache = false;
    return o;
}

constexpr kernel_era all_eras[] = {kernel_era::linux_2_6_18, kernel_era::linux_2_6_19,
                                   kernel_era::linux_2_6_20, kernel_era::linux_2_6_23,
                                   kernel_era::golden};

} // namespace

TEST_CASE("truncate: pages, PTEs, dirtiness and blocks behind the new end go, in every era")
{
    for (const kernel_era era : all_eras) {
        vm_world w(shrinking(era));
        w.play([&](user_task& task) {
            inode& file = w.open(task);
            const virtual_address va = w.map(task, file, 4);
            w.write(task, file, 0, 1, 4 * page_size);
            task.sync();
            for (std::uint64_t i = 0; i < 4; ++i)
                w.put(task, va + i * page_size, 2);
            CHECK(task.ftruncate(file, page_size + 100) == 0);
            CHECK(file.size == page_size + 100);
            CHECK(vm_world::page_of(file, 1) != nullptr);
            CHECK(vm_world::page_of(file, 2) == nullptr);
            CHECK(vm_world::page_of(file, 3) == nullptr);
            CHECK(!vm_world::pte_of(task.mm(), va + 2 * page_size).present());
            CHECK(vm_world::pte_of(task.mm(), va + page_size).present());
            CHECK(w.get(task, va + page_size) == 2);
            CHECK(w.get(task, va + page_size + 100) == 0);
            task.munmap(va, 4 * page_size);
            task.sync();
            CHECK(w.k->stats.nr_dirty == 0);
            CHECK(task.ftruncate(file, 4 * page_size) == 0);
            task.fsync(file);
            CHECK(w.durable(0) == 2);
            CHECK(w.durable(page_size) == 2);
            for (std::uint64_t at = page_size + 100; at < 4 * page_size; at += 100)
                CHECK(w.durable(at) == 0);
        });
    }
}

TEST_CASE("truncate: an access behind the new end is a SIGBUS")
{
    vm_world w(shrinking());
    w.run([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address va = w.map(task, file, 4);
        w.put(task, va + page_size, 1);
        task.ftruncate(file, page_size);
        w.put(task, va + page_size, 1);
    });
    REQUIRE(w.signals.size() == 1);
    CHECK(w.signals[0].what == user_signal::kind::bus);
}

TEST_CASE("truncate: blocks that are freed are used again, those of tables, too")
{
    vm_world_options o = shrinking();
    o.disk.capacity = 800; // 400 KiB: there is room for one of the files
    o.frames = 2048;
    vm_world w(o);
    w.play([&](user_task& task) {
        for (std::uint64_t round = 0; round < 4; ++round) {
            inode& file = w.open(task, 1 + round % 2);
            CHECK(w.write(task, file, 0, 7, 64 * page_size) ==
                  static_cast<std::int64_t>(64 * page_size));
            CHECK(task.fsync(file) == 0);
            CHECK(w.durable(63 * page_size, 1 + round % 2) == 7);
            CHECK(task.ftruncate(file, 0) == 0);
            task.sync();
        }
    });
}

TEST_CASE("truncate: a file can be cut anywhere, block by block")
{
    for (const std::uint64_t size : {1ul, 1024ul, 1025ul, 12 * 1024ul, 12 * 1024ul + 1, 13 * 1024ul,
                                     50 * 1024ul + 7, 255 * 1024ul}) {
        CAPTURE(size);
        vm_world w(shrinking());
        w.play([&](user_task& task) {
            inode& file = w.open(task);
            w.write(task, file, 0, 3, 64 * page_size);
            task.sync();
            CHECK(task.ftruncate(file, size) == 0);
            CHECK(task.ftruncate(file, 64 * page_size) == 0);
            task.fsync(file);
            CHECK(w.durable(size - 1) == 3);
            for (std::uint64_t at = size; at < 64 * page_size; at += 500)
                CHECK(w.durable(at) == 0);
        });
    }
}

TEST_CASE("truncate: without fs.files_shrink it is refused")
{
    vm_world w;
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        CHECK(task.ftruncate(file, page_size) == -EINVAL);
        CHECK(file.size == 64 * page_size);
    });
}

TEST_CASE("truncate: what ->invalidatepage dirties stays counted if PG_dirty went before it")
{
    for (const truncate_policy policy :
         {truncate_policy::linux_2_6_18, truncate_policy::linux_2_6_20, truncate_policy::golden}) {
        vm_world_options o = shrinking();
        o.policies.truncate_complete_page = policy;
        o.policies.cache.removal_accounts_dirty = policy == truncate_policy::golden;
        o.policies.cache.invalidatepage_redirties = true;
        vm_world w(o);
        w.play([&](user_task& task) {
            inode& file = w.open(task);
            w.write(task, file, 0, 1, 3 * page_size);
            CHECK(task.ftruncate(file, 0) == 0);
            CHECK(vm_world::page_of(file, 0) == nullptr);
            task.sync();
            CHECK(w.k->stats.nr_dirty == (policy == truncate_policy::linux_2_6_20 ? 3 : 0));
        });
    }
}

TEST_CASE("truncate: who finds its page before, and installs it after, has to look again")
{
    vm_world_options o = shrinking();
    o.cores = 2;
    for (const bool write : {false, true}) {
        vm_world w(o);
        mm_struct& mm = w.new_process();
        w.start(0, mm, [&](user_task& task) {
            inode& file = w.open(task);
            const virtual_address va = w.map(task, file, 2);
            w.write(task, file, 0, 1, 2 * page_size);
            task.sync();
            // The fault has its page and waits for the page-table lock.
            mm.page_table_lock.lock(task.cpu());
            w.start(1, mm, [&, va](user_task& other) {
                if (write)
                    w.put(other, va + page_size, 2);
                else
                    w.get(other, va + page_size);
            });
            task.sleep(picoseconds(ms));
            ++file.mapping.truncate_count;
            file.size = page_size;
            mm.page_table_lock.unlock(task.cpu());
            task.sleep(picoseconds(ms));
            CHECK(!vm_world::pte_of(mm, va + page_size).present());
            file.size = 2 * page_size;
        });
        CHECK(w.run());
        CHECK(w.signals.size() == 1);
    }
}

TEST_CASE("pagecache_isize_extended write-protects the page that the old end was in, if it is to")
{
    for (const bool extended : {false, true})
        for (const bool by_write : {false, true}) {
            vm_world_options o;
            o.policies.page_mkwrite = page_mkwrite_policy::locked;
            o.policies.pagecache_isize_extended = extended;
            o.files = {1024};
            vm_world w(o);
            w.play([&](user_task& task) {
                inode& file = w.open(task);
                const virtual_address va = w.map(task, file, 2);
                w.put(task, va, 1);
                CHECK(vm_world::pte_of(task.mm(), va).writable());
                if (by_write)
                    w.write(task, file, 3000, 1, 10);
                else
                    task.ftruncate(file, 10'000);
                CHECK(vm_world::pte_of(task.mm(), va).writable() == !extended);
                CHECK(vm_world::page_of(file, 0)->dirty());
                const std::uint64_t faults = w.k->stats.pgfault;
                w.put(task, va + 2000, 2);
                CHECK(w.k->stats.pgfault == faults + (extended ? 1 : 0));
                CHECK(vm_world::page_of(file, 0)->buffers.begin()[1].mapped() == extended);
            });
        }
}
