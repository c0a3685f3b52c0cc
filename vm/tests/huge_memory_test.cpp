// vm.huge_pages: 512 pages of a file by one PMD, and what becomes of it.

#include "vm/clear_page_dirty.h"
#include "vm/huge_memory.h"
#include "vm/reclaim.h"
#include "vm/rmap.h"
#include "vm/tests/vm_world.h"

#include <doctest/doctest.h>

#include <cerrno>

using namespace mkclean;

namespace
{

constexpr std::uint64_t one = hpage_pmd_size;

vm_world_options huge(unsigned cores = 1)
{
    vm_world_options o;
    o.vm.huge_pages = page_order::mega;
    o.vm.dirty_ratio = 100;
    o.vm.dirty_background_ratio = 100; // pdflush stays away
    o.cores = cores;
    o.frames = 4096;
    o.files = {2 * one, 2 * one + page_size};
    return o;
}

/// Calls `check(page)` for the 512 pages of the file from `index` on, which have to be cached.
template <class Check>
void for_each_page(const inode& file, std::uint64_t index, Check&& check)
{
    for (std::uint64_t i = 0; i < hpage_pmd_nr; ++i) {
        const page* const pg = vm_world::page_of(file, index + i);
        REQUIRE(pg != nullptr);
        check(*pg);
    }
}

std::uint64_t dirty_pages(const inode& file, std::uint64_t index = 0)
{
    std::uint64_t dirty = 0;
    for_each_page(file, index, [&](const page& pg) { dirty += pg.dirty() ? 1U : 0U; });
    return dirty;
}

/// The entry that maps `va`; small if there is none.
page_order order_at(const mm_struct& mm, virtual_address va)
{
    const std::optional<pte_slot> slot = mm.pgd.find(va);
    return slot ? slot->order() : page_order::small;
}

bool mapped_by_pmd(const mm_struct& mm, virtual_address va)
{
    return vm_world::pte_of(mm, va).present() && order_at(mm, va) == page_order::mega;
}

unsigned mkclean_locked(vm_world& w, core& cpu, page& pg)
{
    lock_page(cpu, pg);
    const unsigned cleaned = page_mkclean(*w.k, cpu, pg);
    unlock_page(cpu, pg);
    return cleaned;
}

// What the journal does now and then, all by itself: the page is still dirty, its buffers are not.
void clean_buffers(core& cpu, page& pg)
{
    for (buffer_head& bh : pg.buffers)
        test_and_clear_buffer_dirty(cpu, bh);
}

} // namespace

TEST_CASE("huge: the first load maps 512 pages, read-only, by one entry and with one fault")
{
    vm_world w(huge());
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        w.write(task, file, 5 * page_size, 7, 1);
        task.fsync(file);
        task.fadvise_dontneed(file);
        REQUIRE(file.mapping.pages.size() == 0);
        const virtual_address va = w.map(task, file, 1024);
        CHECK(w.get(task, va + 5 * page_size) == 7);
        for (std::uint64_t i = 0; i < hpage_pmd_nr; ++i)
            REQUIRE(w.get(task, va + i * page_size) == (i == 5 ? 7 : 0));
        CHECK(w.k->stats.pgfault == 1);
        CHECK(w.k->stats.pgmajfault == 1);
        CHECK(w.k->stats.thp_file_mapped == 1);
        CHECK(w.k->stats.thp_file_fallback == 0);
        CHECK(w.k->stats.nr_mapped == 512);
        const frame_number first = vm_world::page_of(file, 0)->frame;
        CHECK(first.raw() % 512 == 0);
        CHECK(vm_world::pte_of(task.mm(), va) == pte::of_page(first).mkhuge());
        CHECK(mapped_by_pmd(task.mm(), va));
        std::uint64_t at = first.raw();
        for_each_page(file, 0, [&](const page& pg) {
            REQUIRE(pg.frame == frame_number(at++));
            REQUIRE(pg.mapcount == 1);
            REQUIRE(pg.count == 2); // the cache's and the PMD's
            REQUIRE(pg.uptodate());
            REQUIRE_FALSE(pg.locked());
            REQUIRE_FALSE(pg.dirty());
        });
        CHECK(w.tlb_entry_of(0, va)->order == page_order::mega);
        CHECK(w.tlb_entry_of(0, va) == w.tlb_entry_of(0, va + (one - 1)));
        w.get(task, va + one); // the next is another
        CHECK(w.k->stats.thp_file_mapped == 2);
    });
}

