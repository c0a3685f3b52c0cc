#pragma once

#include "tb/explore/explored_world.h"
#include "tb/explore/search_order.h"
#include "tb/explore/state_index.h"

#include <array>
#include <functional>
#include <optional>
#include <vector>

namespace mkclean
{

struct search_limits {
    search_order order = search_order::moves;
    std::uint64_t states = ~std::uint64_t{0};   ///< after that many, the search is not complete
    std::uint64_t switches = ~std::uint64_t{0}; ///< of one story at most; needs that order
    flaw_set stops_at = 0; ///< the search ends with the first of these, and those as short
};

/// What a search has found out, and how much it has looked at.
struct search_result {
    bool complete = false;      ///< every state that can be reached has been looked at
    bool out_of_memory = false; ///< it ended because no more states could be kept
    std::uint64_t states = 0;
    std::uint64_t transitions = 0;
    std::uint64_t ends = 0;                     ///< ways to have nothing left to do
    std::uint32_t depth = 0;                    ///< moves of the longest story that was looked at
    std::optional<std::uint32_t> switches_done; ///< stories with so many were all looked at
    struct counterexample {
        flaw what;
        std::vector<explored_world::move> moves;
        std::uint32_t switches = 0;
        std::string says;         ///< what an assertion said
        std::size_t done_for = 0; ///< so many moves; the rest is only needed for it to show
    };
    /// One for each kind that was found, the shortest; of those, always the same one.
    std::vector<counterexample> found;
    const counterexample* of(flaw f) const;
};

/// Looks at every state that a world can come to, in the order in which stories are short.
///
/// Each move from each state is made once. With search_order::switches a state is reached for as
/// few switches as possible, and a move from it is made when the first story that short has come
/// there: this is iterative context bounding (Musuvathi and Qadeer, PLDI 2007) with the states that
/// have been seen kept over all bounds.
///
/// Complexity: a state takes 40 bytes and what it does not have in common with others, some hundred
/// bytes; a transition takes the move itself and a comparison of the memory that may have changed.
class search
{
public:
    struct progress {
        std::uint64_t states, transitions, waiting;
        std::uint32_t switches, depth;
    };
    search(explored_world& w, const search_limits& limits) : m_world(w), m_limits(limits) {}

    /// `tell` is called now and then, and ends the search by returning true.
    search_result run(const std::function<bool(const progress&)>& tell);

private:
    using number = std::uint32_t;
    struct record { // of a state
        image::id state;
        std::uint32_t switches;   ///< of the first story that came here
        std::uint32_t made = 0;   ///< bit n: its n-th move
        std::uint32_t last_s = 0; ///< by whom stories with as many switches came, by hash
        bool waits = false;       ///< for stories with one switch more to be looked at
    };
    struct visit { // by a story
        number to;
        number parent;
        explored_world::move by;
        explored_world::move last; ///< who may go on without a switch
    };
    struct finding {
        flaw what;
        number parent;
        explored_world::move by;
        std::uint32_t switches, depth;
        std::string says;
        std::vector<explored_world::move> rest; ///< moves after that until it shows
    };

    void look_for_livelock();
    void note_end(number from);
    void look_at_depth();
    void go_on_from(number story);
    void reach(const explored_world::step_result& made, number parent, explored_world::move by);
    void confirm_loss(number story);
    void note(const explored_world::step_result& made, number parent, explored_world::move by);
    bool counts_switches() const { return m_limits.order == search_order::switches; }
    bool enough() const;
    std::vector<number>& waiting_at(std::uint32_t depth);
    search_result::counterexample described(const finding& f) const;
    std::vector<explored_world::move> way_to(number parent, explored_world::move last) const;

    explored_world& m_world;
    search_limits m_limits;
    std::vector<record> m_records;
    std::vector<visit> m_visits;
    state_index m_known;
    std::vector<std::pair<number, number>> m_edges; ///< from one record to another
    std::vector<bool> m_can_end;                    ///< records
    std::vector<number> m_suspicious;               ///< stories
    std::vector<std::vector<number>> m_now;         ///< stories to go on with, by their depth
    std::vector<std::vector<number>> m_later;       ///< when there is one switch more to be had
    std::uint64_t m_waiting = 0;
    std::uint32_t m_switches = 0;
    std::uint32_t m_depth = 0;
    search_result m_result;
    std::array<std::optional<finding>, flaws> m_found;
    std::function<bool(const progress&)> m_tell;
    bool m_told_to_stop = false;
};

} // namespace mkclean
