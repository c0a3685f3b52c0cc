// write_cache_pages(): which of a file's dirty pages a pass takes.

#include "vm/page_writeback.h"
#include "vm/tests/vm_world.h"

#include <doctest/doctest.h>

using namespace mkclean;

namespace
{

using indices = std::vector<std::uint64_t>;

vm_world_options slow_disk(kernel_era era = kernel_era::golden)
{
    vm_world_options o(era);
    o.disk.write_cache = false; // a write takes 13 us and more
    return o;
}

void dirty_pages(vm_world& w, user_task& task, inode& file, std::uint64_t first,
                 std::uint64_t count)
{
    for (std::uint64_t i = first; i < first + count; ++i)
        w.write(task, file, i * page_size, 1, page_size);
    w.steps.clear();
}

indices dirty_indices(const inode& file)
{
    indices result;
    page_index at;
    while (page* const pg = file.mapping.pages.next_tagged(at, page_tag::dirty)) {
        if (pg->dirty())
            result.push_back(pg->index.raw());
        at = pg->index + 1;
    }
    return result;
}

// Pages of the file whose writeback began, in that order.
indices written(const vm_world& w, const inode& file)
{
    indices result;
    for (const taken_step& step : w.steps)
        if (step.name == "set_page_writeback" && step.what.what.ino == file.ino)
            result.push_back(step.what.what.page.raw());
    return result;
}

writeback_control pass(sync_mode mode, std::int64_t nr_to_write)
{
    writeback_control wbc;
    wbc.mode = mode;
    wbc.nr_to_write = nr_to_write;
    return wbc;
}

indices range(std::uint64_t first, std::uint64_t end)
{
    indices result;
    for (std::uint64_t i = first; i < end; ++i)
        result.push_back(i);
    return result;
}

} // namespace

TEST_CASE("A pass writes every dirty page, upwards, and no clean one")
{
    vm_world w;
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        dirty_pages(w, task, file, 0, 40); // more than two pagevecs
        task.fsync(file);
        dirty_pages(w, task, file, 30, 5);
        dirty_pages(w, task, file, 2, 1);
        writeback_control wbc = pass(sync_mode::none, 100);
        CHECK(write_cache_pages(*w.k, task.cpu(), file.mapping, wbc) == 0);
        CHECK(written(w, file) == indices{2, 30, 31, 32, 33, 34});
        CHECK(wbc.nr_to_write == 94);
        CHECK(dirty_indices(file).empty());
    });
}

TEST_CASE("The flusher stops after nr_to_write pages, and what is left stays dirty and tagged")
{
    vm_world w;
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        dirty_pages(w, task, file, 0, 10);
        writeback_control wbc = pass(sync_mode::none, 3);
        write_cache_pages(*w.k, task.cpu(), file.mapping, wbc);
        CHECK(written(w, file) == range(0, 3));
        CHECK(wbc.nr_to_write == 0);
        CHECK(dirty_indices(file) == range(3, 10));
    });
}

TEST_CASE("A sync stops at nr_to_write where the era did, and nowhere else")
{
    for (const bool honours : {true, false}) {
        vm_world_options o;
        o.policies.sync_honours_nr_to_write = honours;
        vm_world w(o);
        w.play([&](user_task& task) {
            inode& file = w.open(task);
            dirty_pages(w, task, file, 0, 10);
            writeback_control wbc = pass(sync_mode::all, 3);
            write_cache_pages(*w.k, task.cpu(), file.mapping, wbc);
            CHECK(written(w, file) == range(0, honours ? 3 : 10));
        });
    }
}

TEST_CASE("A pass over a range leaves the rest of the file alone, and its end belongs to it")
{
    for (const sync_mode mode : {sync_mode::none, sync_mode::all}) {
        vm_world w;
        w.play([&](user_task& task) {
            inode& file = w.open(task);
            dirty_pages(w, task, file, 0, 30);
            writeback_control wbc = pass(mode, 100);
            wbc.range_start = page_index(3);
            wbc.range_end = page_index(20);
            write_cache_pages(*w.k, task.cpu(), file.mapping, wbc);
            CHECK(written(w, file) == range(3, 21));
            CHECK(dirty_indices(file).size() == 12);
        });
    }
}