TEST_CASE("huge: a store makes all 512 dirty with one fault, in golden's order")
{
    for (const bool mapped : {false, true}) {
        vm_world w(huge());
        w.play([&](user_task& task) {
            inode& file = w.open(task);
            const virtual_address va = w.map(task, file, 512);
            if (mapped)
                w.get(task, va);
            w.steps.clear();
            w.put(task, va + 100 * page_size, 1);
            const auto order = w.order_of(
                {"pmd_fault", "lock_page", "TestSetPageDirty", "do_set_pmd", "unlock_page"});
            vm_world::names expected{"pmd_fault"};
            if (!mapped) // the holes have been read
                expected.insert(expected.end(), hpage_pmd_nr, "unlock_page");
            expected.insert(expected.end(), hpage_pmd_nr, "lock_page");
            expected.insert(expected.end(), hpage_pmd_nr, "TestSetPageDirty");
            expected.push_back("do_set_pmd");
            expected.insert(expected.end(), hpage_pmd_nr, "unlock_page");
            CHECK(order == expected);
            CHECK(dirty_pages(file) == 512);
            CHECK(w.k->stats.nr_dirty == 512);
            CHECK(vm_world::pte_of(task.mm(), va).writable());
            CHECK(vm_world::pte_of(task.mm(), va).dirty());
            const std::uint64_t faults = w.k->stats.pgfault;
            CHECK(faults == (mapped ? 2 : 1));
            for (std::uint64_t i = 0; i < hpage_pmd_nr; ++i)
                w.put(task, va + i * page_size, 2);
            CHECK(w.k->stats.pgfault == faults);
            CHECK(w.k->stats.pgreuse == (mapped ? 1 : 0));
            CHECK(w.k->stats.nr_mapped == 512);
            task.fsync(file);
            for (const std::uint64_t page : {0U, 100U, 511U})
                CHECK(w.durable(page * page_size) == 2);
        });
    }
}

TEST_CASE("huge: after writeback a store to any byte writes all 2 MiB again")
{
    vm_world w(huge());
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address va = w.map(task, file, 512);
        for (unsigned round = 1; round <= 3; ++round) {
            const std::uint64_t dirtied = w.k->stats.nr_dirtied;
            w.put(task, va + round * 99 * page_size, round);
            CHECK(w.k->stats.nr_dirtied == dirtied + 512);
            const std::uint64_t written = w.k->stats.writepages;
            task.fsync(file);
            CHECK(w.durable(round * 99 * page_size) == round);
            CHECK(w.k->stats.writepages >= written + 512); // and what metadata there is
            CHECK(w.k->stats.page_mkclean_cleaned == round);
            CHECK(dirty_pages(file) == 0);
            CHECK(vm_world::pte_of(task.mm(), va) ==
                  pte::of_page(vm_world::page_of(file, 0)->frame).mkhuge());
        }
        CHECK(w.k->stats.pgfault == 3);
    });
}

TEST_CASE("huge: page_mkclean of any page cleans the PMD on every core, with one flush")
{
    for (const std::uint64_t cleaned : {0U, 1U, 300U, 511U}) {
        vm_world w(huge(3));
        mm_struct& mm = w.new_process();
        w.start(0, mm, [&](user_task& task) {
            inode& file = w.open(task);
            const virtual_address va = w.map(task, file, 512);
            w.put(task, va, 1);
            for (const unsigned cpu : {1U, 2U})
                w.start(cpu, mm, [&w, va, cpu](user_task& other) {
                    w.put(other, va + cpu * 170 * page_size, 1);
                });
            task.sleep(picoseconds(50 * ms));
            for (const unsigned cpu : {0U, 1U, 2U})
                REQUIRE(w.tlb_entry_of(cpu, va + (one - 1)) != nullptr);
            w.steps.clear();
            page& pg = *vm_world::page_of(file, cleaned);
            CHECK(mkclean_locked(w, task.cpu(), pg) == 1);
            CHECK(w.order_of({"pmdp_invalidate", "flush_tlb_func ack", "page_mkclean PMD"}) ==
                  vm_world::names{"pmdp_invalidate", "flush_tlb_func ack", "flush_tlb_func ack",
                                  "page_mkclean PMD"});
            for (const unsigned cpu : {0U, 1U, 2U})
                CHECK(w.tlb_entry_of(cpu, va) == nullptr);
            const pte clean = vm_world::pte_of(mm, va);
            CHECK(clean.present());
            CHECK(clean.huge());
            CHECK_FALSE(clean.writable());
            CHECK_FALSE(clean.dirty());
            for_each_page(file, 0, [](const page& each) { REQUIRE(each.mapcount == 1); });
            CHECK(mkclean_locked(w, task.cpu(), pg) == 0); // nothing more to do
            const std::uint64_t faults = w.k->stats.pgfault;
            w.put(task, va + 17, 2);
            CHECK(w.k->stats.pgfault == faults + 1);
        });
        CHECK(w.run());
    }
}

