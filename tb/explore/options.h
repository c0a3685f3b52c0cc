#pragma once

#include "tb/explore/flaw.h"
#include "tb/explore/search_order.h"

#include <cstdint>
#include <vector>

namespace mkclean
{

class option_set;

/// explore.*: what of a program's orders is looked at.
struct explore_options {
    search_order order = search_order::switches;
    std::uint64_t switches = 1000;
    std::uint64_t states = 100'000'000;
    std::uint64_t walks = 10'000;
    std::uint64_t pct_changes = 2;
    std::uint64_t memory = std::uint64_t{4} << 30; ///< bytes
    std::vector<flaw> stop_at{flaw::lost,     flaw::lie,      flaw::stale,    flaw::expect,
                              flaw::deadlock, flaw::livelock, flaw::assertion};

    void declare(option_set& options);
};

} // namespace mkclean
