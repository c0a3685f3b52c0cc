#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace mkclean
{

/// A piece of memory at one place, with everything that a world consists of in it, so that the
/// world can be copied away and back, byte by byte, as often as one likes: pointers stay true.
///
/// While a scope is open, operator new of this thread allocates here. What is free is zero, and the
/// lowest free place is taken, so that equal worlds that have come about in different ways tend to
/// be equal bytes.
class arena
{
public:
    static constexpr std::size_t page_bytes = 4096;
    static constexpr std::size_t pages = 1024;
    static constexpr std::size_t bytes = page_bytes * pages;

    /// One at a time. Throws std::bad_alloc if the host has no room.
    arena();
    ~arena();
    arena(const arena&) = delete;
    arena& operator=(const arena&) = delete;

    /// Small things of different owners get pages of their own, so that where they are does not
    /// depend on who came first. `owner` says who is allocating.
    void set_owner(std::uint16_t (*owner)(const void*), const void* of)
    {
        m_owner = owner;
        m_owner_of = of;
    }
    /// Zeroed. Throws std::bad_alloc when it is full.
    void* allocate(std::size_t size);
    void release(void* at);
    std::byte* begin() const { return m_memory; }
    /// Behind the last page of small things; rows of pages are taken from the other end.
    std::size_t small_pages() const;
    /// Rows that were given back since the last call, and are zeros now.
    template <class Visit>
    void take_released_rows(Visit&& visit)
    {
        for (std::size_t i = 0; i < m_released; ++i)
            visit(m_memory + m_released_rows[i].first * page_bytes,
                  m_released_rows[i].second * page_bytes);
        m_released = 0;
    }
    /// Calls `visit(from, bytes)` for every row of pages: what is larger than a page.
    template <class Visit>
    void for_each_row(Visit&& visit) const
    {
        for (std::size_t p = next_row(0); p < pages; p = next_row(p + 1))
            visit(m_memory + p * page_bytes, row_bytes(p));
    }
    bool contains(const void* at) const { return at >= m_memory && at < m_memory + bytes; }

    /// What is there, for whoever looks for what tells states apart.
    std::string describe(std::size_t offset) const;

    class scope
    {
    public:
        explicit scope(arena& a);
        ~scope();
        scope(const scope&) = delete;
        scope& operator=(const scope&) = delete;

    private:
        arena* m_before;
    };

private:
    struct page_use;
    struct book;

    book& books() const;
    std::size_t next_row(std::size_t page) const;
    std::size_t row_bytes(std::size_t page) const;
    void* allocate_small(std::size_t size_class);
    void* allocate_row(std::size_t size);

    std::byte* m_memory;
    std::uint16_t (*m_owner)(const void*) = nullptr;
    const void* m_owner_of = nullptr;
    // No container that would take its memory from here.
    std::array<std::pair<std::size_t, std::size_t>, 256> m_released_rows{}; ///< pages
    std::size_t m_released = 0;
};

} // namespace mkclean