TEST_CASE("huge: what a cleaned PMD knew of the other pages is not forgotten")
{
    vm_world w(huge());
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address va = w.map(task, file, 512);
        w.put(task, va, 1);
        task.fsync(file); // gives the file its blocks
        w.put(task, va, 2);
        page& stored = *vm_world::page_of(file, 400);
        clean_buffers(task.cpu(), stored);
        w.put(task, va + 400 * page_size, 3); // of which the PMD's D alone tells
        CHECK(vm_world::dirty_buffers(stored) == 0);
        page& written_first = *vm_world::page_of(file, 0);
        CHECK(mkclean_locked(w, task.cpu(), written_first) == 1);
        CHECK(vm_world::dirty_buffers(stored) == 4);
        task.fsync(file);
        CHECK(w.durable(400 * page_size) == 3);
    });
}

TEST_CASE("huge: two processes map the same frames, and both PMDs are cleaned")
{
    vm_world w(huge(2));
    mm_struct& first = w.new_process();
    mm_struct& second = w.new_process();
    const virtual_address there(std::uint64_t{1} << 30);
    for (mm_struct* mm : {&first, &second})
        w.start(mm == &first ? 0 : 1, *mm, [&w, there](user_task& task) {
            task.mmap(&w.open(task), page_index(), one, shared_write, there);
            w.put(task, there + 3 * page_size, 1);
        });
    CHECK(w.run());
    CHECK(w.k->stats.thp_file_mapped == 2);
    CHECK(vm_world::pte_of(first, there) == vm_world::pte_of(second, there));
    w.start(0, first, [&](user_task& task) {
        inode& file = w.open(task);
        for_each_page(file, 0, [](const page& pg) {
            REQUIRE(pg.mapcount == 2);
            REQUIRE(pg.count == 3);
        });
        CHECK(w.k->stats.nr_mapped == 512);
        CHECK(mkclean_locked(w, task.cpu(), *vm_world::page_of(file, 9)) == 2);
    });
    CHECK(w.run());
    for (mm_struct* mm : {&first, &second})
        CHECK_FALSE(vm_world::pte_of(*mm, there).writable());
}

TEST_CASE("huge: threads that fault at once get one PMD, whoever is first")
{
    for (const bool same_process : {true, false}) {
        vm_world w(huge(4));
        mm_struct& mm = w.new_process();
        const virtual_address there(std::uint64_t{1} << 30);
        w.start(0, mm, [&](user_task& task) {
            task.mmap(&w.open(task), page_index(), one, shared_write, there);
            for (const unsigned cpu : {1U, 2U, 3U})
                w.start(cpu, same_process ? mm : w.new_process(), [&, cpu](user_task& other) {
                    if (!same_process)
                        other.mmap(&w.open(other), page_index(), one, shared_write, there);
                    w.put(other, there + cpu * 9 * page_size, cpu);
                });
        });
        CHECK(w.run());
        CHECK(w.k->stats.thp_file_mapped == (same_process ? 1 : 3));
        CHECK(w.k->stats.thp_file_fallback == 0);
        w.start(0, mm, [&](user_task& task) {
            for (const unsigned cpu : {1U, 2U, 3U})
                CHECK(w.get(task, there + cpu * 9 * page_size) == cpu);
            const inode& file = w.open(task);
            const unsigned maps = 1 + (same_process ? 0 : 3);
            for_each_page(file, 0, [&](const page& pg) { REQUIRE(pg.mapcount == maps); });
        });
        CHECK(w.run());
    }
}

