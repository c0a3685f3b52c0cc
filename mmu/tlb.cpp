#include "mmu/tlb.h"
#include "mmu/frame_sharing.h"

#include <algorithm>

namespace mkclean
{

tlb::tlb(const tlb_options& options)
    : m_options(options),
      m_sets(std::max<std::uint64_t>(1, options.entries / options.ways)),
      m_entries(m_sets * options.ways)
{
    m_recent.fill(m_entries.data());
}

void tlb::share(frame_sharing& with, unsigned core)
{
    m_sharing = &with;
    m_core = core;
}

void tlb::drop(tlb_entry& entry)
{
    if (!entry.valid)
        return;
    entry.valid = false;
    if (m_sharing != nullptr)
        m_sharing->dropped(m_core, entry);
}

tlb_entry* tlb::set_of(virtual_page page)
{
    return &m_entries[(page.raw() % m_sets) * m_options.ways];
}

tlb_entry* tlb::search(virtual_page page, asid space)
{
    tlb_entry* const set = set_of(page);
    for (tlb_entry* e = set; e != set + m_options.ways; ++e)
        if (e->valid && e->page == page && e->space == space)
            return e;
    return nullptr;
}

tlb_entry& tlb::insert(const tlb_entry& entry)
{
    tlb_entry* const set = set_of(entry.page);
    tlb_entry* const end = set + m_options.ways;
    tlb_entry* victim = std::find_if(set, end, [&](const tlb_entry& e) {
        return e.valid && e.page == entry.page && e.space == entry.space;
    });
    if (victim == end)
        victim = std::find_if(set, end, [](const tlb_entry& e) { return !e.valid; });
    if (victim == end) {
        victim = std::min_element(set, end, [](const tlb_entry& a, const tlb_entry& b) {
            return a.last_use < b.last_use;
        });
        ++m_stats.evictions;
    }
    drop(*victim);
    *victim = entry;
    victim->valid = true;
    if (m_sharing != nullptr)
        m_sharing->filled(m_core, *victim);
    victim->last_use = ++m_clock;
    ++m_stats.fills;
    return *victim;
}

bool tlb::invalidate(virtual_page page, asid space)
{
    tlb_entry* const found = lookup(page, space);
    if (found == nullptr)
        return false;
    drop(*found);
    ++m_stats.flushed_pages;
    return true;
}

void tlb::flush_all()
{
    for (tlb_entry& e : m_entries)
        drop(e);
    ++m_stats.flushes;
}

} // namespace mkclean
