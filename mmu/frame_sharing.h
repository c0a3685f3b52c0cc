#pragma once

#include "sim/number.h"

#include <boost/container/small_vector.hpp>

#include <unordered_map>
#include <unordered_set>

namespace mkclean
{

struct tlb_entry;

/// Which cores' TLBs hold an entry for each frame: what a core has to know before it touches a
/// frame earlier than the others have got to. Keeps in every entry whether another core can see
/// what is stored through it, and whether another core can change what is loaded through it.
///
/// It is the emulator's own knowledge and costs the model nothing. Only frames that some TLB holds
/// take memory; O(entries for the frame) for every operation.
class frame_sharing
{
public:
    /// `entry` stays where it is until dropped() and is looked at again in between.
    void filled(unsigned core, tlb_entry& entry);
    void dropped(unsigned core, tlb_entry& entry);

    /// With storage keys W is all that a store needs of an entry. To be called before the first
    /// filled().
    void stores_need_only_w() { m_stores_need_d = false; }

    /// What the frame held is elsewhere from now on, or nowhere. While a TLB still holds it, two
    /// frames may pass for one page, and nobody can say what is shared.
    void retire(frame_number frame);
    /// Whether a frame that has been retired is held by a TLB.
    bool stale_entries() const { return !m_retired.empty(); }

private:
    struct holder {
        unsigned core;
        tlb_entry* entry;
    };
    using holders = boost::container::small_vector<holder, 4>;

    void mark(const holders& all) const;

    bool m_stores_need_d = true;
    std::unordered_map<frame_number, holders> m_frames;
    std::unordered_set<frame_number> m_retired; // and still held
};

} // namespace mkclean