TEST_CASE("huge: munmap takes the PMD as a whole, and its D to all 512 pages")
{
    for (const zap_flush_policy policy :
         {zap_flush_policy::after_unlock, zap_flush_policy::before_unlock}) {
        vm_world_options o = huge(2);
        o.policies.zap_flush = policy;
        vm_world w(o);
        mm_struct& mm = w.new_process();
        w.start(0, mm, [&](user_task& task) {
            inode& file = w.open(task);
            const virtual_address va = w.map(task, file, 1024);
            w.put(task, va, 1);
            w.get(task, va + one);
            w.start(1, mm, [&w, va](user_task& other) { w.put(other, va + page_size, 1); });
            task.sleep(picoseconds(20 * ms));
            for (std::uint64_t i = 0; i < hpage_pmd_nr; ++i)
                clean_buffers(task.cpu(), *vm_world::page_of(file, i));
            w.steps.clear();
            CHECK(task.munmap(va, 2 * one) == 0);
            CHECK(w.count_of("zap_huge_pmd") == 2);
            CHECK(w.count_of("zap_pte") == 0);
            for (const unsigned cpu : {0U, 1U})
                CHECK(w.tlb_entry_of(cpu, va) == nullptr);
            CHECK(vm_world::pte_of(mm, va).none());
            CHECK(w.k->stats.nr_mapped == 0);
            for_each_page(file, 0, [](const page& pg) {
                REQUIRE(pg.mapcount == 0);
                REQUIRE(pg.count == 1);
                REQUIRE(vm_world::dirty_buffers(pg) == 4);
            });
            CHECK(dirty_pages(file, 512) == 0);
            // The pages are where they were: they need not be read to be mapped again.
            const std::uint64_t major = w.k->stats.pgmajfault;
            const virtual_address again = w.map(task, file, 512);
            w.get(task, again);
            CHECK(mapped_by_pmd(mm, again));
            CHECK(w.k->stats.pgmajfault == major);
            task.exit_mm();
            task.sync();
            task.fadvise_dontneed(file);
            CHECK(file.mapping.pages.size() == 0);
        });
        CHECK(w.run());
    }
}

TEST_CASE("huge: unmapping one page takes the PMD from all, with what it knew")
{
    vm_world w(huge());
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address va = w.map(task, file, 512);
        w.put(task, va, 1);
        for (std::uint64_t i = 0; i < hpage_pmd_nr; ++i)
            clean_buffers(task.cpu(), *vm_world::page_of(file, i));
        page& pg = *vm_world::page_of(file, 33);
        lock_page(task.cpu(), pg);
        CHECK(page_referenced(*w.k, task.cpu(), pg));
        CHECK_FALSE(page_referenced(*w.k, task.cpu(), pg)); // once for all of them
        CHECK_FALSE(vm_world::pte_of(task.mm(), va).accessed());
        try_to_unmap(*w.k, task.cpu(), pg);
        unlock_page(task.cpu(), pg);
        CHECK(vm_world::pte_of(task.mm(), va).none());
        CHECK(w.tlb_entry_of(0, va) == nullptr);
        CHECK(w.k->stats.nr_mapped == 0);
        for_each_page(file, 0, [](const page& each) {
            REQUIRE(each.count == 1);
            REQUIRE(each.mapcount == 0);
            REQUIRE(vm_world::dirty_buffers(each) == 4);
        });
        CHECK(w.get(task, va) == 1); // and it comes back
        CHECK(mapped_by_pmd(task.mm(), va));
    });
}

TEST_CASE("huge: reclaim gets the frames of a PMD back")
{
    vm_world_options o = huge(2);
    o.frames = 1100;
    vm_world w(o);
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address va = w.map(task, file, 512);
        w.put(task, va, 7);
        REQUIRE(mapped_by_pmd(task.mm(), va));
        const std::uint64_t wanted = w.cache.free_pages() + 100;
        const virtual_address own =
            task.mmap(nullptr, page_index(), wanted * page_size, private_write);
        for (std::uint64_t i = 0; i < wanted; ++i)
            w.put(task, own + i * page_size, 1);
        CHECK(w.k->stats.pgsteal >= 100);
        CHECK(w.get(task, va) == 7);
        CHECK(w.durable(0) == 7);
        CHECK_FALSE(mapped_by_pmd(task.mm(), va)); // the frames are scattered now
    });
    CHECK(w.out_of_memories == 0);
}

