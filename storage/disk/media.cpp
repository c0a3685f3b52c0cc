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

const disk_media::chunk* disk_media::find(std::uint64_t index) const
{
    const auto found = m_pieces.find(index / chunks_per_piece);
    return found == m_pieces.end() ? nullptr : &(*found->second)[index % chunks_per_piece];
}

disk_media::chunk& disk_media::find_or_create(std::uint64_t index)
{
    std::unique_ptr<piece>& found = m_pieces[index / chunks_per_piece];
    if (found == nullptr)
        found = std::make_unique<piece>();
    return (*found)[index % chunks_per_piece];
}

void disk_media::read(sector_number first, std::uint64_t count, void* to) const
{
    check(first, count);
    std::byte* bytes = static_cast<std::byte*>(to);
    const chunk* in = nullptr;
    for (std::uint64_t s = first.raw(); s < first.raw() + count; ++s, bytes += sector_size) {
        if (s == first.raw() || s % chunk_sectors == 0)
            in = find(s / chunk_sectors);
        if (in == nullptr || !in->written[s % chunk_sectors])
            read_leftover(s, bytes);
        else
            in->bytes.read(s % chunk_sectors * sector_size, bytes, sector_size);
    }
}

void disk_media::write(sector_number first, std::uint64_t count, const void* from)
{
    check(first, count);
    const std::byte* bytes = static_cast<const std::byte*>(from);
    for (std::uint64_t s = first.raw(); s < first.raw() + count; ++s, bytes += sector_size) {
        chunk& in = find_or_create(s / chunk_sectors);
        in.bytes.write(s % chunk_sectors * sector_size, bytes, sector_size);
        in.written.set(s % chunk_sectors);
    }
}

std::uint64_t disk_media::resident_bytes() const
{
    std::uint64_t bytes = 0;
    for (const auto& [number, chunks] : m_pieces)
        for (const chunk& c : *chunks)
            bytes += c.bytes.resident_bytes();
    return bytes;
}

} // namespace mkclean
