// The first store to a page: what the kernel does about it, and in which order.

#include "vm/page_writeback.h"
#include "vm/tests/vm_world.h"

#include <doctest/doctest.h>

using namespace mkclean;

namespace
{

const auto fault_steps = {std::string_view("lock_page"),        std::string_view("unlock_page"),
                          std::string_view("TestSetPageDirty"), std::string_view("set_pte"),
                          std::string_view("set TAG_DIRTY"),    std::string_view("page fault")};

vm_world_options with(write_fault_policy policy)
{
    vm_world_options o;
    o.policies.write_fault = policy;
    return o;
}

// What the kernel did, in order, at a store to a page that is in memory: mapped read-only, or not.
vm_world::names order_of_a_store(const vm_world_options& o, bool mapped)
{
    vm_world w(o);
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address va = w.map(task, file, 1);
        w.write(task, file, 0, 1, page_size);
        task.sync();
        if (mapped)
            w.get(task, va);
        w.steps.clear();
        w.put(task, va, 7);
        CHECK(w.get(task, va) == 7);
    });
    return w.order_of(fault_steps);
}

void read_whole(user_task& task, inode& file)
{
    std::vector<std::byte> bytes(file.size);
    task.pread(file, 0, bytes.data(), bytes.size());
}

} // namespace

TEST_CASE("2.6.18 maps a shared page writable at once and hears of no store to it")
{
    CHECK(order_of_a_store(with(write_fault_policy::linux_2_6_18), false) ==
          vm_world::names{"page fault", "set_pte"});
    CHECK(order_of_a_store(with(write_fault_policy::linux_2_6_18), true) == vm_world::names{});
}

TEST_CASE("where hardware sets no D, the kernel does at the fault, and A at any")
{
    for (const pte_layout layout : {pte_layout::x86_64, pte_layout::sv39, pte_layout::aarch64}) {
        vm_world_options o = with(write_fault_policy::linux_2_6_18);
        o.walker.layout = layout;
        o.walker.sets_dirty = dirty_setter::fault;
        vm_world w(o);
        w.play([&](user_task& task) {
            inode& file = w.open(task);
            const virtual_address va = w.map(task, file, 1);
            w.get(task, va);
            CHECK(vm_world::pte_of(task.mm(), va).writable());
            CHECK_FALSE(vm_world::pte_of(task.mm(), va).dirty());
            w.steps.clear();
            w.put(task, va, 7);
            CHECK(w.order_of({"page fault", "set_pte", "ptep_set_access_flags"}) ==
                  vm_world::names{"page fault", "ptep_set_access_flags"});
            CHECK(vm_world::pte_of(task.mm(), va).dirty());
            w.put(task, va, 8);
            CHECK(w.k->stats.pgfault == 2);

            pte_slot slot = *task.mm().pgd.find(va);
            slot.set_pte(slot.get().mkold()); // and nobody's TLB
            w.cores.at(0)->memory_unit().flush_all(*w.cores.at(0));
            CHECK(w.get(task, va) == 8);
            CHECK(slot.get().accessed());
            CHECK(w.k->stats.pgfault == 3);
        });
    }
}

TEST_CASE("2.6.18 counts no page as dirty for a store through a mapping, though its PTE is")
{
    vm_world w(vm_world_options(kernel_era::linux_2_6_18));
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address va = w.map(task, file, 2);
        w.get(task, va);
        CHECK(vm_world::pte_of(task.mm(), va).writable());
        CHECK(!vm_world::pte_of(task.mm(), va).dirty());
        w.put(task, va, 1);
        w.put(task, va + page_size, 1);
        CHECK(vm_world::pte_of(task.mm(), va).dirty());
        CHECK(vm_world::pte_of(task.mm(), va + page_size).dirty());
        CHECK(!vm_world::page_of(file, 0)->dirty());
        CHECK(w.k->stats.nr_dirty == 0);
    });
}

