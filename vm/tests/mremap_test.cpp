// mremap: the pages stay in use at an address that nobody may know of any more.

#include "vm/tests/vm_world.h"

#include <doctest/doctest.h>

using namespace mkclean;

namespace
{

constexpr mremap_flush_policy all_of_them[] = {mremap_flush_policy::each,
                                               mremap_flush_policy::after_unlock,
                                               mremap_flush_policy::before_unlock};

vm_world_options with(mremap_flush_policy policy, unsigned cores)
{
    vm_world_options o;
    o.policies.mremap_flush = policy;
    o.cores = cores;
    return o;
}

} // namespace

TEST_CASE("mremap moves what the PTEs say, and leaves nothing at the old address")
{
    for (const mremap_flush_policy policy : all_of_them) {
        vm_world_options o = with(policy, 2);
        o.files = {200 * page_size};
        vm_world w(o);
        mm_struct& mm = w.new_process();
        w.start(0, mm, [&](user_task& task) {
            inode& file = w.open(task);
            const virtual_address old = w.map(task, file, 200);
            for (const unsigned i : {0u, 70u, 199u})
                w.put(task, old + i * page_size, i + 1);
            w.get(task, old + 5 * page_size);
            w.start(1, mm, [&w, old](user_task& other) {
                w.get(other, old);
                other.compute(cycles(10'000'000));
            });
            task.compute(cycles(1'000'000));
            CHECK(w.tlb_entry_of(1, old) != nullptr);
            const virtual_address va = task.mremap(old);
            REQUIRE(va != virtual_address());
            CHECK(va != old);
            for (const unsigned cpu : {0u, 1u})
                CHECK(w.tlb_entry_of(cpu, old) == nullptr);
            for (const unsigned i : {0u, 70u, 199u}) {
                CHECK(vm_world::pte_of(mm, old + i * page_size).none());
                CHECK(vm_world::pte_of(mm, va + i * page_size).dirty());
                CHECK(w.get(task, va + i * page_size) == i + 1);
                CHECK(vm_world::page_of(file, i)->mapcount == 1);
            }
            CHECK(!vm_world::pte_of(mm, va + 5 * page_size).dirty());
            CHECK(vm_world::pte_of(mm, va + page_size).none());
            CHECK(mm.find_vma(old) == nullptr);
            CHECK(file.mapping.i_mmap.size() == 1);
            CHECK(task.munmap(va, 200 * page_size) == 0);
            CHECK(w.k->stats.nr_mapped == 0);
        });
        CHECK(w.run());
        CHECK(w.signals.empty());
    }
}

TEST_CASE("With dontunmap the old mapping stays, and is faulted in again")
{
    vm_world w;
    w.play([&](user_task& task) {
        const virtual_address memory = task.mmap(nullptr, page_index(0), page_size, private_write);
        const virtual_address old = w.map(task, w.open(task), 1);
        w.put(task, old, 1);
        w.put(task, memory, 2);
        const virtual_address va = task.mremap(old, true);
        const virtual_address moved = task.mremap(memory, true);
        CHECK(vm_world::pte_of(task.mm(), old).none());
        CHECK(w.get(task, old) == 1);
        CHECK(w.get(task, va) == 1);
        CHECK(w.get(task, memory) == 0);
        CHECK(w.get(task, moved) == 2);
        CHECK(task.mremap(virtual_address(page_size)) == virtual_address()); // nothing there
    });
}

TEST_CASE("How many flushes mremap needs, and whether the page-table lock is held over them")
{
    struct flushes {
        std::uint64_t count = 0;
        bool locked = false;
    };
    const auto of = [](mremap_flush_policy policy) {
        vm_world w(with(policy, 2));
        mm_struct& mm = w.new_process();
        flushes seen;
        w.on_step = [&](const event& e) {
            if (std::string_view(e.site->name) == "flush_tlb_func ack")
                seen.locked = mm.page_table_lock.held();
        };
        w.start(0, mm, [&](user_task& task) {
            const virtual_address va = w.map(task, w.open(task), 2);
            w.get(task, va);
            w.get(task, va + page_size);
            w.start(1, mm, [&w, va](user_task& other) { w.get(other, va); });
            task.sleep(picoseconds(ms));
            seen.count = w.k->stats.flush_tlb;
            task.mremap(va);
            seen.count = w.k->stats.flush_tlb - seen.count;
        });
        CHECK(w.run());
        return seen;
    };
    CHECK(of(mremap_flush_policy::each).count == 2);
    CHECK(of(mremap_flush_policy::each).locked);
    CHECK(of(mremap_flush_policy::after_unlock).count == 1);
    CHECK(!of(mremap_flush_policy::after_unlock).locked);
    CHECK(of(mremap_flush_policy::before_unlock).count == 1);
    CHECK(of(mremap_flush_policy::before_unlock).locked);
}

TEST_CASE("A store to the old address is lost if the page can be cleaned before mremap flushes")
{
    for (const mremap_flush_policy policy : all_of_them) {
        constexpr std::uint64_t pages = 640'000; // after the first, nothing but time
        vm_world w(with(policy, 3));
        mm_struct& mm = w.new_process();
        w.start(0, mm, [&](user_task& task) {
            inode& file = w.open(task);
            const virtual_address va =
                task.mmap(&file, page_index(0), pages * page_size, shared_write);
            w.put(task, va, 1);
            task.fsync(file); // it has its block
            w.put(task, va, 2);
            w.start(1, mm, [&w, va, policy](user_task& other) {
                w.put(other, va, 3);
                other.compute(cycles(800'000));
                if (policy == mremap_flush_policy::after_unlock)
                    CHECK(w.tlb_entry_of(1, va)->dirty);
                else
                    CHECK(w.tlb_entry_of(1, va) == nullptr);
                if (w.tlb_entry_of(1, va) != nullptr)
                    w.put(other, va, 4);
            });
            w.start(2, w.new_process(), [&w](user_task& other) {
                other.compute(cycles(200'000));
                other.fsync(w.open(other));
            });
            task.compute(cycles(100'000));
            const picoseconds before = task.now();
            const virtual_address fresh = task.mremap(va);
            CHECK(w.tlb_entry_of(1, va) == nullptr);
            CHECK(task.now() > before + picoseconds(ms));
            const unsigned last = policy == mremap_flush_policy::after_unlock ? 4 : 3;
            CHECK(w.get(task, fresh) == last);
            task.exit_mm();
            task.fsync(file);
            CHECK(w.durable(0) == 3); // whatever was stored since
        });
        CHECK(w.run());
        CHECK(w.signals.empty());
    }
}
