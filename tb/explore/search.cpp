#include "tb/explore/search.h"

#include <algorithm>

namespace mkclean
{

namespace
{

constexpr std::uint64_t tell_after = 256; // transitions
constexpr std::uint32_t nowhere = ~std::uint32_t{0};

} // namespace

const search_result::counterexample* search_result::of(flaw f) const
{
    for (const counterexample& c : found)
        if (c.what == f)
            return &c;
    return nullptr;
}

std::vector<search::number>& search::waiting_at(std::uint32_t depth)
{
    if (m_now.size() <= depth)
        m_now.resize(depth + 1);
    return m_now[depth];
}

void search::reach(const explored_world::step_result& made, number parent, explored_world::move by)
{
    const auto fresh = static_cast<number>(m_records.size());
    const number at = m_known.find_or_add(made.state, fresh);
    if (at == fresh)
        m_records.push_back({made.state, m_switches});
    m_edges.emplace_back(m_visits[parent].to, at);
    record& r = m_records[at];
    const std::uint32_t last = std::uint32_t{1} << (made.last % 32);
    if (at != fresh && (!counts_switches() || r.switches < m_switches || (r.last_s & last) != 0))
        return;
    r.last_s |= last;
    if (made.suspicious && at == fresh)
        m_suspicious.push_back(static_cast<number>(m_visits.size()));
    waiting_at(m_depth + 1).push_back(static_cast<number>(m_visits.size()));
    m_visits.push_back({at, parent, by, made.last});
    ++m_waiting;
}

void search::note(const explored_world::step_result& made, number parent, explored_world::move by)
{
    for (std::size_t i = 0; i < flaws; ++i)
        if (has(made.flaws, static_cast<flaw>(i)) && !m_found[i])
            m_found[i] = {static_cast<flaw>(i), parent, by, m_switches, m_depth + 1, made.what, {}};
}

// What looks lost is lost if it is so in the end.
void search::confirm_loss(number story)
{
    std::optional<finding>& lost = m_found[static_cast<std::size_t>(flaw::lost)];
    if (lost)
        return;
    const visit& at = m_visits[story];
    explored_world::step_result end;
    std::vector<explored_world::move> rest = m_world.run_out(m_records[at.to].state, at.last, end);
    m_world.back();
    if (!rest.empty() && has(end.flaws, flaw::lost))
        lost = {flaw::lost, at.parent, at.by, m_switches, m_depth + 1, end.what, std::move(rest)};
}

void search::go_on_from(number story)
{
    const visit from = m_visits[story];
    m_world.load(m_records[from.to].state);
    const std::vector<explored_world::move> moves = m_world.moves();
    if (moves.empty()) {
        explored_world::step_result stuck;
        stuck.flaws = bit(flaw::deadlock);
        note(stuck, from.parent, from.by);
        note_end(from.to);
    }
    const bool may_switch = !counts_switches() || m_records[from.to].switches < m_switches ||
                            std::find(moves.begin(), moves.end(), from.last) == moves.end();
    bool left = false;
    for (std::size_t i = 0; i < moves.size(); ++i) {
        const std::uint32_t this_one = std::uint32_t{1} << i;
        if ((m_records[from.to].made & this_one) != 0)
            continue;
        if (!may_switch && moves[i] != from.last) {
            left = true;
            continue;
        }
        m_records[from.to].made |= this_one;
        const explored_world::step_result made = m_world.make(moves[i]);
        ++m_result.transitions;
        note(made, story, moves[i]);
        if (made.ended)
            note_end(from.to);
        else
            reach(made, story, moves[i]);
        m_world.back();
        if (m_result.transitions % tell_after == 0)
            m_told_to_stop = m_told_to_stop || m_tell({m_records.size(), m_result.transitions,
                                                       m_waiting, m_switches, m_depth});
    }
    for (const number suspicious : std::exchange(m_suspicious, {}))
        confirm_loss(suspicious);
    if (left && !std::exchange(m_records[from.to].waits, true)) {
        if (m_later.size() <= m_depth)
            m_later.resize(m_depth + 1);
        m_later[m_depth].push_back(story);
        ++m_waiting;
    }
}

void search::note_end(number from)
{
    ++m_result.ends;
    if (m_can_end.size() <= from)
        m_can_end.resize(m_records.size());
    m_can_end[from] = true;
}

// Most edges lead to what was found later, so that the last are the ones to begin with.
void search::look_for_livelock()
{
    m_can_end.resize(m_records.size());
    for (bool changed = true; changed;) {
        changed = false;
        for (auto edge = m_edges.rbegin(); edge != m_edges.rend(); ++edge)
            if (m_can_end[edge->second] && !m_can_end[edge->first])
                m_can_end[edge->first] = changed = true;
    }
    const auto at = std::find(m_can_end.begin(), m_can_end.end(), false);
    if (at == m_can_end.end())
        return;
    const auto stuck = static_cast<number>(at - m_can_end.begin());
    const auto first = std::find_if(m_visits.begin(), m_visits.end(),
                                    [stuck](const visit& v) { return v.to == stuck; });
    m_found[static_cast<std::size_t>(flaw::livelock)] = {
        flaw::livelock, first->parent, first->by, m_records[stuck].switches, 0, {}, {}};
}

void search::look_at_depth()
{
    // What is reached from here is deeper.
    const std::vector<number> stories = std::move(waiting_at(m_depth));
    for (const number story : stories) {
        if (m_told_to_stop || m_world.memory_is_low())
            return;
        --m_waiting;
        go_on_from(story);
    }
    m_result.depth = std::max(m_result.depth, m_depth);
}

bool search::enough() const
{
    if (m_told_to_stop || m_records.size() >= m_limits.states || m_world.memory_is_low())
        return true;
    for (const std::optional<finding>& f : m_found)
        if (f && has(m_limits.stops_at, f->what))
            return true;
    return false;
}

std::vector<explored_world::move> search::way_to(number parent, explored_world::move last) const
{
    if (parent == nowhere)
        return {}; // it is so from the start
    std::vector<explored_world::move> moves{last};
    for (number at = parent; m_visits[at].parent != nowhere; at = m_visits[at].parent)
        moves.push_back(m_visits[at].by);
    std::reverse(moves.begin(), moves.end());
    return moves;
}

search_result::counterexample search::described(const finding& f) const
{
    search_result::counterexample c{f.what, way_to(f.parent, f.by), f.switches, f.says, 0};
    c.done_for = c.moves.size();
    c.moves.insert(c.moves.end(), f.rest.begin(), f.rest.end());
    return c;
}

search_result search::run(const std::function<bool(const progress&)>& tell)
{
    m_tell = tell;
    m_records.push_back({m_world.start(), 0});
    m_known.find_or_add(m_world.start(), 0);
    m_visits.push_back({0, nowhere, 0, 0});
    waiting_at(0).push_back(0);
    m_waiting = 1;
    for (; m_waiting > 0 && m_switches <= m_limits.switches; ++m_switches) {
        for (m_depth = 0; m_depth < m_now.size() && !enough(); ++m_depth)
            look_at_depth();
        if (enough())
            break;
        if (counts_switches())
            m_result.switches_done = m_switches;
        m_now = std::move(m_later);
        m_later.clear();
    }
    m_result.complete = m_waiting == 0;
    m_result.out_of_memory = !m_result.complete && m_world.memory_is_low();
    if (m_result.complete)
        look_for_livelock();
    m_result.states = m_records.size();
    for (const std::optional<finding>& f : m_found)
        if (f)
            m_result.found.push_back(described(*f));
    return m_result;
}

} // namespace mkclean
