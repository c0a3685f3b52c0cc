// Storage keys, as s390's kernels read them: where C goes, and when it is nobody's store.

#include "cache/page_key.h"
#include "vm/clear_page_dirty.h"
#include "vm/keyed_page.h"
#include "vm/rmap.h"
#include "vm/tests/vm_world.h"

#include <doctest/doctest.h>

using namespace mkclean;

namespace
{

const virtual_address there(std::uint64_t{1} << 30);

vm_world_options with_keys(kernel_era era = kernel_era::golden, unsigned cores = 1)
{
    vm_world_options o(era);
    o.cores = cores;
    o.walker.sets_dirty = dirty_setter::storage_key;
    return o;
}

bool changed(vm_world& w, const page& pg)
{
    return w.keys->is_changed(pg.frame);
}

// File 1 has blocks, is on the disk and clean, and its first page is mapped twice.
struct mapped_twice {
    page* pg;
    virtual_address one;
    virtual_address other;
};

mapped_twice map_twice(vm_world& w, user_task& task)
{
    inode& file = w.open(task);
    w.write(task, file, 0, 1, page_size);
    task.sync();
    mapped_twice m{vm_world::page_of(file, 0), w.map(task, file, 1), w.map(task, file, 1)};
    w.get(task, m.one);
    w.get(task, m.other);
    page_clear_dirty(task.cpu(), w.cache, *m.pg); // write(2) has set it, and then the zeroing
    return m;
}

} // namespace

TEST_CASE("storage keys: stores to mappings are on the media when msync returns, in every era")
{
    for (const kernel_era era :
         {kernel_era::linux_2_6_18, kernel_era::linux_2_6_19, kernel_era::linux_2_6_20,
          kernel_era::linux_2_6_23, kernel_era::golden})
        for (const filesystem_type type : {filesystem_type::ext2, filesystem_type::ext3}) {
            vm_world_options o = with_keys(era, 2);
            o.fs.type = type;
            vm_world w(o);
            w.play([&](user_task& task) {
                inode& file = w.open(task);
                w.write(task, file, 0, 1, 20 * page_size);
                task.sync();
                const virtual_address va = w.map(task, file, 20);
                for (unsigned round = 1; round < 4; ++round) {
                    for (unsigned page = 0; page < 20; ++page)
                        w.put(task, va + page * page_size + 7 * page, 20 * round + page);
                    CHECK(task.msync(va, 20 * page_size) == 0);
                    for (unsigned page = 0; page < 20; ++page)
                        CHECK(w.durable(page * page_size + 7 * page) == 20 * round + page);
                }
                CHECK_FALSE(vm_world::pte_of(task.mm(), va).dirty());
            });
        }
}

TEST_CASE("storage keys: what the disk has stored is not dirtiness")
{
    vm_world w(with_keys());
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address va = w.map(task, file, 2);
        w.write(task, file, page_size, 1, page_size);
        task.sync();
        task.fadvise_dontneed(file);
        REQUIRE(vm_world::page_of(file, 1) == nullptr);
        w.get(task, va);             // zeros of a hole
        w.get(task, va + page_size); // from the disk
        for (unsigned n = 0; n < 2; ++n)
            CHECK_FALSE(changed(w, *vm_world::page_of(file, n)));
        CHECK(task.munmap(va, 2 * page_size) == 0);
        CHECK(w.k->stats.nr_dirty == 0);
    });
}

TEST_CASE("storage keys: C goes to PG_dirty with the last PTE, whichever that is")
{
    vm_world w(with_keys(kernel_era::linux_2_6_18));
    w.play([&](user_task& task) {
        const mapped_twice m = map_twice(w, task);
        w.put(task, m.one, 7);
        CHECK(changed(w, *m.pg));
        CHECK(task.munmap(m.one, page_size) == 0);
        CHECK_FALSE(m.pg->dirty());
        CHECK(changed(w, *m.pg));
        CHECK(task.munmap(m.other, page_size) == 0);
        CHECK(m.pg->dirty());
        CHECK_FALSE(changed(w, *m.pg));
        CHECK(task.fsync(w.open(task)) == 0);
        CHECK(w.durable(0) == 7);
    });
}

