#include "mmu/physical_memory.h"
#include "mmu/storage_keys.h"

#include <algorithm>
#include <cstring>
#include <new>

#include <sys/mman.h>

namespace mkclean
{

namespace
{

// A small machine's memory is touched here and there: huge pages would only have to be cleared.
constexpr std::uint64_t worth_huge_pages = std::uint64_t{64} << 20;

std::byte* map_memory(std::uint64_t bytes)
{
    void* const mapped = ::mmap(nullptr, std::max(bytes, page_size), PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED)
        throw std::bad_alloc();
    std::byte* const begin = static_cast<std::byte*>(mapped);
    if (bytes > worth_huge_pages) // advice; a host without them does without
        ::madvise(begin + worth_huge_pages, bytes - worth_huge_pages, MADV_HUGEPAGE);
    return begin;
}

} // namespace

void physical_memory::unmap::operator()(std::byte* mapped) const
{
    if (bytes > 0)
        ::munmap(mapped, bytes);
}

physical_memory::physical_memory(std::uint64_t bytes)
    : m_frames((bytes + page_size - 1) / page_size),
      m_bytes(map_memory(this->bytes()), unmap{std::max(this->bytes(), page_size)})
{
}

physical_memory::physical_memory(std::byte* zeroed, std::uint64_t bytes)
    : m_frames(bytes / page_size),
      m_bytes(zeroed, unmap{0})
{
}

std::byte* physical_memory::frame_to_store(frame_number number)
{
    std::byte* const bytes = frame(number);
    if (m_keys != nullptr)
        m_keys->stored(number);
    return bytes;
}

bool physical_memory::contains(physical_address at, std::size_t length) const
{
    return at.raw() <= bytes() && length <= bytes() - at.raw();
}

void physical_memory::read(physical_address from, void* to, std::size_t length)
{
    if (!contains(from, length))
        throw bus_error{from};
    auto* out = static_cast<std::byte*>(to);
    while (length > 0) {
        const std::size_t piece = std::min<std::size_t>(length, page_size - offset_in_page(from));
        std::memcpy(out, frame(frame_of(from)) + offset_in_page(from), piece);
        if (m_keys != nullptr)
            m_keys->referenced(frame_of(from));
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
        std::memcpy(frame_to_store(frame_of(to)) + offset_in_page(to), in, piece);
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