TEST_CASE(
    "A cyclic pass goes on where the last one stopped, and begins anew at the end of the file")
{
    vm_world w;
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        dirty_pages(w, task, file, 0, 10);
        const auto cyclic = [&](std::int64_t nr_to_write) {
            w.steps.clear();
            writeback_control wbc = pass(sync_mode::none, nr_to_write);
            wbc.range_cyclic = true;
            write_cache_pages(*w.k, task.cpu(), file.mapping, wbc);
            return written(w, file);
        };
        CHECK(cyclic(4) == range(0, 4));
        CHECK(cyclic(4) == range(4, 8));
        dirty_pages(w, task, file, 0, 3);
        CHECK(cyclic(4) == indices{8, 9, 0, 1});
        CHECK(cyclic(4) == indices{2});
        CHECK(cyclic(4).empty());
        CHECK(file.mapping.writeback_index == page_index(0));
    });
}

TEST_CASE("A page under writeback that is dirty again is skipped by the flusher, awaited by a sync")
{
    for (const sync_mode mode : {sync_mode::none, sync_mode::all}) {
        vm_world w(slow_disk());
        w.play([&](user_task& task) {
            inode& file = w.open(task);
            dirty_pages(w, task, file, 0, 1);
            writeback_control first = pass(sync_mode::none, 10);
            write_cache_pages(*w.k, task.cpu(), file.mapping, first);
            page& pg = *vm_world::page_of(file, 0);
            REQUIRE(pg.writeback());
            set_page_dirty(task.cpu(), pg);
            w.steps.clear();
            writeback_control wbc = pass(mode, 10);
            write_cache_pages(*w.k, task.cpu(), file.mapping, wbc);
            if (mode == sync_mode::none) {
                CHECK(pg.writeback());
                CHECK(written(w, file).empty());
                CHECK(wbc.nr_to_write == 10);
                CHECK(dirty_indices(file) == indices{0});
            } else {
                CHECK(w.order_of({"end_page_writeback", "set_page_writeback"}) ==
                      vm_world::names{"end_page_writeback", "set_page_writeback"});
                CHECK(!pg.dirty());
            }
        });
    }
}

TEST_CASE("A page that was truncated while the pass waited for its lock is skipped")
{
    vm_world_options o;
    o.cores = 2;
    vm_world w(o);
    mm_struct& mm = w.new_process();
    w.start(0, mm, [&](user_task& task) {
        inode& file = w.open(task);
        dirty_pages(w, task, file, 0, 3);
        page& pg = *w.cache.find_lock_page(task.cpu(), file.mapping, page_index(1));
        w.start(1, mm, [&](user_task& other) {
            writeback_control wbc = pass(sync_mode::all, 10);
            CHECK(write_cache_pages(*w.k, other.cpu(), file.mapping, wbc) == 0);
            CHECK(wbc.nr_to_write == 8);
        });
        task.sleep(picoseconds(ms));
        CHECK(written(w, file) == indices{0});
        test_and_clear_page_dirty(task.cpu(), pg);
        account_page_cleaned(task.cpu(), pg);
        w.cache.remove_from_page_cache(task.cpu(), pg);
        set_page_dirty(task.cpu(), pg); // whoever still has it mapped may do that
        unlock_page(task.cpu(), pg);
        w.cache.put_page(pg);
        task.sleep(picoseconds(ms));
        CHECK(written(w, file) == indices{0, 2});
    });
    CHECK(w.run());
}

TEST_CASE("A sync with TOWRITE leaves pages alone that became dirty after it began")
{
    for (const bool snapshot : {true, false}) {
        vm_world_options o;
        o.cores = 2;
        o.policies.towrite_tag = snapshot;
        vm_world w(o);
        mm_struct& mm = w.new_process();
        w.start(0, mm, [&](user_task& task) {
            inode& file = w.open(task);
            dirty_pages(w, task, file, 0, 2);
            page& pg = *w.cache.find_lock_page(task.cpu(), file.mapping, page_index(0));
            w.start(1, mm, [&](user_task& other) {
                writeback_control wbc = pass(sync_mode::all, 100);
                write_cache_pages(*w.k, other.cpu(), file.mapping, wbc);
            });
            task.sleep(picoseconds(ms));
            w.write(task, file, 5 * page_size, 1, page_size);
            unlock_page(task.cpu(), pg);
            w.cache.put_page(pg);
            task.sleep(picoseconds(ms));
            CHECK(written(w, file) == (snapshot ? indices{0, 1} : indices{0, 1, 5}));
            CHECK(dirty_indices(file) == (snapshot ? indices{5} : indices{}));
            CHECK(!file.mapping.pages.any_tagged(page_tag::towrite));
        });
        CHECK(w.run());
    }
}

