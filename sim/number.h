#pragma once

#include <cstdint>
#include <functional>
#include <limits>

namespace mkclean
{

/// A count or an address of one kind. Numbers of different kinds do not mix, so that a page index
/// handed to a function that wants a frame number is a compile error.
template <class Kind>
class number
{
public:
    constexpr number() = default;
    constexpr explicit number(std::uint64_t value) : m_value(value) {}

    constexpr std::uint64_t raw() const { return m_value; }

    static constexpr number max() { return number(std::numeric_limits<std::uint64_t>::max()); }

    constexpr number& operator++()
    {
        ++m_value;
        return *this;
    }
    constexpr number& operator+=(number other)
    {
        m_value += other.m_value;
        return *this;
    }
    constexpr number& operator-=(number other)
    {
        m_value -= other.m_value;
        return *this;
    }
    friend constexpr number operator+(number a, number b) { return number(a.m_value + b.m_value); }
    friend constexpr number operator-(number a, number b) { return number(a.m_value - b.m_value); }
    friend constexpr number operator+(number a, std::uint64_t b) { return number(a.m_value + b); }
    friend constexpr number operator*(number a, std::uint64_t b) { return number(a.m_value * b); }

    friend constexpr bool operator==(number a, number b) { return a.m_value == b.m_value; }
    friend constexpr bool operator!=(number a, number b) { return a.m_value != b.m_value; }
    friend constexpr bool operator<(number a, number b) { return a.m_value < b.m_value; }
    friend constexpr bool operator<=(number a, number b) { return a.m_value <= b.m_value; }
    friend constexpr bool operator>(number a, number b) { return a.m_value > b.m_value; }
    friend constexpr bool operator>=(number a, number b) { return a.m_value >= b.m_value; }

private:
    std::uint64_t m_value = 0;
};

/// Simulated time since the world began. 64 bits of ps cover 213 days.
using picoseconds = number<struct picoseconds_kind>;
/// Clock cycles of one core.
using cycles = number<struct cycles_kind>;

using virtual_address = number<struct virtual_address_kind>;
/// A byte of physical memory or of a memory-mapped register.
using physical_address = number<struct physical_address_kind>;
/// A 4 KiB frame of physical memory.
using frame_number = number<struct frame_number_kind>;
/// A page of a file: file offset / 4096.
using page_index = number<struct page_index_kind>;
/// A filesystem block on its device; its size is the filesystem's.
using block_number = number<struct block_number_kind>;
/// A 512-byte unit of a disk.
using sector_number = number<struct sector_number_kind>;
using inode_number = number<struct inode_number_kind>;

constexpr std::uint64_t page_shift = 12;
constexpr std::uint64_t page_size = std::uint64_t{1} << page_shift;
constexpr std::uint64_t sector_size = 512;

constexpr physical_address address_of(frame_number frame)
{
    return physical_address(frame.raw() << page_shift);
}
constexpr frame_number frame_of(physical_address address)
{
    return frame_number(address.raw() >> page_shift);
}
constexpr std::uint64_t offset_in_page(virtual_address address)
{
    return address.raw() & (page_size - 1);
}
constexpr std::uint64_t offset_in_page(physical_address address)
{
    return address.raw() & (page_size - 1);
}

} // namespace mkclean

template <class Kind>
struct std::hash<mkclean::number<Kind>> {
    std::size_t operator()(mkclean::number<Kind> value) const noexcept
    {
        return std::hash<std::uint64_t>()(value.raw());
    }
};
