// Pages that devices store to.

#include "vm/gup.h"
#include "vm/tests/vm_world.h"

#include <doctest/doctest.h>

using namespace mkclean;

namespace
{

// What the disk has in the end of what a device stored to a page that was cleaned after it was
// pinned.
unsigned durable_after_dma(unpin_policy policy, bool reserves)
{
    vm_world_options o;
    o.disk.write_cache = false;
    o.policies.unpin = policy;
    o.policies.cache.reserves_blocks = reserves;
    if (reserves)
        o.policies.page_mkwrite = page_mkwrite_policy::locked;
    vm_world w(o);
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address va = w.map(task, file, 1);
        page& pg = task.pin(va);
        CHECK(pg.dirty());
        task.sync();
        CHECK(!pg.dirty());
        const std::byte stored{7};
        task.device_stores(pg, 10, &stored, 1);
        CHECK(!pg.dirty());
        task.unpin(pg);
        CHECK(pg.dirty() == (policy != unpin_policy::put_page));
        CHECK(w.get(task, va + 10) == 7);
        task.munmap(va, page_size);
        task.sync();
        task.sync();
    });
    return w.durable(10);
}

} // namespace

TEST_CASE("get_user_pages makes a page writable and dirty, by a fault if need be")
{
    vm_world w;
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address va = w.map(task, file, 1);
        page& pg = task.pin(va + 100);
        CHECK(&pg == vm_world::page_of(file, 0));
        CHECK(w.k->stats.pgfault == 1);
        CHECK(vm_world::pte_of(task.mm(), va).writable());
        const unsigned count = pg.count;
        task.unpin(pg);
        CHECK(pg.count == count - 1);
        task.unpin(task.pin(va));
        CHECK(w.k->stats.pgfault == 1);
    });
}

TEST_CASE("a device's store to a page that was cleaned since is lost unless the driver dirties it")
{
    CHECK(durable_after_dma(unpin_policy::put_page, false) == 0);
    CHECK(durable_after_dma(unpin_policy::set_page_dirty_lock, false) == 7);
    CHECK(durable_after_dma(unpin_policy::golden, false) == 7);
}

TEST_CASE("where the filesystem reserves what it writes, it has to be asked as well")
{
    CHECK(durable_after_dma(unpin_policy::put_page, true) == 0);
    CHECK(durable_after_dma(unpin_policy::set_page_dirty_lock, true) == 0);
    CHECK(durable_after_dma(unpin_policy::golden, true) == 7);
}
