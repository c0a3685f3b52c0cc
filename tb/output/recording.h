#pragma once

#include "sim/event_log.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mkclean
{

/// What a page's state is made of, one number each: the lanes of the report.
namespace lane
{
constexpr std::uint16_t flags = 0;   ///< PG_*: locked 1, dirty 2, writeback 4, uptodate 8
constexpr std::uint16_t tags = 1;    ///< DIRTY 1, WRITEBACK 2, TOWRITE 4
constexpr std::uint16_t inode = 2;   ///< 1: it is on the dirty list
constexpr std::uint16_t key = 3;     ///< of the frame: C 1, R 2
constexpr std::uint16_t disk = 4;    ///< bytes that read back otherwise than memory has them
constexpr std::uint16_t cached = 5;  ///< 1: the page is in the page cache
constexpr std::uint16_t media = 6;   ///< bytes that would be otherwise after a power cut
constexpr std::uint16_t version = 7; ///< stores into the page so far
constexpr std::uint16_t buffers = 8; ///< + block: dirty 1, locked 2, there is one 4
constexpr std::uint16_t ptes = 16;   ///< + mapping of the page: P 1, W 2, D 4
constexpr std::uint16_t tlbs = 64;   ///< + core: P 1, W 2, D 4
constexpr std::uint16_t most_buffers = ptes - buffers;
constexpr std::uint16_t most_ptes = tlbs - ptes;
} // namespace lane

struct lane_change {
    std::uint16_t lane;
    std::uint32_t value; ///< from now on
};

/// An event, or where a function begins or ends, as outputs keep it that are written when the run
/// is over: everything that has to be asked at the time is in it.
struct recorded_event {
    /// `again`: the event before this one, as another page sees it (of a PMD, of a flushed TLB).
    enum class kind : std::uint8_t { step = 0, begin = 1, end = 2, again = 3 };

    static constexpr std::uint32_t no_page = ~std::uint32_t{0};
    static constexpr std::uint8_t no_block = 255;

    picoseconds time;
    std::uint64_t before = 0; ///< the site says what it means; of an `end`: errno
    std::uint64_t after = 0;
    std::uint32_t page = no_page;   ///< in recording::pages
    std::uint32_t cause = 0;        ///< how many events ago; 0: none is known
    std::uint32_t first_change = 0; ///< in recording::changes
    std::uint16_t changes = 0;
    std::uint16_t site = 0;
    actor_id actor = 0;
    kind what = kind::step;
    std::uint8_t block = no_block;
};

/// A site of steps or spans that was met.
struct recorded_site {
    std::string name;
    place touches = place::none;
    bool is_span = false;
    bool stores = false; ///< before..after are bytes of the page that it puts into memory
};

/// A page that something has happened to.
struct recorded_page {
    struct mapping {
        std::string process;
        virtual_address va;
    };
    inode_number ino;
    page_index index;
    std::uint32_t steps = 0;
    std::uint64_t lost = 0; ///< bytes
    std::uint64_t lied = 0; ///< bytes
    std::vector<mapping> mappings;
};

/// A figure over time: it holds from each point to the next.
struct recorded_counter {
    struct point {
        picoseconds time;
        double value;
    };
    std::string name;
    std::string group; ///< counters that are drawn over each other
    std::string unit;
    std::string words;
    bool is_limit = false;
    std::vector<point> points;
};

/// How long something took, each time.
struct recorded_latency {
    std::string name;
    std::string words;
    std::vector<std::uint64_t> durations; ///< ps, sorted
};

struct recorded_file {
    inode_number ino;
    std::uint64_t size; ///< bytes, at the end
};

/// Bytes that are not what they should be.
struct recorded_finding {
    static constexpr std::uint64_t no_event = ~std::uint64_t{0};

    bool is_lie = false; ///< of a sync; or else they are lost
    std::uint32_t page = 0;
    std::uint32_t offset = 0; ///< in the page
    std::uint32_t length = 0;
    std::byte expected{}; ///< of the first byte
    std::byte found{};
    picoseconds when;
    actor_id stored_by = 0;
    picoseconds stored_at;
    std::uint64_t stored = no_event;  ///< the event that stored them
    std::uint64_t dropped = no_event; ///< after which nothing knew that the page was dirty
};

/// A run, as it happened. Outputs are functions of it.
struct recording {
    std::vector<recorded_event> events; ///< in the order of time
    std::vector<lane_change> changes;
    std::vector<recorded_site> sites;
    std::vector<recorded_page> pages;
    std::vector<recorded_file> files;
    std::vector<recorded_finding> findings;
    std::vector<recorded_counter> counters;
    std::vector<recorded_latency> latencies;
};

} // namespace mkclean
