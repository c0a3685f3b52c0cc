#include "tb/explore/block_store.h"

#include <algorithm>
#include <cstring>
#include <new>

#include <sys/mman.h>

namespace mkclean
{

namespace
{

constexpr std::size_t bytes_a_block = block_store::block_bytes + 16; // and two slots

// Two chains, so that one multiplication need not wait for the other.
std::uint64_t hash_of(const void* block)
{
    std::uint64_t word[block_store::block_bytes / 8];
    std::memcpy(word, block, sizeof word);
    std::uint64_t even = 0x9e3779b97f4a7c15;
    std::uint64_t odd = 0xbf58476d1ce4e5b9;
    for (std::size_t i = 0; i < std::size(word); i += 2) {
        even = (even ^ word[i]) * 0xa0761d6478bd642f;
        even ^= even >> 29;
        odd = (odd ^ word[i + 1]) * 0xe7037ed1a0b428db;
        odd ^= odd >> 31;
    }
    const std::uint64_t both = (even ^ odd >> 17) * 0x8ebc6af09c88c6e3 ^ odd;
    return both ^ both >> 32;
}

bool all_zero(const void* block)
{
    static constexpr std::byte zeros[block_store::block_bytes] = {};
    return std::memcmp(block, zeros, sizeof zeros) == 0;
}

std::size_t power_of_two_above(std::size_t n)
{
    std::size_t power = 1;
    while (power < n)
        power *= 2;
    return power;
}

} // namespace

shared_memory::shared_memory(std::size_t bytes) : m_bytes(bytes)
{
    m_at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (m_at == MAP_FAILED)
        throw std::bad_alloc();
}

shared_memory::~shared_memory()
{
    ::munmap(m_at, m_bytes);
}

block_store::block_store(std::size_t bytes)
    : m_capacity(std::min<std::size_t>(bytes / bytes_a_block, 0xffff0000)),
      m_slots(power_of_two_above(m_capacity)),
      m_blocks(m_capacity * block_bytes),
      m_table(m_slots * 2 * sizeof(slot)),
      m_counter(sizeof(std::atomic<std::uint32_t>)),
      m_count(m_counter.as<std::atomic<std::uint32_t>>())
{
    m_slots *= 2;
    *m_count = 1;
}

bool block_store::nearly_full(std::size_t beside) const
{
    constexpr std::size_t longest_way = std::size_t{256} << 10; // blocks
    return size() + beside / bytes_a_block + std::min(longest_way, m_capacity / 4) >= m_capacity;
}

block_store::id block_store::intern(const void* block)
{
    if (all_zero(block))
        return 0;
    const std::uint64_t hash = hash_of(block);
    const std::uint64_t half = hash >> 32;
    slot* const table = m_table.as<slot>();
    std::uint64_t entry = 0;
    for (std::size_t at = hash & (m_slots - 1);; at = (at + 1) & (m_slots - 1)) {
        std::uint64_t found = table[at].load(std::memory_order_acquire);
        if (found == 0) {
            if (entry == 0) {
                const std::uint32_t fresh = m_count->fetch_add(1);
                if (fresh >= m_capacity)
                    throw store_full();
                std::memcpy(m_blocks.as<std::byte>() + fresh * block_bytes, block, block_bytes);
                entry = half << 32 | fresh;
            }
            if (table[at].compare_exchange_strong(found, entry, std::memory_order_acq_rel))
                return static_cast<id>(entry);
        }
        const id known = static_cast<id>(found);
        if (found >> 32 == half && std::memcmp((*this)[known], block, block_bytes) == 0)
            return known;
    }
}

} // namespace mkclean
