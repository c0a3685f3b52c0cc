#include "storage/block/tests/block_world.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <map>

using namespace mkclean;

namespace
{

constexpr std::uint64_t us = block_world::us;

/// Pages outside any file, for their buffers; and the end of these buffers' I/O.
class test_buffers final : public buffer_completion
{
public:
    test_buffers(block_world& world, std::uint32_t block_size)
        : m_world(world),
          m_block_size(block_size)
    {
    }

    /// A buffer of its own for a block, locked.
    buffer_head& locked(kernel_thread& self, std::uint64_t block)
    {
        const auto per_page = static_cast<std::uint32_t>(page_size / m_block_size);
        if (m_used == 0) {
            m_page = &m_world.cache.alloc_page(self);
            m_page->buffers.create(*m_page, m_block_size);
        }
        buffer_head& bh = m_page->buffers.begin()[m_used];
        m_used = (m_used + 1) % per_page;
        bh.blocknr = block_number(block);
        bh.set(buffer_flag::mapped);
        bh.completion = this;
        lock_buffer(self, bh);
        return bh;
    }
    void fill(const buffer_head& bh, unsigned value)
    {
        std::memset(m_world.bytes_of(bh), static_cast<int>(value), bh.size);
    }
    bool holds(const buffer_head& bh, unsigned value)
    {
        const std::byte* const from = m_world.bytes_of(bh);
        return std::all_of(from, from + bh.size,
                           [&](std::byte b) { return std::to_integer<unsigned>(b) == value; });
    }

    void end_io(actor& self, buffer_head& bh, bool success) override
    {
        ended.push_back(bh.blocknr.raw());
        failures += !success;
        unlock_buffer(self, bh);
    }

    std::vector<std::uint64_t> ended; // in that order
    unsigned failures = 0;

private:
    block_world& m_world;
    std::uint32_t m_block_size;
    page* m_page = nullptr;
    std::uint32_t m_used = 0;
};

/// The commands that the disk got, in order.
class command_watch
{
public:
    explicit command_watch(block_world& world)
    {
        world.on_any_event = [this](const event& e, std::uint64_t) {
            if (std::string(e.site->name) == "disk_fetched")
                fetched.emplace_back(e.before, e.after);
        };
    }
    std::vector<std::uint64_t> first_sectors() const
    {
        std::vector<std::uint64_t> first;
        for (const auto& [sector, count] : fetched)
            first.push_back(sector);
        return first;
    }
    std::vector<std::pair<std::uint64_t, std::uint64_t>> fetched; // first sector, how many
};

bool durable(const block_world& world, std::uint64_t sector, unsigned value)
{
    std::array<std::byte, sector_size> bytes;
    world.disk->read_durable(sector_number(sector), 1, bytes.data());
    return std::all_of(bytes.begin(), bytes.end(),
                       [&](std::byte b) { return std::to_integer<unsigned>(b) == value; });
}

block_world_options with_elevator(elevator order, std::uint64_t queue_depth = 1)
{
    block_world_options options;
    options.block.order = order;
    options.block.queue_depth = queue_depth;
    options.disk.write_cache = false;
    return options;
}

/// Writes these blocks of 4 KiB, one after the other was submitted, and waits for all. The first
/// keeps the disk busy while the others queue up.
void write_blocks(block_world& world, const std::vector<std::uint64_t>& blocks)
{
    test_buffers buffers(world, 4096);
    CHECK(world.run([&](kernel_thread& self) {
        std::vector<buffer_head*> all;
        for (const std::uint64_t block : blocks) {
            all.push_back(&buffers.locked(self, block));
            world.device->submit(self, block_op::write, *all.back());
        }
        for (buffer_head* bh : all)
            wait_on_buffer(self, *bh);
    }));
    CHECK(buffers.ended.size() == blocks.size());
    CHECK(buffers.failures == 0);
}

} // namespace

TEST_CASE("what was written is read back, for every block size, and counted")
{
    for (const std::uint32_t size : {1024u, 2048u, 4096u}) {
        CAPTURE(size);
        block_world world({});
        test_buffers buffers(world, size);
        CHECK(world.run([&](kernel_thread& self) {
            buffer_head& out = buffers.locked(self, 77);
            buffers.fill(out, 0x5a);
            world.device->submit(self, block_op::write, out);
            CHECK(out.locked());
            wait_on_buffer(self, out);
            buffer_head& in = buffers.locked(self, 77);
            buffers.fill(in, 0);
            world.device->submit(self, block_op::read, in);
            wait_on_buffer(self, in);
            CHECK(buffers.holds(in, 0x5a));
        }));
        CHECK(buffers.ended == std::vector<std::uint64_t>{77, 77});
        const block_stats& stats = world.device->stats();
        CHECK(stats.reads == 1);
        CHECK(stats.writes == 1);
        CHECK(stats.blocks_written == 1);
        CHECK(stats.sectors_written == size / sector_size);
        CHECK(world.cache.stats.pgpgin == size / 1024);
        CHECK(world.cache.stats.pgpgout == size / 1024);
        CHECK(world.device->in_flight() == 0);
        CHECK(world.device->queued() == 0);
    }
}

