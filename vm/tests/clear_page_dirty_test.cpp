// clear_page_dirty_for_io(), three kernels side by side: what it finds, and what it leaves behind.

#include "vm/clear_page_dirty.h"
#include "vm/tests/vm_world.h"

#include <doctest/doctest.h>

#include <tuple>

using namespace mkclean;

namespace
{

constexpr unsigned buffers_of_a_page = 4;

/// Where a page is known to be dirty.
struct dirtiness {
    bool page = false;
    bool pte = false;
    bool buffers = false;
};

struct outcome {
    bool result = false;
    bool page = false;
    pte entry;
    unsigned buffers = 0;
    bool tag = false;
    std::int64_t nr_dirty = 0;

    friend bool operator==(const outcome& a, const outcome& b)
    {
        return std::tie(a.result, a.page, a.buffers, a.tag, a.nr_dirty) ==
                   std::tie(b.result, b.page, b.buffers, b.tag, b.nr_dirty) &&
               a.entry == b.entry;
    }
};

std::vector<dirtiness> every_dirtiness()
{
    std::vector<dirtiness> all;
    for (unsigned bits = 0; bits < 8; ++bits)
        all.push_back({(bits & 4) != 0, (bits & 2) != 0, (bits & 1) != 0});
    return all;
}

vm_world_options with(cpdfio_policy policy)
{
    vm_world_options o;
    o.policies.clear_page_dirty_for_io = policy;
    return o;
}

// A page of a file that is mapped, uptodate, has its buffers and is clean everywhere.
page& clean_page(vm_world& w, user_task& task, inode& file, virtual_address va)
{
    w.put(task, va, 1);
    task.sync();
    task.sync(); // once more for the inode table, which the first has dirtied
    page& pg = *vm_world::page_of(file, 0);
    REQUIRE(!pg.dirty());
    REQUIRE(pg.buffers.size() == buffers_of_a_page);
    REQUIRE(vm_world::dirty_buffers(pg) == 0);
    return pg;
}

void make_dirty(vm_world& w, user_task& task, page& pg, virtual_address va, const dirtiness& d)
{
    const pte entry = pte::of_page(pg.frame);
    w.set_pte(task.mm(), va, d.pte ? entry.mkwrite().mkdirty() : entry);
    if (d.page)
        set_page_dirty_nobuffers(task.cpu(), pg);
    for (buffer_head& bh : pg.buffers)
        if (d.buffers)
            bh.set(buffer_flag::dirty);
}

// What is left of `d` after clear_page_dirty_for_io().
outcome clear(const vm_world_options& o, const dirtiness& d)
{
    vm_world w(o);
    outcome left;
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address va = w.map(task, file, 1);
        page& pg = clean_page(w, task, file, va);
        make_dirty(w, task, pg, va, d);
        REQUIRE(w.k->stats.nr_dirty == (d.page && o.fs.bdi.account_dirty ? 1 : 0));
        w.steps.clear();
        lock_page(task.cpu(), pg);
        left.result = clear_page_dirty_for_io(*w.k, task.cpu(), pg);
        task.cpu().sync();
        left.page = pg.dirty();
        left.entry = vm_world::pte_of(task.mm(), va).mkold();
        left.buffers = vm_world::dirty_buffers(pg);
        left.tag = vm_world::tagged(file, 0, page_tag::dirty);
        left.nr_dirty = w.k->stats.nr_dirty;
        unlock_page(task.cpu(), pg);
    });
    return left;
}

pte entry_of(bool dirty, const outcome& like)
{
    const pte entry = pte::of_page(like.entry.frame()).mkold();
    return dirty ? entry.mkwrite().mkdirty() : entry;
}

} // namespace

TEST_CASE("2.6.18 asks PG_dirty alone and leaves PTEs, buffers and the tag as they are")
{
    for (const dirtiness& d : every_dirtiness()) {
        const outcome left = clear(with(cpdfio_policy::linux_2_6_18), d);
        CHECK(left == outcome{d.page, false, entry_of(d.pte, left),
                              d.buffers ? buffers_of_a_page : 0, d.page, 0});
    }
}

TEST_CASE("2.6.19 cleans the PTEs of a dirty page and throws away what they knew")
{
    for (const dirtiness& d : every_dirtiness()) {
        const outcome left = clear(with(cpdfio_policy::linux_2_6_19), d);
        CHECK(left == outcome{d.page, false, entry_of(d.pte && !d.page, left),
                              d.buffers ? buffers_of_a_page : 0, d.page, 0});
    }
}

TEST_CASE("2.6.20 dirties every buffer if a PTE was dirty, also that of a page that looked clean")
{
    for (const dirtiness& d : every_dirtiness()) {
        const outcome left = clear(with(cpdfio_policy::linux_2_6_20), d);
        CHECK(left == outcome{d.page || d.pte, false, entry_of(false, left),
                              d.buffers || d.pte ? buffers_of_a_page : 0, d.page || d.pte, 0});
    }
}

