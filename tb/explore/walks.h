#pragma once

#include "tb/explore/search.h"

#include <cstdint>
#include <functional>

namespace mkclean
{

/// How a walk goes where there is a choice.
enum class walk_kind : std::uint8_t {
    random, ///< anybody
    /// Whoever is first in an order that is drawn anew for each walk; `changes` times, at moves
    /// that are drawn as well, the one who would go is put last. A flaw that needs n of these
    /// changes comes with a probability of at least 1 / (actors x moves^n): Burckhardt et al., "A
    /// Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", ASPLOS 2010.
    pct
};

struct walk_limits {
    walk_kind kind = walk_kind::random;
    std::uint64_t walks = 1000;
    std::uint64_t seed = 1;
    std::uint64_t changes = 2; ///< of a pct walk
    flaw_set stops_at = 0;     ///< no further walk after one that finds one of these
};

/// Walks from the start to an end again and again, for programs with more states than can be kept.
/// Every state on the way is judged; what is not found may still be there. The same seed, the same
/// walks.
///
/// Complexity: time and memory O(moves), for the states that walks pass through are kept.
search_result walk(explored_world& w, const walk_limits& limits,
                   const std::function<bool(const search::progress&)>& tell);

} // namespace mkclean
