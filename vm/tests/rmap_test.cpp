// page_mkclean() and the TLB flush: whose entries are gone when it returns, and what was done
// first.

#include "vm/clear_page_dirty.h"
#include "vm/rmap.h"
#include "vm/tests/vm_world.h"
#include "vm/tlb_flush.h"

#include <doctest/doctest.h>

#include <set>

using namespace mkclean;

namespace
{

const virtual_address there(std::uint64_t{1} << 30);

vm_world_options with_cores(unsigned cores)
{
    vm_world_options o;
    o.cores = cores;
    return o;
}

// A process on each of the cores, all of which have stored to page 0 of file 1 through a mapping.
std::vector<mm_struct*> processes_that_stored(vm_world& w, unsigned first, unsigned last)
{
    std::vector<mm_struct*> all;
    for (unsigned cpu = first; cpu <= last; ++cpu) {
        all.push_back(&w.new_process());
        w.start(cpu, *all.back(), [&w, cpu](user_task& task) {
            task.mmap(&w.open(task), page_index(0), page_size, shared_write, there);
            w.put(task, there + cpu, 1);
        });
    }
    REQUIRE(w.run());
    return all;
}

// Threads of one process on `cores` cores that have all stored to page 0 of file 1.
mm_struct& threads_that_stored(vm_world& w, unsigned cores)
{
    mm_struct& mm = w.new_process();
    w.start(0, mm, [&](user_task& task) {
        task.mmap(&w.open(task), page_index(0), page_size, shared_write, there);
        w.put(task, there, 1);
        for (unsigned cpu = 1; cpu < cores; ++cpu)
            w.start(cpu, mm, [&w, cpu](user_task& other) { w.put(other, there + cpu, 1); });
    });
    REQUIRE(w.run());
    w.steps.clear();
    return mm;
}

unsigned mkclean_locked(vm_world& w, user_task& task)
{
    page& pg = *vm_world::page_of(w.open(task), 0);
    lock_page(task.cpu(), pg);
    const unsigned cleaned = page_mkclean(*w.k, task.cpu(), pg);
    unlock_page(task.cpu(), pg);
    return cleaned;
}

std::set<std::string> who_acknowledged(const vm_world& w)
{
    std::set<std::string> cores;
    for (const taken_step& step : w.steps)
        if (step.name == "flush_tlb_func ack")
            cores.insert(step.where);
    return cores;
}

const auto flush_steps = {std::string_view("ptep_get_and_clear"), std::string_view("page_mkclean"),
                          std::string_view("flush_tlb_others"),
                          std::string_view("flush_tlb_func ack")};

} // namespace

TEST_CASE("page_mkclean cleans the page in every process that maps it, and tells how many PTEs")
{
    vm_world w(with_cores(4));
    const std::vector<mm_struct*> processes = processes_that_stored(w, 0, 2);
    w.start(3, w.new_process(), [&](user_task& task) { CHECK(mkclean_locked(w, task) == 3); });
    CHECK(w.run());
    for (unsigned cpu = 0; cpu < 3; ++cpu) {
        const pte entry = vm_world::pte_of(*processes[cpu], there);
        CHECK(entry.present());
        CHECK(!entry.writable());
        CHECK(!entry.dirty());
        CHECK(w.tlb_entry_of(cpu, there) == nullptr);
    }
    CHECK(w.k->stats.page_mkclean_cleaned == 3);
}

TEST_CASE("page_mkclean finds nothing to do the second time, and in mappings that were only read")
{
    vm_world w;
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address writable = w.map(task, file, 1);
        const virtual_address readable = w.map(task, file, 1, shared_read);
        const virtual_address own = w.map(task, file, 1, private_write);
        w.put(task, writable, 1);
        w.get(task, readable);
        w.get(task, own);
        CHECK(mkclean_locked(w, task) == 1);
        CHECK(mkclean_locked(w, task) == 0);
        w.put(task, own, 2); // a copy: no business of the file's
        CHECK(mkclean_locked(w, task) == 0);
        CHECK(vm_world::pte_of(task.mm(), own).dirty());
    });
}

