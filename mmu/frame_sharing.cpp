#include "mmu/frame_sharing.h"
#include "mmu/tlb.h"

#include <algorithm>

namespace mkclean
{

namespace
{

// Whatever it holds, an entry is its core's and its own.
template <class Holders>
void erase_holder(Holders& all, unsigned core, const tlb_entry& entry)
{
    all.erase(std::find_if(all.begin(), all.end(),
                           [&](const auto& h) { return h.core == core && h.entry == &entry; }));
}

} // namespace

frame_sharing::extent frame_sharing::extent_of(const tlb_entry& entry)
{
    return {entry.frame, pages_of(entry.order)};
}

bool frame_sharing::stores(const tlb_entry& entry) const
{
    return entry.writable && (entry.dirty || !m_stores_need_d);
}

void frame_sharing::filled(unsigned core, tlb_entry& entry)
{
    const extent added = extent_of(entry);
    if (entry.order != page_order::small) {
        m_huge.push_back({core, &entry});
        mark_overlapping(added);
        return;
    }
    holders& all = m_frames[entry.frame];
    all.push_back({core, &entry});
    if (huge_entry_overlaps(added))
        mark_overlapping(added);
    else
        mark(all);
}

void frame_sharing::dropped(unsigned core, tlb_entry& entry)
{
    if (entry.order == page_order::small)
        drop_small(core, entry);
    else
        drop_huge(core, entry);
}

void frame_sharing::drop_small(unsigned core, const tlb_entry& entry)
{
    const auto frame = m_frames.find(entry.frame);
    holders& all = frame->second;
    erase_holder(all, core, entry);
    const bool held = !all.empty();
    if (huge_entry_overlaps(extent_of(entry)))
        mark_overlapping(extent_of(entry));
    else if (held)
        mark(all);
    if (held)
        return;
    m_frames.erase(frame);
    forget_retired(extent_of(entry));
}

void frame_sharing::drop_huge(unsigned core, const tlb_entry& entry)
{
    erase_holder(m_huge, core, entry);
    mark_overlapping(extent_of(entry));
    forget_retired(extent_of(entry));
}

void frame_sharing::retire(frame_number frame)
{
    if (m_frames.count(frame) > 0 || huge_entry_overlaps({frame, 1}))
        m_retired.insert(frame);
}

void frame_sharing::forget_retired(const extent& dropped)
{
    for (auto frame = m_retired.begin(); frame != m_retired.end();) {
        const extent one{*frame, 1};
        const bool held = m_frames.count(*frame) > 0 || huge_entry_overlaps(one);
        frame = one.overlaps(dropped) && !held ? m_retired.erase(frame) : std::next(frame);
    }
}

bool frame_sharing::huge_entry_overlaps(const extent& some) const
{
    return std::any_of(m_huge.begin(), m_huge.end(),
                       [&](const holder& h) { return extent_of(*h.entry).overlaps(some); });
}

// The holders of every frame of an extent that has any: by their number or by all there are,
// whichever are fewer.
template <class Visit>
void frame_sharing::for_each_frame(const extent& some, Visit&& visit)
{
    if (some.frames > m_frames.size()) {
        for (const auto& [frame, all] : m_frames)
            if (some.overlaps({frame, 1}))
                visit(all);
        return;
    }
    for (std::uint64_t i = 0; i < some.frames; ++i)
        if (const auto found = m_frames.find(some.first + i); found != m_frames.end())
            visit(found->second);
}

template <class Visit>
void frame_sharing::for_each_overlapping(const extent& some, Visit&& visit)
{
    for_each_frame(some, [&](const holders& all) {
        for (const holder& h : all)
            visit(h);
    });
    for (const holder& h : m_huge)
        if (extent_of(*h.entry).overlaps(some))
            visit(h);
}

void frame_sharing::mark_overlapping(const extent& changed)
{
    for_each_overlapping(changed, [this](const holder& h) { mark_one(h); });
}

void frame_sharing::mark_one(const holder& h)
{
    bool shared = false;
    bool changes = false;
    for_each_overlapping(extent_of(*h.entry), [&](const holder& other) {
        if (other.core == h.core)
            return;
        shared = true;
        changes = changes || (stores(*other.entry));
    });
    h.entry->others_see = shared;
    h.entry->others_change = changes;
}

void frame_sharing::mark(const holders& all) const
{
    const unsigned first = all.front().core;
    const bool shared =
        std::any_of(all.begin(), all.end(), [&](const holder& h) { return h.core != first; });
    const auto may_store = [this](const holder& h) { return stores(*h.entry); };
    const auto writer = std::find_if(all.begin(), all.end(), may_store);
    const bool several_write =
        writer != all.end() && std::any_of(writer, all.end(), [&](const holder& h) {
            return may_store(h) && h.core != writer->core;
        });
    for (const holder& h : all) {
        h.entry->others_see = shared;
        h.entry->others_change = several_write || (writer != all.end() && writer->core != h.core);
    }
}

} // namespace mkclean
