#pragma once

#include <cstdint>

namespace mkclean
{

/// The controller's registers: 32-bit words at these byte offsets. Any other offset reads 0 and
/// ignores writes; without power all read 0xffffffff.
///
///   offset name              access
///   0x00   id                r    0x31646b6d, "mkd1"
///   0x04   capacity_lo       r    sectors of 512 bytes, low word
///   0x08   capacity_hi       r    high word
///   0x0c   queue_depth       r    commands that it works on at a time, 1..32
///   0x10   list_lo           rw   physical address of the 32 command headers, low word
///   0x14   list_hi           rw   high word; both are read when a header is fetched
///   0x18   issue             rw   write 1: the slot's command begins (ignored where outstanding);
///                                 reads the slots outstanding
///   0x1c   done              rw1c slots whose command succeeded
///   0x20   failed            rw1c slots whose command did not: what it asks for makes no sense, or
///                                 nobody answered on the bus
///   0x24   interrupt_enable  rw   bit 0: raise the interrupt when a slot enters done or failed,
///   and
///                                 at once if one is there when this bit is set
///   0x28   features          r    bit 0: there is a volatile write cache, flush means something
///   0x2c   max_sectors       r    the longest command
///
/// A slot that leaves `issue` enters either `done` or `failed`.
namespace disk_register
{

constexpr std::uint64_t id = 0x00;
constexpr std::uint64_t capacity_lo = 0x04;
constexpr std::uint64_t capacity_hi = 0x08;
constexpr std::uint64_t queue_depth = 0x0c;
constexpr std::uint64_t list_lo = 0x10;
constexpr std::uint64_t list_hi = 0x14;
constexpr std::uint64_t issue = 0x18;
constexpr std::uint64_t done = 0x1c;
constexpr std::uint64_t failed = 0x20;
constexpr std::uint64_t interrupt_enable = 0x24;
constexpr std::uint64_t features = 0x28;
constexpr std::uint64_t max_sectors = 0x2c;
constexpr std::uint64_t bytes = 0x30; ///< of address space that they take

} // namespace disk_register

constexpr std::uint32_t disk_id = 0x31646b6d;
constexpr std::uint32_t disk_feature_write_cache = 1;
constexpr unsigned disk_slots = 32;
constexpr std::uint32_t disk_max_sectors = 65536; ///< 32 MiB, as ATA with 48-bit addresses

} // namespace mkclean