TEST_CASE("Two mappings of a page in one process are cleaned both, each at its own address")
{
    vm_world w;
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address whole = w.map(task, file, 4);
        const virtual_address part = task.mmap(&file, page_index(2), page_size, shared_write);
        w.put(task, whole + 2 * page_size, 1);
        w.put(task, part + 1, 2);
        w.put(task, whole + 3 * page_size, 3);
        page& pg = *vm_world::page_of(file, 2);
        CHECK(pg.mapcount == 2);
        lock_page(task.cpu(), pg);
        CHECK(page_mkclean(*w.k, task.cpu(), pg) == 2);
        unlock_page(task.cpu(), pg);
        CHECK(!vm_world::pte_of(task.mm(), whole + 2 * page_size).writable());
        CHECK(!vm_world::pte_of(task.mm(), part).writable());
        CHECK(vm_world::pte_of(task.mm(), whole + 3 * page_size).writable());
    });
}

TEST_CASE("Only cores that may hold the translation are interrupted")
{
    vm_world w(with_cores(4));
    mm_struct& mm = threads_that_stored(w, 3);
    CHECK(mm.cpu_mask.to_ulong() == 0b0111);
    w.start(3, w.new_process(), [&](user_task& task) { CHECK(mkclean_locked(w, task) == 1); });
    CHECK(w.run());
    CHECK(who_acknowledged(w) == std::set<std::string>{"core0", "core1", "core2"});
    CHECK(w.k->stats.nr_tlb_remote_flush == 1);
    CHECK(w.k->stats.nr_tlb_remote_flush_received == 3);

    vm_world own(with_cores(2));
    threads_that_stored(own, 1);
    const std::uint64_t before = own.k->stats.nr_tlb_local_flush_one;
    own.start(1, own.new_process(),
              [&](user_task& task) { CHECK(mkclean_locked(own, task) == 1); });
    CHECK(own.run());
    CHECK(own.k->stats.nr_tlb_local_flush_one == before + 1);
    CHECK(who_acknowledged(own) == std::set<std::string>{"core0"});
}

TEST_CASE("A core that has loaded another address space since needs no more flushes")
{
    vm_world w(with_cores(2));
    mm_struct& mm = threads_that_stored(w, 2);
    w.start(1, w.new_process(), [&](user_task& task) { task.compute(cycles(10)); });
    CHECK(w.run());
    CHECK(mm.cpu_mask.to_ulong() == 0b01);
    CHECK(w.tlb_entry_of(1, there) == nullptr);
    w.start(0, mm, [&](user_task& task) { CHECK(mkclean_locked(w, task) == 1); });
    CHECK(w.run());
    CHECK(w.k->stats.nr_tlb_remote_flush == 0);
}

TEST_CASE("2.6.20 clears the PTE, waits for every ack, and then writes the clean one")
{
    vm_world w(with_cores(3));
    mm_struct& mm = threads_that_stored(w, 3);
    w.on_step = [&](const event& e) {
        if (std::string_view(e.site->name) == "flush_tlb_func ack")
            CHECK(vm_world::pte_of(mm, there).none());
    };
    w.start(0, mm, [&](user_task& task) { CHECK(mkclean_locked(w, task) == 1); });
    CHECK(w.run());
    CHECK(w.order_of(flush_steps) == vm_world::names{"ptep_get_and_clear", "flush_tlb_others",
                                                     "flush_tlb_func ack", "flush_tlb_func ack",
                                                     "page_mkclean"});
}

TEST_CASE("2.6.19 writes the clean PTE while other cores still store through their old entries")
{
    vm_world_options o = with_cores(3);
    o.policies.page_mkclean = mkclean_policy::linux_2_6_19;
    vm_world w(o);
    mm_struct& mm = threads_that_stored(w, 3);
    unsigned stale = 0;
    w.on_step = [&](const event& e) {
        if (std::string_view(e.site->name) != "flush_tlb_others")
            return;
        CHECK(vm_world::pte_of(mm, there).present());
        CHECK(!vm_world::pte_of(mm, there).dirty());
        for (const unsigned cpu : {1u, 2u})
            if (const tlb_entry* const cached = w.tlb_entry_of(cpu, there))
                stale += cached->writable && cached->dirty ? 1 : 0;
        CHECK(w.tlb_entry_of(0, there) == nullptr);
    };
    w.start(0, mm, [&](user_task& task) { CHECK(mkclean_locked(w, task) == 1); });
    CHECK(w.run());
    CHECK(stale == 2);
    CHECK(w.order_of(flush_steps) == vm_world::names{"page_mkclean", "flush_tlb_others",
                                                     "flush_tlb_func ack", "flush_tlb_func ack"});
    CHECK(w.tlb_entry_of(1, there) == nullptr);
    CHECK(w.tlb_entry_of(2, there) == nullptr);
}

