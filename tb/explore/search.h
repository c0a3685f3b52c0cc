#pragma once

#include "tb/explore/crew.h"
#include "tb/explore/explored_world.h"
#include "tb/explore/search_order.h"
#include "tb/explore/state_index.h"

#include <array>
#include <functional>
#include <iosfwd>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace mkclean
{

struct search_limits {
    search_order order = search_order::moves;
    std::uint64_t states = ~std::uint64_t{0};   ///< after that many, the search is not complete
    std::uint64_t switches = ~std::uint64_t{0}; ///< of one story at most; needs that order
    flaw_set stops_at = 0; ///< the search ends with the first of these, and those as short
    std::size_t jobs = 1;  ///< processes; what is found does not depend on it
};

/// What search::resume() was given is no saved search, or not one of that program.
struct not_that_search : std::runtime_error {
    using std::runtime_error::runtime_error;
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
/// Complexity: a state takes some hundred bytes: half of them what it does not have in common with
/// others, half what is known of it; a transition takes the move itself and a comparison of the
/// memory that may have changed.
class search
{
public:
    struct progress {
        std::uint64_t states, transitions, waiting;
        std::uint32_t switches, depth;
    };
    search(explored_world& w, const search_limits& limits)
        : m_world(w),
          m_limits(limits),
          m_crew(w, limits.jobs)
    {
    }

    using listener = std::function<bool(const progress&)>;

    /// `tell` is called now and then, and ends the search by returning true.
    search_result run(const listener& tell);
    /// After run(): throws what has ended it, if that was one of its processes (crew_broken).
    void throw_what_has_ended_it() const;
    /// After run(): what a search needs to go on from there, in pieces. It is the stories, from
    /// which resume() makes the states again: a state is full of addresses, which are different in
    /// every process.
    void save(const std::string& program, const std::function<void(std::string_view)>& write) const;
    /// Before run(): everything is as it was after the run() of the search that was saved, and
    /// run() goes on from there. A third of the time it took, or less, in O(its states) moves.
    /// False if `tell` wanted no more. Error: not_that_search.
    bool resume(const std::string& program, std::istream& from, const listener& tell);

private:
    using number = std::uint32_t;
    struct record { // of a state
        image::id state;
        std::uint32_t switches;   ///< of the first story that came here
        std::uint64_t last_s = 0; ///< bit n: stories with as many switches came by entry n
        std::uint64_t made = 0;   ///< bit n: its n-th move
        std::uint8_t waits = 0;   ///< 1: for stories with one switch more to be looked at
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

    static constexpr number nowhere = ~number{0};

    void begin();
    void look_for_livelock();
    void note_end(number from);
    void look_at_depth();
    bool make_moves();
    bool tell_progress() const;
    void put_back(std::vector<number> stories, std::size_t from);
    std::size_t order_moves(const std::vector<number>& stories, std::size_t first);
    void go_on_from(number story, const moves_made& made);
    void reach(const moves_made::one& made, number parent, explored_world::move by);
    void confirm_loss(number story);
    void note(flaw_set found, number parent, explored_world::move by, const std::string& says);
    bool counts_switches() const { return m_limits.order == search_order::switches; }
    bool make_states_again(const listener& tell);
    bool memory_is_low() const;
    bool enough() const;
    std::vector<number>& waiting_at(std::uint32_t depth);
    search_result::counterexample described(const finding& f) const;
    std::vector<explored_world::move> way_to(number parent, explored_world::move last) const;

    explored_world& m_world;
    search_limits m_limits;
    crew m_crew;
    std::vector<moves_wanted> m_orders;       ///< of the stories that are being gone on with
    std::vector<std::size_t> m_order_of;      ///< of each of them
    std::map<number, std::size_t> m_order_at; ///< by record
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
    listener m_tell;
    bool m_told_to_stop = false;
    std::optional<crew_broken> m_ended_by;
};

} // namespace mkclean
