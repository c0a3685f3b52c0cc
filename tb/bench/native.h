#pragma once

#include <cstdint>

namespace mkclean
{

/// Seconds that `operations` stores of 8 bytes take, in the order of `touch`, to that many pages of
/// plain memory that are all there.
double time_scattered_stores(std::uint64_t pages, std::uint64_t operations);

/// Seconds that the rtorrent program takes on this host: a file of `bytes` in /dev/shm (a tmpfs)
/// mapped, stored to in chunks in a shuffled order, synced, unmapped, mapped again and compared.
/// Error: file_error.
double time_rtorrent(std::uint64_t bytes, std::uint64_t chunk);

} // namespace mkclean