TEST_CASE("The flush waits for the slowest core, for as long as that keeps its interrupts off")
{
    vm_world w(with_cores(3));
    mm_struct& mm = threads_that_stored(w, 3);
    picoseconds deaf_until;
    picoseconds done;
    w.start(2, mm, [&](user_task& task) {
        task.cpu().interrupts_off();
        task.cpu().elapse(picoseconds(ms));
        task.cpu().sync();
        deaf_until = task.now();
        task.cpu().interrupts_on();
        task.cpu().sync();
    });
    w.start(0, mm, [&](user_task& task) {
        task.compute(cycles(1000));
        mkclean_locked(w, task);
        done = task.now();
    });
    CHECK(w.run());
    CHECK(done > deaf_until);
    CHECK(done < deaf_until + picoseconds(10 * us));
}

TEST_CASE("Two cores that flush each other at once both get their acks")
{
    vm_world w(with_cores(2));
    mm_struct& mm = threads_that_stored(w, 2);
    for (const unsigned cpu : {0u, 1u})
        w.start(cpu, mm, [&](user_task& task) {
            for (int i = 0; i < 10; ++i)
                flush_tlb_page(*w.k, task.cpu(), mm, there);
        });
    CHECK(w.run());
    CHECK(w.k->stats.nr_tlb_remote_flush == 20);
    CHECK(w.k->stats.nr_tlb_remote_flush_received == 20);
}

TEST_CASE(
    "Flushing nobody, or only the own TLB, leaves {W,D} entries through which stores get lost")
{
    struct leftover {
        bool own = false;
        bool other = false;
        std::uint64_t faults = 0; // of a store on the other core
        bool dirty = false;       // the page, after that store
    };
    const auto after_fsync = [](mkclean_flush_policy policy) {
        vm_world_options o = with_cores(2);
        o.policies.mkclean_flush = policy;
        vm_world w(o);
        mm_struct& mm = threads_that_stored(w, 2);
        leftover left;
        w.start(0, mm, [&](user_task& task) {
            task.fsync(w.open(task));
            const auto writable = [&](unsigned cpu) {
                const tlb_entry* const e = w.tlb_entry_of(cpu, there);
                return e != nullptr && e->writable && e->dirty;
            };
            left.own = writable(0);
            left.other = writable(1);
            left.faults = w.k->stats.pgfault;
            w.start(1, mm, [&w](user_task& other) { w.put(other, there, 9); });
            task.sleep(picoseconds(ms));
            left.faults = w.k->stats.pgfault - left.faults;
            left.dirty = vm_world::page_of(w.open(task), 0)->dirty();
            CHECK(w.get(task, there) == 9);
        });
        CHECK(w.run());
        return left;
    };
    const leftover everyone = after_fsync(mkclean_flush_policy::everyone);
    CHECK(!everyone.own);
    CHECK(!everyone.other);
    CHECK(everyone.faults == 1);
    CHECK(everyone.dirty);
    const leftover local = after_fsync(mkclean_flush_policy::local);
    CHECK(!local.own);
    CHECK(local.other);
    CHECK(local.faults == 0);
    CHECK(!local.dirty);
    const leftover none = after_fsync(mkclean_flush_policy::none);
    CHECK(none.own);
    CHECK(none.other);
    CHECK(none.faults == 0);
    CHECK(!none.dirty);
}

TEST_CASE("page_referenced tells once of an access, and leaves the dirtiness alone")
{
    vm_world w;
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address va = w.map(task, file, 1);
        w.put(task, va, 1);
        page& pg = *vm_world::page_of(file, 0);
        lock_page(task.cpu(), pg);
        CHECK(page_referenced(*w.k, task.cpu(), pg));
        CHECK(!page_referenced(*w.k, task.cpu(), pg));
        unlock_page(task.cpu(), pg);
        CHECK(vm_world::pte_of(task.mm(), va).dirty());
        CHECK(vm_world::pte_of(task.mm(), va).writable());
    });
}

