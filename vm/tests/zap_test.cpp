// munmap: what the PTEs know goes to the pages, the TLBs forget, the frames are free.

#include "vm/tests/vm_world.h"

#include <doctest/doctest.h>

#include <cerrno>

using namespace mkclean;

namespace
{

vm_world_options with(zap_flush_policy policy, unsigned cores)
{
    vm_world_options o;
    o.policies.zap_flush = policy;
    o.cores = cores;
    return o;
}

constexpr zap_flush_policy both[] = {zap_flush_policy::after_unlock,
                                     zap_flush_policy::before_unlock};

} // namespace

TEST_CASE("munmap moves the PTEs' dirtiness to the pages: 2.6.18 loses no store by it")
{
    vm_world w(vm_world_options(kernel_era::linux_2_6_18));
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address va = w.map(task, file, 3);
        w.put(task, va, 1);
        w.get(task, va + page_size);
        w.put(task, va + 2 * page_size, 3);
        CHECK(w.k->stats.nr_dirty == 0);
        w.steps.clear();
        CHECK(task.munmap(va, 3 * page_size) == 0);
        CHECK(w.order_of({"zap_pte", "TestSetPageDirty"}) ==
              vm_world::names{"zap_pte", "TestSetPageDirty", "zap_pte", "zap_pte",
                              "TestSetPageDirty"});
        CHECK(vm_world::page_of(file, 0)->dirty());
        CHECK(!vm_world::page_of(file, 1)->dirty());
        CHECK(vm_world::page_of(file, 2)->dirty());
        CHECK(w.k->stats.nr_dirty == 2);
        CHECK(w.k->stats.nr_mapped == 0);
        task.fsync(file);
        CHECK(w.durable(0) == 1);
        CHECK(w.durable(2 * page_size) == 3);
    });
}

TEST_CASE("The end of a process does the same as munmap")
{
    vm_world w(vm_world_options(kernel_era::linux_2_6_18));
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        w.put(task, w.map(task, file, 1), 1);
        w.put(task, w.map(task, file, 2) + page_size, 2);
        task.exit_mm();
        CHECK(file.mapping.i_mmap.empty());
        CHECK(w.k->stats.nr_dirty == 2);
        CHECK(w.k->stats.nr_mapped == 0);
    });
}

TEST_CASE("After munmap no core has a translation, whatever the order of flush and unlock")
{
    for (const zap_flush_policy policy : both) {
        vm_world w(with(policy, 3));
        mm_struct& mm = w.new_process();
        w.start(0, mm, [&](user_task& task) {
            const virtual_address va = w.map(task, w.open(task), 2);
            for (const unsigned cpu : {1u, 2u})
                w.start(cpu, mm, [&w, va](user_task& other) { w.put(other, va, 1); });
            task.sleep(picoseconds(ms));
            w.steps.clear();
            CHECK(task.munmap(va, 2 * page_size) == 0);
            CHECK(w.count_of("flush_tlb_func ack") == 2);
            for (const unsigned cpu : {0u, 1u, 2u})
                CHECK(w.tlb_entry_of(cpu, va) == nullptr);
            CHECK(vm_world::pte_of(mm, va).none());
        });
        CHECK(w.run());
    }
}

TEST_CASE(
    "The page-table lock is held over the flush, and rmap forgets after it, where that is mended")
{
    for (const zap_flush_policy policy : both) {
        const bool mended = policy == zap_flush_policy::before_unlock;
        vm_world w(with(policy, 2));
        mm_struct& mm = w.new_process();
        std::vector<bool> locked;
        w.on_step = [&](const event& e) {
            if (std::string_view(e.site->name) == "flush_tlb_func ack")
                locked.push_back(mm.page_table_lock.held());
        };
        w.start(0, mm, [&](user_task& task) {
            const virtual_address va = w.map(task, w.open(task), 1);
            w.start(1, mm, [&w, va](user_task& other) { w.put(other, va, 1); });
            task.sleep(picoseconds(ms));
            w.steps.clear();
            locked.clear();
            task.munmap(va, page_size);
        });
        CHECK(w.run());
        CHECK(locked == std::vector<bool>{mended});
        const auto order = w.order_of({"zap_pte", "flush_tlb_func ack", "page_remove_rmap"});
        if (mended)
            CHECK(order == vm_world::names{"zap_pte", "flush_tlb_func ack", "page_remove_rmap"});
        else
            CHECK(order == vm_world::names{"zap_pte", "page_remove_rmap", "flush_tlb_func ack"});
    }
}

