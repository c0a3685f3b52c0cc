#include "storage/disk/command.h"

#include "storage/disk/registers.h"

#include <limits>

namespace mkclean
{

namespace
{

template <class Value>
void store_little_endian(std::byte* to, Value value)
{
    for (std::size_t i = 0; i < sizeof(Value); ++i)
        to[i] = static_cast<std::byte>((std::uint64_t{value} >> (8 * i)) & 0xff);
}

template <class Value>
Value load_little_endian(const std::byte* from)
{
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(Value); ++i)
        value |= std::to_integer<std::uint64_t>(from[i]) << (8 * i);
    return static_cast<Value>(value);
}

} // namespace

std::array<std::byte, disk_command::bytes> disk_command::encode() const
{
    std::array<std::byte, bytes> to{};
    store_little_endian(&to[0], opcode);
    store_little_endian(&to[1], flags);
    store_little_endian(&to[2], segments);
    store_little_endian(&to[4], sectors);
    store_little_endian(&to[8], first.raw());
    store_little_endian(&to[16], table.raw());
    return to;
}

disk_command disk_command::decode(const std::byte* from)
{
    disk_command c;
    c.opcode = load_little_endian<std::uint8_t>(from);
    c.flags = load_little_endian<std::uint8_t>(from + 1);
    c.segments = load_little_endian<std::uint16_t>(from + 2);
    c.sectors = load_little_endian<std::uint32_t>(from + 4);
    c.first = sector_number(load_little_endian<std::uint64_t>(from + 8));
    c.table = physical_address(load_little_endian<std::uint64_t>(from + 16));
    return c;
}

std::array<std::byte, disk_segment::bytes> disk_segment::encode() const
{
    std::array<std::byte, bytes> to{};
    store_little_endian(&to[0], address.raw());
    store_little_endian(&to[8], length);
    return to;
}

disk_segment disk_segment::decode(const std::byte* from)
{
    return {physical_address(load_little_endian<std::uint64_t>(from)),
            load_little_endian<std::uint32_t>(from + 8)};
}

bool addressable(physical_address from, std::uint64_t bytes)
{
    return bytes == 0 || bytes - 1 <= std::numeric_limits<std::uint64_t>::max() - from.raw();
}

bool disk_command::makes_sense(std::uint64_t capacity) const
{
    if ((flags & ~fua) != 0)
        return false;
    if (is(disk_opcode::flush))
        return true;
    return (is(disk_opcode::read) || is(disk_opcode::write)) && segments != 0 && sectors != 0 &&
           sectors <= disk_max_sectors && first.raw() < capacity &&
           sectors <= capacity - first.raw() &&
           addressable(table, std::uint64_t{segments} * disk_segment::bytes);
}

bool segments_make_sense(const std::vector<disk_segment>& segments, std::uint64_t sectors)
{
    std::uint64_t total = 0;
    for (const disk_segment& segment : segments) {
        if (segment.length == 0 || !addressable(segment.address, segment.length))
            return false;
        total += segment.length;
    }
    return total == sectors * sector_size;
}

} // namespace mkclean
