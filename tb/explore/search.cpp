#include "tb/explore/search.h"

#include <algorithm>

namespace mkclean
{

namespace
{

constexpr std::uint64_t tell_after = 256; // transitions

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

void search::reach(const moves_made::one& made, number parent, explored_world::move by)
{
    const auto fresh = static_cast<number>(m_records.size());
    const number at = m_known.find_or_add(made.state, fresh);
    if (at == fresh)
        m_records.push_back({made.state, m_switches});
    m_edges.emplace_back(m_visits[parent].to, at);
    record& r = m_records[at];
    const std::uint64_t last = std::uint64_t{1} << made.last;
    if (at != fresh && (!counts_switches() || r.switches < m_switches || (r.last_s & last) != 0))
        return;
    r.last_s |= last;
    if (made.suspicious && at == fresh)
        m_suspicious.push_back(static_cast<number>(m_visits.size()));
    waiting_at(m_depth + 1).push_back(static_cast<number>(m_visits.size()));
    m_visits.push_back({at, parent, by, made.last});
    ++m_waiting;
}

void search::note(flaw_set found, number parent, explored_world::move by, const std::string& says)
{
    for (std::size_t i = 0; i < flaws; ++i) {
        const auto what = static_cast<flaw>(i);
        if (has(found, what) && !m_found[i])
            m_found[i] = {what,       parent,      by,
                          m_switches, m_depth + 1, what == flaw::assertion ? says : std::string(),
                          {}};
    }
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

// What is wanted from the states of some stories; returns how many stories. A state that several of
// them have come to is one order.
std::size_t search::order_moves(const std::vector<number>& stories, std::size_t first)
{
    m_orders.clear();
    m_order_of.clear();
    m_order_at.clear();
    std::size_t at = first;
    for (; at < stories.size() && m_orders.size() < crew::most_orders; ++at) {
        const visit& story = m_visits[stories[at]];
        const record& r = m_records[story.to];
        const auto [slot, fresh] = m_order_at.try_emplace(story.to, m_orders.size());
        if (fresh)
            m_orders.push_back({r.state, r.made, 0, !counts_switches() || r.switches < m_switches});
        m_orders[slot->second].last_s |= std::uint64_t{1} << story.last;
        m_order_of.push_back(slot->second);
    }
    return at - first;
}

void search::go_on_from(number story, const moves_made& made)
{
    const visit from = m_visits[story];
    if (made.moves.empty()) {
        note(bit(flaw::deadlock), from.parent, from.by, {});
        note_end(from.to);
    }
    const bool may_switch = !counts_switches() || m_records[from.to].switches < m_switches;
    bool left = false;
    for (std::size_t i = 0; i < made.moves.size(); ++i) {
        const std::uint64_t this_one = std::uint64_t{1} << i;
        if ((m_records[from.to].made & this_one) != 0)
            continue;
        if (!may_switch && is_switch(made.moves, from.last, made.moves[i])) {
            left = true;
            continue;
        }
        m_records[from.to].made |= this_one;
        const moves_made::one& one = made.results[i];
        ++m_result.transitions;
        note(one.flaws, story, made.moves[i], i == made.whose ? made.says : std::string());
        if (one.ended)
            note_end(from.to);
        else
            reach(one, story, made.moves[i]);
        if (m_result.transitions % tell_after == 0)
            m_told_to_stop = tell_progress() || m_told_to_stop;
    }
    for (const number suspicious : std::exchange(m_suspicious, {}))
        confirm_loss(suspicious);
    if (left && std::exchange(m_records[from.to].waits, std::uint8_t{1}) == 0) {
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

// False if that is the end of this run.
bool search::make_moves()
{
    try {
        m_crew.make(m_orders, [this] { return tell_progress(); });
        return true;
    } catch (const crew_stopped&) {
        m_told_to_stop = true;
    } catch (const crew_broken& error) {
        m_told_to_stop = true;
        m_ended_by = error;
    }
    return false;
}

void search::put_back(std::vector<number> stories, std::size_t from)
{
    stories.erase(stories.begin(), stories.begin() + static_cast<std::ptrdiff_t>(from));
    m_now[m_depth] = std::move(stories);
}

void search::throw_what_has_ended_it() const
{
    if (m_ended_by)
        throw crew_broken(*m_ended_by);
}

bool search::tell_progress() const
{
    return m_tell({m_records.size(), m_result.transitions, m_waiting, m_switches, m_depth});
}

void search::look_at_depth()
{
    // What is reached from here is deeper.
    std::vector<number> stories = std::exchange(waiting_at(m_depth), {});
    for (std::size_t first = 0; first < stories.size();) {
        const std::size_t count = order_moves(stories, first);
        if (!make_moves())
            return put_back(std::move(stories), first);
        for (std::size_t i = 0; i < count; ++i) {
            if (m_told_to_stop || memory_is_low())
                return put_back(std::move(stories), first + i);
            --m_waiting;
            go_on_from(stories[first + i], m_crew.of(m_order_of[i]));
        }
        first += count;
    }
    m_result.depth = std::max(m_result.depth, m_depth);
}

bool search::memory_is_low() const
{
    return m_world.memory_is_low(m_known.bytes() + m_records.capacity() * sizeof(record) +
                                 m_visits.capacity() *
                                     (sizeof(visit) + sizeof(number)) + // and once in what waits
                                 m_edges.capacity() * sizeof(std::pair<number, number>));
}

bool search::enough() const
{
    if (m_told_to_stop || m_records.size() >= m_limits.states || memory_is_low())
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

void search::begin()
{
    m_records.push_back({m_world.start(), 0});
    m_known.find_or_add(m_world.start(), 0);
    m_visits.push_back({0, nowhere, 0, 0});
    waiting_at(0).push_back(0);
    m_waiting = 1;
}

search_result search::run(const listener& tell)
{
    m_tell = tell;
    if (m_records.empty())
        begin();
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
    m_result.out_of_memory = !m_result.complete && memory_is_low();
    if (m_result.complete)
        look_for_livelock();
    m_result.states = m_records.size();
    for (const std::optional<finding>& f : m_found)
        if (f)
            m_result.found.push_back(described(*f));
    return m_result;
}

} // namespace mkclean
