// Dirty limits, who pays for them, and when pdflush comes by itself.

#include "vm/page_writeback.h"
#include "vm/tests/vm_world.h"

#include <doctest/doctest.h>

using namespace mkclean;

namespace
{

constexpr const char* start_of_writeback = "set_page_writeback";

void dirty_pages(vm_world& w, user_task& task, inode& file, std::uint64_t first,
                 std::uint64_t count)
{
    for (std::uint64_t i = first; i < first + count; ++i)
        w.write(task, file, i * page_size, 1, page_size);
}

// How many pages of a file some thread has begun to write.
std::size_t pages_written(const vm_world& w, std::string_view who, std::uint64_t ino = 1)
{
    return static_cast<std::size_t>(
        std::count_if(w.steps.begin(), w.steps.end(), [&](const taken_step& t) {
            return t.name == start_of_writeback && t.who == who &&
                   t.what.what.ino == inode_number(ino);
        }));
}

dirty_limits limits(std::uint64_t background, std::uint64_t dirty, std::int64_t mapped)
{
    vm_world_options o;
    o.frames = 1000;
    o.vm.dirty_background_ratio = background;
    o.vm.dirty_ratio = dirty;
    vm_world w(o);
    w.k->stats.nr_mapped = mapped;
    return get_dirty_limits(*w.k);
}

bool operator==(const dirty_limits& a, const dirty_limits& b)
{
    return a.background == b.background && a.dirty == b.dirty;
}

// Two cores, pdflush on the second, which wakes periodically as Linux' does.
vm_world_options periodic()
{
    vm_world_options o;
    o.cores = 2;
    o.vm.dirty_writeback = 5 * s;
    o.vm.dirty_expire = 30 * s;
    return o;
}

bool shortly_after(picoseconds when, std::uint64_t instant)
{
    return when >= picoseconds(instant) && when < picoseconds(instant + ms);
}

} // namespace

TEST_CASE("The dirty limits are percentages of memory, less where much of it is mapped")
{
    CHECK(limits(10, 40, 0) == dirty_limits{100, 400});
    CHECK(limits(10, 40, 200) == dirty_limits{100, 400}); // half of 80 %
    CHECK(limits(10, 40, 300) == dirty_limits{100, 350}); // half of 70 %
    CHECK(limits(10, 60, 0) == dirty_limits{100, 500});   // never more than half
    CHECK(limits(10, 40, 900) == dirty_limits{20, 50});   // never less than 5 %, and below it
    CHECK(limits(10, 40, 1000) == dirty_limits{20, 50});
    CHECK(limits(40, 40, 0) == dirty_limits{200, 400});
    CHECK(limits(0, 1, 0) == dirty_limits{0, 50});
}

TEST_CASE("Above the background limit pdflush is woken, and writes until it is below")
{
    vm_world_options o;
    o.cores = 2; // 51 of 512 pages, looked at every 16 pages
    vm_world w(o);
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        dirty_pages(w, task, file, 0, 45);
        task.sleep(picoseconds(10 * ms));
        CHECK(pages_written(w, "pdflush") == 0);
        CHECK(w.k->stats.nr_dirty < 51);
        dirty_pages(w, task, file, 45, 19);
        task.sleep(picoseconds(300 * ms));
        CHECK(pages_written(w, "pdflush") > 10);
        CHECK(pages_written(w, "user1") == 0);
        CHECK(w.k->stats.nr_dirty < 51);
    });
}

TEST_CASE("Above the dirty limit whoever dirties pages writes some of them itself")
{
    vm_world_options o;
    o.vm.dirty_ratio = 10; // 51 pages; pdflush, on the same core, has to wait
    o.disk.write_cache = false;
    vm_world w(o);
    std::int64_t most = 0;
    w.on_step = [&](const event&) {
        most = std::max(most, w.k->stats.nr_dirty + w.k->stats.nr_writeback);
    };
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        dirty_pages(w, task, file, 0, 64);
        task.sync();
        w.steps.clear();
        most = 0;
        w.write(task, file, 0, 2, 64 * page_size);
        CHECK(pages_written(w, "user1") > 0);
        CHECK(most > 51);
        CHECK(most <= 51 + 16 + 4); // what goes unnoticed in between, and metadata
    });
}

