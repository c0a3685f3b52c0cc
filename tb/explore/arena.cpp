#include "tb/explore/arena.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <new>
#include <utility>

#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace mkclean
{

namespace
{

arena* the_arena = nullptr;
thread_local arena* open_arena = nullptr;

constexpr std::array<std::uint16_t, 20> class_sizes{16,  32,  48,  64,   80,   96,  128,
                                                    160, 192, 224, 256,  320,  384, 448,
                                                    512, 640, 768, 1024, 2048, 4096};
constexpr std::size_t largest_small = 4096;
constexpr std::size_t words = 4096 / 16 / 64;

// Most of a stack was never touched, and shall not look as if it had been now.
void clear_page(std::byte* page)
{
#if defined(__SANITIZE_ADDRESS__)
    __asan_unpoison_memory_region(page, arena::page_bytes); // frames that never returned
#endif
    static constexpr std::array<std::byte, arena::page_bytes> zeros{};
    if (std::memcmp(page, zeros.data(), zeros.size()) != 0)
        std::memset(page, 0, zeros.size());
}

} // namespace

/// What a page is used for: things of one size, or a part of a row of pages.
struct arena::page_use {
    enum : std::uint8_t { unused, small, row, row_goes_on };
    std::uint8_t what = unused;
    std::uint8_t size_class = 0;
    std::uint16_t used = 0; ///< things; of a row: pages
    std::uint16_t owner = 0;
    std::uint64_t taken[words] = {};
};

struct arena::book {
    page_use of[pages];
};

arena::arena()
{
    void* const mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED || the_arena != nullptr)
        throw std::bad_alloc();
    m_memory = static_cast<std::byte*>(mapped);
    m_watch = std::make_unique<write_watch>(m_memory, pages);
    the_arena = this;
    // The books are themselves in the first pages.
    for (std::size_t p = 0; p * page_bytes < sizeof(book); ++p)
        books().of[p].what = page_use::row_goes_on;
}

arena::~arena()
{
    the_arena = nullptr;
    m_watch.reset();
    ::munmap(m_memory, bytes);
}

arena::book& arena::books() const
{
    return *reinterpret_cast<book*>(m_memory);
}

std::size_t arena::row_bytes(std::size_t page) const
{
    return books().of[page].used * page_bytes;
}

std::string arena::describe(std::size_t offset) const
{
    std::size_t p = offset / page_bytes;
    const page_use& use = books().of[p];
    if (offset < sizeof(book))
        return "the books of page " + std::to_string(offset / sizeof(page_use)) + " of size " +
               std::to_string(class_sizes[books().of[offset / sizeof(page_use)].size_class]);
    if (use.what == page_use::small) {
        const std::size_t size = class_sizes[use.size_class];
        const std::size_t in_page = offset % page_bytes;
        return std::to_string(size) + " bytes, number " + std::to_string(in_page / size) +
               " of page " + std::to_string(p) + ", at " + std::to_string(in_page % size);
    }
    while (books().of[p].what == page_use::row_goes_on)
        --p;
    return "row of " + std::to_string(row_bytes(p)) + " bytes, at " +
           std::to_string(offset - p * page_bytes);
}

void* arena::allocate(std::size_t size)
{
    if (size > largest_small)
        return allocate_row(size);
    const auto* const fits =
        std::lower_bound(class_sizes.begin(), class_sizes.end(), std::max<std::size_t>(size, 1));
    return allocate_small(static_cast<std::size_t>(fits - class_sizes.begin()));
}

void* arena::allocate_small(std::size_t size_class)
{
    const std::size_t size = class_sizes[size_class];
    const std::size_t capacity = page_bytes / size;
    const std::uint16_t owner = m_owner != nullptr ? m_owner(m_owner_of) : std::uint16_t{0};
    for (std::size_t p = 0; p < pages; ++p) {
        page_use& use = books().of[p];
        if (use.what == page_use::unused) {
            use.what = page_use::small;
            use.size_class = static_cast<std::uint8_t>(size_class);
            use.owner = owner;
        }
        if (use.what != page_use::small || use.size_class != size_class || use.owner != owner ||
            use.used == capacity)
            continue;
        for (std::size_t w = 0; w < words; ++w) {
            if (~use.taken[w] == 0)
                continue;
            const auto bit = static_cast<std::size_t>(__builtin_ctzll(~use.taken[w]));
            use.taken[w] |= std::uint64_t{1} << bit;
            ++use.used;
            return m_memory + p * page_bytes + (w * 64 + bit) * size;
        }
    }
    throw std::bad_alloc();
}

void* arena::allocate_row(std::size_t size)
{
    const std::size_t needed = (size + page_bytes - 1) / page_bytes;
    std::size_t free = 0;
    for (std::size_t p = pages; p-- > 0;) {
        free = books().of[p].what == page_use::unused ? free + 1 : 0;
        if (free < needed)
            continue;
        books().of[p].what = page_use::row;
        books().of[p].used = static_cast<std::uint16_t>(needed);
        for (std::size_t i = 1; i < needed; ++i)
            books().of[p + i].what = page_use::row_goes_on;
        return m_memory + p * page_bytes;
    }
    throw std::bad_alloc();
}

void arena::release(void* at)
{
    std::byte* const from = static_cast<std::byte*>(at);
    const auto offset = static_cast<std::size_t>(from - m_memory);
    const std::size_t p = offset / page_bytes;
    page_use& use = books().of[p];
    if (use.what == page_use::row) {
        for (std::size_t i = 0; i < use.used; ++i)
            clear_page(from + i * page_bytes);
        std::fill(&use, &use + std::size_t{use.used}, page_use());
        return;
    }
    const std::size_t size = class_sizes[use.size_class];
    const std::size_t slot = offset % page_bytes / size;
    std::memset(from, 0, size);
    use.taken[slot / 64] &= ~(std::uint64_t{1} << slot % 64);
    if (--use.used == 0)
        use = page_use();
}

arena::scope::scope(arena& a) : m_before(open_arena)
{
    open_arena = &a;
}

arena::scope::~scope()
{
    open_arena = m_before;
}

arena::pause::pause() : m_before(std::exchange(open_arena, nullptr)) {}

arena::pause::~pause()
{
    open_arena = m_before;
}

} // namespace mkclean

// ---- for the whole program ----------------------------------------------------------------------

void* operator new(std::size_t size)
{
    if (mkclean::open_arena != nullptr)
        return mkclean::open_arena->allocate(size);
    if (void* const at = std::malloc(std::max<std::size_t>(size, 1)))
        return at;
    throw std::bad_alloc();
}

void operator delete(void* at) noexcept
{
    if (mkclean::the_arena != nullptr && mkclean::the_arena->contains(at))
        mkclean::the_arena->release(at);
    else
        std::free(at);
}

void operator delete(void* at, std::size_t) noexcept
{
    operator delete(at);
}

// A library's others call operator new; a sanitizer's do not.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept
{
    try {
        return operator new(size);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

void* operator new[](std::size_t size)
{
    return operator new(size);
}

void operator delete[](void* at) noexcept
{
    operator delete(at);
}

void operator delete[](void* at, std::size_t) noexcept
{
    operator delete(at);
}
