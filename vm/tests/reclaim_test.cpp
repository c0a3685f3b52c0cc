// Getting memory back: fadvise, reclaim, and what try_to_free_buffers makes of a dirty page.

#include "vm/clear_page_dirty.h"
#include "vm/filemap.h"
#include "vm/reclaim.h"
#include "vm/tests/vm_world.h"

#include <doctest/doctest.h>

using namespace mkclean;

namespace
{

vm_world_options small_memory(std::uint64_t frames)
{
    vm_world_options o;
    o.cores = 2; // pdflush on the second
    o.frames = frames;
    o.files = {400 * page_size, 4 * page_size};
    o.block.nr_requests = 16;
    return o;
}

// A clean page with clean buffers that is then made dirty without its buffers: as ext3 leaves it
// when kjournald has written them by itself.
page& dirty_page_with_clean_buffers(vm_world& w, user_task& task, inode& file, virtual_address va)
{
    w.put(task, va, 1);
    task.sync();
    task.sync();
    page& pg = *vm_world::page_of(file, 0);
    set_page_dirty_nobuffers(task.cpu(), pg);
    w.set_pte(task.mm(), va, pte::of_page(pg.frame).mkwrite().mkdirty());
    REQUIRE(w.k->stats.nr_dirty == 1);
    return pg;
}

} // namespace

TEST_CASE(
    "fadvise(DONTNEED) drops clean pages, starts writing dirty ones, leaves mapped ones alone")
{
    vm_world_options o;
    o.disk.write_cache = false;
    vm_world w(o);
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        w.write(task, file, 0, 1, 10 * page_size);
        const virtual_address va = w.map(task, file, 1);
        w.get(task, va);
        task.fsync(file);
        w.write(task, file, 5 * page_size, 2, page_size);
        const std::uint64_t free = w.cache.free_pages();
        task.fadvise_dontneed(file);
        CHECK(w.k->stats.drop_pagecache == 8);
        CHECK(w.cache.free_pages() == free + 8);
        CHECK(file.mapping.pages.size() == 2);
        REQUIRE(vm_world::page_of(file, 0) != nullptr); // mapped
        REQUIRE(vm_world::page_of(file, 5) != nullptr);
        CHECK(vm_world::page_of(file, 5)->writeback());
        task.sleep(picoseconds(ms));
        task.fadvise_dontneed(file);
        CHECK(file.mapping.pages.size() == 1);
        task.munmap(va, page_size);
        task.fadvise_dontneed(file);
        CHECK(file.mapping.pages.size() == 0);
        std::byte byte{};
        CHECK(task.pread(file, 5 * page_size, &byte, 1) == 1);
        CHECK(byte == std::byte{2});
    });
}

TEST_CASE("fadvise(DONTNEED) does not wait for a page that somebody has locked, and leaves it")
{
    vm_world w;
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        w.write(task, file, 0, 1, 3 * page_size);
        task.fsync(file);
        page& pg = *w.cache.find_lock_page(task.cpu(), file.mapping, page_index(1));
        task.fadvise_dontneed(file);
        CHECK(file.mapping.pages.size() == 1);
        unlock_page(task.cpu(), pg);
        task.fadvise_dontneed(file); // we still use it
        CHECK(file.mapping.pages.size() == 1);
        w.cache.put_page(pg);
        task.fadvise_dontneed(file);
        CHECK(file.mapping.pages.size() == 0);
    });
}

TEST_CASE("A file larger than memory can be read, written and stored to, and nothing is lost by it")
{
    for (const kernel_era era : {kernel_era::linux_2_6_18, kernel_era::linux_2_6_20,
                                 kernel_era::linux_2_6_23, kernel_era::golden})
        for (const bool mapped : {false, true}) {
            // 2.6.18 does not throttle who stores to a mapping: all of memory is dirty before
            // anybody looks, and writing it takes memory for metadata that is not there.
            if (mapped && era == kernel_era::linux_2_6_18)
                continue;
            vm_world_options o = small_memory(160);
            o.policies = policies_of(era);
            vm_world w(o);
            w.play([&](user_task& task) {
                inode& file = w.open(task);
                const virtual_address va = w.map(task, file, 400);
                for (unsigned i = 0; i < 400; ++i) {
                    if (mapped)
                        w.put(task, va + i * page_size + 1, i % 251);
                    else
                        w.write(task, file, i * page_size + 1, i % 251, 1);
                }
                for (unsigned i = 0; i < 400; ++i)
                    CHECK(w.get(task, va + i * page_size + 1) == i % 251);
                CHECK(task.msync(va, 400 * page_size) == 0);
                for (unsigned i = 0; i < 400; ++i)
                    CHECK(w.durable(i * page_size + 1) == i % 251);
            });
            CHECK(w.k->stats.pgsteal > 500);
            CHECK(w.out_of_memories == 0);
        }
}

