// vm.dirty_tracking = dirty_log: from a core's log to PG_dirty, in time for whoever has to know.

#include "vm/clear_page_dirty.h"
#include "vm/dirty_log.h"
#include "vm/page_writeback.h"
#include "vm/reclaim.h"
#include "vm/rmap.h"
#include "vm/sync.h"
#include "vm/tests/vm_world.h"

#include <doctest/doctest.h>

using namespace mkclean;

namespace
{

const virtual_address there(std::uint64_t{1} << 30);

vm_world_options with_logs(unsigned cores, std::uint64_t entries = 512)
{
    vm_world_options o;
    o.cores = cores;
    o.walker.dirty_log_entries = entries;
    o.policies.dirty_tracking = dirty_tracking_policy::dirty_log;
    return o;
}

picoseconds at(std::uint64_t milliseconds)
{
    return picoseconds(milliseconds * ms);
}

std::uint64_t logged_by(const vm_world& w, unsigned cpu)
{
    return w.cores.at(cpu)->memory_unit().log_of_dirtied().raw();
}

// Maps the first pages of file 1, which have blocks, are on the disk and clean.
inode& map_clean_file(vm_world& w, user_task& task, std::uint64_t pages)
{
    inode& file = w.open(task);
    w.write(task, file, 0, 1, pages * page_size);
    task.sync();
    task.mmap(&file, page_index(0), pages * page_size, shared_write, there);
    return file;
}

} // namespace

TEST_CASE("dirty log: a shared page is writable and clean from the first fault on, and logged once")
{
    vm_world w(with_logs(1));
    w.play([&](user_task& task) {
        map_clean_file(w, task, 2);
        w.get(task, there);
        const pte read = vm_world::pte_of(task.mm(), there);
        CHECK(read.writable());
        CHECK_FALSE(read.dirty());
        const std::uint64_t faults = w.k->stats.pgfault;
        w.put(task, there, 1);
        w.put(task, there + 8, 2);
        CHECK(w.k->stats.pgfault == faults);
        w.put(task, there + page_size, 3); // its first fault is a store's
        CHECK(w.k->stats.pgfault == faults + 1);
        CHECK(vm_world::pte_of(task.mm(), there + page_size).dirty());
        CHECK(logged_by(w, 0) == 2);
        CHECK(w.k->stats.nr_dirty == 0);
    });
}

TEST_CASE("dirty log: private and anonymous memory is not in it")
{
    vm_world w(with_logs(1));
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        w.put(task, w.map(task, file, 1, private_write), 1);
        w.put(task, task.mmap(nullptr, page_index(0), page_size, private_write), 1);
        CHECK(logged_by(w, 0) == 0);
    });
}

TEST_CASE("dirty log: fsync, msync and sync write what any core has logged before them")
{
    for (const std::string call : {"fsync", "msync", "sync"}) {
        CAPTURE(call);
        vm_world w(with_logs(3));
        mm_struct& mm = w.new_process();
        w.start(0, mm, [&](user_task& task) {
            inode& file = map_clean_file(w, task, 4);
            for (unsigned cpu = 1; cpu < 3; ++cpu)
                w.start(cpu, mm,
                        [&w, cpu](user_task& other) { w.put(other, there + cpu * page_size, 7); });
            task.compute_until(at(100));
            CHECK(logged_by(w, 1) == 1);
            CHECK(logged_by(w, 2) == 1);
            CHECK(w.k->stats.nr_dirty == 0);
            if (call == "fsync")
                CHECK(task.fsync(file) == 0);
            else if (call == "msync")
                CHECK(task.msync(there, 4 * page_size) == 0);
            else
                task.sync();
            CHECK(w.durable(page_size) == 7);
            CHECK(w.durable(2 * page_size) == 7);
            CHECK(logged_by(w, 1) == 0);
        });
        CHECK(w.run());
    }
}

