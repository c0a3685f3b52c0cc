#pragma once

#include "tb/explore/explored_world.h"

#include <array>
#include <functional>
#include <optional>
#include <vector>

namespace mkclean
{

struct search_limits {
    std::uint64_t states = ~std::uint64_t{0}; ///< after that many, the search is not complete
    flaw_set stops_at = 0; ///< the search ends with the level on which one of these was found
};

/// What a search has found out, and how much it has looked at.
struct search_result {
    bool complete = false; ///< every state that can be reached has been looked at
    std::uint64_t states = 0;
    std::uint64_t transitions = 0;
    std::uint64_t ends = 0;   ///< states from which nothing is left to do
    std::uint32_t levels = 0; ///< moves of the longest of all shortest ways to a state
    struct counterexample {
        flaw what;
        std::vector<explored_world::move> moves;
    };
    /// One for each kind that was found, the shortest; of those, always the same one.
    std::vector<counterexample> found;
    std::optional<counterexample> of(flaw f) const;
};

/// Looks at every state that a world can come to, in the order of their distance.
///
/// Complexity: a state takes 32 bytes and what it does not have in common with others, some hundred
/// bytes; a transition takes the move itself and a comparison of the memory that may have changed.
class breadth_first_search
{
public:
    struct progress {
        std::uint64_t states, transitions, frontier;
        std::uint32_t level;
    };
    breadth_first_search(explored_world& w, const search_limits& limits, std::size_t most_states);

    /// `tell` is called now and then, and ends the search by returning true.
    search_result run(const std::function<bool(const progress&)>& tell);

private:
    struct record {
        image::id state;
        std::uint32_t parent;
        std::uint64_t rank; ///< of the way here; the least of equally long ones is what is kept
        std::uint32_t move;
    };
    struct finding {
        flaw what;
        std::uint32_t parent;
        explored_world::move by;
        std::uint64_t rank;
    };

    void expand(std::uint32_t index);
    void reach(image::id state, std::uint32_t parent, explored_world::move by);
    void note(flaw_set found, std::uint32_t parent, explored_world::move by);
    std::uint32_t& slot_of(image::id state);
    std::vector<explored_world::move> way_to(std::uint32_t parent, explored_world::move last) const;

    explored_world& m_world;
    search_limits m_limits;
    std::vector<record> m_records;
    std::vector<std::uint32_t> m_by_state; ///< open addressing; index + 1
    std::uint32_t m_level_begin = 0;
    std::uint32_t m_level_end = 0;
    search_result m_result;
    std::array<std::optional<finding>, flaws> m_found;
};

} // namespace mkclean