TEST_CASE("Pages of mappings that account for no dirtiness get TestClearPageDirty alone")
{
    for (const cpdfio_policy policy :
         {cpdfio_policy::linux_2_6_18, cpdfio_policy::linux_2_6_19, cpdfio_policy::linux_2_6_20})
        for (const dirtiness& d : every_dirtiness()) {
            vm_world_options o = with(policy);
            o.fs.bdi.account_dirty = false;
            const outcome left = clear(o, d);
            CHECK(left == outcome{d.page, false, entry_of(d.pte, left),
                                  d.buffers ? buffers_of_a_page : 0, d.page, 0});
        }
}

TEST_CASE("Pages without a mapping get TestClearPageDirty alone")
{
    for (const cpdfio_policy policy :
         {cpdfio_policy::linux_2_6_18, cpdfio_policy::linux_2_6_19, cpdfio_policy::linux_2_6_20}) {
        vm_world w(with(policy));
        w.play([&](user_task& task) {
            page& pg = w.cache.alloc_page(task.cpu());
            lock_page(task.cpu(), pg);
            CHECK(!clear_page_dirty_for_io(*w.k, task.cpu(), pg));
            CHECK(set_page_dirty(task.cpu(), pg));
            CHECK(clear_page_dirty_for_io(*w.k, task.cpu(), pg));
            CHECK(!pg.dirty());
            CHECK(w.k->stats.nr_dirty == 0);
            CHECK(w.k->stats.page_mkclean == 0);
            unlock_page(task.cpu(), pg);
            w.cache.put_page(pg);
        });
    }
}

TEST_CASE("A PTE that is writable and clean counts as a reason to write in 2.6.20")
{
    vm_world w(with(cpdfio_policy::linux_2_6_20));
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const virtual_address va = w.map(task, file, 1);
        page& pg = clean_page(w, task, file, va);
        w.set_pte(task.mm(), va, pte::of_page(pg.frame).mkwrite());
        const std::uint64_t before = w.k->stats.redirtied_by_mkclean;
        lock_page(task.cpu(), pg);
        CHECK(clear_page_dirty_for_io(*w.k, task.cpu(), pg));
        CHECK(w.k->stats.redirtied_by_mkclean == before + 1);
        CHECK(!vm_world::pte_of(task.mm(), va).writable());
        CHECK(!clear_page_dirty_for_io(*w.k, task.cpu(), pg));
        CHECK(w.k->stats.redirtied_by_mkclean == before + 1);
        unlock_page(task.cpu(), pg);
    });
}

TEST_CASE("The order of the steps is what tells 2.6.19 from 2.6.20")
{
    const auto order = [](cpdfio_policy policy) {
        vm_world w(with(policy));
        w.play([&](user_task& task) {
            inode& file = w.open(task);
            const virtual_address va = w.map(task, file, 1);
            page& pg = clean_page(w, task, file, va);
            make_dirty(w, task, pg, va, {true, true, false});
            lock_page(task.cpu(), pg);
            w.steps.clear();
            CHECK(clear_page_dirty_for_io(*w.k, task.cpu(), pg));
            unlock_page(task.cpu(), pg);
        });
        return w.order_of(
            {"TestClearPageDirty", "TestSetPageDirty", "page_mkclean", "dec nr_dirty"});
    };
    CHECK(order(cpdfio_policy::linux_2_6_18) ==
          vm_world::names{"TestClearPageDirty", "dec nr_dirty"});
    CHECK(order(cpdfio_policy::linux_2_6_19) ==
          vm_world::names{"TestClearPageDirty", "page_mkclean", "dec nr_dirty"});
    CHECK(order(cpdfio_policy::linux_2_6_20) == vm_world::names{"page_mkclean", "TestSetPageDirty",
                                                                "TestClearPageDirty",
                                                                "dec nr_dirty"});
}

TEST_CASE("Writing back a page of which only a PTE knew that it is dirty loses nothing in 2.6.20")
{
    const auto durable_after = [](cpdfio_policy policy, bool page_dirty) {
        vm_world w(with(policy));
        unsigned found = 0;
        std::uint64_t without_io = 0;
        w.play([&](user_task& task) {
            inode& file = w.open(task);
            const virtual_address va = w.map(task, file, 1);
            page& pg = clean_page(w, task, file, va);
            make_dirty(w, task, pg, va, {page_dirty, true, false});
            w.ram.frame(pg.frame)[0] = std::byte{2}; // as a store through that PTE
            mark_inode_dirty(task.cpu(), file, inode_state::dirty_pages);
            file.mapping.pages.set_tag(page_index(0), page_tag::dirty);
            without_io = w.k->stats.no_io_writepages;
            task.fsync(file);
            without_io = w.k->stats.no_io_writepages - without_io;
            found = w.durable(0);
        });
        CHECK(without_io == (page_dirty && policy != cpdfio_policy::linux_2_6_20 ? 1 : 0));
        return found;
    };
    CHECK(durable_after(cpdfio_policy::linux_2_6_20, true) == 2);
    CHECK(durable_after(cpdfio_policy::linux_2_6_20, false) == 2);
    CHECK(durable_after(cpdfio_policy::linux_2_6_19, true) == 1);
    CHECK(durable_after(cpdfio_policy::linux_2_6_18, true) == 1);
}