TEST_CASE("2.6.19 makes the PTE writable and then the page dirty, without the page lock")
{
    const vm_world::names order{"page fault", "set_pte", "TestSetPageDirty", "set TAG_DIRTY"};
    CHECK(order_of_a_store(with(write_fault_policy::linux_2_6_19), false) == order);
    CHECK(order_of_a_store(with(write_fault_policy::linux_2_6_19), true) == order);
}

TEST_CASE("2.6.23 installs the first PTE under the page lock and dirties the page after it")
{
    CHECK(order_of_a_store(with(write_fault_policy::linux_2_6_23), false) ==
          vm_world::names{"page fault", "lock_page", "set_pte", "unlock_page", "TestSetPageDirty",
                          "set TAG_DIRTY"});
    CHECK(order_of_a_store(with(write_fault_policy::linux_2_6_23), true) ==
          vm_world::names{"page fault", "set_pte", "TestSetPageDirty", "set TAG_DIRTY"});
}

TEST_CASE("Golden dirties the page first and then makes the PTE writable, all under the page lock")
{
    const vm_world::names order{"page fault",    "lock_page", "TestSetPageDirty",
                                "set TAG_DIRTY", "set_pte",   "unlock_page"};
    CHECK(order_of_a_store(with(write_fault_policy::golden), false) == order);
    CHECK(order_of_a_store(with(write_fault_policy::golden), true) == order);
}

TEST_CASE("Who holds the page lock keeps 2.6.23's fault from set_page_dirty, golden's from the PTE")
{
    // What a store has changed while somebody else has held the page lock for a millisecond.
    const auto under_lock = [](write_fault_policy policy) {
        vm_world_options o = with(policy);
        o.cores = 2;
        vm_world w(o);
        mm_struct& mm = w.new_process();
        wait_queue stored;
        vm_world::names meanwhile;
        w.start(0, mm, [&](user_task& task) {
            inode& file = w.open(task);
            const virtual_address va = w.map(task, file, 1);
            w.get(task, va);
            page& pg = *vm_world::page_of(file, 0);
            lock_page(task.cpu(), pg);
            w.steps.clear();
            w.start(1, mm, [&w, va](user_task& other) { w.put(other, va, 1); });
            task.sleep(picoseconds(ms));
            meanwhile = w.order_of({"set_pte", "TestSetPageDirty"});
            unlock_page(task.cpu(), pg);
        });
        CHECK(w.run());
        CHECK(w.order_of({"set_pte", "TestSetPageDirty"}).size() == 2);
        return meanwhile;
    };
    CHECK(under_lock(write_fault_policy::linux_2_6_19) ==
          vm_world::names{"set_pte", "TestSetPageDirty"});
    CHECK(under_lock(write_fault_policy::linux_2_6_23) == vm_world::names{"set_pte"});
    CHECK(under_lock(write_fault_policy::golden) == vm_world::names{});
}

TEST_CASE("A store to a hole finds zeros around it, and waits for no disk")
{
    vm_world w;
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address va = w.map(task, file, 2);
        const std::uint64_t reads = w.device->stats().reads;
        w.put(task, va + 100, 9);
        CHECK(w.get(task, va + 99) == 0);
        CHECK(w.get(task, va + 100) == 9);
        CHECK(w.get(task, va + 101) == 0);
        CHECK(w.device->stats().reads == reads);
        CHECK(w.k->stats.pgfault == 1);
        CHECK(w.k->stats.pgreuse == 0);
        CHECK(w.k->stats.nr_dirty == 1);
        CHECK(w.k->stats.nr_mapped == 1);
    });
}