TEST_CASE("huge: where 2 MiB of the file do not fit, small pages are mapped, and nobody complains")
{
    vm_world w(huge());
    w.play([&](user_task& task) {
        inode& file = w.open(task, 2); // 1025 pages
        const auto maps_small = [&](virtual_address va) {
            w.put(task, va, 1);
            CHECK(vm_world::pte_of(task.mm(), va).present());
            CHECK(order_at(task.mm(), va) == page_order::small);
        };
        const virtual_address region(std::uint64_t{1} << 30);
        const auto map = [&](std::uint64_t pgoff, std::uint64_t pages, virtual_address at,
                             vm_flags flags = shared_write) {
            return task.mmap(&file, page_index(pgoff), pages * page_size, flags, at);
        };
        maps_small(map(0, 511, region));                       // too short
        maps_small(map(1, 512, region + 4 * one));             // another part of the file
        maps_small(map(0, 512, region + 8 * one + page_size)); // not where a PMD maps
        maps_small(map(1024, 512, region + 12 * one));         // the file ends there
        maps_small(map(0, 512, region + 16 * one, private_write));
        maps_small(task.mmap(nullptr, page_index(), one, shared_write, region + 20 * one));
        CHECK(w.k->stats.thp_file_fallback == 0);
        CHECK(w.k->stats.thp_file_mapped == 0);
        task.exit_mm();
        task.sync();
        task.fadvise_dontneed(file);
        // Where a table of small pages has been there is one until the process ends.
        const virtual_address both = map(0, 1025, region + 32 * one);
        w.put(task, both, 1);
        w.put(task, both + one, 1);
        CHECK(w.k->stats.thp_file_mapped == 2);
        maps_small(both + 2 * one); // what is left over
        // One entry shows what the others store.
        const virtual_address own = map(0, 512, region + 16 * one, private_write);
        w.put(task, both + 5 * page_size, 9);
        CHECK(w.get(task, own + 5 * page_size) == 9);
        w.put(task, own + 5 * page_size, 10);
        CHECK(w.get(task, both + 5 * page_size) == 9);
        CHECK(mapped_by_pmd(task.mm(), both));
    });
}

TEST_CASE("huge: a page that is cached elsewhere keeps all others small")
{
    vm_world w(huge());
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        w.write(task, file, 300 * page_size, 5, 1);
        const virtual_address va = w.map(task, file, 1024);
        CHECK(w.get(task, va) == 0);
        CHECK(w.get(task, va + 300 * page_size) == 5);
        CHECK(order_at(task.mm(), va) == page_order::small);
        CHECK(w.k->stats.thp_file_fallback == 1);
        CHECK(w.k->stats.thp_file_mapped == 0);
        CHECK(file.mapping.pages.size() == 2);
        w.get(task, va + one); // of its own
        CHECK(mapped_by_pmd(task.mm(), va + one));
    });
}

TEST_CASE("huge: without 512 free frames in a row there are only small pages")
{
    vm_world_options o = huge();
    o.frames = 1023; // the first 2 MiB have the boot's pages in them
    vm_world w(o);
    w.play([&](user_task& task) {
        const virtual_address va = w.map(task, w.open(task), 512);
        w.put(task, va, 1);
        CHECK(order_at(task.mm(), va) == page_order::small);
        CHECK(w.k->stats.thp_file_fallback == 1);
    });
}

TEST_CASE("huge: after an I/O error the pages are mapped one by one, and read again")
{
    vm_world w(huge());
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address va = w.map(task, file, 512);
        w.get(task, va);
        task.munmap(va, one);
        page& failed = *vm_world::page_of(file, 77);
        failed.flags.test_and_clear(page_flag::uptodate); // as a read that failed leaves it
        const virtual_address again = w.map(task, file, 512);
        CHECK(w.get(task, again) == 0);
        CHECK(order_at(task.mm(), again) == page_order::small);
        CHECK(w.k->stats.thp_file_fallback == 1);
        CHECK(w.get(task, again + 77 * page_size) == 0);
        CHECK(failed.uptodate());
        for_each_page(file, 0, [&](const page& pg) {
            const bool mapped = &pg == &failed || pg.index == page_index(0);
            REQUIRE(pg.count == (mapped ? 2 : 1));
        });
    });
}

