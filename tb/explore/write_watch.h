#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace mkclean
{

/// Knows which pages of a piece of memory have ever been written since it was begun: it does to the
/// host's pages what page_mkclean() does to a file's. Most of a world never changes, and need not
/// be looked through.
///
/// One at a time in a process; it handles SIGSEGV for its memory.
class write_watch
{
public:
    static constexpr std::size_t page_bytes = 4096;
    static constexpr std::size_t most_pages = 1024;

    write_watch(std::byte* memory, std::size_t pages);
    ~write_watch();
    write_watch(const write_watch&) = delete;
    write_watch& operator=(const write_watch&) = delete;

    /// Forgets what was written. Until then every page counts as written.
    void begin();
    /// Calls `visit(page number)` for each that was written, ascending.
    template <class Visit>
    void for_each_written(Visit&& visit) const
    {
        for (std::size_t w = 0; w * 64 < m_pages; ++w)
            for (std::uint64_t left = m_written[w]; left != 0; left &= left - 1)
                visit(w * 64 + static_cast<std::size_t>(__builtin_ctzll(left)));
    }
    /// Somebody tried to write there. False: it is not a page that is watched.
    bool on_write(const void* at);

private:
    void handle_faults();

    std::byte* m_memory;
    std::size_t m_pages;
    std::array<std::uint64_t, most_pages / 64> m_written{};
    bool m_begun = false;
};

} // namespace mkclean
