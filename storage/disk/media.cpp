#include "storage/disk/media.h"

#include <cstring>
#include <stdexcept>
#include <string>

namespace mkclean
{

namespace
{

// The finalizer of MurmurHash3: neighbours get unrelated bytes.
std::uint64_t scramble(std::uint64_t value)
{
    value ^= value >> 33;
    value *= 0xff51afd7ed558ccdU;
    value ^= value >> 33;
    value *= 0xc4ceb9fe1a85ec53U;
    value ^= value >> 33;
    return value;
}

} // namespace

disk_media::disk_media(std::uint64_t capacity, leftover never_written)
    : m_capacity(capacity),
      m_never_written(never_written)
{
}

void disk_media::check(sector_number first, std::uint64_t count) const
{
    if (first.raw() > m_capacity || count > m_capacity - first.raw())
        throw std::out_of_range("disk_media: sectors " + std::to_string(first.raw()) + "+" +
                                std::to_string(count) + " of " + std::to_string(m_capacity));
}

void disk_media::read_leftover(std::uint64_t sector, std::byte* to) const
{
    if (m_never_written == leftover::zeros) {
        std::memset(to, 0, sector_size);
        return;
    }
    for (std::uint64_t at = 0; at < sector_size; at += 8) {
        const std::uint64_t word = scramble((sector + 1) * (sector_size / 8) + at / 8);
        for (unsigned byte = 0; byte < 8; ++byte)
            to[at + byte] = static_cast<std::byte>((word >> (8 * byte)) & 0xff);
    }
}

disk_media::chunk& disk_media::chunk_of(std::uint64_t sector)
{
    const std::uint64_t index = sector / chunk_sectors;
    std::unique_ptr<chunk>& found = m_chunks[index];
    if (!found) {
        found = std::make_unique<chunk>();
        for (std::uint64_t i = 0; i < chunk_sectors; ++i)
            read_leftover(index * chunk_sectors + i, found->data() + i * sector_size);
    }
    return *found;
}

void disk_media::read(sector_number first, std::uint64_t count, void* to) const
{
    check(first, count);
    std::byte* bytes = static_cast<std::byte*>(to);
    for (std::uint64_t s = first.raw(); s < first.raw() + count; ++s, bytes += sector_size) {
        const auto found = m_chunks.find(s / chunk_sectors);
        if (found == m_chunks.end())
            read_leftover(s, bytes);
        else
            std::memcpy(bytes, found->second->data() + s % chunk_sectors * sector_size,
                        sector_size);
    }
}

void disk_media::write(sector_number first, std::uint64_t count, const void* from)
{
    check(first, count);
    const std::byte* bytes = static_cast<const std::byte*>(from);
    for (std::uint64_t s = first.raw(); s < first.raw() + count; ++s, bytes += sector_size)
        std::memcpy(chunk_of(s).data() + s % chunk_sectors * sector_size, bytes, sector_size);
}

} // namespace mkclean
