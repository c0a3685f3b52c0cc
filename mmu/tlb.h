#pragma once

#include "mmu/tlb_array.h"

#include <array>
#include <memory>
#include <vector>

namespace mkclean
{

class frame_sharing;
class option_set;

/// Pages of 2 MiB and 1 GiB have arrays of their own, or share that of the next smaller size.
struct tlb_options {
    std::uint64_t entries = 64;   ///< of the first level, 4 KiB; 1..65536
    std::uint64_t ways = 4;       ///< entries must be a multiple of it
    std::uint64_t entries_2m = 0; ///< 0: unified with those of 4 KiB
    std::uint64_t ways_2m = 4;
    std::uint64_t entries_1g = 0; ///< 0: unified with those of 2 MiB
    std::uint64_t ways_1g = 4;
    std::uint64_t l2_entries = 0; ///< 0: one level only
    std::uint64_t l2_ways = 4;
    page_order l2_holds = page_order::mega; ///< pages up to that size
    std::uint64_t l2_latency = 7;           ///< cycles that a search of the second level takes
    const tlb_replacement_kind* replacement = &lru_replacement;
    /// Whether an entry remembers that D is set in the PTE. If not, every store asks the PTE.
    bool caches_dirty = true;
    /// Whether a store to an entry without W walks before it faults, so that an entry made stale by
    /// the kernel granting W costs no spurious fault (rule R3).
    bool rewalks = false;

    /// What the invalidation of one page reaches; anything but all of it is a hardware bug.
    enum class reach { all, first_level };
    reach invlpg = reach::all;

    std::uint64_t asids = 0; ///< address spaces that can be told apart; 0: none

    std::uint64_t seed = 1; ///< of random replacement
    /// What `tlb.replacement` can be.
    std::vector<const tlb_replacement_kind*> replacements = {
        &lru_replacement, &tree_plru_replacement, &random_replacement};

    void declare(option_set& options);
};

struct tlb_stats {
    std::uint64_t hits = 0;      ///< accesses that found all they needed in the first level
    std::uint64_t l2_hits = 0;   ///< misses of it that the second level helped
    std::uint64_t misses = 0;    ///< walks because there was no entry
    std::uint64_t fills = 0;     ///< after walks
    std::uint64_t evictions = 0; ///< from the first level
    std::uint64_t l2_evictions = 0;
    std::uint64_t flushed_pages = 0; ///< entries dropped by single-page invalidations
    std::uint64_t flushes = 0;       ///< of everything, or of an address space
};

/// A translation cache of one or two levels. Its entries cache the W and D bits of the PTE they
/// were filled from, and nothing keeps them up to date: that is rule R2 (Intel SDM vol. 3, 4.10.4)
/// and the reason for every shootdown.
///
/// A walk fills both levels; who falls out of the first is looked for in the second; neither
/// includes the other. O(ways) a lookup.
class tlb
{
public:
    explicit tlb(const tlb_options& options);
    tlb(const tlb&) = delete;
    tlb& operator=(const tlb&) = delete;
    /// Other cores exist: what this one's holds has to be known. To be called before the first
    /// insert().
    void share(frame_sharing& with, unsigned core);

    /// The first level's entry for `page`, or null. Counts neither hit nor miss: the caller knows
    /// how often it used the answer.
    tlb_entry* lookup(virtual_page page, asid space)
    {
        answer& known = m_recent[page.raw() % recent];
        if (!(known.page == page && known.space == space)) {
            tlb_entry* const found = search(page, space);
            if (found == nullptr)
                return nullptr;
            known = {page, space, found};
        }
        known.entry->last_use = ++m_clock;
        return known.entry;
    }
    /// The same, also if its frame's R has to be set first; for who sees to that.
    tlb_entry* peek(virtual_page page, asid space);
    bool has_second_level() const { return m_second != nullptr; }
    /// What has had to make room, in either level; where nothing had to, an entry that is not
    /// valid.
    using displaced = std::array<tlb_entry, 2>;
    /// Whether any level has an entry for `page`.
    bool holds(virtual_page page, asid space) const;
    /// Brings the second level's entry for `page` into the first. Null: it has none.
    tlb_entry* promote(virtual_page page, asid space, displaced& gone);
    tlb_entry* promote(virtual_page page, asid space)
    {
        displaced gone;
        return promote(page, space, gone);
    }
    /// What a walk for the page `walked` has found: goes into both levels, and whatever else maps
    /// that page goes, so that the next lookup finds what was walked for. The first one's entry.
    tlb_entry& insert(const tlb_entry& entry, virtual_page walked, displaced& gone);
    tlb_entry& insert(const tlb_entry& entry, virtual_page walked)
    {
        displaced gone;
        return insert(entry, walked, gone);
    }
    tlb_entry& insert(const tlb_entry& entry) { return insert(entry, entry.page); }
    /// invlpg: drops every entry that maps `page`, global ones too. True if there was one.
    bool invalidate(virtual_page page, asid space);
    void flush_all();
    /// All but global ones: a load of cr3 without PCID (SDM vol. 3, 4.10.4.1).
    void flush_non_global();
    /// Those of one address space that are not global: INVPCID of type 1, a load of cr3 with PCID.
    void flush_space(asid space);

    /// With storage keys: the frame's R or C has been reset, and the next access has to set it.
    void forget_reference(frame_number frame);
    void forget_change(frame_number frame);

    tlb_stats& stats() { return m_stats; }
    const tlb_stats& stats() const { return m_stats; }
    /// Every valid entry of any level, for checkers and pictures.
    template <class See>
    void for_each(See see) const
    {
        for (const auto& array : m_arrays)
            for (const tlb_entry& e : array->entries())
                if (e.valid)
                    see(e);
    }

private:
    static constexpr std::uint64_t recent = 64;
    /// Where a page was found last: the host's shortcut to an answer that a search would give.
    struct answer {
        virtual_page page = nowhere;
        asid space;
        tlb_entry* entry = nullptr;
    };
    static constexpr virtual_page nowhere{~std::uint64_t{0}};

    tlb_array& add_array(tlb_array::geometry shape, const tlb_options& options);
    tlb_array& first_level(page_order order);
    tlb_entry& put(tlb_array& into, const tlb_entry& entry, std::uint64_t& evictions,
                   tlb_entry& gone);
    void drop(tlb_entry& entry);
    void forget_answers(const tlb_entry& entry);
    template <class Which>
    void drop_if(Which which);
    tlb_entry* search(virtual_page page, asid space);

    std::vector<std::unique_ptr<tlb_array>> m_arrays; ///< all there are, the second level last
    std::array<tlb_array*, 3> m_first{};              ///< for pages of 4 KiB, 2 MiB, 1 GiB
    tlb_array* m_second = nullptr;
    page_order m_second_holds;
    tlb_options::reach m_invlpg_reaches;
    std::uint64_t m_clock = 0;
    std::array<answer, recent> m_recent;
    tlb_stats m_stats;
    frame_sharing* m_sharing = nullptr; ///< null: this is the only core
    unsigned m_core = 0;
};

} // namespace mkclean