TEST_CASE("A throttled dirtier has done its duty after one and a half times its ratelimit")
{
    vm_world_options o;
    o.vm.dirty_ratio = 5; // 25 pages
    o.vm.dirty_background_ratio = 0;
    o.disk.write_cache = false;
    o.disk.constant.write_latency = ms; // so that writing alone does not get it below the limit
    vm_world w(o);
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        dirty_pages(w, task, file, 0, 64); // would balance at every 16th
    });
    CHECK(pages_written(w, "user1") > 0);
    std::size_t in_a_row = 0;
    std::size_t longest = 0;
    for (const taken_step& t : w.steps) {
        if (t.name == "add_to_page_cache")
            in_a_row = 0;
        else if (t.name == start_of_writeback && t.who == "user1" &&
                 t.what.what.ino == inode_number(1))
            longest = std::max(longest, ++in_a_row);
    }
    CHECK(longest <= 24);
}

TEST_CASE("With the limit exceeded every eighth page is looked at, not every sixteenth")
{
    vm_world w;
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        w.k->dirty_exceeded = true;
        dirty_pages(w, task, file, 0, 7);
        CHECK(w.k->dirty_exceeded);
        dirty_pages(w, task, file, 7, 1);
        CHECK(!w.k->dirty_exceeded); // it was not exceeded at all
        dirty_pages(w, task, file, 8, 15);
        CHECK(w.k->ratelimits[0] == 15);
    });
}

TEST_CASE("Many cores look at the limits more often, small memories not too often")
{
    const auto every = [](std::uint64_t frames, unsigned cores) {
        vm_world_options o;
        o.frames = frames;
        o.cores = cores;
        o.files = {200 * page_size};
        vm_world w(o);
        std::uint64_t longest = 0;
        w.play([&](user_task& task) {
            inode& file = w.open(task);
            for (std::uint64_t i = 0; i < 100; ++i) {
                dirty_pages(w, task, file, i, 1);
                longest = std::max(longest, w.k->ratelimits[0] + 1);
            }
        });
        return longest;
    };
    CHECK(every(2048, 1) == 64);
    CHECK(every(2048, 2) == 32);
    CHECK(every(2048, 4) == 16);
    CHECK(every(1024, 4) == 16);
}

TEST_CASE("pdflush writes what is older than dirty_expire when its interval next comes round")
{
    vm_world w(periodic());
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        task.sleep(picoseconds(s));
        w.put(task, w.map(task, file, 1), 1); // dirty at 1 s, expired at 31 s
        task.sleep(picoseconds(33 * s));
        CHECK(w.count_of(start_of_writeback) == 0);
        task.sleep(picoseconds(2 * s));
        REQUIRE(w.first_of(start_of_writeback) != nullptr);
        CHECK(w.first_of(start_of_writeback)->who == "pdflush");
        CHECK(shortly_after(w.first_of(start_of_writeback)->what.time, 35 * s));
        CHECK(!vm_world::page_of(file, 0)->dirty());
        // The block that it got dirtied the inode meanwhile: that is as old as the inode was.
        CHECK(file.any_dirty());
        task.sleep(picoseconds(5 * s));
        CHECK(!file.any_dirty());
    });
}

TEST_CASE("pdflush leaves a younger file alone while it writes an older one")
{
    vm_world w(periodic());
    w.play([&](user_task& task) {
        inode& old = w.open(task, 1);
        inode& young = w.open(task, 2);
        task.sleep(picoseconds(s));
        dirty_pages(w, task, old, 0, 1);
        task.sleep(picoseconds(10 * s)); // 11 s: expired at 41 s
        dirty_pages(w, task, young, 0, 1);
        dirty_pages(w, task, old, 1, 1); // an old inode takes its young pages along
        task.sleep(picoseconds(27 * s));
        CHECK(pages_written(w, "pdflush", 1) == 2);
        CHECK(pages_written(w, "pdflush", 2) == 0);
        w.steps.clear();
        task.sleep(picoseconds(10 * s));
        CHECK(pages_written(w, "pdflush", 1) == 0);
        CHECK(pages_written(w, "pdflush", 2) == 1);
        CHECK(shortly_after(w.first_of(start_of_writeback)->what.time, 45 * s));
    });
}

TEST_CASE("With dirty_writeback 0 pdflush never comes by itself")
{
    vm_world_options o = periodic();
    o.vm.dirty_writeback = 0;
    vm_world w(o);
    w.play([&](user_task& task) {
        dirty_pages(w, task, w.open(task), 0, 3);
        task.sleep(picoseconds(1000 * s));
        CHECK(w.count_of(start_of_writeback) == 0);
    });
}