TEST_CASE("dirty log: without the other cores' logs writeback finds nothing of what they stored")
{
    vm_world w(with_logs(2));
    mm_struct& mm = w.new_process();
    w.start(0, mm, [&](user_task& task) {
        inode& file = map_clean_file(w, task, 1);
        w.start(1, mm, [&w](user_task& other) { w.put(other, there, 7); });
        task.compute_until(at(100));
        writeback_control wbc; // all that fsync does but for the logs
        wbc.mode = sync_mode::all;
        wbc.nr_to_write = 10;
        CHECK(write_cache_pages(*w.k, task.cpu(), file.mapping, wbc) == 0);
        w.k->fs.flush_device(task.cpu());
        CHECK(w.durable(0) == 1);
        CHECK(task.fsync(file) == 0);
        CHECK(w.durable(0) == 7);
    });
    CHECK(w.run());
}

TEST_CASE("dirty log: page_mkclean leaves W, tells of D, and the next store is logged again")
{
    vm_world w(with_logs(1));
    w.play([&](user_task& task) {
        inode& file = map_clean_file(w, task, 1);
        page& pg = *vm_world::page_of(file, 0);
        const auto mkclean = [&] {
            lock_page(task.cpu(), pg);
            const unsigned cleaned = page_mkclean(*w.k, task.cpu(), pg);
            unlock_page(task.cpu(), pg);
            return cleaned;
        };
        w.get(task, there);
        CHECK(mkclean() == 0); // W alone says nothing here
        w.put(task, there, 2);
        CHECK(mkclean() == 1);
        CHECK(mkclean() == 0);
        CHECK(vm_world::pte_of(task.mm(), there).writable());
        CHECK_FALSE(vm_world::pte_of(task.mm(), there).dirty());
        CHECK(logged_by(w, 0) == 1);
        w.put(task, there, 3);
        CHECK(logged_by(w, 0) == 2);
        CHECK(vm_world::pte_of(task.mm(), there).dirty());
    });
}

TEST_CASE("dirty log: a store that finds it full has it read, and goes on")
{
    vm_world w(with_logs(1, 2));
    w.play([&](user_task& task) {
        inode& file = map_clean_file(w, task, 5);
        for (unsigned n = 0; n < 5; ++n)
            w.put(task, there + n * page_size, 10 + n);
        CHECK(w.k->stats.dirty_log_full == 2);
        CHECK(w.k->stats.nr_dirty == 4);
        CHECK(logged_by(w, 0) == 1);
        CHECK(task.fsync(file) == 0);
        for (unsigned n = 0; n < 5; ++n)
            CHECK(w.durable(n * page_size) == 10 + n);
    });
}

TEST_CASE("dirty log: pdflush reads it before it looks for what is old")
{
    vm_world_options o = with_logs(2);
    o.vm.dirty_writeback = 5 * ms;
    o.vm.dirty_expire = 20 * ms;
    vm_world w(o);
    w.play([&](user_task& task) {
        map_clean_file(w, task, 1);
        w.put(task, there, 7);
        task.compute_until(task.now() + at(100));
        CHECK(w.durable(0) == 7);
    });
}

TEST_CASE("dirty log: who may not wait for a page lock leaves the entry to the next")
{
    vm_world w(with_logs(2));
    mm_struct& mm = w.new_process();
    w.start(0, mm, [&](user_task& task) {
        page& pg = *vm_world::page_of(map_clean_file(w, task, 1), 0);
        w.put(task, there, 7);
        w.start(1, mm, [&w, &pg](user_task& other) {
            other.compute_until(at(120));
            try_to_drain_dirty_logs(*w.k, other.cpu());
            CHECK(other.now() < at(130));
            CHECK(w.k->logged.frames.size() == 1);
            CHECK_FALSE(pg.dirty());
            drain_dirty_logs(*w.k, other.cpu());
            CHECK(other.now() >= at(200));
            CHECK(w.k->logged.frames.empty());
            CHECK(pg.dirty());
        });
        task.compute_until(at(100));
        lock_page(task.cpu(), pg);
        task.compute_until(at(200));
        unlock_page(task.cpu(), pg);
    });
    CHECK(w.run());
}

