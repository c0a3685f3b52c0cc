#pragma once

#include "sim/number.h"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace mkclean
{

class option_set;

/// How many tables a walker remembers, by what one of them maps: 2 MiB (Intel's PDE cache), 1 GiB
/// (PDPTE cache), 512 GiB (PML4E cache).
struct paging_structure_cache_options {
    std::array<std::uint64_t, 3> entries{16, 0, 0}; ///< of level 0, 1, 2; 0: none of that level

    void declare(option_set& options);
};

/// The tables that walks have come through last, so that the next can begin below the root: Intel
/// SDM vol. 3, 4.10.3; Arm's walk caches. LRU within a level. What the kernel changes in memory is
/// not seen here until it invalidates (rule R6), which forgets all of it.
///
/// O(entries) a search, which hardware does at once.
class paging_structure_cache
{
public:
    explicit paging_structure_cache(const paging_structure_cache_options& options)
        : m_options(options)
    {
    }

    struct table {
        frame_number at;
        unsigned level = 0; ///< 0: of PTEs
    };

    /// The lowest table known on the way from `root` to `va`; it counts as used.
    std::optional<table> lowest(frame_number root, virtual_address va);
    /// A walk has read, in a table above, that this one is next.
    void remember(frame_number root, virtual_address va, table next);
    void clear();

private:
    struct line {
        frame_number root;
        std::uint64_t region = 0; ///< va over what one table of the level maps
        frame_number table;
        std::uint64_t last_use = 0;
    };
    static std::uint64_t region_of(virtual_address va, unsigned level);

    paging_structure_cache_options m_options;
    std::array<std::vector<line>, 3> m_levels;
    std::uint64_t m_clock = 0;
};

} // namespace mkclean
