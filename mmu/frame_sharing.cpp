#include "mmu/frame_sharing.h"
#include "mmu/tlb.h"

#include <algorithm>

namespace mkclean
{

void frame_sharing::filled(unsigned core, tlb_entry& entry)
{
    holders& all = m_frames[entry.frame];
    all.push_back({core, &entry});
    mark(all);
}

void frame_sharing::dropped(unsigned core, tlb_entry& entry)
{
    const auto frame = m_frames.find(entry.frame);
    holders& all = frame->second;
    all.erase(std::find_if(all.begin(), all.end(),
                           [&](const holder& h) { return h.core == core && h.entry == &entry; }));
    if (!all.empty()) {
        mark(all);
        return;
    }
    m_frames.erase(frame);
    if (!m_retired.empty())
        m_retired.erase(entry.frame);
}

void frame_sharing::retire(frame_number frame)
{
    if (m_frames.count(frame) > 0)
        m_retired.insert(frame);
}

void frame_sharing::mark(const holders& all) const
{
    const unsigned first = all.front().core;
    const bool shared =
        std::any_of(all.begin(), all.end(), [&](const holder& h) { return h.core != first; });
    const auto stores = [this](const holder& h) {
        return h.entry->writable && (h.entry->dirty || !m_stores_need_d);
    };
    const auto writer = std::find_if(all.begin(), all.end(), stores);
    const bool several_write =
        writer != all.end() && std::any_of(writer, all.end(), [&](const holder& h) {
            return stores(h) && h.core != writer->core;
        });
    for (const holder& h : all) {
        h.entry->others_see = shared;
        h.entry->others_change = several_write || (writer != all.end() && writer->core != h.core);
    }
}

} // namespace mkclean