TEST_CASE("A page that was used since reclaim looked last is spared, an idle one goes")
{
    vm_world w;
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address va = w.map(task, file, 2, shared_read);
        w.get(task, va);
        w.get(task, va + page_size);
        const auto reclaim = [&] {
            CHECK(w.k->stats.pgsteal == 0);
            return try_to_free_pages(*w.k, task.cpu());
        };
        reclaim(); // both were used: it only takes note
        CHECK(file.mapping.pages.size() == 2);
        w.cores[0]->memory_unit().flush_all(task.cpu());
        w.get(task, va);
        reclaim();
        CHECK(vm_world::page_of(file, 0) != nullptr);
        CHECK(vm_world::page_of(file, 1) == nullptr);
        CHECK(vm_world::pte_of(task.mm(), va + page_size).none());
        CHECK(w.k->stats.pgsteal == 1);
    });
}

TEST_CASE("Memory full of what cannot be given back is reported as such, in bounded time")
{
    vm_world w(small_memory(128));
    mm_struct& mm = w.new_process();
    w.start(0, mm, [&](user_task& task) {
        const virtual_address va =
            task.mmap(nullptr, page_index(0), 200 * page_size, private_write);
        for (std::uint64_t i = 0; i < 200; ++i)
            w.put(task, va + i * page_size, 1);
        FAIL("went on");
    });
    CHECK(w.run(picoseconds(10 * s)));
    CHECK(w.out_of_memories == 1);
    CHECK(w.cache.free_pages() == 0);
    // The kernel has kept no lock: the process can still end.
    w.start(0, mm, [&](user_task& task) { task.exit_mm(); });
    CHECK(w.run());
    CHECK(w.cache.free_pages() > 60);
}

TEST_CASE("Dirty pages below every limit are written when they are all that is left to free")
{
    vm_world_options o = small_memory(256);
    o.vm.dirty_background_ratio = 40;
    vm_world w(o);
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        w.write(task, file, 0, 7, 40 * page_size); // of 51 that pdflush would put up with
        CHECK(w.k->stats.nr_dirty < 48);
        const virtual_address va =
            task.mmap(nullptr, page_index(0), 256 * page_size, private_write);
        std::uint64_t stored = 0;
        while (w.cache.free_pages() > 0)
            w.put(task, va + stored++ * page_size, 1);
        CHECK(w.k->stats.nr_dirty >= 40);
        for (unsigned i = 0; i < 30; ++i) // into what was dirty
            w.put(task, va + stored++ * page_size, 1);
        CHECK(w.k->stats.pgsteal >= 30);
        CHECK(w.get(task, va) == 1);
        task.fsync(file);
        CHECK(w.durable(0) == 7);
    });
    CHECK(w.out_of_memories == 0);
}