TEST_CASE("A congested disk puts the periodic writeback off by tenths of a second, not by expiries")
{
    vm_world w(periodic());
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        dirty_pages(w, task, file, 0, 5);
        task.sleep(picoseconds(34 * s));
        w.congested = true;
        task.sleep(picoseconds(s + 250 * ms));
        CHECK(pages_written(w, "pdflush") == 0);
        w.congested = false;
        task.sleep(picoseconds(s));
        CHECK(pages_written(w, "pdflush") == 5);
        CHECK(w.first_of(start_of_writeback)->what.time < picoseconds(35 * s + 310 * ms));
    });
}

TEST_CASE("What an interrupted periodic pass leaves of an inode keeps its age and comes first")
{
    vm_world w(periodic());
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        dirty_pages(w, task, file, 0, 5);
        const picoseconds dirtied_when = file.dirtied_when;
        writeback_control wbc;
        wbc.nr_to_write = 2;
        wbc.for_kupdate = true;
        writeback_single_inode(*w.k, task.cpu(), file, wbc);
        CHECK(file.test(inode_state::dirty_pages));
        CHECK(file.dirtied_when == dirtied_when);
        CHECK(&w.cache.s_dirty.front() == &file);
        wbc.nr_to_write = 2;
        wbc.for_kupdate = false;
        writeback_single_inode(*w.k, task.cpu(), file, wbc);
        CHECK(file.dirtied_when > dirtied_when);
        CHECK(&w.cache.s_dirty.back() == &file);
    });
}

TEST_CASE("While somebody goes through s_io, only the periodic pass leaves s_dirty for later")
{
    for (const bool for_kupdate : {true, false}) {
        vm_world w;
        w.play([&](user_task& task) {
            inode& first = w.open(task, 1);
            inode& second = w.open(task, 2);
            for (inode* file : {&first, &second}) {
                w.get(task, w.map(task, *file, 1, shared_read));
                set_page_dirty_nobuffers(task.cpu(), *vm_world::page_of(*file, 0));
                if (file == &first)
                    w.cache.s_io.splice(w.cache.s_io.end(), w.cache.s_dirty);
            }
            w.steps.clear();
            writeback_control wbc;
            wbc.nr_to_write = 10;
            wbc.for_kupdate = for_kupdate;
            writeback_inodes(*w.k, task.cpu(), wbc);
            CHECK(pages_written(w, "user1", 1) == 1);
            CHECK(pages_written(w, "user1", 2) == (for_kupdate ? 0 : 1));
        });
    }
}

TEST_CASE("Writeback of mappings that nobody writes back does nothing and ends")
{
    vm_world_options o = periodic();
    o.fs.bdi.writeback_dirty = false;
    vm_world w(o);
    w.play([&](user_task& task) {
        dirty_pages(w, task, w.open(task), 0, 20);
        task.sleep(picoseconds(100 * s));
        CHECK(pages_written(w, "pdflush") == 0);
        CHECK(task.fsync(w.open(task)) == 0);
        task.sync();
        CHECK(vm_world::page_of(w.open(task), 0)->dirty());
    });
}

TEST_CASE("A file of 3000 dirty pages is written by one periodic pass, 1024 pages at a time")
{
    vm_world_options o = periodic();
    o.frames = 16384;
    o.vm.dirty_background_ratio = 30; // 4915 pages
    o.files = {3000 * page_size};
    o.fs.block_size = 4096;
    vm_world w(o);
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        w.write(task, file, 0, 1, 3000 * page_size);
        CHECK(pages_written(w, "pdflush") + pages_written(w, "user1") == 0);
        task.sleep(picoseconds(36 * s));
        CHECK(pages_written(w, "pdflush") == 3000);
    });
}

TEST_CASE(
    "I_DIRTY_PAGES goes when all pages are written and stays when some are left, in any order")
{
    for (const inode_clean_policy policy :
         {inode_clean_policy::linux_2_6_18, inode_clean_policy::linux_3_16,
          inode_clean_policy::linux_3_19}) {
        vm_world_options o;
        o.policies.inode_clean = policy;
        vm_world w(o);
        w.play([&](user_task& task) {
            inode& file = w.open(task);
            w.write(task, file, 0, 1, 4 * page_size);
            task.sync();
            CHECK(!file.any_dirty());
            CHECK(!file.is_linked());
            w.write(task, file, 0, 2, 4 * page_size);
            writeback_control wbc;
            wbc.nr_to_write = 2;
            writeback_single_inode(*w.k, task.cpu(), file, wbc);
            CHECK(file.test(inode_state::dirty_pages));
            CHECK(file.is_linked());
            task.sync();
            CHECK(!file.any_dirty());
            CHECK(!file.is_linked());
        });
    }
}
