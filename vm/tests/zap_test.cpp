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

constexpr zap_flush_policy all_of_them[] = {zap_flush_policy::after_unlock,
                                            zap_flush_policy::dirty_before_unlock,
                                            zap_flush_policy::before_unlock};
constexpr rmap_remove_policy either[] = {rmap_remove_policy::before_flush,
                                         rmap_remove_policy::after_flush};

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
    for (const zap_flush_policy policy : all_of_them) {
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

TEST_CASE("The page-table lock is held over the flush where that is mended: if a PTE was dirty, or "
          "always")
{
    for (const zap_flush_policy policy : all_of_them)
        for (const bool dirty : {true, false}) {
            vm_world w(with(policy, 2));
            mm_struct& mm = w.new_process();
            std::vector<bool> locked;
            w.on_step = [&](const event& e) {
                if (std::string_view(e.site->name) == "flush_tlb_func ack")
                    locked.push_back(mm.page_table_lock.held());
            };
            w.start(0, mm, [&](user_task& task) {
                const virtual_address va = w.map(task, w.open(task), 1);
                w.start(1, mm, [&w, va, dirty](user_task& other) {
                    w.get(other, va);
                    if (dirty)
                        w.put(other, va, 1);
                });
                task.sleep(picoseconds(ms));
                locked.clear();
                task.munmap(va, page_size);
            });
            CHECK(w.run());
            CHECK(locked ==
                  std::vector<bool>{policy == zap_flush_policy::before_unlock ||
                                    (policy == zap_flush_policy::dirty_before_unlock && dirty)});
        }
}

TEST_CASE("The reverse map forgets before the flush, or after it, as vm.rmap_remove has it")
{
    for (const zap_flush_policy policy : all_of_them)
        for (const rmap_remove_policy forgets : either) {
            vm_world_options o = with(policy, 2);
            o.policies.rmap_remove = forgets;
            vm_world w(o);
            mm_struct& mm = w.new_process();
            w.start(0, mm, [&](user_task& task) {
                const virtual_address va = w.map(task, w.open(task), 1);
                w.start(1, mm, [&w, va](user_task& other) { w.put(other, va, 1); });
                task.sleep(picoseconds(ms));
                w.steps.clear();
                task.munmap(va, page_size);
            });
            CHECK(w.run());
            const auto order = w.order_of({"zap_pte", "flush_tlb_func ack", "page_remove_rmap"});
            if (forgets == rmap_remove_policy::after_flush)
                CHECK(order ==
                      vm_world::names{"zap_pte", "flush_tlb_func ack", "page_remove_rmap"});
            else
                CHECK(order ==
                      vm_world::names{"zap_pte", "page_remove_rmap", "flush_tlb_func ack"});
        }
}

namespace
{

// Core 1 has the page in its TLB and does not hear of flushes for a while. Meanwhile core 0 unmaps
// the page and core 2 writes the file; core 1 then stores once more. Whether that store is on the
// disk when all is synced.
bool keeps_last_store(const vm_world_options& o, bool by_madvise)
{
    vm_world w(o);
    mm_struct& mm = w.new_process();
    bool kept = false;
    w.start(0, mm, [&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address va = w.map(task, file, 1);
        w.put(task, va, 1);
        w.start(1, mm, [&w, va](user_task& other) {
            w.put(other, va, 1);
            other.cpu().interrupts_off();
            other.cpu().elapse(picoseconds(ms));
            w.put(other, va, 2);
            other.cpu().sync();
            other.cpu().interrupts_on();
        });
        w.start(2, w.new_process(), [&w](user_task& other) {
            other.compute(cycles(200'000));
            other.fsync(w.open(other));
        });
        task.compute(cycles(100'000));
        CHECK(w.tlb_entry_of(1, va) != nullptr);
        if (by_madvise)
            task.madvise_dontneed(va, page_size);
        else
            task.munmap(va, page_size);
        CHECK(w.tlb_entry_of(1, va) == nullptr);
        CHECK(task.now() > picoseconds(ms));
        task.sleep(picoseconds(ms));
        task.exit_mm();
        task.fsync(file);
        kept = w.durable(0) == 2;
    });
    CHECK(w.run());
    return kept;
}

} // namespace

TEST_CASE("A store through another core's TLB while the page is unmapped is lost if a cleaner may "
          "come by before the flush")
{
    for (const bool by_madvise : {false, true})
        for (const zap_flush_policy policy : all_of_them)
            for (const rmap_remove_policy forgets : either) {
                vm_world_options o = with(policy, 3);
                o.policies.rmap_remove = forgets;
                // What is dirtied behind the flush cannot have been cleaned before the last store.
                CHECK(keeps_last_store(o, by_madvise) ==
                      (policy == zap_flush_policy::before_unlock ||
                       (policy == zap_flush_policy::dirty_before_unlock &&
                        forgets == rmap_remove_policy::after_flush)));
            }
}

TEST_CASE("madvise of pages that another thread's is about to flush waits for that, since 4.13")
{
    for (const bool pending : {false, true}) {
        vm_world_options o = with(zap_flush_policy::dirty_before_unlock, 3);
        o.policies.tlb_flush_pending = pending;
        vm_world w(o);
        mm_struct& mm = w.new_process();
        const virtual_address va(std::uint64_t{1} << 30);
        w.start(0, mm, [&](user_task& task) {
            task.mmap(nullptr, page_index(0), page_size, private_write, va);
            w.put(task, va, 1);
            w.start(2, mm, [&w, va](user_task& other) { // deaf, it goes on storing
                w.put(other, va, 2);
                other.cpu().interrupts_off();
                other.cpu().elapse(picoseconds(ms));
                w.put(other, va, 3);
                other.cpu().sync();
                other.cpu().interrupts_on();
            });
            w.start(1, mm, [&w, va, pending](user_task& other) {
                other.compute(cycles(200'000));
                CHECK(vm_world::pte_of(other.mm(), va).none());
                other.madvise_dontneed(va, page_size);
                CHECK((w.tlb_entry_of(2, va) != nullptr) == !pending);
                CHECK(w.get(other, va) == 0);
                other.sleep(picoseconds(10 * ms));
                CHECK(w.get(other, va) == 0); // off: a store was made after madvise, and is gone
            });
            task.compute(cycles(100'000));
            task.madvise_dontneed(va, page_size);
            CHECK(w.tlb_entry_of(2, va) == nullptr);
        });
        CHECK(w.run());
        CHECK(mm.tlb_flush_pending == 0);
    }
}

TEST_CASE(
    "madvise(DONTNEED): files keep what was stored, other memory becomes zeros, holes are told of")
{
    for (const madvise_lock_policy lock : {madvise_lock_policy::write, madvise_lock_policy::read})
        for (const zap_flush_policy policy : all_of_them) {
            vm_world_options o = with(policy, 1);
            o.policies.madvise_lock = lock;
            vm_world w(o);
            w.play([&](user_task& task) {
                const virtual_address va(std::uint64_t{1} << 30);
                inode& file = w.open(task);
                task.mmap(&file, page_index(0), 2 * page_size, shared_write, va);
                task.mmap(nullptr, page_index(0), 2 * page_size, private_write, va + 2 * page_size);
                for (unsigned i = 0; i < 4; ++i)
                    w.put(task, va + i * page_size, i + 1);
                CHECK(task.madvise_dontneed(va + page_size, 2 * page_size) == 0);
                CHECK(vm_world::pte_of(task.mm(), va).present());
                CHECK(vm_world::pte_of(task.mm(), va + page_size).none());
                CHECK(vm_world::pte_of(task.mm(), va + 2 * page_size).none());
                CHECK(vm_world::pte_of(task.mm(), va + 3 * page_size).present());
                CHECK(w.get(task, va + page_size) == 2);
                CHECK(w.get(task, va + 2 * page_size) == 0);
                CHECK(w.get(task, va + 3 * page_size) == 4);
                CHECK(task.madvise_dontneed(va, 5 * page_size) == -ENOMEM);
                CHECK(w.get(task, va + 3 * page_size) == 0);
                CHECK(task.madvise_dontneed(va + 4 * page_size, page_size) == -ENOMEM);
            });
        }
}

TEST_CASE("Frames are given back only when no TLB reaches them any more")
{
    for (const zap_flush_policy policy : all_of_them) {
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