TEST_CASE("try_to_free_buffers: clean buffers against a dirty page, in three kernels")
{
    struct outcome {
        bool page_dirty, tag, pte_dirty;
        std::int64_t nr_dirty;
        std::vector<std::string> order;
    };
    const auto drop = [](ttfb_policy policy) {
        vm_world_options o;
        o.policies.try_to_free_buffers = policy;
        vm_world w(o);
        outcome left{};
        w.play([&](user_task& task) {
            inode& file = w.open(task);
            const virtual_address va = w.map(task, file, 1);
            page& pg = dirty_page_with_clean_buffers(w, task, file, va);
            lock_page(task.cpu(), pg);
            std::vector<bool> private_lock;
            w.steps.clear();
            w.on_step = [&](const event& e) {
                if (std::string_view(e.site->name) == "TestClearPageDirty")
                    private_lock.push_back(file.mapping.private_lock.held());
            };
            CHECK(try_to_free_buffers(*w.k, task.cpu(), pg));
            task.cpu().sync();
            w.on_step = nullptr;
            CHECK(private_lock == std::vector<bool>{policy != ttfb_policy::linux_2_6_19});
            CHECK(!pg.has_buffers());
            left = {pg.dirty(), vm_world::tagged(file, 0, page_tag::dirty),
                    vm_world::pte_of(task.mm(), va).dirty(), w.k->stats.nr_dirty,
                    w.order_of({"drop_buffers", "TestClearPageDirty", "page_mkclean"})};
            unlock_page(task.cpu(), pg);
        });
        return left;
    };
    const outcome in_18 = drop(ttfb_policy::linux_2_6_18);
    CHECK(!in_18.page_dirty);
    CHECK(!in_18.tag);
    CHECK(in_18.pte_dirty); // munmap will tell
    CHECK(in_18.nr_dirty == 0);
    const outcome in_19 = drop(ttfb_policy::linux_2_6_19);
    CHECK(!in_19.page_dirty);
    CHECK(!in_19.tag);
    CHECK(!in_19.pte_dirty); // nobody will
    CHECK(in_19.nr_dirty == 0);
    CHECK(in_19.order == vm_world::names{"drop_buffers", "TestClearPageDirty", "page_mkclean"});
    const outcome in_20 = drop(ttfb_policy::linux_2_6_20);
    CHECK(!in_20.page_dirty);
    CHECK(in_20.tag); // so that a sync still comes by
    CHECK(in_20.pte_dirty);
    CHECK(in_20.nr_dirty == 0);
}

TEST_CASE("try_to_free_buffers touches nothing if a buffer is dirty, locked or in use")
{
    for (const ttfb_policy policy : {ttfb_policy::linux_2_6_18, ttfb_policy::linux_2_6_19,
                                     ttfb_policy::ecdfc9787fe5, ttfb_policy::linux_2_6_20})
        for (const int reason : {0, 1, 2}) {
            vm_world_options o;
            o.policies.try_to_free_buffers = policy;
            vm_world w(o);
            w.play([&](user_task& task) {
                inode& file = w.open(task);
                page& pg = dirty_page_with_clean_buffers(w, task, file, w.map(task, file, 1));
                buffer_head& bh = pg.buffers.begin()[3];
                if (reason == 0)
                    bh.set(buffer_flag::dirty);
                else if (reason == 1)
                    bh.set(buffer_flag::locked);
                else
                    ++bh.count;
                lock_page(task.cpu(), pg);
                CHECK(!try_to_free_buffers(*w.k, task.cpu(), pg));
                CHECK(pg.has_buffers());
                CHECK(pg.dirty());
                CHECK(vm_world::tagged(file, 0, page_tag::dirty));
                CHECK(w.k->stats.nr_dirty == 1);
                unlock_page(task.cpu(), pg);
                bh.clear(buffer_flag::locked);
                bh.count = 0;
            });
        }
}

TEST_CASE("try_to_free_buffers: who dirties the page between the buffers and PG_dirty loses it")
{
    for (const ttfb_policy policy : {ttfb_policy::linux_2_6_18, ttfb_policy::linux_2_6_19,
                                     ttfb_policy::ecdfc9787fe5, ttfb_policy::linux_2_6_20})
        for (const bool under_lock : {false, true}) {
            vm_world_options o;
            o.cores = 2;
            o.policies.try_to_free_buffers = policy;
            o.policies.cache.dirty_under_private_lock = under_lock;
            vm_world w(o);
            mm_struct& mm = w.new_process();
            w.start(0, mm, [&](user_task& task) {
                inode& file = w.open(task);
                w.write(task, file, 0, 1, page_size);
                task.sync();
                page& pg = *vm_world::page_of(file, 0);
                // Behind drop_buffers() it stands still for a while.
                w.on_step = [&](const event& e) {
                    if (std::string_view(e.site->name) == "drop_buffers")
                        w.cores[1]->spend(cycles(10'000'000));
                };
                w.start(1, mm, [&](user_task& other) {
                    lock_page(other.cpu(), pg);
                    CHECK(try_to_free_buffers(*w.k, other.cpu(), pg));
                    unlock_page(other.cpu(), pg);
                });
                task.sleep(picoseconds(ms));
                CHECK(!pg.has_buffers());
                CHECK(set_page_dirty(task.cpu(), pg));
                task.sleep(picoseconds(100 * ms));
                const bool lost =
                    policy == ttfb_policy::linux_2_6_19 || policy == ttfb_policy::ecdfc9787fe5;
                CHECK(pg.dirty() == !lost);
                CHECK(w.k->stats.nr_dirty == (lost ? 0 : 1));
            });
            CHECK(w.run());
        }
}
