// The exhibits of configs/museum: with the bug there is an order of steps that shows it, and
// without there is none. Of all orders those are tried in which two threads stand still for a
// while, each behind one of its steps: the second lets the first go by.

#include "tb/tests/run_config.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace mkclean;
using testing::configured;
using testing::overrides;

namespace
{

constexpr std::uint64_t never = ~std::uint64_t{0};

/// That a thread stands still behind its n-th step, or its n-th of that name, for so long.
struct hold_up {
    hold_up() = default;
    hold_up(std::string who, std::uint64_t behind, std::uint64_t cycles_long, std::string what = "")
        : thread(std::move(who)),
          step(behind),
          duration(cycles_long),
          name(std::move(what))
    {
    }

    std::string thread;
    std::uint64_t step = never;
    std::uint64_t duration = 0; ///< cycles
    std::string name;
};

/// Holds threads up, and counts their steps. The beginning of a sync counts as one.
class traffic_warden final : public event_sink, public kernel_observer
{
public:
    explicit traffic_warden(std::vector<hold_up> holds)
        : m_holds(std::move(holds)),
          m_seen(m_holds.size())
    {
    }
    void listen(world& w)
    {
        m_world = &w;
        m_judge = w.the_kernel().observer;
        w.the_kernel().observer = this;
        w.log().attach(*this);
    }
    std::uint64_t steps_of_first() const { return m_seen.front(); }

    void on_event(const event& e) override { pass(e.actor, e.site->name); }
    bool follows_stores() const override { return false; }

    void on_mmap(const mm_struct& mm, const vm_area_struct& vma) override
    {
        m_judge->on_mmap(mm, vma);
    }
    void on_munmap(const mm_struct& mm, virtual_address start, virtual_address end) override
    {
        m_judge->on_munmap(mm, start, end);
    }
    void on_file_write(const core& cpu, const inode& file, std::uint64_t offset,
                       const std::byte* bytes, std::size_t length) override
    {
        m_judge->on_file_write(cpu, file, offset, bytes, length);
    }
    void on_file_written(const core& cpu) override { m_judge->on_file_written(cpu); }
    void on_file_read(const core& cpu, const inode& file, std::uint64_t offset,
                      const std::byte* bytes, std::size_t length) override
    {
        m_judge->on_file_read(cpu, file, offset, bytes, length);
    }
    void on_sync_begin(const core& cpu, const inode& file, page_index first,
                       page_index end) override
    {
        m_judge->on_sync_begin(cpu, file, first, end);
        pass(cpu.id(), "sync begins");
    }
    void on_sync_end(const core& cpu, const inode& file, int result) override
    {
        m_judge->on_sync_end(cpu, file, result);
    }
    void on_truncate(const core& cpu, const inode& file, truncated what) override
    {
        m_judge->on_truncate(cpu, file, what);
    }
    void on_drop(const core& cpu, const inode& file, page_index page) override
    {
        m_judge->on_drop(cpu, file, page);
    }

private:
    // Its own time runs ahead: whatever it does next, it does then.
    void pass(actor_id who, const std::string& what)
    {
        const event_log::actor_name& name = m_world->log().name_of(who);
        for (std::size_t i = 0; i < m_holds.size(); ++i)
            if (m_holds[i].thread == name.who &&
                (m_holds[i].name.empty() || m_holds[i].name == what) &&
                m_seen[i]++ == m_holds[i].step)
                for (const auto& cpu : m_world->cores())
                    if (name.where == "core" + std::to_string(cpu->index()))
                        cpu->spend(cycles(m_holds[i].duration));
    }

