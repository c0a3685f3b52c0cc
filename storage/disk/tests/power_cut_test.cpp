#include "storage/disk/tests/disk_world.h"

#include <doctest/doctest.h>

using namespace mkclean;

namespace
{

constexpr std::uint64_t ns = disk_world::ns;
constexpr std::uint64_t us = disk_world::us;
constexpr std::uint64_t ms = disk_world::ms;
constexpr physical_address data = disk_world::data;

disk_options empty_disk()
{
    disk_options options = disk_world::quick_options();
    options.never_written = leftover::zeros;
    return options;
}

} // namespace

TEST_CASE("a power cut tears a write between two sectors")
{
    disk_world world(empty_disk());
    world.fill(data, 4096, 'A');
    world.prepare(0, disk_opcode::write, 0, 8, data, true);
    world.issue(0);
    // Sector i is on the media at 330 ns + 200 us + (i + 1) us.
    world.at(330 * ns + 203 * us + 500 * ns, [&] { world.disk().cut_power(); });
    world.run();
    for (std::uint64_t sector = 0; sector < 3; ++sector)
        CHECK(world.durable(sector, 'A'));
    for (std::uint64_t sector = 3; sector < 8; ++sector)
        CHECK(world.durable(sector, 0));
    CHECK(world.disk().stats().writes == 0);
    CHECK(world.interrupts == 0);
}

TEST_CASE("at every instant of a cut each sector is old or new, never mixed, and in order")
{
    for (std::uint64_t cut = 200 * us; cut < 209 * us; cut += 100 * ns + 7) {
        CAPTURE(cut);
        disk_world world(empty_disk());
        world.fill(data, 4096, 'A');
        CHECK(world.perform(disk_opcode::write, 0, 8, data, true));
        world.fill(data, 4096, 'B');
        world.at(world.now() + cut, [&] { world.disk().cut_power(); });
        world.prepare(0, disk_opcode::write, 0, 8, data, true);
        world.issue(0);
        world.run();
        bool still_new = true;
        for (std::uint64_t sector = 0; sector < 8; ++sector) {
            const bool is_new = world.durable(sector, 'B');
            CHECK((is_new || world.durable(sector, 'A')));
            CHECK((still_new || !is_new));
            still_new = is_new;
        }
    }
}

TEST_CASE("a power cut loses what the cache has not written, and nothing that was flushed")
{
    disk_world world(empty_disk());
    world.fill(data, 512, 'A');
    CHECK(world.perform(disk_opcode::write, 1, 1));
    CHECK(world.perform(disk_opcode::flush));
    CHECK(world.perform(disk_opcode::write, 2, 1));
    CHECK(world.perform(disk_opcode::write, 3, 1, data, true));
    CHECK(world.current(2, 'A'));
    world.disk().cut_power();
    world.run();
    CHECK(world.durable(1, 'A'));
    CHECK(world.current(2, 0));
    CHECK(world.durable(3, 'A'));
}

TEST_CASE("without power nothing happens any more, and every register reads all ones")
{
    disk_world world(empty_disk());
    world.fill(data, 512, 'A');
    CHECK(world.perform(disk_opcode::write, 1, 1));
    world.prepare(0, disk_opcode::write, 2, 1);
    world.prepare(1, disk_opcode::read, 3, 1, physical_address(0x40000));
    world.fill(physical_address(0x40000), 512, 0xee);
    world.issue_mask(3);
    world.at(world.now() + 20 * ns, [&] { world.disk().cut_power(); });
    world.run_until(100 * ms);
    world.issue(5);
    world.run();
    CHECK_FALSE(world.disk().powered());
    CHECK(world.disk().read_register(disk_register::id) == ~0U);
    CHECK(world.disk().read_register(disk_register::issue) == ~0U);
    CHECK(world.interrupts == 1);
    CHECK(world.media.resident_bytes() == 0);
    CHECK(world.holds(physical_address(0x40000), 512, 0xee));
}

TEST_CASE("the power may go within the interrupt")
{
    disk_world world(empty_disk());
    world.fill(data, 1024, 'A');
    world.prepare(0, disk_opcode::write, 1, 1, data, true);
    world.prepare(1, disk_opcode::write, 2, 1, data, true);
    world.on_interrupt = [&] { world.disk().cut_power(); };
    world.issue_mask(3);
    world.run();
    CHECK(world.interrupts == 1);
    CHECK(world.durable(1, 'A'));
}

TEST_CASE("switched on again, the disk has what was on the media")
{
    disk_world world(empty_disk());
    world.fill(data, 512, 'A');
    CHECK(world.perform(disk_opcode::write, 1, 1, data, true));
    CHECK(world.perform(disk_opcode::write, 2, 1));
    world.disk().cut_power();
    world.switch_on();
    CHECK(world.perform(disk_opcode::read, 1, 2, physical_address(0x40000)));
    CHECK(world.holds(physical_address(0x40000), 512, 'A'));
    CHECK(world.holds(physical_address(0x40200), 512, 0));
}