TEST_CASE("storage keys: page_mkclean write-protects first and then looks at C, of mapped pages")
{
    vm_world w(with_keys());
    w.play([&](user_task& task) {
        const mapped_twice m = map_twice(w, task);
        const auto mkclean = [&] {
            lock_page(task.cpu(), *m.pg);
            const unsigned cleaned = page_mkclean(*w.k, task.cpu(), *m.pg);
            unlock_page(task.cpu(), *m.pg);
            return cleaned;
        };
        CHECK(mkclean() == 0);
        w.put(task, m.one, 7);
        w.steps.clear();
        CHECK(mkclean() == 2); // a PTE, and the key
        CHECK(w.order_of({"page_mkclean", "page_test_dirty", "page_clear_dirty"}) ==
              vm_world::names{"page_mkclean", "page_test_dirty", "page_clear_dirty"});
        CHECK(mkclean() == 0);
        w.keys->stored(m.pg->frame); // with nothing in the PTEs
        CHECK(mkclean() == 1);

        task.munmap(m.one, page_size);
        task.munmap(m.other, page_size);
        w.keys->stored(m.pg->frame); // a page of no mapping need not be up to date
        CHECK(mkclean() == 0);
        CHECK(changed(w, *m.pg));
    });
}

TEST_CASE("storage keys: 2.6.19's page_mkclean left the key alone")
{
    vm_world w(with_keys(kernel_era::linux_2_6_19));
    w.play([&](user_task& task) {
        const mapped_twice m = map_twice(w, task);
        w.put(task, m.one, 7);
        lock_page(task.cpu(), *m.pg);
        CHECK(clear_page_dirty_for_io(*w.k, task.cpu(), *m.pg));
        unlock_page(task.cpu(), *m.pg);
        CHECK(changed(w, *m.pg));
    });
}

TEST_CASE("storage keys: a page is young by R, once")
{
    vm_world w(with_keys());
    w.play([&](user_task& task) {
        const mapped_twice m = map_twice(w, task);
        const auto referenced = [&] { return page_referenced(*w.k, task.cpu(), *m.pg); };
        CHECK(referenced());
        CHECK_FALSE(referenced());
        const std::uint64_t walks = w.cores[0]->memory_unit().page_walker().stats().walks;
        w.get(task, m.one); // through the TLB, which nobody has flushed
        CHECK(w.cores[0]->memory_unit().page_walker().stats().walks == walks);
        CHECK(referenced());
        CHECK_FALSE(referenced());
    });
}

TEST_CASE("storage keys: who cleans a page waits for what another is taking out of its key")
{
    vm_world w(with_keys(kernel_era::golden, 2));
    w.cost.sske = 1'000'000; // 1 ms between the clean key and the dirty page
    w.start(0, w.new_process(), [&](user_task& task) {
        const mapped_twice m = map_twice(w, task);
        w.put(task, m.one, 7);
        task.sync(); // the PTEs are read-only
        w.keys->stored(m.pg->frame);
        task.munmap(m.one, page_size);
        w.start(1, w.new_process(), [&w, m](user_task& cleaner) {
            cleaner.compute_until(picoseconds(500 * ms) + picoseconds(ms / 2));
            lock_page(cleaner.cpu(), *m.pg);
            CHECK(page_mkclean(*w.k, cleaner.cpu(), *m.pg) == 0);
            CHECK(m.pg->dirty());
            unlock_page(cleaner.cpu(), *m.pg);
        });
        task.compute_until(picoseconds(500 * ms));
        task.munmap(m.other, page_size);
        CHECK(task.now() > picoseconds(501 * ms));
    });
    CHECK(w.run());
}
