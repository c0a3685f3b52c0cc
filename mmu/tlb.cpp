#include "mmu/tlb.h"
#include "mmu/frame_sharing.h"

namespace mkclean
{

tlb::tlb(const tlb_options& options)
    : m_second_holds(options.l2_holds),
      m_invlpg_reaches(options.invlpg)
{
    constexpr std::array<page_order, 3> orders{page_order::small, page_order::mega,
                                               page_order::giga};
    const std::array<tlb_array::geometry, 3> first{
        tlb_array::geometry{options.entries, options.ways},
        tlb_array::geometry{options.entries_2m, options.ways_2m},
        tlb_array::geometry{options.entries_1g, options.ways_1g}};
    for (std::size_t i = 0; i < orders.size(); ++i) {
        m_first[i] = first[i].entries > 0 ? &add_array(first[i], options) : m_first[i - 1];
        m_first[i]->holds(orders[i]);
    }
    if (options.l2_entries > 0) {
        m_second = &add_array({options.l2_entries, options.l2_ways}, options);
        for (const page_order order : orders)
            if (order <= m_second_holds)
                m_second->holds(order);
    }
}

tlb_array& tlb::add_array(tlb_array::geometry shape, const tlb_options& options)
{
    constexpr std::uint64_t arrays_of_a_core = 4; // at most
    const std::uint64_t seed = options.seed * arrays_of_a_core + m_arrays.size();
    m_arrays.push_back(std::make_unique<tlb_array>(shape, options.replacement->make(seed)));
    return *m_arrays.back();
}

void tlb::share(frame_sharing& with, unsigned core)
{
    m_sharing = &with;
    m_core = core;
}

tlb_array& tlb::first_level(page_order order)
{
    return *m_first[order == page_order::small ? 0 : order == page_order::mega ? 1 : 2];
}

void tlb::drop(tlb_entry& entry)
{
    if (!entry.valid)
        return;
    entry.valid = false;
    forget_answers(entry);
    if (m_sharing != nullptr)
        m_sharing->dropped(m_core, entry);
}

void tlb::forget_answers(const tlb_entry& entry)
{
    const auto forget = [&](answer& known) {
        if (known.entry == &entry)
            known = answer();
    };
    if (entry.order == page_order::small)
        forget(m_recent[entry.page.raw() % recent]);
    else
        for (answer& known : m_recent)
            forget(known);
}

template <class Which>
void tlb::drop_if(Which which)
{
    for (const auto& array : m_arrays)
        for (tlb_entry& e : array->entries())
            if (which(e))
                drop(e);
}

tlb_entry* tlb::search(virtual_page page, asid space)
{
    tlb_entry* const found = peek(page, space);
    return found == nullptr || found->reference_due ? nullptr : found;
}

tlb_entry* tlb::peek(virtual_page page, asid space)
{
    const tlb_array* searched = nullptr;
    for (tlb_array* const array : m_first) {
        if (array == searched) // two sizes share it
            continue;
        searched = array;
        if (tlb_entry* const found = array->find(page, space))
            return found;
    }
    return nullptr;
}

bool tlb::holds(virtual_page page, asid space) const
{
    return std::any_of(m_arrays.begin(), m_arrays.end(),
                       [&](const auto& array) { return array->find(page, space) != nullptr; });
}

tlb_entry& tlb::put(tlb_array& into, const tlb_entry& entry, std::uint64_t& evictions,
                    tlb_entry& gone)
{
    tlb_entry& place = into.place_for(entry);
    const bool again = place.order == entry.order && place.maps(entry.page, entry.space);
    if (place.valid && !again) {
        ++evictions;
        gone = place;
    }
    const std::uint64_t filled = place.filled;
    drop(place);
    place = entry;
    place.valid = true;
    place.last_use = ++m_clock;
    place.filled = again ? filled : place.last_use;
    if (m_sharing != nullptr)
        m_sharing->filled(m_core, place);
    return place;
}

tlb_entry* tlb::promote(virtual_page page, asid space, displaced& gone)
{
    tlb_entry* const found = m_second != nullptr ? m_second->find(page, space) : nullptr;
    if (found == nullptr)
        return nullptr;
    found->last_use = ++m_clock;
    return &put(first_level(found->order), tlb_entry(*found), m_stats.evictions, gone[0]);
}

// Where the kernel has split or joined pages, or made them global, there may be several entries for
// `walked`. A store that was sent to walk by a clean one must not be sent again and again.
tlb_entry& tlb::insert(const tlb_entry& entry, virtual_page walked, displaced& gone)
{
    ++m_stats.fills;
    const tlb_entry* second = nullptr;
    if (m_second != nullptr && entry.order <= m_second_holds)
        second = &put(*m_second, entry, m_stats.l2_evictions, gone[1]);
    tlb_entry& first = put(first_level(entry.order), entry, m_stats.evictions, gone[0]);
    for (const auto& array : m_arrays)
        array->for_each_of(walked, entry.space, [&](tlb_entry& e) {
            if (&e != &first && &e != second)
                drop(e);
        });
    return first;
}

void tlb::forget_reference(frame_number frame)
{
    for (const auto& array : m_arrays)
        for (tlb_entry& e : array->entries())
            if (e.maps(frame)) {
                e.reference_due = true;
                forget_answers(e);
            }
}

void tlb::forget_change(frame_number frame)
{
    for (const auto& array : m_arrays)
        for (tlb_entry& e : array->entries())
            if (e.maps(frame))
                e.dirty = false;
}

bool tlb::invalidate(virtual_page page, asid space)
{
    bool any = false;
    for (const auto& array : m_arrays) {
        if (array.get() == m_second && m_invlpg_reaches == tlb_options::reach::first_level)
            continue;
        array->for_each_of(page, space, [&](tlb_entry& e) {
            drop(e);
            any = true;
        });
    }
    if (any)
        ++m_stats.flushed_pages;
    return any;
}

void tlb::flush_all()
{
    drop_if([](const tlb_entry&) { return true; });
    ++m_stats.flushes;
}

void tlb::flush_non_global()
{
    drop_if([](const tlb_entry& e) { return !e.global; });
    ++m_stats.flushes;
}

void tlb::flush_space(asid space)
{
    drop_if([space](const tlb_entry& e) { return e.space == space && !e.global; });
    ++m_stats.flushes;
}

} // namespace mkclean
