#pragma once

#include "mmu/tlb_replacement.h"

#include <vector>

namespace mkclean
{

/// One set-associative array of a TLB: sets x ways of entries. It holds pages of one size or of
/// several; the set is taken from the page's number, counted in pages of its size.
class tlb_array
{
public:
    struct geometry {
        std::uint64_t entries = 0; ///< a multiple of ways; 0: there is no such array
        std::uint64_t ways = 1;
    };

    tlb_array(geometry shape, std::unique_ptr<tlb_replacement> who_goes);

    void holds(page_order order) { m_orders.push_back(order); }

    /// O(ways) for every size of page that it holds.
    tlb_entry* find(virtual_page page, asid space);
    /// Shows every entry for `page`: one of each size that it holds, unless software was careless.
    template <class See>
    void for_each_of(virtual_page page, asid space, See see)
    {
        for (const page_order order : m_orders) {
            tlb_entry* const set = set_of(page, order);
            for (tlb_entry* e = set; e != set + m_ways; ++e)
                if (e->order == order && e->maps(page, space))
                    see(*e);
        }
    }
    /// Where an entry is to be put: over the one for the same page, in a free way, or over a valid
    /// one that has to go.
    tlb_entry& place_for(const tlb_entry& entry);

    std::vector<tlb_entry>& entries() { return m_entries; }
    const std::vector<tlb_entry>& entries() const { return m_entries; }

private:
    tlb_entry* set_of(virtual_page page, page_order order);

    std::uint64_t m_ways;
    std::uint64_t m_sets;
    std::vector<page_order> m_orders;
    std::unique_ptr<tlb_replacement> m_replacement;
    std::vector<tlb_entry> m_entries;
};

} // namespace mkclean
