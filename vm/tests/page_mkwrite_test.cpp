// A write fault that asks the filesystem first, and one that waits for the end of writeback.

#include "vm/sync.h"
#include "vm/tests/vm_world.h"

#include <doctest/doctest.h>

using namespace mkclean;

namespace
{

constexpr write_fault_policy faults_that_ask[] = {
    write_fault_policy::linux_2_6_19, write_fault_policy::linux_2_6_23, write_fault_policy::golden};

vm_world_options with(page_mkwrite_policy policy,
                      write_fault_policy fault = write_fault_policy::golden)
{
    vm_world_options o;
    o.policies.page_mkwrite = policy;
    o.policies.write_fault = fault;
    return o;
}

} // namespace

TEST_CASE("->page_mkwrite gives the page its blocks at the fault, and dirties it")
{
    for (const page_mkwrite_policy policy :
         {page_mkwrite_policy::none, page_mkwrite_policy::unlocked, page_mkwrite_policy::locked})
        for (const write_fault_policy fault : faults_that_ask)
            for (const bool mapped : {false, true}) {
                vm_world w(with(policy, fault));
                w.play([&](user_task& task) {
                    inode& file = w.open(task);
                    const virtual_address va = w.map(task, file, 1);
                    if (mapped)
                        w.get(task, va);
                    w.put(task, va, 1);
                    page& pg = *vm_world::page_of(file, 0);
                    CHECK(pg.dirty());
                    CHECK(!pg.locked());
                    CHECK(w.k->stats.nr_dirty == (policy == page_mkwrite_policy::none ? 1 : 2));
                    CHECK(vm_world::dirty_buffers(pg) == 4);
                    for (const buffer_head& bh : pg.buffers)
                        CHECK(bh.mapped() == (policy != page_mkwrite_policy::none));
                    CHECK(task.fsync(file) == 0);
                    CHECK(w.durable(0) == 1);
                });
            }
}

TEST_CASE("the page stays locked from ->page_mkwrite on until it is dirty, since 2.6.30")
{
    const auto order = [](page_mkwrite_policy policy) {
        vm_world w(with(policy));
        w.play([&](user_task& task) {
            inode& file = w.open(task);
            const virtual_address va = w.map(task, file, 1);
            w.write(task, file, 0, 1, page_size);
            task.sync();
            w.steps.clear();
            w.put(task, va, 1);
        });
        vm_world::names result = w.order_of({"lock_page", "unlock_page", "set_pte"});
        return result;
    };
    CHECK(order(page_mkwrite_policy::unlocked) ==
          vm_world::names{"lock_page", "unlock_page", "lock_page", "set_pte", "unlock_page"});
    CHECK(order(page_mkwrite_policy::locked) ==
          vm_world::names{"lock_page", "set_pte", "unlock_page"});
}

TEST_CASE("a filesystem that reserves throws away what was cleaned between page_mkwrite and dirty")
{
    for (const page_mkwrite_policy policy :
         {page_mkwrite_policy::unlocked, page_mkwrite_policy::locked}) {
        vm_world_options o = with(policy);
        o.cores = 2;
        o.policies.cache.reserves_blocks = true;
        o.disk.write_cache = false;
        vm_world w(o);
        mm_struct& mm = w.new_process();
        w.start(0, mm, [&](user_task& task) {
            inode& file = w.open(task);
            const virtual_address va = w.map(task, file, 1);
            w.write(task, file, 0, 1, page_size);
            task.sync();
            // Behind the last buffer that page_mkwrite dirties the fault stands still for a while.
            unsigned dirtied = 0;
            w.on_step = [&](const event& e) {
                const event_log::actor_name& name = w.log.name_of(e.actor);
                if (name.where == "core1" && std::string_view(e.site->name) == "unlock_page" &&
                    dirtied++ == 0)
                    w.cores[1]->spend(cycles(10'000'000));
            };
            w.start(1, mm, [&, va](user_task& other) { w.put(other, va, 2); });
            task.sleep(picoseconds(ms));
            task.fsync(file);
            task.sleep(picoseconds(100 * ms));
            CHECK(w.get(task, va) == 2);
            CHECK(task.fsync(file) == 0);
            CHECK(w.durable(0) == (policy == page_mkwrite_policy::locked ? 2 : 1));
        });
        CHECK(w.run());
    }
}

TEST_CASE("a write fault that the disk has no room for is a SIGBUS")
{
    vm_world_options o = with(page_mkwrite_policy::locked);
    o.disk.capacity = 200;
    vm_world w(o);
    w.run([&](user_task& task) {
        const virtual_address va = w.map(task, w.open(task), 64);
        for (std::uint64_t i = 0; i < 64; ++i)
            w.put(task, va + i * page_size, 1);
    });
    REQUIRE(w.signals.size() == 1);
    CHECK(w.signals[0].what == user_signal::kind::bus);
}

TEST_CASE("a fault whose page ->page_mkwrite has dirtied is throttled since 2.6.23")
{
    for (const bool balances : {false, true})
        for (const write_fault_policy fault : faults_that_ask) {
            vm_world_options o = with(page_mkwrite_policy::locked, fault);
            o.policies.mkwrite_balances = balances;
            vm_world w(o);
            w.play([&](user_task& task) {
                const virtual_address va = w.map(task, w.open(task), 4);
                for (std::uint64_t i = 0; i < 4; ++i)
                    w.put(task, va + i * page_size, 1);
                CHECK(w.k->ratelimits[0] == (balances ? 4 : 0));
            });
        }
}

TEST_CASE("stable pages: a store waits for the end of writeback, where the disk wants it")
{
    for (const bool stable : {false, true})
        for (const bool wanted : {false, true})
            for (const bool by_write : {false, true}) {
                vm_world_options o;
                o.policies.stable_pages = stable;
                o.fs.bdi.stable_writes = wanted;
                o.disk.write_cache = false;
                vm_world w(o);
                w.play([&](user_task& task) {
                    inode& file = w.open(task);
                    const virtual_address va = w.map(task, file, 1);
                    w.put(task, va, 1);
                    filemap_flush(*w.k, task.cpu(), file);
                    page& pg = *vm_world::page_of(file, 0);
                    REQUIRE(pg.writeback());
                    if (by_write)
                        w.write(task, file, 0, 2, 1);
                    else
                        w.put(task, va, 2);
                    CHECK(pg.writeback() == !(stable && wanted));
                });
            }
}
