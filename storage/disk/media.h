#pragma once

#include "sim/sparse_page.h"

#include <array>
#include <bitset>
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

/// The platters: what survives a power cut. Only sectors that were written, and with anything but
/// zeros, take memory of the host. It knows no time; whoever writes it decides when a sector is on
/// it.
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

    /// Host memory in use for what the sectors hold, in bytes. O(sectors written).
    std::uint64_t resident_bytes() const;

private:
    static constexpr std::uint64_t chunk_sectors = sparse_page::sectors;
    static constexpr std::uint64_t chunks_per_piece = 8;
    struct chunk {
        sparse_page bytes;
        std::bitset<chunk_sectors> written;
    };
    using piece = std::array<chunk, chunks_per_piece>;

    void check(sector_number first, std::uint64_t count) const;
    void read_leftover(std::uint64_t sector, std::byte* to) const;
    const chunk* find(std::uint64_t index) const;
    chunk& find_or_create(std::uint64_t index);

    std::uint64_t m_capacity;
    leftover m_never_written;
    std::unordered_map<std::uint64_t, std::unique_ptr<piece>> m_pieces;
};

} // namespace mkclean