TEST_CASE("After writeback the next store faults once more, on a read-only PTE, and keeps the page")
{
    for (const kernel_era era : {kernel_era::linux_2_6_19, kernel_era::linux_2_6_20,
                                 kernel_era::linux_2_6_23, kernel_era::golden}) {
        vm_world w{vm_world_options(era)};
        w.play([&](user_task& task) {
            inode& file = w.open(task);
            const virtual_address va = w.map(task, file, 1);
            w.put(task, va, 1);
            const pte first = vm_world::pte_of(task.mm(), va);
            CHECK(first.dirty());
            CHECK(task.fsync(file) == 0);
            const pte clean = vm_world::pte_of(task.mm(), va);
            CHECK(clean.present());
            CHECK(!clean.writable());
            CHECK(!clean.dirty());
            CHECK(w.get(task, va) == 1);
            CHECK(w.k->stats.pgfault == 1);
            w.put(task, va, 2);
            CHECK(w.k->stats.pgfault == 2);
            CHECK(w.k->stats.pgreuse == 1);
            CHECK(w.k->stats.nr_mapped == 1);
            CHECK(vm_world::pte_of(task.mm(), va).frame() == first.frame());
            CHECK(vm_world::page_of(file, 0)->dirty());
            w.put(task, va, 3);
            CHECK(w.k->stats.pgfault == 2);
        });
    }
}

TEST_CASE("A private mapping's store goes to a copy that the file never sees")
{
    vm_world w;
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address shared = w.map(task, file, 2);
        const virtual_address own = w.map(task, file, 2, private_write);
        w.put(task, shared, 1);
        w.put(task, shared + page_size, 1);
        const std::int64_t dirty = w.k->stats.nr_dirty;
        w.put(task, own, 2); // never mapped before
        CHECK(w.get(task, own + page_size) == 1);
        w.put(task, own + page_size, 2); // mapped, read-only
        for (const std::uint64_t at : {std::uint64_t{0}, page_size}) {
            CHECK(w.get(task, own + at) == 2);
            CHECK(w.get(task, own + at + 1) == 0);
            CHECK(w.get(task, shared + at) == 1);
            CHECK(vm_world::page_of(file, at / page_size)->mapcount == 1);
            CHECK(vm_world::pte_of(task.mm(), own + at).writable());
        }
        CHECK(w.k->stats.nr_dirty == dirty);
        CHECK(w.k->stats.nr_mapped == 2);
        CHECK(w.k->stats.nr_anon_pages == 2);
        CHECK(w.k->stats.pgreuse == 0);
        task.fsync(file);
        CHECK(w.durable(0) == 1);
        CHECK(w.durable(page_size) == 1);
        w.put(task, shared, 3);
        CHECK(w.get(task, own) == 2);
    });
}

TEST_CASE("A private mapping follows the file until it is stored to")
{
    vm_world w;
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address shared = w.map(task, file, 1);
        const virtual_address own = w.map(task, file, 1, private_write);
        CHECK(w.get(task, own) == 0);
        w.put(task, shared, 5);
        CHECK(w.get(task, own) == 5);
        w.put(task, own + 1, 6);
        w.put(task, shared, 7);
        CHECK(w.get(task, own) == 5);
    });
}

TEST_CASE("Anonymous memory is zeros, of nobody's file, and never counted as dirty")
{
    vm_world w;
    w.play([&](user_task& task) {
        const virtual_address va = task.mmap(nullptr, page_index(0), 3 * page_size, private_write);
        CHECK(w.get(task, va + 17) == 0);
        w.put(task, va + page_size, 1);
        w.put(task, va, 2);
        CHECK(w.get(task, va) == 2);
        CHECK(w.get(task, va + page_size) == 1);
        CHECK(w.k->stats.pgfault == 2);
        CHECK(w.k->stats.nr_dirty == 0);
        CHECK(w.k->stats.nr_file_pages == 0);
    });
}

TEST_CASE("An access to a page that begins beyond the end of the file is a SIGBUS")
{
    for (const kernel_era era : {kernel_era::linux_2_6_18, kernel_era::golden})
        for (const bool store : {false, true}) {
            vm_world_options o(era);
            o.files = {page_size + 1};
            vm_world w(o);
            virtual_address va;
            w.play([&](user_task& task) {
                va = w.map(task, w.open(task), 4);
                w.put(task, va + (2 * page_size - 1), 1); // the last page may be stored to all over
                store ? w.put(task, va + 2 * page_size, 1)
                      : static_cast<void>(w.get(task, va + 2 * page_size));
                FAIL("went on");
            });
            REQUIRE(w.signals.size() == 1);
            CHECK(w.signals[0].what == user_signal::kind::bus);
            CHECK(w.signals[0].va == va + 2 * page_size);
        }
}