    world* m_world = nullptr;
    kernel_observer* m_judge = nullptr;
    std::vector<hold_up> m_holds;
    std::vector<std::uint64_t> m_seen;
};

struct outcome {
    bool broken = false;
    std::uint64_t steps = 0; ///< of the thread that is named first
};

outcome run_with(const configured& exhibit, const std::vector<hold_up>& holds = {{}})
{
    traffic_warden warden(holds);
    outcome result;
    exhibit.run(
        [&](world& w) {
            REQUIRE(w.how_it_ended() == world::ending::finished);
            result.broken = promise_broken(w) || w.program().failed_expectations() > 0;
        },
        [&](world& w) { warden.listen(w); });
    result.steps = warden.steps_of_first();
    return result;
}

std::uint64_t steps_of(const configured& exhibit, const std::string& thread)
{
    return run_with(exhibit, {{thread, never, 0}}).steps;
}

/// How many of the orders break something in which `first` stands still for a while, then `second`,
/// and `first` goes on and ends before `second` does.
unsigned broken_orders(const configured& exhibit, const std::string& first,
                       const std::string& second)
{
    constexpr std::uint64_t a_while = 100'000'000;
    const std::uint64_t steps = steps_of(exhibit, first);
    const std::uint64_t of_second = steps_of(exhibit, second);
    unsigned broken = 0;
    for (std::uint64_t i = 0; i < steps; ++i)
        for (std::uint64_t j = 0; j < of_second; ++j)
            broken += run_with(exhibit, {{first, i, a_while}, {second, j, 3 * a_while}}).broken;
    return broken;
}

overrides operator+(overrides a, const overrides& b)
{
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

/// `around`: what makes a window wide enough for threads that stand still behind logged steps only.
void check(const std::string& name, const std::string& first, const std::string& second,
           const overrides& fix, const overrides& around = {})
{
    const configured broken("museum/" + name + ".cfg", around);
    const configured mended("museum/" + name + ".cfg", around + fix);
    CHECK(broken_orders(broken, first, second) > 0);
    CHECK(broken_orders(mended, first, second) == 0);
}

/// Where every order breaks something, or none.
void check_always(const std::string& name, const overrides& fix)
{
    CHECK(run_with(configured("museum/" + name + ".cfg")).broken);
    CHECK(!run_with(configured("museum/" + name + ".cfg", fix)).broken);
}

} // namespace

TEST_CASE("museum: try_to_free_buffers loses a page that was dirtied while it was at it")
{
    check("try-to-free-buffers", "faulter", "dropper", {{"vm.try_to_free_buffers", "linux-2.6.20"}},
          {{"cost.function", "20000"}});
}

// create-empty-buffers is not here: its window is between an unlock and the next step, and what has
// to fall into it takes as long as that. cache/tests/page_dirty_test.cpp has it.

TEST_CASE("museum: a sync that stops at nr_to_write lies")
{
    check("sync-nr-to-write", "writer", "syncer", {{"vm.sync_honours_nr_to_write", "off"}});
}

TEST_CASE("museum: a sync without a snapshot runs after somebody who appends")
{
    const configured broken("museum/sync-livelock.cfg");
    const configured mended("museum/sync-livelock.cfg", {{"vm.towrite_tag", "on"}});
    unsigned times = 0;
    for (std::uint64_t step = 0; step < steps_of(broken, "syncer"); ++step)
        times += run_with(broken, {{"syncer", step, 100'000'000}}).broken;
    CHECK(times > 0);
    for (std::uint64_t step = 0; step < steps_of(mended, "syncer"); ++step)
        CHECK(!run_with(mended, {{"syncer", step, 100'000'000}}).broken);
}

TEST_CASE("museum: a cyclic pass that does not go round")
{
    check_always("cyclic-half", {{"vm.write_cache_pages", "golden"}});
}

namespace
{

// pdflush puts the page back, and waits for the lock under which the sync has just given TOWRITE to
// it.
unsigned put_back_in_a_sync(const configured& exhibit)
{
    constexpr std::uint64_t a_while = 30'000'000;
    unsigned broken = 0;
    for (std::uint64_t step = 0; step < 40; ++step)
        broken += run_with(exhibit, {{"syncer", 0, a_while / 2, "sync begins"},
                                     {"syncer", 0, 4 * a_while, "set TAG_TOWRITE"},
                                     {"pdflush", step, a_while}})
                      .broken;
    return broken;
}

} // namespace

TEST_CASE("museum: a page that is put back falls out of a sync's snapshot")
{
    // The sync stands still with its interrupts off.
    const overrides around{{"shootdown.kind", "broadcast"}};
    const overrides fix{{"vm.set_page_writeback_keepwrite", "on"}};
    CHECK(put_back_in_a_sync(configured("museum/towrite-cleared.cfg", around)) > 0);
    CHECK(put_back_in_a_sync(configured("museum/towrite-cleared.cfg", around + fix)) == 0);
}

TEST_CASE("museum: a program is not throttled where ->page_mkwrite dirties its pages")
{
    check_always("mkwrite-unthrottled", {{"vm.mkwrite_balances", "on"}});
}

TEST_CASE("museum: an inode with a dirty page that is on no list")
{
    check("inode-clean", "writer", "syncer", {{"vm.inode_clean", "linux-4.0"}});
    const configured older("museum/inode-clean.cfg", {{"vm.inode_clean", "linux-2.6.18"}});
    CHECK(broken_orders(older, "writer", "syncer") == 0);
}

TEST_CASE("museum: a page is truncated between PG_dirty and its being counted")
{
    check("truncate-accounting", "cutter", "storer", {{"vm.write_fault", "golden"}},
          {{"vm.dirty_under_private_lock", "off"}});
}

TEST_CASE("museum: a page that ->invalidatepage dirties stays counted")
{
    check_always("cancel-dirty-page", {{"vm.truncate_complete_page", "golden"}});
    check_always("cancel-dirty-page", {{"vm.truncate_complete_page", "linux-2.6.18"}});
}

TEST_CASE("museum: somebody else's fsync takes the error")
{
    check("fsyncgate", "a", "b", {{"vm.wb_error", "errseq"}});
}

TEST_CASE("museum: a store between the checksum and the data")
{
    const configured broken("museum/unstable-pages.cfg");
    const configured mended("museum/unstable-pages.cfg", {{"vm.stable_pages", "yes"}});
    unsigned times = 0;
    for (std::uint64_t step = 0; step < steps_of(broken, "storer"); ++step)
        for (std::uint64_t late = 0; late < 4'000'000; late += 100'000) {
            times += run_with(broken, {{"storer", step, late}}).broken;
            CHECK(!run_with(mended, {{"storer", step, late}}).broken);
        }
    CHECK(times > 0);
}

TEST_CASE("museum: what ->page_mkwrite has reserved is used up before the page is dirty")
{
    check("mkwrite-window", "syncer", "storer", {{"vm.page_mkwrite", "locked"}});
}

TEST_CASE("museum: a file grows over blocks of a writable page")
{
    check_always("isize-extended", {{"vm.pagecache_isize_extended", "on"}});
}

TEST_CASE("museum: a device stores to a page that was cleaned since")
{
    check("dma-after-clean", "syncer", "driver", {{"vm.unpin", "set_page_dirty_lock"}});
}

TEST_CASE("museum: a device's page is dirtied without room for it")
{
    check("dma-without-room", "syncer", "driver", {{"vm.unpin", "golden"}});
}

TEST_CASE("museum: random programs that cut their files off lose nothing else by it")
{
    for (int seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        const configured random(
            "random.cfg",
            {{"fs.type", "ext2"}, {"fs.files_shrink", "on"}, {"seed", std::to_string(seed)}});
        random.run([](world& w) {
            const verdict& v = w.judge()->result();
            CHECK(v.lost_bytes == 0);
            CHECK(v.fsync_lies == 0);
            CHECK(v.invented_bytes == 0);
            CHECK(w.invariants().all_hold());
        });
    }
}

TEST_CASE("museum: random programs find nothing where ->page_mkwrite reserves and stays locked")
{
    for (int seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        const configured random("random.cfg", {{"fs.type", "ext2"},
                                               {"fs.reserves_blocks", "on"},
                                               {"vm.page_mkwrite", "locked"},
                                               {"vm.inode_clean", "linux-4.0"},
                                               {"seed", std::to_string(seed)}});
        random.run([](world& w) { CHECK(!promise_broken(w)); });
    }
}