TEST_CASE("huge: mmap begins where PMDs can map it, if it is large enough and they are wanted")
{
    for (const bool wanted : {true, false}) {
        vm_world_options o = huge();
        o.vm.huge_pages = wanted ? page_order::mega : page_order::small;
        vm_world w(o);
        w.play([&](user_task& task) {
            inode& file = w.open(task);
            const auto offset = [&](std::uint64_t pgoff, std::uint64_t pages, vm_flags flags) {
                const virtual_address va =
                    task.mmap(&file, page_index(pgoff), pages * page_size, flags);
                return va.raw() / page_size % hpage_pmd_nr;
            };
            CHECK(offset(0, 3, shared_write) == 0);
            CHECK(offset(0, 600, shared_write) == (wanted ? 0 : 4));
            CHECK(offset(7, 600, shared_read) == (wanted ? 7 : 605 - 512));
            const std::uint64_t in_between = offset(0, 511, shared_write);
            CHECK(in_between == (wanted ? 2144 - 4 * 512 : 1206 - 2 * 512));
            w.put(task, w.map(task, file, 1024), 1);
            CHECK(w.k->stats.thp_file_mapped == (wanted ? 1 : 0));
            CHECK(w.k->stats.nr_dirty == (wanted ? 512 : 1));
        });
    }
}

TEST_CASE("huge: where hardware sets neither A nor D, faults do")
{
    for (const pte_layout layout : {pte_layout::x86_64, pte_layout::sv39, pte_layout::aarch64}) {
        vm_world_options o = huge();
        o.walker.layout = layout;
        o.walker.sets_dirty = dirty_setter::fault;
        vm_world w(o);
        w.play([&](user_task& task) {
            inode& file = w.open(task);
            const virtual_address va = w.map(task, file, 512);
            w.get(task, va);
            w.put(task, va + page_size, 1);
            CHECK(w.k->stats.pgfault == 2);
            page& pg = *vm_world::page_of(file, 0);
            lock_page(task.cpu(), pg);
            CHECK(page_referenced(*w.k, task.cpu(), pg));
            unlock_page(task.cpu(), pg);
            w.steps.clear();
            CHECK(w.get(task, va + page_size) == 1);
            CHECK(w.count_of("huge_pmd_set_accessed") == 1);
            CHECK(vm_world::pte_of(task.mm(), va).accessed());
            task.fsync(file);
            CHECK(w.durable(page_size) == 1);
        });
    }
}

TEST_CASE("huge: files whose dirty pages nobody counts have D set by the processor")
{
    vm_world_options o = huge();
    o.fs.bdi.account_dirty = false;
    vm_world w(o);
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address va = w.map(task, file, 512);
        w.get(task, va);
        CHECK(vm_world::pte_of(task.mm(), va).writable());
        w.put(task, va + page_size, 1);
        CHECK(w.k->stats.pgfault == 1);
        CHECK(vm_world::pte_of(task.mm(), va).dirty());
        CHECK(dirty_pages(file) == 0);
        task.munmap(va, one);
        CHECK(dirty_pages(file) == 512);
    });
}

TEST_CASE("huge: a store ends though fewer than 512 pages may be dirty")
{
    vm_world_options o = huge(2);
    o.vm.dirty_ratio = 10; // of 4096, and then of what is not mapped
    o.vm.dirty_background_ratio = 5;
    vm_world w(o);
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address va = w.map(task, file, 1024);
        for (unsigned round = 1; round <= 4; ++round)
            for (const std::uint64_t at : {std::uint64_t{0}, one})
                w.put(task, va + at + round * page_size, round);
        CHECK(w.k->stats.pgfault < 100);
    });
}

