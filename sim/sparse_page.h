#pragma once

#include "sim/number.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <memory>

namespace mkclean
{

using page_bytes = std::array<std::byte, page_size>;

/// What std::array's == says, without looking at one byte after the other.
inline bool same(const page_bytes& a, const page_bytes& b)
{
    return std::memcmp(a.data(), b.data(), page_size) == 0;
}

/// The bytes of a page, zeros at first. Of its eight sectors, only those that were ever anything
/// else take memory of the host: most pages of a large file that is stored to here and there are
/// zeros but for a word or two.
///
/// Complexity: O(bytes).
class sparse_page
{
public:
    static constexpr std::size_t sectors = page_size / sector_size;
    using sector = std::array<std::byte, sector_size>;

    /// The place of `length` bytes that do not cross a sector; null if the sector is all zeros yet.
    std::byte* find(std::size_t offset, std::size_t length)
    {
        const std::size_t in_sector = offset % sector_size;
        sector* const s = m_sectors[offset / sector_size].get();
        return s == nullptr || in_sector + length > sector_size ? nullptr : s->data() + in_sector;
    }
    std::byte operator[](std::size_t at) const
    {
        return (*sector_at(at / sector_size))[at % sector_size];
    }

    void read(std::size_t offset, void* to, std::size_t length) const
    {
        by_sector(offset, length, [&](std::size_t s, std::size_t at, std::size_t done, auto n) {
            std::memcpy(static_cast<std::byte*>(to) + done, sector_at(s)->data() + at, n);
        });
    }
    void write(std::size_t offset, const void* from, std::size_t length)
    {
        by_sector(offset, length, [&](std::size_t s, std::size_t at, std::size_t done, auto n) {
            const std::byte* const bytes = static_cast<const std::byte*>(from) + done;
            if (m_sectors[s] == nullptr && std::memcmp(bytes, zeros.data(), n) == 0)
                return;
            if (m_sectors[s] == nullptr)
                m_sectors[s] = std::make_unique<sector>();
            std::memcpy(m_sectors[s]->data() + at, bytes, n);
        });
    }
    /// All bytes from `offset` on become zeros.
    void zero_from(std::size_t offset)
    {
        by_sector(offset, page_size - offset, [&](std::size_t s, std::size_t at, auto, auto n) {
            if (n == sector_size)
                m_sectors[s] = nullptr;
            else if (m_sectors[s] != nullptr)
                std::memset(m_sectors[s]->data() + at, 0, n);
        });
    }
    bool equals(const void* bytes, std::size_t offset, std::size_t length) const
    {
        bool equal = true;
        by_sector(offset, length, [&](std::size_t s, std::size_t at, std::size_t done, auto n) {
            equal = equal && std::memcmp(static_cast<const std::byte*>(bytes) + done,
                                         sector_at(s)->data() + at, n) == 0;
        });
        return equal;
    }
    friend bool same(const page_bytes& a, const sparse_page& b)
    {
        return b.equals(a.data(), 0, page_size);
    }

    page_bytes all() const
    {
        page_bytes bytes;
        read(0, bytes.data(), page_size);
        return bytes;
    }
    /// Host memory in use beside this object, in bytes.
    std::size_t resident_bytes() const
    {
        return sector_size * static_cast<std::size_t>(std::count_if(
                                 m_sectors.begin(), m_sectors.end(),
                                 [](const std::unique_ptr<sector>& s) { return s != nullptr; }));
    }

private:
    static constexpr sector zeros{};

    const sector* sector_at(std::size_t s) const
    {
        return m_sectors[s] == nullptr ? &zeros : m_sectors[s].get();
    }
    /// Calls `visit(sector, offset in it, bytes visited before, bytes)` for each piece.
    template <class Visit>
    static void by_sector(std::size_t offset, std::size_t length, Visit&& visit)
    {
        for (std::size_t done = 0; done < length;) {
            const std::size_t at = (offset + done) % sector_size;
            const std::size_t n = std::min(length - done, sector_size - at);
            visit((offset + done) / sector_size, at, done, n);
            done += n;
        }
    }

    std::array<std::unique_ptr<sector>, sectors> m_sectors;
};

} // namespace mkclean
