#pragma once

#include "sim/number.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>

namespace mkclean
{

/// What a sector that nobody has written yet reads as (`disk.leftover`).
enum class leftover {
    zeros,  ///< a disk fresh from the factory
    pattern ///< old data: bytes that depend on the sector, so that exposing them is noticed
};

/// The platters: what survives a power cut. Only what was written takes memory of the host, in
/// chunks of 4 KiB. It knows no time; whoever writes it decides when a sector is on it.
///
/// Complexity: O(1) a sector.
class disk_media
{
public:
    /// `capacity` in sectors of 512 bytes.
    disk_media(std::uint64_t capacity, leftover never_written);

    std::uint64_t capacity() const { return m_capacity; }

    /// Both move `count` sectors, or throw std::out_of_range and move nothing.
    void read(sector_number first, std::uint64_t count, void* to) const;
    void write(sector_number first, std::uint64_t count, const void* from);

    /// Host memory in use, in bytes.
    std::uint64_t resident_bytes() const { return m_chunks.size() * chunk_size; }

private:
    static constexpr std::uint64_t chunk_size = 4096;
    static constexpr std::uint64_t chunk_sectors = chunk_size / sector_size;
    using chunk = std::array<std::byte, chunk_size>;

    void check(sector_number first, std::uint64_t count) const;
    void read_leftover(std::uint64_t sector, std::byte* to) const;
    chunk& chunk_of(std::uint64_t sector);

    std::uint64_t m_capacity;
    leftover m_never_written;
    std::unordered_map<std::uint64_t, std::unique_ptr<chunk>> m_chunks;
};

} // namespace mkclean