TEST_CASE("huge: stores of one process reach the disk while another syncs, drops and maps")
{
    for (const filesystem_type type : {filesystem_type::ext2, filesystem_type::ext3}) {
        vm_world_options o = huge(3);
        o.fs.type = type;
        vm_world w(o);
        mm_struct& mm = w.new_process();
        w.start(0, mm, [&](user_task& task) {
            inode& file = w.open(task);
            for (unsigned round = 1; round < 12; ++round) {
                const virtual_address va = w.map(task, file, 512);
                for (const std::uint64_t page : {3U, 200U, 511U})
                    w.put(task, va + page * page_size, round);
                w.start(1, w.new_process(), [&w, round](user_task& other) {
                    other.compute(cycles(round * 9700));
                    inode& same = w.open(other);
                    w.get(other, w.map(other, same, 512, shared_read));
                    other.fsync(same);
                    other.exit_mm();
                    other.fadvise_dontneed(same);
                });
                task.compute(cycles(200'000));
                for (const std::uint64_t page : {3U, 200U, 511U})
                    w.put(task, va + page * page_size + 1, round);
                CHECK(task.munmap(va, one) == 0);
                task.sleep(picoseconds(20 * ms));
                task.fsync(file);
                for (const std::uint64_t page : {3U, 200U, 511U})
                    for (const std::uint64_t byte : {0U, 1U})
                        CHECK(w.durable(page * page_size + byte) == round);
            }
        });
        CHECK(w.run());
    }
}

TEST_CASE("huge: a PMD with nothing but A and D is none: its pages are counted as mapped")
{
    vm_world w(huge());
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address va = w.map(task, file, 512);
        w.put(task, va, 1);
        lock_page(task.cpu(), *vm_world::page_of(file, 0));
        try_to_unmap(*w.k, task.cpu(), *vm_world::page_of(file, 0));
        unlock_page(task.cpu(), *vm_world::page_of(file, 0));
        task.mm()
            .pgd.find_or_allocate(va, table_allocator(*w.k, task.cpu()), page_order::mega)
            .set_pte(pte().mkdirty().mkyoung()); // erratum KNL4
        w.put(task, va + page_size, 7);
        CHECK(mapped_by_pmd(task.mm(), va));
        for_each_page(file, 0, [](const page& pg) { REQUIRE(pg.mapcount == 1); });
        CHECK(task.fsync(file) == 0);
        CHECK(w.durable(page_size) == 7);
    });
}

TEST_CASE("huge: reclaim does not put off the flush of a PMD, for it has locked one page of it")
{
    vm_world_options o = huge();
    o.vm.tlb.reclaim = reclaim_flush_policy::batched;
    vm_world w(o);
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address va = w.map(task, file, 512);
        w.get(task, va);
        page& pg = *vm_world::page_of(file, 33);
        unmap_batch batch;
        lock_page(task.cpu(), pg);
        try_to_unmap(*w.k, task.cpu(), pg, &batch);
        unlock_page(task.cpu(), pg);
        CHECK(batch.unflushed.empty());
        CHECK(w.tlb_entry_of(0, va) == nullptr);
    });
}

TEST_CASE("huge: munmap flushes a PMD as one page, where it flushes page by page")
{
    for (const bool hardware : {false, true}) {
        vm_world_options o = huge();
        o.vm.tlb.ceiling = 33;
        o.vm.tlb.kind = hardware ? shootdown_kind::broadcast : shootdown_kind::ipi;
        vm_world w(o);
        w.play([&](user_task& task) {
            const virtual_address va = w.map(task, w.open(task), 1024);
            w.get(task, va);
            w.get(task, va + one);
            CHECK(mapped_by_pmd(task.mm(), va));
            CHECK(mapped_by_pmd(task.mm(), va + one));
            const std::uint64_t flushed = w.k->stats.nr_tlb_local_flush_one;
            const std::uint64_t spent = w.k->stats.flush_tlb_ps;
            CHECK(task.munmap(va, 2 * one) == 0);
            CHECK(w.k->stats.nr_tlb_local_flush_one == flushed + (hardware ? 0 : 2));
            const picoseconds each =
                task.cpu().period() * (hardware ? w.cost.tlbi : w.cost.invlpg) +
                picoseconds(hardware ? o.vm.tlb.latency : 0);
            CHECK(w.k->stats.flush_tlb_ps - spent == (each * 2).raw());
            CHECK(w.tlb_entry_of(0, va) == nullptr);
            CHECK(w.tlb_entry_of(0, va + one) == nullptr);
        });
    }
}
