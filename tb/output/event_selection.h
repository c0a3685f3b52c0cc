#pragma once

#include "tb/output/recording.h"

#include <cstdint>
#include <vector>

namespace mkclean
{

/// Which of a recording's events a report holds.
struct event_selection {
    static constexpr std::uint32_t left_out = ~std::uint32_t{0};

    std::vector<std::uint32_t> pages;     ///< numbers, the most interesting first
    std::vector<std::uint32_t> rank_of;   ///< of a page's number, or left_out
    std::vector<std::uint32_t> events;    ///< numbers, in the order of time
    std::vector<std::uint32_t> number_of; ///< of an event in the selection, or left_out
    std::uint64_t cut = 0; ///< of the first page's events, the first so many are left out
};

/// The whole lives of the most interesting pages (the one that went wrong first, as the verdict has
/// it; then bytes lost, then bytes that a sync lied about, then the most steps that are no stores),
/// as many as `most` events allow, and what is of no page if that is few. If already the first
/// page's life is longer, its last events.
event_selection select_events(const recording& r, std::uint64_t most);

} // namespace mkclean
