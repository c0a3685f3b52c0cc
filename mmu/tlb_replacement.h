#pragma once

#include "mmu/tlb_entry.h"

#include <memory>

namespace mkclean
{

/// Who goes when a set is full. One object serves one array of a TLB; it may have state.
class tlb_replacement
{
public:
    virtual ~tlb_replacement() = default;
    /// A way of a full set, 0..ways-1. What it may go by is in the entries: the larger `last_use`,
    /// the later that way was used or filled, and no two are equal; the larger `filled`, the later
    /// its page came. The same set is always at the same `set`, for those who keep more than that.
    virtual std::size_t victim(const tlb_entry* set, std::size_t ways) = 0;
};

/// A policy that a config can name. One of your own: docs/extending.md.
struct tlb_replacement_kind {
    const char* name;
    const char* help;
    /// `seed`: of whatever it draws; another one for every core and every array.
    std::unique_ptr<tlb_replacement> (*make)(std::uint64_t seed);
    bool takes_any_ways = true; ///< or else powers of two only
};

extern const tlb_replacement_kind lru_replacement;
/// A binary tree over the ways, a bit a node, that points away from the half used last
/// (So and Rechtschaffen, "Cache operations by MRU change", IEEE Trans. Computers 37(6), 1988).
extern const tlb_replacement_kind tree_plru_replacement;
/// As a MIPS's Random register does it; uniform here.
extern const tlb_replacement_kind random_replacement;

} // namespace mkclean
