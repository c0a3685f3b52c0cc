#include "storage/disk/tests/disk_world.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>

using namespace mkclean;

namespace
{

constexpr std::uint64_t ns = disk_world::ns;
constexpr std::uint64_t us = disk_world::us;
constexpr std::uint64_t ms = disk_world::ms;
constexpr physical_address data = disk_world::data;
constexpr physical_address elsewhere{0x40000};

disk_options without_cache()
{
    disk_options options = disk_world::quick_options();
    options.write_cache = false;
    return options;
}

} // namespace

// ---- Registers

TEST_CASE("the disk says who it is and what it can do")
{
    disk_options options = disk_world::quick_options();
    options.capacity = (std::uint64_t{5} << 32) + 7;
    options.queue_depth = 4;
    disk_world world(options);
    const disk_controller& disk = world.disk();
    CHECK(disk.read_register(disk_register::id) == 0x31646b6d);
    CHECK(disk.read_register(disk_register::capacity_lo) == 7);
    CHECK(disk.read_register(disk_register::capacity_hi) == 5);
    CHECK(disk.read_register(disk_register::queue_depth) == 4);
    CHECK(disk.read_register(disk_register::features) == 1);
    CHECK(disk.read_register(disk_register::max_sectors) == 65536);
    CHECK(disk_world(without_cache()).disk().read_register(disk_register::features) == 0);
}