TEST_CASE("A page becomes accessible when the file has grown over it")
{
    vm_world_options o;
    o.files = {0};
    vm_world w(o);
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address va = w.map(task, file, 2);
        CHECK(task.ftruncate(file, page_size + 1) == 0);
        w.put(task, va + page_size, 3);
        task.fsync(file);
        CHECK(w.durable(page_size) == 3);
    });
    CHECK(w.signals.empty());
}

TEST_CASE("A store to read-only memory is a SIGSEGV, a load of it is none")
{
    vm_world w;
    virtual_address va;
    w.play([&](user_task& task) {
        va = w.map(task, w.open(task), 1, shared_read);
        CHECK(w.get(task, va) == 0);
        CHECK(!vm_world::pte_of(task.mm(), va).writable());
        w.put(task, va, 1);
        FAIL("went on");
    });
    REQUIRE(w.signals.size() == 1);
    CHECK(w.signals[0].what == user_signal::kind::segv);
    CHECK(w.signals[0].va == va);
}

TEST_CASE("Access to unmapped memory is a SIGSEGV: before, between, behind and after mappings")
{
    for (const int where : {-1, 1, 3}) {
        vm_world w;
        w.play([&](user_task& task) {
            inode& file = w.open(task);
            const virtual_address va(std::uint64_t{1} << 30);
            REQUIRE(task.mmap(&file, page_index(0), page_size, shared_write, va) == va);
            task.mmap(&file, page_index(0), page_size, shared_write, va + 2 * page_size);
            w.put(task, va + static_cast<std::uint64_t>(where) * page_size, 1);
        });
        REQUIRE(w.signals.size() == 1);
        CHECK(w.signals[0].what == user_signal::kind::segv);
    }
    vm_world w;
    w.play([&](user_task& task) {
        const virtual_address va = w.map(task, w.open(task), 1);
        w.put(task, va, 1);
        task.munmap(va, page_size);
        w.get(task, va);
    });
    CHECK(w.signals.size() == 1);
}

TEST_CASE("A signal leaves no lock behind: another thread of the process maps and stores")
{
    vm_world w;
    mm_struct& mm = w.new_process();
    w.start(0, mm, [&](user_task& task) { w.put(task, virtual_address(page_size), 1); });
    w.start(0, mm, [&](user_task& task) {
        const virtual_address va = w.map(task, w.open(task), 1);
        w.put(task, va, 1);
        CHECK(task.munmap(va, page_size) == 0);
    });
    CHECK(w.run());
    CHECK(w.signals.size() == 1);
}

TEST_CASE("Two cores that fault on one page at once map it once and dirty it once")
{
    for (const write_fault_policy policy :
         {write_fault_policy::linux_2_6_18, write_fault_policy::linux_2_6_19,
          write_fault_policy::linux_2_6_23, write_fault_policy::golden}) {
        vm_world_options o = with(policy);
        o.cores = 4;
        vm_world w(o);
        mm_struct& mm = w.new_process();
        const virtual_address va(std::uint64_t{1} << 30);
        w.play([&](user_task&) {});
        w.start(0, mm, [&](user_task& task) {
            inode& file = w.open(task);
            task.mmap(&file, page_index(0), page_size, shared_write, va);
            for (unsigned cpu = 0; cpu < 4; ++cpu)
                w.start(cpu, mm, [&w, va, cpu](user_task& t) { w.put(t, va + cpu, cpu + 1); });
        });
        CHECK(w.run());
        CHECK(w.k->stats.pgfault >= 2);
        CHECK(w.k->stats.nr_mapped == 1);
        CHECK(w.k->stats.nr_dirtied == (policy == write_fault_policy::linux_2_6_18 ? 0 : 1));
        w.play([&](user_task& task) {
            page& pg = *vm_world::page_of(w.open(task), 0);
            CHECK(pg.mapcount == 1);
            CHECK(pg.count == 2); // the cache's and the PTE's
            for (unsigned cpu = 0; cpu < 4; ++cpu)
                CHECK(w.ram.frame(pg.frame)[cpu] == static_cast<std::byte>(cpu + 1));
        });
    }
}

