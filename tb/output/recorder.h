#pragma once

#include "tb/output/page_portrait.h"
#include "tb/output/recording.h"
#include "tb/output/stopwatches.h"
#include "tb/output/time_series.h"
#include "tb/world.h"

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace mkclean
{

/// Makes a recording of a run. After every event it looks at the page that the event is about, in
/// all its places, and keeps what is different: whoever steps through the recording sees what was
/// there, not what an event says should be.
///
/// It keeps some 60 bytes of the host's memory for every event until the run is over. It takes no
/// simulated time. O(page) an event that moves bytes, O(TLB) one of a page that a TLB has.
class recorder final : public event_sink
{
public:
    explicit recorder(world& w);

    void on_event(const event& e) override;
    void on_span(const span_mark& mark) override;
    bool follows_spans() const override { return true; }

    /// When the run is over: all of it, with what the oracle has found. Once.
    recording finish();

private:
    struct site_facts {
        std::uint16_t number = 0;
        bool stores = false;
        bool moves_bytes = false; ///< of memory or of the disk, or it is the first to tell of them
        bool of_disk = false;
        bool changes_disk = false; ///< its bytes, just before it tells
        const struct cause_rule* rule = nullptr;
        std::vector<std::uint16_t> causes; ///< sites, of those that were met
        std::size_t causes_as_of = 0;      ///< how many sites had been met then
    };
    static constexpr std::uint32_t nothing = ~std::uint32_t{0};
    struct latest {
        std::uint16_t site;
        std::uint8_t block;
        std::uint32_t event;
    };
    struct life {
        portrait now;
        std::vector<const mm_struct*> spaces; ///< of the page's mappings
        std::vector<latest> last;             ///< event of each site, by block
        std::uint32_t landing = nothing;      ///< the event of a store whose bytes are on their way
    };
    /// Whom an event is about: `page` is null if the cache does not have it.
    struct target {
        std::uint32_t number;
        const page* cached;
        std::uint8_t block;
    };
    struct block_of_page {
        std::uint32_t page;
        std::uint8_t block;
    };
    using page_key = std::pair<inode_number, page_index>;

    site_facts& facts_of(const step_site& site);
    std::uint16_t number_of(const span_site& site);
    std::uint32_t number_of_page(inode_number ino, page_index index);
    std::vector<target> targets_of(const event& e, const site_facts& site);
    void add_targets_of_sectors(const event& e, std::vector<target>& found) const;
    const page* cached_page(std::uint32_t number) const;
    std::uint8_t block_of(const event& e) const;

    void record(const event& e, site_facts& site, const target* about, bool again);
    void look_at(const target& about, const site_facts& site, recorded_event& r);
    void land(life& of, const page* cached);
    void keep_difference(life& of, const portrait& now, recorded_event& r);
    std::uint32_t cause_of(const recorded_event& r, site_facts& site, const life& of);
    void remember(life& of, const recorded_event& r);

    void follow_tlbs(const event& e, site_facts& site, const std::vector<target>& told);
    void note_fill(const event& e);
    std::vector<frame_number> dropped_from(std::size_t core);
    bool may_have(std::size_t core, frame_number frame) const;

    void sample_counters(picoseconds now);
    std::vector<recorded_counter> counters() const;
    void put_in_order();
    void tell_findings();
    void tell(const finding& f, bool is_lie);
    const std::vector<std::uint32_t>& events_of(std::uint32_t page);

    world& m_world;
    portrait_painter m_painter;
    recording m_recording;
    std::unordered_map<const step_site*, site_facts> m_sites;
    std::unordered_map<const span_site*, std::uint16_t> m_spans;
    std::map<page_key, std::uint32_t> m_numbers;
    std::map<inode_number, const inode*> m_files; ///< of which a page was cached once
    std::vector<life> m_lives;                    ///< by the page's number
    std::map<std::uint64_t, block_of_page> m_by_sector;
    std::unordered_map<actor_id, std::uint32_t> m_last_page;
    std::vector<std::size_t> m_core_of_actor; ///< number of cores: it is on none

    struct tlb_watch {
        std::unordered_set<frame_number> frames; ///< that it may have
        std::uint64_t drops = 0;
    };
    const bool m_huge; ///< there may be entries for more than a page
    std::vector<tlb_watch> m_tlbs;
    portrait m_scratch;
    std::vector<std::vector<std::uint32_t>> m_events_of; ///< by page, when the run is over

    stopwatches m_stopwatches;
    time_series m_dirty, m_writeback, m_background, m_limit, m_queued, m_faults, m_ipis, m_written;
};

} // namespace mkclean