TEST_CASE("dirty log: dirty_log_ps is the time of full logs and of drains, waiting included")
{
    vm_world w(with_logs(2, 2));
    mm_struct& mm = w.new_process();
    const std::uint64_t& spent = w.k->stats.dirty_log_ps;
    w.start(0, mm, [&](user_task& task) {
        page& pg = *vm_world::page_of(map_clean_file(w, task, 3), 0);
        CHECK(spent < at(1).raw()); // map_clean_file() has synced
        for (unsigned n = 0; n < 3; ++n)
            w.get(task, there + n * page_size);
        w.start(1, mm, [&](user_task& other) {
            other.compute_until(at(120));
            for (unsigned n = 0; n < 3; ++n)
                w.put(other, there + n * page_size, 7);
            CHECK(w.k->stats.dirty_log_full == 1);
            CHECK(spent > at(79).raw()); // the first entry was of a locked page
            CHECK(spent < at(81).raw());
            const std::uint64_t full = spent;
            drain_dirty_logs(*w.k, other.cpu());
            CHECK(spent > full);
        });
        task.compute_until(at(100));
        lock_page(task.cpu(), pg);
        task.compute_until(at(200));
        unlock_page(task.cpu(), pg);
    });
    CHECK(w.run());
}

TEST_CASE("dirty log: logs that a throttled fault reads are in the fault's time, and not twice")
{
    vm_world w(with_logs(1));
    w.play([&](user_task& task) {
        map_clean_file(w, task, 1);
        const vmstat before = w.k->stats;
        w.k->ratelimits.at(0) = 1'000'000; // so that the next who dirties a page looks at limits
        w.put(task, there, 7);
        CHECK(w.k->stats.dirty_log_drains == before.dirty_log_drains + 1);
        CHECK(w.k->stats.fault_ps > before.fault_ps);
        CHECK(w.k->stats.dirty_log_ps == before.dirty_log_ps);
    });
}

TEST_CASE("dirty log: nobody goes on before another has applied what he took")
{
    vm_world w(with_logs(3));
    mm_struct& mm = w.new_process();
    w.start(0, mm, [&](user_task& task) {
        page& pg = *vm_world::page_of(map_clean_file(w, task, 1), 0);
        w.put(task, there, 7);
        for (unsigned cpu = 1; cpu < 3; ++cpu)
            w.start(cpu, mm, [&w, &pg, cpu](user_task& other) {
                other.compute_until(at(100 + 20 * cpu));
                drain_dirty_logs(*w.k, other.cpu());
                CHECK(other.now() >= at(200));
                CHECK(pg.dirty());
            });
        task.compute_until(at(100));
        lock_page(task.cpu(), pg);
        task.compute_until(at(160));
        CHECK(logged_by(w, 0) == 0); // taken, and not applied
        task.compute_until(at(200));
        unlock_page(task.cpu(), pg);
    });
    CHECK(w.run());
}

namespace
{

// A cleaner has the page lock and has cleaned the PTE; the page is stored to and logged; then the
// log is read, by way of `apply`; PG_dirty is taken away and the page is written; it is stored to
// again, through the D that the TLB remembers; fsync. What it promises:
unsigned durable_after(const std::function<void(vm_world&, user_task&, page&)>& apply)
{
    vm_world w(with_logs(3));
    mm_struct& mm = w.new_process();
    w.start(0, mm, [&](user_task& task) {
        page& pg = *vm_world::page_of(map_clean_file(w, task, 1), 0);
        w.put(task, there, 2);
        drain_dirty_logs(*w.k, task.cpu());
        w.start(1, mm, [&w, &pg](user_task& storer) {
            storer.compute_until(at(200));
            w.put(storer, there, 3);
            storer.compute_until(at(500));
            REQUIRE_FALSE(pg.writeback());
            w.put(storer, there, 4);
        });
        w.start(2, mm, [&w, &pg, &apply](user_task& reader) {
            reader.compute_until(at(300));
            apply(w, reader, pg);
        });
        task.compute_until(at(100));
        lock_page(task.cpu(), pg);
        CHECK(page_mkclean(*w.k, task.cpu(), pg) == 1); // clear_page_dirty_for_io()
        set_page_dirty(task.cpu(), pg);
        task.compute_until(at(400));
        CHECK(test_and_clear_page_dirty(task.cpu(), pg));
        account_page_cleaned(task.cpu(), pg);
        writeback_control wbc;
        pg.mapping->ops().writepage(task.cpu(), pg, wbc);
        wait_on_page_writeback(task.cpu(), pg);
        task.compute_until(at(600));
        CHECK(w.get(task, there) == 4);
        CHECK(task.fsync(w.open(task)) == 0);
    });
    REQUIRE(w.run());
    return w.durable(0);
}

} // namespace