TEST_CASE("A mapping that accounts for no dirtiness is writable from the start, in every era")
{
    vm_world_options o;
    o.fs.bdi.account_dirty = false;
    vm_world w(o);
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address va = w.map(task, file, 1);
        w.get(task, va);
        CHECK(vm_world::pte_of(task.mm(), va).writable());
        w.put(task, va, 1);
        CHECK(w.k->stats.pgfault == 1);
        CHECK(!vm_world::page_of(file, 0)->dirty());
    });
}

TEST_CASE("Newly dirty pages are what balance_dirty_pages hears of, and all of them")
{
    for (const write_fault_policy policy :
         {write_fault_policy::linux_2_6_19, write_fault_policy::linux_2_6_23,
          write_fault_policy::golden}) {
        vm_world w(with(policy)); // 512 frames: every 16th newly dirty page balances
        w.play([&](user_task& task) {
            inode& file = w.open(task);
            const virtual_address va = w.map(task, file, 64);
            read_whole(task, file);
            for (std::uint64_t i = 0; i < 15; ++i)
                w.put(task, va + i * page_size, 1);
            CHECK(w.k->ratelimits[0] == 15);
            w.put(task, va, 2); // dirty already
            CHECK(w.k->ratelimits[0] == 15);
            w.put(task, va + 15 * page_size, 1);
            CHECK(w.k->ratelimits[0] == 0);
        });
    }
    vm_world w(with(write_fault_policy::linux_2_6_18));
    w.play([&](user_task& task) {
        const virtual_address va = w.map(task, w.open(task), 64);
        w.put(task, va, 1);
        CHECK(w.k->ratelimits[0] == 0);
    });
}

TEST_CASE("A PTE with nothing but A and D is none to golden, and corrupt to 2.6.23")
{
    for (const kernel_era era : {kernel_era::golden, kernel_era::linux_2_6_23}) {
        const bool golden = era == kernel_era::golden;
        vm_world w{vm_world_options(era)};
        w.play([&](user_task& task) {
            inode& file = w.open(task);
            const virtual_address va = w.map(task, file, 2);
            w.put(task, va, 1); // its table has room for the second page's
            const virtual_address second = va + page_size;
            w.set_pte(task.mm(), second, pte().mkdirty().mkyoung()); // erratum KNL4
            w.put(task, second, 7);
            CHECK(golden);
            CHECK(w.get(task, second) == 7);
            CHECK(vm_world::page_of(file, 1)->mapcount == 1);
            CHECK(task.fsync(file) == 0);
            CHECK(w.durable(page_size) == 7);
        });
        REQUIRE(w.signals.size() == (golden ? 0 : 1));
        if (!golden)
            CHECK(w.signals[0].what == user_signal::kind::kill);
    }
}

TEST_CASE("With page-table isolation and no tags every walk after a system call begins at the root")
{
    for (const bool kpti : {false, true})
        for (const std::uint64_t asids : {0U, 16U}) {
            vm_world_options o;
            o.core.kpti = kpti;
            o.tlb.asids = asids;
            vm_world w(o);
            w.play([&](user_task& task) {
                inode& file = w.open(task);
                const virtual_address va = w.map(task, file, 2);
                w.get(task, va);
                w.get(task, va + page_size);
                const walker_stats& walker = w.cores[0]->memory_unit().page_walker().stats();
                const std::uint64_t walks = walker.walks;
                const std::uint64_t reads = walker.reads;
                for (int i = 0; i < 10; ++i) {
                    task.fsync(file);
                    w.get(task, va);
                    w.get(task, va + page_size); // whose table is known by now
                }
                const bool forgets = kpti && asids == 0;
                CHECK(walker.walks - walks == (forgets ? 20 : 0));
                CHECK(walker.reads - reads == (forgets ? 10 * (4 + 1) : 0));
            });
        }
}