TEST_CASE("contiguous buffers become one request, as long as it may be")
{
    block_world_options options = with_elevator(elevator::cscan);
    options.block.max_segments = 4;
    block_world world(options);
    const command_watch watch(world);
    write_blocks(world, {500, 10, 11, 12, 13, 14, 15});
    const std::vector<std::pair<std::uint64_t, std::uint64_t>> expected{
        {4000, 8}, {80, 32}, {112, 16}};
    CHECK(watch.fetched == expected);
    CHECK(world.device->stats().merges == 4);
    CHECK(world.device->stats().writes == 3);
}

TEST_CASE("reads and writes are not merged, nor is what must bypass the cache")
{
    block_world world(with_elevator(elevator::noop));
    const command_watch watch(world);
    test_buffers buffers(world, 4096);
    CHECK(world.run([&](kernel_thread& self) {
        std::vector<buffer_head*> all;
        const auto submit = [&](std::uint64_t block, block_op op, bool fua) {
            all.push_back(&buffers.locked(self, block));
            world.device->submit(self, op, *all.back(), fua);
        };
        submit(500, block_op::write, false);
        submit(10, block_op::write, false);
        submit(11, block_op::read, false);
        submit(12, block_op::write, true);
        submit(13, block_op::write, false);
        submit(14, block_op::write, true);
        for (buffer_head* bh : all)
            wait_on_buffer(self, *bh);
    }));
    CHECK(watch.first_sectors() == std::vector<std::uint64_t>{4000, 80, 88, 96, 104, 112});
}

TEST_CASE(
    "the elevator goes up from where the arm is, then starts again below, and noop keeps order")
{
    const std::vector<std::uint64_t> blocks{100, 50, 300, 20, 200};
    {
        block_world world(with_elevator(elevator::cscan));
        const command_watch watch(world);
        write_blocks(world, blocks);
        CHECK(watch.first_sectors() == std::vector<std::uint64_t>{800, 1600, 2400, 160, 400});
    }
    {
        block_world world(with_elevator(elevator::noop));
        const command_watch watch(world);
        write_blocks(world, blocks);
        CHECK(watch.first_sectors() == std::vector<std::uint64_t>{800, 400, 2400, 160, 1600});
    }
}

TEST_CASE("no more commands are at the disk than the queue is deep, and it is filled")
{
    for (const std::uint64_t depth : {1u, 3u, 32u}) {
        CAPTURE(depth);
        block_world world(with_elevator(elevator::noop, depth));
        std::uint64_t most = 0;
        world.on_any_event = [&](const event&, std::uint64_t) {
            most = std::max(most, world.device->in_flight());
        };
        std::vector<std::uint64_t> blocks;
        for (std::uint64_t i = 0; i < 40; ++i)
            blocks.push_back(2 * i);
        write_blocks(world, blocks);
        CHECK(most == depth);
    }
}

TEST_CASE(
    "who comes when the queue is full sleeps, and before that the device says it is congested")
{
    block_world_options options = with_elevator(elevator::noop);
    options.block.nr_requests = 8;
    block_world world(options);
    bool congested_at_six = true;
    bool congested_at_seven = false;
    world.on_any_event = [&](const event&, std::uint64_t) {
        if (world.device->queued() == 6)
            congested_at_six = congested_at_six && world.device->congested();
        if (world.device->queued() == 7)
            congested_at_seven = congested_at_seven || world.device->congested();
    };
    std::vector<std::uint64_t> blocks;
    for (std::uint64_t i = 0; i < 30; ++i)
        blocks.push_back(2 * i);
    write_blocks(world, blocks);
    CHECK(world.device->stats().max_queued == 8);
    CHECK_FALSE(congested_at_six);
    CHECK(congested_at_seven);
    CHECK_FALSE(world.device->congested());
}

TEST_CASE(
    "a flush puts on the media what was written before, and a write with FUA does so by itself")
{
    block_world world({}); // with write cache
    test_buffers buffers(world, 4096);
    const auto write = [&](kernel_thread& self, std::uint64_t block, bool fua) {
        buffer_head& bh = buffers.locked(self, block);
        buffers.fill(bh, 'A');
        world.device->submit(self, block_op::write, bh, fua);
        wait_on_buffer(self, bh);
    };
    CHECK(world.run([&](kernel_thread& self) {
        write(self, 10, false);
        CHECK_FALSE(durable(world, 87, 'A'));
        write(self, 20, true);
        CHECK(durable(world, 160, 'A'));
        CHECK_FALSE(durable(world, 87, 'A'));
        world.device->issue_flush(self);
        CHECK(durable(world, 80, 'A'));
        CHECK(durable(world, 87, 'A'));
    }));
    CHECK(world.device->stats().flushes == 1);
}

