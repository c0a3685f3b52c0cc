// Pages that get another frame.

#include "vm/migrate.h"
#include "vm/tests/vm_world.h"

#include <doctest/doctest.h>

#include <random>

using namespace mkclean;

TEST_CASE("a page that migrates keeps its bytes, its dirt and its buffers")
{
    vm_world w;
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address va = w.map(task, file, 2);
        w.put(task, va + 1, 7);
        w.put(task, va + page_size, 8);
        const page* const old = vm_world::page_of(file, 0);
        const buffer_head* const buffers = old->buffers.begin();
        const std::int64_t dirty = w.k->stats.nr_dirty;

        CHECK(task.migrate(file) == 2);
        const page* const fresh = vm_world::page_of(file, 0);
        CHECK(fresh != old);
        CHECK(fresh == &w.cache.page_of(fresh->frame));
        CHECK(fresh->count == 1);
        CHECK(fresh->dirty());
        CHECK(fresh->uptodate());
        CHECK(!fresh->locked());
        CHECK(fresh->buffers.begin() == buffers);
        CHECK(buffers->owner == fresh);
        CHECK(vm_world::dirty_buffers(*fresh) == 4);
        CHECK(vm_world::tagged(file, 0, page_tag::dirty));
        CHECK(w.k->stats.nr_dirty == dirty);
        CHECK(w.k->stats.nr_mapped == 0);
        CHECK(w.k->stats.pgmigrate_success == 2);
        CHECK(!vm_world::pte_of(task.mm(), va).present());
        CHECK(w.tlb_entry_of(0, va) == nullptr);

        CHECK(w.get(task, va + 1) == 7);
        CHECK(w.get(task, va + page_size) == 8);
        w.put(task, va + 2, 9);
        CHECK(task.fsync(file) == 0);
        CHECK(w.durable(1) == 7);
        CHECK(w.durable(2) == 9);
    });
}

TEST_CASE("what only a PTE knows of a page goes to it before it migrates, or is lost")
{
    for (const bool kept : {true, false}) {
        CAPTURE(kept);
        vm_world_options o(kernel_era::linux_2_6_18); // where stores are noticed by nobody else
        o.policies.migrate_dirty_kept = kept;
        vm_world w(o);
        w.play([&](user_task& task) {
            inode& file = w.open(task);
            const virtual_address va = w.map(task, file, 1);
            w.put(task, va, 1);
            task.sync();
            w.get(task, va);
            w.put(task, va, 2);
            task.migrate(file);
            CHECK(vm_world::page_of(file, 0)->dirty() == kept);
            task.munmap(va, page_size);
            task.fsync(file);
            CHECK(w.durable(0) == (kept ? 2 : 0));
        });
    }
}

TEST_CASE("a page that a device has pinned stays where it is")
{
    vm_world w;
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address va = w.map(task, file, 1);
        page& pg = task.pin(va);
        CHECK(task.migrate(file) == 0);
        CHECK(w.k->stats.pgmigrate_fail == 1);
        CHECK(vm_world::page_of(file, 0) == &pg);
        CHECK(!pg.locked());
        const std::byte stored{7};
        task.device_stores(pg, 10, &stored, 1);
        task.unpin(pg);
        CHECK(task.migrate(file) == 1);
        CHECK(w.get(task, va + 10) == 7);
    });
}

TEST_CASE("a page that is being written migrates when that is done")
{
    vm_world_options o;
    o.cores = 2;
    o.disk.write_cache = false;
    vm_world w(o);
    mm_struct& mm = w.new_process();
    w.start(0, mm, [&](user_task& task) {
        inode& file = w.open(task);
        w.write(task, file, 0, 5, page_size);
        task.fsync(file);
    });
    w.start(1, w.new_process(), [&](user_task& task) {
        inode& file = w.open(task);
        while (vm_world::page_of(file, 0) == nullptr || !vm_world::page_of(file, 0)->writeback())
            task.cpu().compute(cycles(100));
        page* const old = vm_world::page_of(file, 0);
        CHECK(task.migrate(file) == 1);
        CHECK(!old->writeback());
        CHECK(w.count_of("end_page_writeback") == 1);
    });
    CHECK(w.run());
    CHECK(w.durable(0) == 5);
}

TEST_CASE("whoever stores, reads, syncs or truncates while pages migrate does not notice")
{
    for (unsigned seed = 0; seed < 150; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed); // NOLINT: the same every time
        vm_world_options o;
        o.cores = 3;
        o.fs.type = random() % 2 == 0 ? filesystem_type::ext2 : filesystem_type::ext3;
        vm_world w(o);
        constexpr unsigned pages = 3;
        std::array<unsigned, pages> last{};
        mm_struct& mm = w.new_process();
        unsigned running = 2;
        w.start(0, mm, [&](user_task& task) {
            inode& file = w.open(task);
            const virtual_address va = w.map(task, file, pages);
            for (unsigned i = 1; i <= 60; ++i) {
                const unsigned n = unsigned(random() % pages);
                if (random() % 3 == 0) {
                    CHECK(w.get(task, va + n * page_size + 100) == last[n]);
                    continue;
                }
                last[n] = i;
                w.put(task, va + n * page_size + 100, i);
                task.cpu().compute(cycles(1 + random() % 3000));
            }
            CHECK(task.msync(va, pages * page_size) == 0);
            for (unsigned n = 0; n < pages; ++n)
                CHECK(w.durable(n * page_size + 100) == last[n]);
            --running;
        });
        w.start(1, w.new_process(), [&](user_task& task) {
            inode& file = w.open(task);
            for (int i = 0; i < 8; ++i) {
                w.write(task, file, (random() % pages) * page_size + 2000, 1, 700);
                task.cpu().compute(cycles(1 + random() % 20'000));
                task.fsync(file);
            }
            --running;
        });
        w.start(2, w.new_process(), [&](user_task& task) {
            inode& file = w.open(task);
            while (running > 0) {
                task.migrate(file);
                task.cpu().compute(cycles(1 + random() % 2000));
            }
        });
        REQUIRE(w.run());
        CHECK(w.k->stats.nr_mapped == 0);
        CHECK(w.k->stats.pgmigrate_success > 5);
    }
}
