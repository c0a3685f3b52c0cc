#pragma once

#include "sim/number.h"

#include <boost/container/small_vector.hpp>

#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace mkclean
{

struct tlb_entry;

/// Which cores' TLBs hold an entry for each frame: what a core has to know before it touches a
/// frame earlier than the others have got to. Keeps in every entry whether another core can see
/// what is stored through it, and whether another core can change what is loaded through it. Of an
/// entry of many frames that is said if it is so of one of them.
///
/// It is the emulator's own knowledge and costs the model nothing. Only frames that some TLB holds
/// take memory. O(entries for the frame) for every operation while no TLB holds a huge entry; with
/// h of them O(h) more, and O((h + s) (h + n)) where huge and s small ones overlap that have n
/// frames between them.
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
    /// Frames in a row.
    struct extent {
        frame_number first;
        std::uint64_t frames;
        bool overlaps(const extent& other) const
        {
            return first < other.first + other.frames && other.first < first + frames;
        }
    };

    static extent extent_of(const tlb_entry& entry);
    void mark(const holders& all) const;
    bool huge_entry_overlaps(const extent& some) const;
    void mark_overlapping(const extent& changed);
    void mark_one(const holder& h);
    void drop_small(unsigned core, const tlb_entry& entry);
    void drop_huge(unsigned core, const tlb_entry& entry);
    void forget_retired(const extent& dropped);
    template <class Visit>
    void for_each_frame(const extent& some, Visit&& visit);
    template <class Visit>
    void for_each_overlapping(const extent& some, Visit&& visit);

    /// Without further ado.
    bool stores(const tlb_entry& entry) const;

    bool m_stores_need_d = true;
    std::unordered_map<frame_number, holders> m_frames; // small entries
    std::vector<holder> m_huge;                         // entries of many frames
    std::unordered_set<frame_number> m_retired;         // and still held
};

} // namespace mkclean