TEST_CASE("flushes by many at once all return, each after what its caller wrote is on the media")
{
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        CAPTURE(seed);
        block_world_options options;
        options.seed = seed;
        options.hold_up = 3 * us;
        options.block.queue_depth = 1 + seed % 4;
        block_world world(options);
        unsigned returned = 0;
        for (unsigned i = 0; i < 5; ++i) {
            world.spawn([&, i](kernel_thread& self) {
                test_buffers buffers(world, 4096);
                buffer_head& bh = buffers.locked(self, 10 + 3 * i);
                buffers.fill(bh, 'A' + i);
                world.device->submit(self, block_op::write, bh);
                wait_on_buffer(self, bh);
                world.device->issue_flush(self);
                CHECK(durable(world, 8 * (10 + 3 * i) + 7, 'A' + i));
                ++returned;
            });
        }
        CHECK(world.run());
        CHECK(returned == 5);
    }
}

TEST_CASE("a command that the disk refuses fails its buffers, and the next one works")
{
    block_world world(with_elevator(elevator::noop));
    test_buffers buffers(world, 4096);
    CHECK(world.run([&](kernel_thread& self) {
        buffer_head& beyond = buffers.locked(self, world.options.disk.capacity / 8 + 1);
        world.device->submit(self, block_op::write, beyond);
        wait_on_buffer(self, beyond);
        CHECK(buffers.failures == 1);
        buffer_head& fine = buffers.locked(self, 1);
        world.device->submit(self, block_op::write, fine);
        wait_on_buffer(self, fine);
    }));
    CHECK(buffers.failures == 1);
    CHECK(buffers.ended.size() == 2);
}

namespace
{

/// Threads that write and read blocks of their own, against what they remember.
class device_storm
{
public:
    explicit device_storm(const block_world_options& options) : m_world(options)
    {
        for (unsigned i = 0; i < 4; ++i)
            m_world.spawn([this, i](kernel_thread& self) { run_thread(self, i); });
    }
    bool run() { return m_world.run(); }
    block_world& world() { return m_world; }

    std::map<std::uint64_t, unsigned> written; // block -> what it was filled with last
    unsigned wrong_reads = 0;
    unsigned reads = 0;

private:
    void run_thread(kernel_thread& self, unsigned thread)
    {
        test_buffers buffers(m_world, 1024);
        std::vector<buffer_head*> under_way;
        for (unsigned i = 0; i < 30; ++i) {
            // Whose block it is decides its lowest bits, so that neighbours come from different
            // threads and are merged.
            const std::uint64_t block = 4 * self.below(12) + thread;
            if (self.below(3) == 0) {
                wait_for(self, under_way);
                check_read(self, buffers, block);
            } else {
                // Two writes of the same block at a time have no order.
                if (in(under_way, block))
                    wait_for(self, under_way);
                buffer_head& bh = buffers.locked(self, block);
                written[block] = 1 + i;
                buffers.fill(bh, 1 + i);
                under_way.push_back(&bh);
                m_world.device->submit(self, block_op::write, bh, self.below(8) == 0);
            }
        }
        wait_for(self, under_way);
        m_world.device->issue_flush(self);
        CHECK(buffers.failures == 0);
    }
    static bool in(const std::vector<buffer_head*>& list, std::uint64_t block)
    {
        return std::any_of(list.begin(), list.end(),
                           [&](const buffer_head* bh) { return bh->blocknr.raw() == block; });
    }
    static void wait_for(kernel_thread& self, std::vector<buffer_head*>& list)
    {
        for (buffer_head* bh : list)
            wait_on_buffer(self, *bh);
        list.clear();
    }
    void check_read(kernel_thread& self, test_buffers& buffers, std::uint64_t block)
    {
        const auto known = written.find(block);
        if (known == written.end())
            return;
        buffer_head& bh = buffers.locked(self, block);
        m_world.device->submit(self, block_op::read, bh);
        wait_on_buffer(self, bh);
        ++reads;
        wrong_reads += !buffers.holds(bh, known->second);
    }

    block_world m_world;
};

} // namespace

TEST_CASE("many threads, any queue: every request ends once, reads are right, flushed is durable")
{
    std::uint64_t merges = 0;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        CAPTURE(seed);
        block_world_options options;
        options.seed = seed;
        options.hold_up = seed % 3 * 4 * us;
        options.disk.write_cache = seed % 2 == 0;
        options.block.order = seed % 4 < 2 ? elevator::cscan : elevator::noop;
        options.block.queue_depth = seed % 5 == 0 ? 1 : seed % 32 + 1;
        options.block.nr_requests = seed % 7 == 0 ? 4 : 128;
        options.block.max_segments = seed % 6 == 0 ? 2 : 128;
        device_storm storm(options);
        REQUIRE(storm.run());
        CHECK(storm.wrong_reads == 0);
        CHECK(storm.reads > 0);
        unsigned wrong = 0;
        for (const auto& [block, value] : storm.written)
            wrong += !durable(storm.world(), 2 * block, value) ||
                     !durable(storm.world(), 2 * block + 1, value);
        CHECK(wrong == 0);
        CHECK(storm.world().device->in_flight() == 0);
        CHECK(storm.world().device->queued() == 0);
        merges += storm.world().device->stats().merges;
    }
    CHECK(merges > 100);
}
