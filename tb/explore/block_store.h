#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

namespace mkclean
{

/// Memory that this process and those it forks have in common, zeroed. Takes memory of the host
/// only where it is touched. Throws std::bad_alloc.
class shared_memory
{
public:
    explicit shared_memory(std::size_t bytes);
    ~shared_memory();
    shared_memory(const shared_memory&) = delete;
    shared_memory& operator=(const shared_memory&) = delete;
    template <class T>
    T* as() const
    {
        return static_cast<T*>(m_at);
    }

private:
    void* m_at;
    std::size_t m_bytes;
};

/// Nothing more fits into the memory that exploring may take.
struct store_full : std::runtime_error {
    store_full() : std::runtime_error("the states do not fit into explore.memory") {}
};

/// Keeps every block of 128 bytes once, and knows it by a number: equal numbers, equal bytes.
/// Processes that were forked after it was made may use it together.
class block_store
{
public:
    static constexpr std::size_t block_bytes = 128;
    using id = std::uint32_t; ///< 0: all zeros

    /// At most `bytes` of memory.
    explicit block_store(std::size_t bytes);

    /// O(1). Throws store_full.
    id intern(const void* block);
    const std::byte* operator[](id block) const
    {
        return m_blocks.as<std::byte>() + block * block_bytes;
    }
    /// Whether there is little room left, with `beside` bytes that others have taken of it: less
    /// than a way to an end may take, or less than a quarter.
    bool nearly_full(std::size_t beside = 0) const;
    /// How many there are.
    std::size_t size() const { return m_count->load(std::memory_order_relaxed); }

private:
    using slot = std::atomic<std::uint64_t>; ///< half of the hash, and the id; 0: free

    std::size_t m_capacity;
    std::size_t m_slots;
    shared_memory m_blocks;
    shared_memory m_table;
    shared_memory m_counter;
    std::atomic<std::uint32_t>* m_count;
};

} // namespace mkclean