TEST_CASE("Frames are given back only when no TLB reaches them any more")
{
    for (const zap_flush_policy policy : both) {
        // Before the first and the second flush; golden's first one is for a batch of 64.
        const std::vector<std::uint64_t> expected = policy == zap_flush_policy::before_unlock
                                                        ? std::vector<std::uint64_t>{0, 64}
                                                        : std::vector<std::uint64_t>{0};
        vm_world w(with(policy, 2));
        mm_struct& mm = w.new_process();
        std::uint64_t before = 0;
        std::vector<std::uint64_t> freed;
        w.on_step = [&](const event& e) {
            if (before != 0 && std::string_view(e.site->name) == "flush_tlb_func ack")
                freed.push_back(w.cache.free_pages() - before);
        };
        w.start(0, mm, [&](user_task& task) {
            const virtual_address va =
                task.mmap(nullptr, page_index(0), 100 * page_size, private_write);
            w.start(1, mm, [&w, va](user_task& other) {
                for (std::uint64_t i = 0; i < 100; ++i)
                    w.put(other, va + i * page_size, 1);
            });
            task.sleep(picoseconds(10 * ms));
            before = w.cache.free_pages();
            CHECK(task.munmap(va, 100 * page_size) == 0);
            CHECK(w.cache.free_pages() == before + 100);
        });
        CHECK(w.run());
        CHECK(freed == expected);
    }
}

TEST_CASE("munmap takes whole mappings, all in its range, and refuses to cut one")
{
    vm_world w;
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address va(std::uint64_t{1} << 30);
        for (const unsigned at : {0u, 2u, 3u, 9u})
            REQUIRE(task.mmap(&file, page_index(at), page_size, shared_write,
                              va + at * page_size) != virtual_address());
        CHECK(task.mmap(&file, page_index(0), 2 * page_size, shared_write, va + page_size) ==
              virtual_address()); // overlaps
        const virtual_address two = w.map(task, file, 2);
        CHECK(task.munmap(two, page_size) == -EINVAL);
        CHECK(task.munmap(two + page_size, page_size) == -EINVAL);
        w.put(task, two, 1);
        CHECK(task.munmap(va, 4 * page_size) == 0);
        CHECK(file.mapping.i_mmap.size() == 2);
        w.put(task, va + 9 * page_size, 1);
        CHECK(task.munmap(va, 4 * page_size) == 0); // nothing there
    });
    CHECK(w.signals.empty());
}

TEST_CASE("A page cleaned while it is being unmapped is written with every store to it")
{
    for (const kernel_era era : {kernel_era::linux_2_6_20, kernel_era::golden}) {
        vm_world_options o(era);
        o.cores = 2;
        vm_world w(o);
        mm_struct& mm = w.new_process();
        w.start(0, mm, [&](user_task& task) {
            inode& file = w.open(task);
            for (unsigned round = 1; round < 40; ++round) {
                const virtual_address va = w.map(task, file, 1);
                w.put(task, va, round);
                w.start(1, w.new_process(), [&w, round](user_task& other) {
                    other.compute(cycles(round * 97));
                    other.fsync(w.open(other));
                });
                task.compute(cycles(2000));
                CHECK(task.munmap(va, page_size) == 0);
                task.sleep(picoseconds(ms));
                task.fsync(file);
                CHECK(w.durable(0) == round);
            }
        });
        CHECK(w.run());
    }
}
