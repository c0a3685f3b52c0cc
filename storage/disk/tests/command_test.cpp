#include "storage/disk/command.h"

#include <doctest/doctest.h>

using namespace mkclean;

TEST_CASE("a command header lies in memory as documented")
{
    const disk_command c{2,
                         disk_command::fua,
                         0x1234,
                         0xa1b2c3d4,
                         sector_number(0x1122334455667788),
                         physical_address(0x99aabbccddeeff00)};
    const auto bytes = c.encode();
    const auto byte = [&](std::size_t i) { return std::to_integer<unsigned>(bytes[i]); };
    CHECK(byte(0) == 2);
    CHECK(byte(1) == 1);
    CHECK(byte(2) == 0x34);
    CHECK(byte(3) == 0x12);
    CHECK(byte(4) == 0xd4);
    CHECK(byte(7) == 0xa1);
    CHECK(byte(8) == 0x88);
    CHECK(byte(15) == 0x11);
    CHECK(byte(16) == 0x00);
    CHECK(byte(23) == 0x99);

    const disk_command back = disk_command::decode(bytes.data());
    CHECK(back.opcode == c.opcode);
    CHECK(back.flags == c.flags);
    CHECK(back.segments == c.segments);
    CHECK(back.sectors == c.sectors);
    CHECK(back.first == c.first);
    CHECK(back.table == c.table);
}

TEST_CASE("a segment lies in memory as documented")
{
    const disk_segment s{physical_address(0x0102030405060708), 0x11223344};
    const auto bytes = s.encode();
    CHECK(std::to_integer<unsigned>(bytes[0]) == 0x08);
    CHECK(std::to_integer<unsigned>(bytes[7]) == 0x01);
    CHECK(std::to_integer<unsigned>(bytes[8]) == 0x44);
    CHECK(std::to_integer<unsigned>(bytes[11]) == 0x11);
    const disk_segment back = disk_segment::decode(bytes.data());
    CHECK(back.address == s.address);
    CHECK(back.length == s.length);
}