TEST_CASE("try_to_unmap takes the page from everybody, and what the PTEs knew goes to the page")
{
    vm_world_options o(kernel_era::linux_2_6_18); // nobody else tells the page
    o.cores = 3;
    vm_world w(o);
    const std::vector<mm_struct*> processes = processes_that_stored(w, 0, 1);
    w.start(2, w.new_process(), [&](user_task& task) {
        page& pg = *vm_world::page_of(w.open(task), 0);
        CHECK(!pg.dirty());
        CHECK(pg.mapcount == 2);
        lock_page(task.cpu(), pg);
        try_to_unmap(*w.k, task.cpu(), pg);
        CHECK(pg.dirty());
        CHECK(pg.mapcount == 0);
        CHECK(pg.count == 1);
        CHECK(w.k->stats.nr_mapped == 0);
        unlock_page(task.cpu(), pg);
    });
    CHECK(w.run());
    for (const unsigned cpu : {0u, 1u}) {
        CHECK(vm_world::pte_of(*processes[cpu], there).none());
        CHECK(w.tlb_entry_of(cpu, there) == nullptr);
    }
}

namespace
{

// What reclaim does on core 2, up to the flush that it owes.
void unmap_in_batch(vm_world& w, user_task& task, unmap_batch& batch)
{
    page& pg = *vm_world::page_of(w.open(task), 0);
    lock_page(task.cpu(), pg);
    try_to_unmap(*w.k, task.cpu(), pg, &batch);
    unlock_page(task.cpu(), pg);
}

vm_world_options reclaiming(reclaim_flush_policy policy)
{
    vm_world_options o = with_cores(3);
    o.vm.tlb.reclaim = policy;
    return o;
}

} // namespace

TEST_CASE("munmap flushes what reclaim has put off, since 4.13")
{
    for (const reclaim_flush_policy policy :
         {reclaim_flush_policy::linux_4_3, reclaim_flush_policy::batched}) {
        vm_world w(reclaiming(policy));
        unmap_batch batch;
        w.start(0, w.new_process(), [&](user_task& task) {
            const virtual_address va =
                task.mmap(&w.open(task), page_index(0), page_size, shared_write);
            w.get(task, va);
            w.start(2, w.new_process(), [&](user_task& other) {
                unmap_in_batch(w, other, batch);
                CHECK(w.tlb_entry_of(0, va) != nullptr);
            });
            task.compute(cycles(1'000'000));
            CHECK(vm_world::pte_of(task.mm(), va).none());
            task.munmap(va, page_size);
            const bool stale = w.tlb_entry_of(0, va) != nullptr;
            CHECK(stale == (policy == reclaim_flush_policy::linux_4_3));
            const std::uint64_t flushes = w.k->stats.flush_tlb;
            task.mmap(&w.open(task), page_index(1), page_size, shared_write, va);
            task.munmap(va, page_size);
            CHECK(w.k->stats.flush_tlb == flushes); // nothing is owed any more
            try_to_unmap_flush(*w.k, task.cpu(), batch);
            CHECK(w.tlb_entry_of(0, va) == nullptr);
        });
        CHECK(w.run());
    }
}

TEST_CASE("So does who puts a private copy where reclaim has taken the page from")
{
    for (const reclaim_flush_policy policy :
         {reclaim_flush_policy::linux_4_3, reclaim_flush_policy::batched}) {
        vm_world w(reclaiming(policy));
        mm_struct& mm = w.new_process();
        unmap_batch batch;
        w.start(0, mm, [&](user_task& task) {
            task.mmap(&w.open(task), page_index(0), page_size, private_write, there);
            w.start(1, mm, [&](user_task& reader) {
                w.get(reader, there);
                reader.compute(cycles(3'000'000));
                const bool stale = w.tlb_entry_of(1, there) != nullptr;
                CHECK(stale == (policy == reclaim_flush_policy::linux_4_3));
            });
            task.compute(cycles(1'000'000));
            w.start(2, w.new_process(), [&](user_task& other) { unmap_in_batch(w, other, batch); });
            task.compute(cycles(1'000'000));
            CHECK(vm_world::pte_of(mm, there).none());
            w.put(task, there, 1);
            CHECK(vm_world::pte_of(mm, there).writable());
        });
        CHECK(w.run());
    }
}
