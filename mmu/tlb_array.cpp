#include "mmu/tlb_array.h"

#include <algorithm>
#include <utility>

namespace mkclean
{

tlb_array::tlb_array(geometry shape, std::unique_ptr<tlb_replacement> who_goes)
    : m_ways(shape.ways),
      m_sets(std::max<std::uint64_t>(1, shape.entries / shape.ways)),
      m_replacement(std::move(who_goes)),
      m_entries(m_sets * m_ways)
{
}

tlb_entry* tlb_array::set_of(virtual_page page, page_order order)
{
    return &m_entries[((page.raw() >> static_cast<unsigned>(order)) % m_sets) * m_ways];
}

tlb_entry* tlb_array::find(virtual_page page, asid space)
{
    for (const page_order order : m_orders) {
        tlb_entry* const set = set_of(page, order);
        for (tlb_entry* e = set; e != set + m_ways; ++e)
            if (e->order == order && e->maps(page, space))
                return e;
    }
    return nullptr;
}

tlb_entry& tlb_array::place_for(const tlb_entry& entry)
{
    tlb_entry* const set = set_of(entry.page, entry.order);
    tlb_entry* const end = set + m_ways;
    const auto first = [=](auto&& is) { return std::find_if(set, end, is); };
    tlb_entry* place = first([&](const tlb_entry& e) {
        return e.order == entry.order && e.maps(entry.page, entry.space);
    });
    if (place == end)
        place = first([](const tlb_entry& e) { return !e.valid; });
    return place != end ? *place : set[m_replacement->victim(set, m_ways)];
}

} // namespace mkclean