TEST_CASE("registers keep what they should keep and ignore the rest")
{
    disk_world world;
    disk_controller& disk = world.disk();
    disk.write_register(disk_register::list_lo, 0x89abcdef);
    disk.write_register(disk_register::list_hi, 0x01234567);
    CHECK(disk.read_register(disk_register::list_lo) == 0x89abcdef);
    CHECK(disk.read_register(disk_register::list_hi) == 0x01234567);
    disk.write_register(disk_register::id, 0);
    disk.write_register(disk_register::capacity_lo, 0);
    CHECK(disk.read_register(disk_register::id) == 0x31646b6d);
    CHECK(disk.read_register(disk_register::capacity_lo) == 100'000);
    for (const std::uint64_t nowhere : {0x1UL, 0x1aUL, 0x30UL, 0x1000UL, ~0UL}) {
        disk.write_register(nowhere, ~0U);
        CHECK(disk.read_register(nowhere) == 0);
    }
    CHECK(disk.read_register(disk_register::issue) == 0);
}

TEST_CASE("a slot goes from issue to done, where it stays until it is cleared")
{
    disk_world world;
    world.prepare(3, disk_opcode::write, 0, 1);
    world.issue(3);
    CHECK(world.disk().read_register(disk_register::issue) == 8);
    CHECK(world.disk().read_register(disk_register::done) == 0);
    world.run_until(1 * us);
    CHECK(world.disk().read_register(disk_register::issue) == 0);
    CHECK(world.disk().read_register(disk_register::done) == 8);
    CHECK(world.disk().read_register(disk_register::failed) == 0);
    world.disk().write_register(disk_register::done, 4);
    CHECK(world.disk().read_register(disk_register::done) == 8);
    world.disk().write_register(disk_register::done, 8);
    CHECK(world.disk().read_register(disk_register::done) == 0);
}

TEST_CASE("the interrupt is raised only when enabled, and at once for what it has missed")
{
    disk_world world;
    world.disk().write_register(disk_register::interrupt_enable, 0);
    world.prepare(0, disk_opcode::write, 0, 1);
    world.issue(0);
    world.run_until(1 * us);
    CHECK(world.disk().read_register(disk_register::done) == 1);
    CHECK(world.interrupts == 0);
    world.disk().write_register(disk_register::interrupt_enable, 1);
    CHECK(world.interrupts == 1);
    world.disk().write_register(disk_register::interrupt_enable, 1);
    CHECK(world.interrupts == 1);
}

TEST_CASE("options out of range, or media larger than the mechanism reaches, are refused")
{
    const auto refused = [](std::uint64_t disk_options::*which, std::uint64_t value) {
        disk_options options = disk_world::quick_options();
        options.*which = value;
        CHECK_THROWS_AS(disk_world{options}, std::invalid_argument);
    };
    refused(&disk_options::queue_depth, 0);
    refused(&disk_options::queue_depth, 33);
    refused(&disk_options::cache_size, 511);
    refused(&disk_options::dma_beat, 0);
    refused(&disk_options::dma_beat, 513);
    refused(&disk_options::dma_bandwidth, 0);
    refused(&disk_options::destage_run, 0);
    refused(&disk_options::capacity, 0);
    disk_options options;
    options.capacity = 17'918'388;
    CHECK_THROWS_AS(disk_world{options}, std::invalid_argument);
    CHECK_NOTHROW(disk_world{disk_options()});
}

// ---- Time

TEST_CASE("a write of one sector is done 50 ns later, when its last beat is in the cache")
{
    disk_world world;
    world.prepare(0, disk_opcode::write, 7, 1);
    world.issue(0);
    CHECK(world.wait(0));
    CHECK(world.now() == 5 * ns + 5 * ns + 8 * 5 * ns);
}

TEST_CASE("a write of one sector with FUA is done when the media has it")
{
    disk_world world;
    CHECK(world.perform(disk_opcode::write, 7, 1, data, true));
    CHECK(world.now() == 50 * ns + 200 * us + 1 * us);
    CHECK(world.durable(7, 0));
}

TEST_CASE("without write cache every write is done when the media has it")
{
    disk_world world(without_cache());
    CHECK(world.perform(disk_opcode::write, 7, 8));
    CHECK(world.now() == 10 * ns + 320 * ns + 200 * us + 8 * us);
    CHECK(world.durable(7, 0));
    CHECK(world.durable(14, 0));
}

TEST_CASE("a read of one sector is done after the media and its beats into memory")
{
    disk_world world;
    world.fill(elsewhere, 512, 0xee);
    CHECK(world.perform(disk_opcode::read, 7, 1, elsewhere));
    CHECK(world.now() == 10 * ns + 100 * us + 1 * us + 40 * ns);
}

TEST_CASE("a beat takes the bus' time or the bandwidth's, whichever is longer")
{
    disk_options options = disk_world::quick_options();
    options.dma_bandwidth = 64'000'000; // 1 us a beat of 64 bytes
    disk_world world(options);
    CHECK(world.perform(disk_opcode::write, 7, 1));
    CHECK(world.now() == 500 * ns + 250 * ns + 8 * us); // 32 bytes, 16 bytes, the sector
}

TEST_CASE("the controller's own overhead comes before the first beat")
{
    disk_options options = disk_world::quick_options();
    options.write_overhead = 3 * us;
    options.read_overhead = 5 * us;
    disk_world world(options);
    CHECK(world.perform(disk_opcode::write, 7, 1));
    CHECK(world.now() == 3 * us + 50 * ns);
    const std::uint64_t before = world.now();
    CHECK(world.perform(disk_opcode::read, 7, 1));
    CHECK(world.now() - before == 5 * us + 50 * ns);
}

TEST_CASE("the log tells a command's life from fetch to done")
{
    disk_world world;
    CHECK(world.perform(disk_opcode::write, 100, 2, data, true));
    std::vector<std::string> names;
    for (const disk_world::logged& e : world.events())
        names.push_back(e.name);
    CHECK(names == std::vector<std::string>{"disk_fetched", "disk_first_beat", "disk_last_beat",
                                            "disk_in_cache", "disk_on_media", "disk_on_media",
                                            "disk_done"});
    CHECK(world.time_of("disk_fetched") == 10 * ns);
    CHECK(world.time_of("disk_first_beat") == 10 * ns);
    CHECK(world.time_of("disk_last_beat") == 85 * ns);
    CHECK(world.time_of("disk_in_cache") == 90 * ns);
    CHECK(world.time_of("disk_on_media") == 90 * ns + 201 * us);
    CHECK(world.time_of("disk_done") == 90 * ns + 202 * us);
    CHECK(world.events()[5].first == 101);
    CHECK(world.events()[6].first == 100);
    CHECK(world.events()[6].count == 2);
}

TEST_CASE("on the rotating disk a single sector takes seek, rotation and its own passing")
{
    disk_options options;
    options.read_overhead = 0;
    options.dma_bandwidth = 64'000'000'000;
    disk_world world(options);
    rotating_disk reference{rotating_disk_options()};
    const sector_window window =
        reference.begin(picoseconds(10 * ns), sector_number(1'000'000), media_access::read);
    CHECK(world.perform(disk_opcode::read, 1'000'000, 1));
    CHECK(world.now() == window.end.raw() + 40 * ns);
    CHECK(world.disk().stats().seeks == 1);
}

// ---- Data

TEST_CASE("what was written is read back, from the cache and from the media, through any segments")
{
    for (const bool fua : {false, true}) {
        disk_world world;
        for (unsigned i = 0; i < 3 * 512; ++i)
            world.fill(data + i, 1, i * 7 & 0xff);
        // Odd pieces that cross sectors and lie backwards.
        world.prepare(0, disk_opcode::write, 40, 3,
                      std::vector<disk_segment>{{data, 1}, {data + 1, 700}, {data + 701, 835}},
                      fua);
        world.issue(0);
        CHECK(world.wait(0));
        CHECK(world.disk().cache().empty() == fua);
        world.prepare(1, disk_opcode::read, 40, 3,
                      std::vector<disk_segment>{
                          {elsewhere + 500, 1036}, {elsewhere, 1}, {elsewhere + 1, 499}});
        world.issue(1);
        CHECK(world.wait(1));
        CHECK(std::memcmp(world.memory.at(elsewhere + 500, 1036), world.memory.at(data, 1036),
                          1036) == 0);
        CHECK(std::memcmp(world.memory.at(elsewhere, 500), world.memory.at(data + 1036, 500),
                          500) == 0);
    }
}

TEST_CASE("a read takes the sectors that the cache has from there and the others from the media")
{
    disk_world world;
    world.fill(data, 512, 0xaa);
    CHECK(world.perform(disk_opcode::write, 12, 1));
    CHECK(world.perform(disk_opcode::read, 10, 4, elsewhere));
    CHECK(world.holds(elsewhere + 2 * 512, 512, 0xaa));
    std::array<std::byte, 512> old;
    world.media.read(sector_number(11), 1, old.data());
    CHECK(std::memcmp(old.data(), world.memory.at(elsewhere + 512, 512), 512) == 0);
    CHECK(world.disk().stats().cache_hits == 1);
    CHECK(world.disk().stats().media_reads == 4);
}

TEST_CASE("a read that the cache can answer alone does not wait for the mechanism")
{
    disk_world world;
    world.fill(data, 1024, 0xaa);
    CHECK(world.perform(disk_opcode::write, 12, 2));
    const std::uint64_t before = world.now();
    world.prepare(0, disk_opcode::read, 5000, 8); // keeps the mechanism busy
    world.prepare(1, disk_opcode::read, 12, 2, elsewhere);
    world.issue_mask(3);
    CHECK(world.wait(1));
    CHECK(world.now() - before == 20 * ns + 80 * ns);
    CHECK(world.holds(elsewhere, 1024, 0xaa));
    CHECK(world.wait(0));
}

TEST_CASE("a read never overtakes a newer version that is on its way to the media")
{
    disk_world world;
    world.fill(data, 512, 1);
    CHECK(world.perform(disk_opcode::write, 12, 1));
    world.prepare(0, disk_opcode::flush);
    world.issue(0);
    world.run_until(150 * us); // the head is on its way
    world.fill(data, 512, 2);
    CHECK(world.perform(disk_opcode::write, 12, 1));
    CHECK(world.perform(disk_opcode::read, 12, 1, elsewhere));
    CHECK(world.holds(elsewhere, 512, 2));
}

// ---- DMA over time

TEST_CASE("a store during the DMA lands in the beats still to come and not in those gone by")
{
    disk_world world;
    world.fill(data, 4096, 'A');
    world.prepare(0, disk_opcode::write, 0, 8);
    world.issue(0);
    // The beats are read at 10 ns, 15 ns ...; the 32 of the first half by 165 ns.
    world.at(168 * ns, [&] { world.fill(data, 4096, 'B'); });
    CHECK(world.wait(0));
    for (std::uint64_t sector = 0; sector < 4; ++sector)
        CHECK(world.current(sector, 'A'));
    for (std::uint64_t sector = 4; sector < 8; ++sector)
        CHECK(world.current(sector, 'B'));
}

TEST_CASE("a store in the middle of a sector's DMA is half captured")
{
    disk_world world;
    world.fill(data, 512, 'A');
    world.prepare(0, disk_opcode::write, 0, 1);
    world.issue(0);
    world.at(22 * ns, [&] { world.fill(data, 512, 'B'); });
    CHECK(world.wait(0));
    std::array<std::byte, 512> bytes;
    world.disk().read_current(sector_number(0), 1, bytes.data());
    CHECK(disk_world::all_are(bytes.data(), 3 * 64, 'A')); // 10, 15, 20 ns
    CHECK(disk_world::all_are(bytes.data() + 3 * 64, 5 * 64, 'B'));
}

TEST_CASE("a store after the last beat does not reach a write that is still outstanding")
{
    disk_world world;
    world.fill(data, 512, 'A');
    world.prepare(0, disk_opcode::write, 0, 1, data, true);
    world.issue(0);
    world.at(46 * ns, [&] { world.fill(data, 512, 'B'); });
    CHECK(world.wait(0));
    CHECK(world.durable(0, 'A'));
}

TEST_CASE("a read arrives in memory beat by beat")
{
    disk_world world;
    world.fill(data, 512, 'A');
    CHECK(world.perform(disk_opcode::write, 0, 1));
    const std::uint64_t began = world.now() + 10 * ns;
    world.prepare(0, disk_opcode::read, 0, 1, elsewhere);
    world.issue(0);
    world.run_until(began + 12 * ns);
    CHECK(world.holds(elsewhere, 3 * 64, 'A'));
    CHECK(world.holds(elsewhere + 3 * 64, 5 * 64, 0));
    CHECK(world.wait(0));
    CHECK(world.holds(elsewhere, 512, 'A'));
}

// ---- The write cache

TEST_CASE("a write that is done is not durable before a flush, and durable after it")
{
    disk_world world;
    world.fill(data, 1024, 'A');
    CHECK(world.perform(disk_opcode::write, 5, 2));
    CHECK(world.current(5, 'A'));
    CHECK_FALSE(world.durable(5, 'A'));
    const std::uint64_t before = world.now();
    CHECK(world.perform(disk_opcode::flush));
    CHECK(world.now() - before == 5 * ns + 202 * us);
    CHECK(world.durable(5, 'A'));
    CHECK(world.durable(6, 'A'));
    CHECK(world.disk().cache().empty());
}

TEST_CASE("a flush of an empty cache is done as soon as it is fetched")
{
    disk_world world;
    CHECK(world.perform(disk_opcode::flush));
    CHECK(world.now() == 5 * ns);
}

TEST_CASE("a flush does not cover a write that is outstanding with it")
{
    disk_world world;
    world.fill(data, 512, 'A');
    world.prepare(0, disk_opcode::flush);
    world.prepare(1, disk_opcode::write, 5, 1);
    world.issue_mask(3);
    CHECK(world.wait(0));
    CHECK(world.wait(1));
    CHECK_FALSE(world.durable(5, 'A'));
}

TEST_CASE("a flush does not wait for what was accepted after it")
{
    disk_world world;
    world.fill(data, 4096, 'A');
    CHECK(world.perform(disk_opcode::write, 50, 1));
    world.prepare(0, disk_opcode::flush);
    world.prepare(1, disk_opcode::write, 90, 1);
    world.prepare(2, disk_opcode::write, 10, 1);
    world.issue_mask(7);
    CHECK(world.wait(0));
    CHECK(world.durable(50, 'A'));
    CHECK_FALSE(world.durable(90, 'A'));
    CHECK_FALSE(world.durable(10, 'A'));
}

TEST_CASE("a sector rewritten while the head writes it is flushed old and stays in the cache new")
{
    disk_world world;
    world.fill(data, 512, 'A');
    world.fill(elsewhere, 512, 'B');
    CHECK(world.perform(disk_opcode::write, 5, 1));
    world.prepare(0, disk_opcode::flush);
    world.prepare(1, disk_opcode::write, 5, 1, elsewhere);
    const std::uint64_t head = world.now() + 5 * ns + 200 * us;
    world.issue(0);
    world.at(head + 100 * ns, [&] { world.issue(1); });
    CHECK(world.wait(0));
    CHECK(world.now() == head + 1 * us);
    CHECK(world.wait(1));
    CHECK(world.durable(5, 'A'));
    CHECK(world.current(5, 'B'));
    CHECK(world.disk().cache().held_sectors() == 1);
    CHECK(world.perform(disk_opcode::flush));
    CHECK(world.durable(5, 'B'));
}

TEST_CASE("a sector rewritten before the head comes is flushed new")
{
    disk_world world;
    world.fill(data, 512, 'A');
    world.fill(elsewhere, 512, 'B');
    CHECK(world.perform(disk_opcode::write, 5, 1));
    world.prepare(0, disk_opcode::flush);
    world.prepare(1, disk_opcode::write, 5, 1, elsewhere);
    world.issue_mask(3);
    CHECK(world.wait(0));
    CHECK(world.durable(5, 'B'));
    CHECK(world.disk().cache().empty());
}

TEST_CASE("a write with FUA is durable although an older version waits in the cache")
{
    disk_world world;
    world.fill(data, 512, 'A');
    world.fill(elsewhere, 512, 'B');
    CHECK(world.perform(disk_opcode::write, 5, 1));
    CHECK(world.perform(disk_opcode::write, 900, 1));
    CHECK(world.perform(disk_opcode::write, 5, 1, elsewhere, true));
    CHECK(world.durable(5, 'B'));
    CHECK_FALSE(world.durable(900, 'A')); // FUA is not a flush
    CHECK(world.perform(disk_opcode::flush));
    CHECK(world.durable(5, 'B'));
}

TEST_CASE("a write larger than the cache waits for room, and other commands go on")
{
    disk_options options = disk_world::quick_options();
    options.cache_size = 4 * 512;
    disk_world world(options);
    for (unsigned sector = 0; sector < 16; ++sector)
        world.fill(data + sector * 512, 512, sector + 1);
    world.prepare(0, disk_opcode::write, 100, 16);
    world.prepare(1, disk_opcode::read, 100, 1, elsewhere);
    world.issue(0);
    world.run_until(1 * us);
    CHECK(world.disk().read_register(disk_register::issue) == 1);
    CHECK(world.disk().stats().room_waits == 1);
    world.issue(1); // the cache has that sector
    CHECK(world.wait(1));
    CHECK(world.now() < 2 * us);
    CHECK(world.holds(elsewhere, 512, 1));
    CHECK(world.wait(0));
    CHECK(world.now() > 200 * us);
    CHECK(world.disk().cache().held_sectors() <= 4);
    CHECK(world.perform(disk_opcode::flush));
    for (unsigned sector = 0; sector < 16; ++sector)
        CHECK(world.durable(100 + sector, sector + 1));
}

TEST_CASE("an idle disk empties its cache")
{
    disk_world world;
    world.fill(data, 512, 'A');
    CHECK(world.perform(disk_opcode::write, 5, 1));
    const std::uint64_t done = world.now();
    world.run_until(done + 10 * ms + 200 * us);
    CHECK_FALSE(world.durable(5, 'A'));
    world.run_until(done + 10 * ms + 201 * us + 1);
    CHECK(world.durable(5, 'A'));
    CHECK(world.disk().cache().empty());
}

TEST_CASE("a command puts the idle disk's emptying off")
{
    disk_world world;
    world.fill(data, 512, 'A');
    CHECK(world.perform(disk_opcode::write, 5, 1));
    world.run_until(9 * ms);
    CHECK(world.perform(disk_opcode::write, 9, 1));
    world.run_until(18 * ms);
    CHECK_FALSE(world.durable(5, 'A'));
    world.run_until(20 * ms);
    CHECK(world.durable(5, 'A'));
}

TEST_CASE("a cache more than half full empties without waiting for idleness")
{
    disk_options options = disk_world::quick_options();
    options.cache_size = 8 * 512;
    disk_world world(options);
    world.fill(data, 4096, 'A');
    CHECK(world.perform(disk_opcode::write, 0, 4));
    world.run_until(1 * ms);
    CHECK_FALSE(world.durable(0, 'A'));
    CHECK(world.perform(disk_opcode::write, 4, 1));
    world.run_until(2 * ms);
    CHECK(world.durable(0, 'A'));
}

TEST_CASE("the mechanism leaves its own work for a command after the current sector")
{
    disk_world world;
    world.fill(data, 64 * 512, 'A');
    CHECK(world.perform(disk_opcode::write, 0, 64));
    const std::uint64_t idle = world.now() + 10 * ms;
    world.run_until(idle + 200 * us + 10 * us + 500 * ns); // writing the 11th of 64 sectors
    const std::uint64_t before = world.now();
    CHECK(world.perform(disk_opcode::read, 5000, 1, elsewhere));
    CHECK(world.now() - before == 500 * ns + 100 * us + 1 * us + 40 * ns);
    CHECK(world.disk().stats().media_writes == 11);
}

// ---- The queue

TEST_CASE("first come, first served: commands finish in the order of issue")
{
    disk_options options;
    options.never_written = leftover::zeros;
    disk_world world(options);
    const std::uint64_t sectors[] = {17'000'000, 100, 9'000'000, 200};
    for (unsigned slot = 0; slot < 4; ++slot) {
        world.prepare(slot, disk_opcode::read, sectors[slot], 1, data + slot * 512);
        world.issue(slot);
    }
    std::vector<std::uint32_t> seen;
    world.on_interrupt = [&] { seen.push_back(world.disk().read_register(disk_register::done)); };
    world.run();
    CHECK(seen == std::vector<std::uint32_t>{1, 3, 7, 15});
    CHECK(world.disk().stats().max_queue == 4);
}

TEST_CASE("nearest first: the arm takes the commands on its way and so is done sooner")
{
    std::uint64_t took[2];
    for (const bool nearest : {false, true}) {
        disk_options options;
        options.never_written = leftover::zeros;
        options.scheduling = nearest ? disk_scheduling::nearest : disk_scheduling::fcfs;
        disk_world world(options);
        for (unsigned slot = 0; slot < 32; ++slot) {
            world.prepare(slot, disk_opcode::read, slot * 7919 % 32 * 500'000, 1,
                          data + slot * 512);
            world.issue(slot);
        }
        world.run();
        CHECK(world.disk().read_register(disk_register::done) == ~0U);
        CHECK(world.disk().stats().reads == 32);
        took[nearest ? 1 : 0] = world.now();
    }
    CHECK(took[1] * 3 < took[0] * 2);
}

TEST_CASE("no more than queue_depth commands are worked on at a time")
{
    disk_options options = disk_world::quick_options();
    options.queue_depth = 2;
    disk_world world(options);
    for (unsigned slot = 0; slot < 4; ++slot)
        world.prepare(slot, disk_opcode::read, 1000 * slot, 1, data + slot * 512);
    world.issue_mask(15);
    world.run_until(50 * us);
    CHECK(std::count_if(world.events().begin(), world.events().end(),
                        [](const auto& e) { return e.name == "disk_fetched"; }) == 2);
    world.run();
    CHECK(world.disk().read_register(disk_register::done) == 15);
}

TEST_CASE("the interrupt handler may issue the next command into the same slot")
{
    disk_world world;
    world.prepare(0, disk_opcode::write, 5, 1);
    unsigned left = 10;
    world.on_interrupt = [&] {
        world.disk().write_register(disk_register::done, 1);
        if (left-- > 1)
            world.issue(0);
    };
    world.issue(0);
    world.run();
    CHECK(world.disk().stats().writes == 10);
    CHECK(world.interrupts == 10);
}

TEST_CASE("issuing a slot that is outstanding changes nothing")
{
    disk_world world;
    world.prepare(0, disk_opcode::write, 5, 1);
    world.issue(0);
    world.issue(0);
    world.at(20 * ns, [&] { world.issue(0); });
    world.run();
    CHECK(world.disk().stats().writes == 1);
}

TEST_CASE("the statistics add up")
{
    disk_world world;
    CHECK(world.perform(disk_opcode::write, 0, 8));
    CHECK(world.perform(disk_opcode::read, 100, 4));
    CHECK(world.perform(disk_opcode::flush));
    CHECK_FALSE(world.perform(disk_opcode::read, 100'000, 1));
    const disk_stats& stats = world.disk().stats();
    CHECK(stats.writes == 1);
    CHECK(stats.reads == 1);
    CHECK(stats.flushes == 1);
    CHECK(stats.failures == 1);
    CHECK(stats.sectors_written == 8);
    CHECK(stats.sectors_read == 4);
    CHECK(stats.media_writes == 8);
    CHECK(stats.media_reads == 4);
    CHECK(stats.destage_runs == 1);
    CHECK(stats.max_queue == 1);
    CHECK(stats.mechanism_busy.raw() == 104 * us + 208 * us);
    CHECK(stats.service_time.raw() == world.now()); // it was never without a command
}

// ---- Commands that make no sense

TEST_CASE("a command that makes no sense fails, and the disk goes on")
{
    disk_world world;
    const auto fails = [&](const char* why, const disk_command& c) {
        CAPTURE(why);
        const auto header = c.encode();
        std::memcpy(world.memory.at(disk_world::list, 32), header.data(), 32);
        const auto segment = disk_segment{data, 512}.encode();
        std::memcpy(world.memory.at(disk_world::tables, 16), segment.data(), 16);
        world.issue(0);
        CHECK_FALSE(world.wait(0));
    };
    const physical_address table = disk_world::tables;
    const sector_number zero(0);
    fails("no opcode", {0, 0, 1, 1, zero, table});
    fails("unknown opcode", {4, 0, 1, 1, zero, table});
    fails("unknown flag", {1, 2, 1, 1, zero, table});
    fails("no sectors", {1, 0, 1, 0, zero, table});
    fails("no segments", {1, 0, 0, 1, zero, table});
    fails("fewer bytes than sectors", {1, 0, 1, 2, zero, table});
    fails("too long", {1, 0, 1, 65537, zero, table});
    fails("behind the end", {1, 0, 1, 1, sector_number(100'000), table});
    fails("across the end", {1, 0, 1, 2, sector_number(99'999), table});
    fails("wraps around", {2, 0, 1, 2, sector_number::max(), table});
    fails("table nowhere", {1, 0, 1, 1, zero, physical_address(0x10'0000)});
    fails("table at the end of addresses", {1, 0, 1, 1, zero, physical_address::max()});
    CHECK(world.disk().stats().failures == 12);
    CHECK(world.perform(disk_opcode::write, 0, 1));
}

TEST_CASE("segments that make no sense fail the command")
{
    disk_world world;
    const auto fails = [&](disk_opcode opcode, const std::vector<disk_segment>& segments) {
        world.prepare(0, opcode, 0, 1, segments);
        world.issue(0);
        CHECK_FALSE(world.wait(0));
    };
    for (const disk_opcode opcode : {disk_opcode::read, disk_opcode::write}) {
        fails(opcode, {{data, 512}, {data, 0}});
        fails(opcode, {{data, 511}});
        fails(opcode, {{data, 513}});
        fails(opcode, {{data, ~0U}, {data, ~0U}});
        fails(opcode, {{physical_address::max(), 512}});
        fails(opcode, {{data, 256}, {physical_address(0x10'0000), 256}});
    }
}

TEST_CASE("a write whose memory ends midway fails and leaves only whole sectors")
{
    disk_world world;
    world.fill(data, 4096, 'A');
    world.prepare(0, disk_opcode::write, 10, 4,
                  std::vector<disk_segment>{{data, 700}, {physical_address(0x10'0000), 1348}});
    world.issue(0);
    CHECK_FALSE(world.wait(0));
    CHECK(world.current(10, 'A'));
    CHECK(world.disk().cache().held_sectors() == 1);
}

TEST_CASE("a command list that is nowhere fails every slot")
{
    disk_world world;
    world.disk().write_register(disk_register::list_hi, ~0U);
    world.issue_mask(~0U);
    world.run();
    CHECK(world.disk().read_register(disk_register::failed) == ~0U);
    CHECK(world.disk().read_register(disk_register::issue) == 0);
    world.disk().write_register(disk_register::list_lo, ~0U);
    world.issue_mask(~0U);
    world.run();
    CHECK(world.disk().stats().failures == 64);
}

// ---- checksums and defects

TEST_CASE("with checksums a write reads memory twice, and fails if it has changed in between")
{
    disk_options o = disk_world::quick_options();
    o.checksums = true;
    for (const std::uint64_t when : {0ul, 40ul, 60ul, 200ul}) { // the first pass is over at 50 ns
        disk_world world(o);
        world.fill(data, 512, 'A');
        world.prepare(0, disk_opcode::write, 0, 1);
        world.issue(0);
        if (when > 0)
            world.at(when * ns, [&] { world.fill(data, 512, 'B'); });
        CHECK(world.wait(0) == (when == 0 || when == 200));
        CHECK(world.disk().stats().failures == (when == 0 || when == 200 ? 0 : 1));
        if (when == 0) {
            CHECK(world.now() == 5 * ns + 5 * ns + 2 * 8 * 5 * ns);
            CHECK(world.current(0, 'A'));
        }
    }
}

TEST_CASE("a write to a defect fails once, and leaves the sectors before it")
{
    disk_world world;
    world.fill(data, 1536, 'A');
    world.disk().fail_next_write(sector_number(6));
    CHECK_FALSE(world.perform(disk_opcode::write, 5, 3, data));
    CHECK(world.current(5, 'A'));
    CHECK_FALSE(world.current(6, 'A'));
    CHECK(world.perform(disk_opcode::write, 5, 3, data));
    CHECK(world.current(7, 'A'));
}