TEST_CASE("A pass that must not wait stops when the disk is congested, others do not")
{
    for (const bool nonblocking : {true, false}) {
        vm_world w;
        w.play([&](user_task& task) {
            inode& file = w.open(task);
            dirty_pages(w, task, file, 0, 5);
            writeback_control wbc = pass(sync_mode::none, 10);
            wbc.nonblocking = nonblocking;
            w.congested = true;
            write_cache_pages(*w.k, task.cpu(), file.mapping, wbc);
            CHECK(wbc.encountered_congestion == nonblocking);
            CHECK(written(w, file) == range(0, nonblocking ? 1 : 5));
        });
    }
}

TEST_CASE("A page whose buffers somebody has locked is put back by the flusher, awaited by a sync")
{
    for (const sync_mode mode : {sync_mode::none, sync_mode::all}) {
        vm_world_options o;
        o.cores = 2;
        vm_world w(o);
        mm_struct& mm = w.new_process();
        w.start(0, mm, [&](user_task& task) {
            inode& file = w.open(task);
            dirty_pages(w, task, file, 0, 1);
            page& pg = *vm_world::page_of(file, 0);
            buffer_head& busy = pg.buffers.begin()[2];
            lock_buffer(task.cpu(), busy);
            w.start(1, mm, [&](user_task& other) {
                writeback_control wbc = pass(mode, 10);
                wbc.nonblocking = mode == sync_mode::none;
                write_cache_pages(*w.k, other.cpu(), file.mapping, wbc);
                CHECK(wbc.pages_skipped == (mode == sync_mode::none ? 1 : 0));
            });
            task.sleep(picoseconds(ms));
            CHECK(pg.dirty() == (mode == sync_mode::none));
            CHECK(pg.locked() == (mode == sync_mode::all));
            unlock_buffer(task.cpu(), busy);
            task.sleep(picoseconds(ms));
            CHECK(vm_world::dirty_buffers(pg) == (mode == sync_mode::none ? 1 : 0));
            CHECK(vm_world::tagged(file, 0, page_tag::dirty) == (mode == sync_mode::none));
        });
        CHECK(w.run());
    }
}

TEST_CASE("A page that writepage puts back stays in a sync's snapshot, since 2014")
{
    for (const bool keepwrite : {false, true}) {
        vm_world_options o;
        o.policies.cache.set_page_writeback_keepwrite = keepwrite;
        vm_world w(o);
        w.play([&](user_task& task) {
            inode& file = w.open(task);
            dirty_pages(w, task, file, 0, 2);
            buffer_head& busy = vm_world::page_of(file, 0)->buffers.begin()[2];
            lock_buffer(task.cpu(), busy);
            tag_pages_for_writeback(task.cpu(), file.mapping, page_index(), page_index::max());
            writeback_control wbc = pass(sync_mode::none, 10);
            wbc.nonblocking = true;
            write_cache_pages(*w.k, task.cpu(), file.mapping, wbc);
            CHECK(dirty_indices(file) == indices{0});
            CHECK(vm_world::tagged(file, 0, page_tag::towrite) == keepwrite);
            CHECK(!vm_world::tagged(file, 1, page_tag::towrite)); // all of it was written
            unlock_buffer(task.cpu(), busy);
        });
    }
}

TEST_CASE("Where pdflush may not allocate, it puts back what has no block, and a sync writes it")
{
    vm_world_options o;
    o.policies.cache.background_allocates = false;
    o.disk.write_cache = false;
    vm_world w(o);
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        w.put(task, w.map(task, file, 1), 1);
        writeback_control wbc = pass(sync_mode::none, 10);
        wbc.nonblocking = true;
        write_cache_pages(*w.k, task.cpu(), file.mapping, wbc);
        CHECK(wbc.pages_skipped == 2); // put back, and nothing of it written
        CHECK(dirty_indices(file) == indices{0});
        CHECK(vm_world::dirty_buffers(*vm_world::page_of(file, 0)) == 4);
        CHECK(task.fsync(file) == 0);
        CHECK(w.durable(0) == 1);
        CHECK(dirty_indices(file).empty());
    });
}