TEST_CASE("dirty log: a log that is read while somebody cleans the page leads to it afterwards")
{
    CHECK(durable_after([](vm_world& w, user_task& reader, page&) {
              drain_dirty_logs(*w.k, reader.cpu());
          }) == 4);
}

TEST_CASE("dirty log: without the page lock the entry of a page being cleaned is swallowed")
{
    CHECK(durable_after([](vm_world& w, user_task& reader, page& pg) {
              w.cores.at(1)->memory_unit().log_of_dirtied().take(w.ram);
              set_page_dirty(reader.cpu(), pg);
          }) == 3);
}

TEST_CASE("dirty log: munmap dirties a page when no TLB lets anybody store any more")
{
    for (const bool logs : {true, false}) {
        vm_world_options o = with_logs(2);
        if (!logs)
            o.policies.dirty_tracking = dirty_tracking_policy::write_protect;
        vm_world w(o);
        mm_struct& mm = w.new_process();
        w.start(0, mm, [&](user_task& task) {
            inode& file = map_clean_file(w, task, 1);
            w.start(1, mm, [&w](user_task& other) {
                w.put(other, there, 7);
                other.compute_until(at(300));
            });
            task.compute_until(at(100));
            w.steps.clear();
            CHECK(task.munmap(there, page_size) == 0);
            CHECK(vm_world::page_of(file, 0)->dirty());
        });
        CHECK(w.run());
        const vm_world::names order = w.order_of({"flush_tlb_func ack", "TestSetPageDirty"});
        CHECK(order == vm_world::names{"flush_tlb_func ack", "TestSetPageDirty"});
    }
}

TEST_CASE("dirty log: what was unmapped since has told PG_dirty itself, and is left alone")
{
    vm_world w(with_logs(1));
    w.play([&](user_task& task) {
        inode& file = map_clean_file(w, task, 1);
        w.put(task, there, 7);
        CHECK(task.munmap(there, page_size) == 0);
        page& pg = *vm_world::page_of(file, 0);
        CHECK(pg.dirty());
        CHECK(test_and_clear_page_dirty(task.cpu(), pg)); // not that anybody would
        drain_dirty_logs(*w.k, task.cpu());
        CHECK_FALSE(pg.dirty());
    });
}

TEST_CASE("dirty log: reclaim finds in the PTE what nobody has read from the log")
{
    vm_world w(with_logs(2));
    mm_struct& mm = w.new_process();
    w.start(0, mm, [&](user_task& task) {
        inode& file = map_clean_file(w, task, 1);
        w.put(task, there, 7);
        w.set_pte(mm, there, vm_world::pte_of(mm, there).mkold());
        CHECK_FALSE(vm_world::page_of(file, 0)->dirty());
        try_to_free_pages(*w.k, task.cpu());
        REQUIRE(vm_world::page_of(file, 0) != nullptr);
        CHECK(w.get(task, there) == 7);
        CHECK(task.fsync(file) == 0);
        CHECK(w.durable(0) == 7);
    });
    CHECK(w.run());
    REQUIRE(w.first_of("try_to_unmap") != nullptr);
}
