#include "tb/explore/search.h"

#include <algorithm>

namespace mkclean
{

namespace
{

std::uint64_t rank_of(std::uint64_t parent, explored_world::move by)
{
    std::uint64_t x = (parent ^ by) * 0x9e3779b97f4a7c15;
    x ^= x >> 29;
    return x * 0xbf58476d1ce4e5b9;
}

} // namespace

std::optional<search_result::counterexample> search_result::of(flaw f) const
{
    for (const counterexample& c : found)
        if (c.what == f)
            return c;
    return std::nullopt;
}

breadth_first_search::breadth_first_search(explored_world& w, const search_limits& limits,
                                           std::size_t most_states)
    : m_world(w),
      m_limits(limits)
{
    std::size_t slots = 1024;
    while (slots < most_states * 2)
        slots *= 2;
    m_by_state.resize(slots);
}

std::uint32_t& breadth_first_search::slot_of(image::id state)
{
    std::size_t at = state * 0x9e3779b97f4a7c15 >> 20 & (m_by_state.size() - 1);
    while (m_by_state[at] != 0 && m_records[m_by_state[at] - 1].state != state)
        at = (at + 1) & (m_by_state.size() - 1);
    return m_by_state[at];
}

void breadth_first_search::reach(image::id state, std::uint32_t parent, explored_world::move by)
{
    const std::uint64_t rank = rank_of(m_records[parent].rank, by);
    std::uint32_t& slot = slot_of(state);
    if (slot == 0) {
        if (m_records.size() * 2 > m_by_state.size())
            throw store_full();
        m_records.push_back({state, parent, rank, by});
        slot = static_cast<std::uint32_t>(m_records.size());
        return;
    }
    record& known = m_records[slot - 1];
    if (slot - 1 >= m_level_end && rank < known.rank)
        known = {state, parent, rank, by};
}

void breadth_first_search::note(flaw_set found, std::uint32_t parent, explored_world::move by)
{
    for (std::size_t i = 0; i < flaws; ++i) {
        if ((found >> i & 1) == 0)
            continue;
        const finding f{static_cast<flaw>(i), parent, by, rank_of(m_records[parent].rank, by)};
        std::optional<finding>& best = m_found[i];
        const bool of_this_level = best && best->parent >= m_level_begin;
        if (!best || (of_this_level && f.rank < best->rank))
            best = f;
    }
}

void breadth_first_search::expand(std::uint32_t index)
{
    m_world.load(m_records[index].state);
    const std::vector<explored_world::move> moves = m_world.moves();
    if (moves.empty()) {
        note(flaw_set{1} << static_cast<unsigned>(flaw::deadlock), m_records[index].parent,
             m_records[index].move);
        ++m_result.ends;
    }
    for (const explored_world::move m : moves) {
        const explored_world::step_result made = m_world.make(m);
        ++m_result.transitions;
        note(made.flaws, index, m);
        if (made.ended)
            ++m_result.ends;
        else
            reach(made.state, index, m);
        m_world.back();
    }
}

std::vector<explored_world::move> breadth_first_search::way_to(std::uint32_t parent,
                                                               explored_world::move last) const
{
    std::vector<explored_world::move> moves{last};
    for (std::uint32_t at = parent; at != 0; at = m_records[at].parent)
        moves.push_back(m_records[at].move);
    std::reverse(moves.begin(), moves.end());
    return moves;
}

search_result breadth_first_search::run(const std::function<bool(const progress&)>& tell)
{
    m_records.push_back({m_world.start(), 0, 1, 0});
    slot_of(m_world.start()) = 1;
    m_level_end = 1;
    bool stopped = false;
    while (m_level_begin < m_level_end && !stopped) {
        for (std::uint32_t i = m_level_begin; i < m_level_end && !stopped; ++i) {
            expand(i);
            if ((i & 0xff) == 0 && tell({m_records.size(), m_result.transitions,
                                         m_level_end - m_level_begin, m_result.levels}))
                stopped = true;
        }
        ++m_result.levels;
        for (std::size_t i = 0; i < flaws; ++i)
            stopped = stopped || (m_found[i] && (m_limits.stops_at >> i & 1) != 0);
        stopped = stopped || m_records.size() >= m_limits.states;
        m_level_begin = m_level_end;
        m_level_end = static_cast<std::uint32_t>(m_records.size());
    }
    m_result.complete = m_level_begin == m_level_end;
    m_result.states = m_records.size();
    for (const std::optional<finding>& f : m_found)
        if (f)
            m_result.found.push_back({f->what, way_to(f->parent, f->by)});
    return m_result;
}

} // namespace mkclean
