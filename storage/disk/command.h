#pragma once

#include "sim/number.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace mkclean
{

enum class disk_opcode : std::uint8_t { read = 1, write = 2, flush = 3 };

/// A command's header, 32 bytes in memory, little endian:
///
///   byte  0  u8   opcode: 1 read, 2 write, 3 flush
///         1  u8   flags: bit 0 FUA (a write is done only on the media); the others 0
///         2  u16  entries of the segment table, at least 1
///         4  u32  sectors, 1..disk_max_sectors
///         8  u64  first sector
///        16  u64  physical address of the segment table
///        24  u64  not read
///
/// A flush has neither sectors nor segments; these fields are not read.
struct disk_command {
    std::uint8_t opcode = 0;
    std::uint8_t flags = 0;
    std::uint16_t segments = 0;
    std::uint32_t sectors = 0;
    sector_number first;
    physical_address table;

    bool is(disk_opcode what) const { return opcode == static_cast<std::uint8_t>(what); }
    /// Whether a disk of `capacity` sectors could do it, as far as the header tells.
    bool makes_sense(std::uint64_t capacity) const;

    static constexpr std::uint8_t fua = 1;
    static constexpr std::size_t bytes = 32;
    std::array<std::byte, bytes> encode() const;
    static disk_command decode(const std::byte* from);
};

/// An entry of the segment table, 16 bytes, little endian: u64 physical address, u32 bytes (not 0),
/// u32 not read. The entries' bytes add up to the command's sectors.
struct disk_segment {
    physical_address address;
    std::uint32_t length = 0;

    static constexpr std::size_t bytes = 16;
    std::array<std::byte, bytes> encode() const;
    static disk_segment decode(const std::byte* from);
};

/// Whether each segment has bytes and all of them are what `sectors` take.
bool segments_make_sense(const std::vector<disk_segment>& segments, std::uint64_t sectors);

/// Whether these bytes lie within 64 bits of address; who answers there is the bus' to say.
bool addressable(physical_address from, std::uint64_t bytes);

} // namespace mkclean
