#pragma once

#include "tb/explore/write_watch.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

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
    static constexpr std::size_t page_bytes = write_watch::page_bytes;
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
    write_watch& watch() { return *m_watch; }
    const write_watch& watch() const { return *m_watch; }
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

    /// The contrary, within a scope.
    class pause
    {
    public:
        pause();
        ~pause();
        pause(const pause&) = delete;
        pause& operator=(const pause&) = delete;

    private:
        arena* m_before;
    };

private:
    struct page_use;
    struct book;

    book& books() const;
    std::size_t row_bytes(std::size_t page) const;
    void* allocate_small(std::size_t size_class);
    void* allocate_row(std::size_t size);

    std::byte* m_memory;
    std::uint16_t (*m_owner)(const void*) = nullptr;
    const void* m_owner_of = nullptr;
    std::unique_ptr<write_watch> m_watch;
};

} // namespace mkclean
