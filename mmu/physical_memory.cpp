#include "mmu/physical_memory.h"

#include <algorithm>
#include <cstring>

namespace mkclean
{

physical_memory::physical_memory(std::uint64_t bytes)
    : m_frames((bytes + page_size - 1) / page_size)
{
}

bool physical_memory::contains(physical_address at, std::size_t length) const
{
    return at.raw() <= bytes() && length <= bytes() - at.raw();
}

std::byte* physical_memory::frame(frame_number number)
{
    if (number.raw() >= m_frames.size())
        throw bus_error{address_of(number)};
    std::unique_ptr<frame_bytes>& slot = m_frames[number.raw()];
    if (!slot)
        slot = std::make_unique<frame_bytes>();
    return slot->bytes.data();
}

void physical_memory::read(physical_address from, void* to, std::size_t length)
{
    if (!contains(from, length))
        throw bus_error{from};
    auto* out = static_cast<std::byte*>(to);
    while (length > 0) {
        const std::size_t piece = std::min<std::size_t>(length, page_size - offset_in_page(from));
        std::memcpy(out, frame(frame_of(from)) + offset_in_page(from), piece);
        out += piece;
        from += physical_address(piece);
        length -= piece;
    }
}

void physical_memory::write(physical_address to, const void* from, std::size_t length)
{
    if (!contains(to, length))
        throw bus_error{to};
    const auto* in = static_cast<const std::byte*>(from);
    while (length > 0) {
        const std::size_t piece = std::min<std::size_t>(length, page_size - offset_in_page(to));
        std::memcpy(frame(frame_of(to)) + offset_in_page(to), in, piece);
        in += piece;
        to += physical_address(piece);
        length -= piece;
    }
}

std::uint64_t physical_memory::read64(physical_address from)
{
    std::uint64_t value = 0;
    read(from, &value, sizeof value);
    return value;
}

void physical_memory::write64(physical_address to, std::uint64_t value)
{
    write(to, &value, sizeof value);
}

picoseconds direct_memory_port::read(physical_address from, void* to, std::size_t length)
{
    m_memory.read(from, to, length);
    return m_latency;
}

picoseconds direct_memory_port::write(physical_address to, const void* from, std::size_t length)
{
    m_memory.write(to, from, length);
    return m_latency;
}

picoseconds direct_memory_port::compare_exchange(physical_address at, std::uint64_t& expected,
                                                 std::uint64_t desired, bool& exchanged)
{
    const std::uint64_t found = m_memory.read64(at);
    exchanged = found == expected;
    if (exchanged)
        m_memory.write64(at, desired);
    expected = found;
    return m_latency;
}

} // namespace mkclean
