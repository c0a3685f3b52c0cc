// Power cuts at the disk's events, judged by what a recovery finds: whatever fsync has promised is
// there, the metadata hold together, and in ordered mode no file shows what it never held.

#include "sim/tests/seeds.h"
#include "storage/fs/tests/fs_storm.h"

#include <doctest/doctest.h>

using namespace mkclean;

namespace
{

constexpr std::uint64_t us = block_world::us;

/// Disks, queues and journals of many kinds.
fs_world_options options_of(std::uint64_t seed)
{
    fs_world_options o;
    std::mt19937_64 random(seed * 2 + 1);
    const auto one_of = [&](std::initializer_list<std::uint64_t> choices) {
        return *(choices.begin() + random() % choices.size());
    };
    o.block_size = static_cast<std::uint32_t>(one_of({1024, 2048, 4096}));
    o.journal.blocks = one_of({64, 96, 1024});
    o.journal.commit_interval = one_of({300 * us, 2000 * us, 50'000 * us});
    o.machine.seed = seed;
    o.machine.hold_up = one_of({0, 2 * us, 30 * us});
    o.machine.disk.write_cache = random() % 2 == 0;
    o.machine.disk.destage = random() % 2 == 0 ? destage_order::fifo : destage_order::elevator;
    o.machine.disk.destage_idle = one_of({20, 10'000}) * us;
    o.machine.block.order = random() % 2 == 0 ? elevator::cscan : elevator::noop;
    o.machine.block.queue_depth = one_of({1, 1, 8, 32});
    o.machine.disk.scheduling =
        random() % 2 == 0 ? disk_scheduling::fcfs : disk_scheduling::nearest;
    // Without a cache that can be lost there is nothing to flush.
    o.journal.barrier = o.machine.disk.write_cache || random() % 2 == 0;
    return o;
}

/// What was found in many storms.
struct findings {
    unsigned storms = 0;
    unsigned wrong = 0;
    std::string first_wrong; ///< and the seed it came with
    std::uint64_t judged = 0;
    std::uint64_t syncs = 0;
    std::uint64_t replayed = 0; ///< transactions, the most of them that one recovery found
};

findings weather(std::uint64_t from, std::uint64_t to, unsigned judge_one_in,
                 const std::function<void(fs_world_options&)>& change = {},
                 bool judge_as_ordered = false)
{
    findings all;
    for (std::uint64_t seed = from; seed < to; ++seed) {
        fs_world_options o = options_of(seed);
        if (change)
            change(o);
        fs_storm::plan plan;
        plan.seed = seed;
        plan.judge_one_in = judge_one_in;
        plan.judge_as_ordered = judge_as_ordered;
        fs_storm storm(o, plan);
        storm.run();
        if (storm.wrong.empty())
            storm.check_end();
        if (!storm.wrong.empty() && all.wrong++ == 0)
            all.first_wrong = "seed " + std::to_string(seed) + ": " + storm.wrong;
        ++all.storms;
        all.judged += storm.judged;
        all.syncs += storm.syncs;
        all.replayed = std::max(all.replayed, storm.most_replayed);
    }
    return all;
}

void with_cache(fs_world_options& o)
{
    o.machine.disk.write_cache = true;
    o.journal.barrier = true;
}
void without_cache(fs_world_options& o)
{
    o.machine.disk.write_cache = false;
}
void without_barrier(fs_world_options& o)
{
    o.machine.disk.write_cache = true;
    o.journal.barrier = false;
}
void as_ext2(fs_world_options& o)
{
    o.type = filesystem_type::ext2;
}
void as_writeback(fs_world_options& o)
{
    o.data = data_mode::writeback;
}

void check(const findings& found, std::uint64_t judged_at_least)
{
    CHECK(found.first_wrong == "");
    CHECK(found.wrong == 0);
    CHECK(found.judged > judged_at_least);
    CHECK(found.syncs > 2 * found.storms);
}

} // namespace

TEST_CASE("ext3 ordered: 1000 storms without a write cache cut here and there" *
          doctest::test_suite("long"))
{
    const findings found = weather(0, 1000, 50, without_cache);
    check(found, 20'000);
    CHECK(found.replayed > 5);
}

TEST_CASE("ext3 ordered: 1000 storms with a write cache and barriers cut here and there" *
          doctest::test_suite("long"))
{
    check(weather(1000, 2000, 50, with_cache), 20'000);
}

TEST_CASE("ext3 ordered, 20 storms, cut at every event of the disk")
{
    check(weather(2000, 2000 + seeds(20), 1), seeds(20'000));
}

TEST_CASE(
    "ext3 writeback, 300 storms: synced data and all metadata are there, but stale data may show")
{
    check(weather(3000, 3300, 50, as_writeback), 5'000);
    CHECK(weather(3000, 3100, 20, as_writeback, true).wrong > 10);
}

TEST_CASE("ext2, 300 storms: what was synced is there")
{
    check(weather(4000, 4300, 50, as_ext2), 5'000);
}

TEST_CASE("with a write cache and no barriers, promises are broken: cut at every event, it shows")
{
    for (const auto& type : {+[](fs_world_options&) {}, &as_ext2, &as_writeback}) {
        const findings found = weather(5000, 5020, 1, [&](fs_world_options& o) {
            type(o);
            without_barrier(o);
        });
        CHECK(found.wrong > 10);
    }
}

namespace
{

/// A few files written, stored to and synced, in a fixed order.
class small_scenario
{
public:
    explicit small_scenario(const fs_world_options& o) : world(o), m_files(o.files.size())
    {
        world.machine.spawn([this](kernel_thread& self) {
            inode& first = world.open(self, 1);
            inode& second = world.open(self, 2);
            write(self, 0, first, 0, 1);
            write(self, 0, first, page_size, 2);
            sync(self, 0, first);
            write(self, 1, second, direct_pointers * world.options.block_size, 3);
            store(self, 0, first, page_size, 4);
            world.fs->sync_fs(self);
            write(self, 0, first, 0, 5);
            sync(self, 1, second);
            write(self, 0, first, 3 * page_size, 6);
            sync(self, 0, first);
        });
    }

    std::string judge() const
    {
        const recovered_filesystem found(world.machine.media);
        std::string wrong = fsck(found);
        for (std::size_t i = 0; i < m_files.size() && wrong.empty(); ++i)
            wrong = m_files[i].judge(found, i + 1, world.options.data == data_mode::ordered);
        return wrong;
    }

    fs_world world;

private:
    void write(kernel_thread& self, std::size_t i, inode& file, std::uint64_t offset,
               unsigned value)
    {
        file_model::state after;
        world.write(self, file, offset, page_size, value,
                    [&] { after = m_files[i].wrote(offset, page_size, value); });
        m_files[i].completed(after);
    }
    void store(kernel_thread& self, std::size_t i, inode& file, std::uint64_t offset,
               unsigned value)
    {
        file_model::state after;
        world.store(self, file, offset, page_size, value,
                    [&] { after = m_files[i].wrote(offset, page_size, value); });
        m_files[i].completed(after);
    }
    void sync(kernel_thread& self, std::size_t i, inode& file)
    {
        const file_model::state promised = m_files[i].begin_sync();
        world.fsync(self, file);
        if (world.machine.disk->powered()) // or else it has failed
            m_files[i].end_sync(promised);
    }

    std::vector<file_model> m_files;
};

} // namespace

TEST_CASE("the power really fails, at every single event of a small scenario")
{
    for (const bool write_cache : {false, true}) {
        for (const std::uint32_t size : {1024u, 4096u}) {
            fs_world_options o;
            o.block_size = size;
            o.journal.blocks = 64;
            o.journal.commit_interval = 400 * us;
            o.machine.disk.write_cache = write_cache;
            o.machine.block.queue_depth = 8;
            std::uint64_t cuts = 0;
            for (bool at_end = false; !at_end; ++cuts) {
                CAPTURE(cuts);
                small_scenario scenario(o);
                block_world& machine = scenario.world.machine;
                bool was_cut = false;
                machine.on_any_event = [&](const event&, std::uint64_t disk_events) {
                    if (was_cut || disk_events != cuts + 1)
                        return;
                    was_cut = true;
                    machine.disk->cut_power();
                    machine.exec.stop();
                };
                machine.run();
                at_end = !was_cut;
                const std::string wrong = scenario.judge();
                CHECK(wrong == "");
                // Whoever still runs gets nothing more onto the media.
                if (was_cut) {
                    machine.run(machine.exec.now().raw() + 2000 * us);
                    CHECK(scenario.judge() == wrong);
                }
            }
            CHECK(cuts > 200);
        }
    }
}
