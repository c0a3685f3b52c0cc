#include "tb/explore/walks.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>

namespace mkclean
{

namespace
{

constexpr std::uint32_t longest_walk = 10'000; // moves: beyond that somebody goes round in circles
constexpr std::uint32_t usual_walk = 200;      // moves, before anything is known

// std::uniform_int_distribution is not the same everywhere.
std::uint64_t below(std::uint64_t n, std::mt19937_64& random)
{
    return random() % n;
}

/// Says who goes, in one walk.
class chooser
{
public:
    chooser(const walk_limits& limits, std::uint64_t number, std::uint32_t length)
        : m_kind(limits.kind),
          m_random(limits.seed * 0x9e3779b97f4a7c15 + number)
    {
        for (std::uint64_t i = 0; m_kind == walk_kind::pct && i < limits.changes; ++i)
            m_changes.insert(static_cast<std::uint32_t>(below(length, m_random)));
    }
    explored_world::move choose(const std::vector<explored_world::move>& all, std::uint32_t at)
    {
        if (m_kind == walk_kind::random)
            return all[below(all.size(), m_random)];
        if (m_changes.count(at) != 0)
            m_priorities[first(all)] = --m_last;
        return first(all);
    }

private:
    explored_world::move first(const std::vector<explored_world::move>& all)
    {
        return *std::max_element(all.begin(), all.end(),
                                 [this](explored_world::move a, explored_world::move b) {
                                     return priority(a) < priority(b);
                                 });
    }
    std::int64_t priority(explored_world::move m)
    {
        const auto known = m_priorities.find(m);
        if (known != m_priorities.end())
            return known->second;
        return m_priorities[m] = static_cast<std::int64_t>(below(1U << 30, m_random));
    }

    walk_kind m_kind;
    std::mt19937_64 m_random;
    std::set<std::uint32_t> m_changes;
    std::map<explored_world::move, std::int64_t> m_priorities;
    std::int64_t m_last = 0;
};

/// The walks that are being made, and the shortest that found each kind of flaw.
class wanderer
{
public:
    wanderer(explored_world& w, const walk_limits& limits) : m_world(w), m_limits(limits) {}

    search_result run(const std::function<bool(const search::progress&)>& tell)
    {
        bool stopped = false;
        for (std::uint64_t i = 0; i < m_limits.walks && !stopped && !enough(); ++i) {
            m_result.out_of_memory = m_world.memory_is_low();
            if (m_result.out_of_memory)
                break;
            walk_once(i);
            stopped = tell(
                {m_seen.size(), m_result.transitions, m_limits.walks - i - 1, 0, m_result.depth});
        }
        m_result.states = m_seen.size();
        for (const auto& [what, found] : m_found)
            m_result.found.push_back(found);
        return m_result;
    }

private:
    bool enough() const
    {
        return std::any_of(m_found.begin(), m_found.end(),
                           [this](const auto& f) { return has(m_limits.stops_at, f.first); });
    }
    void walk_once(std::uint64_t number)
    {
        chooser choice(m_limits, number, std::max(m_result.depth, usual_walk));
        std::vector<explored_world::move> way;
        std::uint32_t switches = 0;
        explored_world::step_result made;
        made.state = m_world.start();
        while (way.size() < longest_walk) {
            m_world.load(made.state);
            m_seen.insert(made.state);
            const std::vector<explored_world::move> all = m_world.moves();
            if (all.empty()) {
                note(bit(flaw::deadlock), "", way, switches);
                break;
            }
            const auto at = static_cast<std::uint32_t>(way.size());
            const explored_world::move m = choice.choose(all, at);
            switches += is_switch(all, made.last, m) ? 1U : 0U;
            made = m_world.make(m);
            way.push_back(m);
            ++m_result.transitions;
            note(made.flaws, made.what, way, switches);
            if (made.ended)
                break;
        }
        ++m_result.ends;
        m_result.depth = std::max(m_result.depth, static_cast<std::uint32_t>(way.size()));
        m_world.back();
    }
    void note(flaw_set flaws_found, const std::string& says,
              const std::vector<explored_world::move>& way, std::uint32_t switches)
    {
        for (std::size_t i = 0; i < flaws; ++i) {
            const auto f = static_cast<flaw>(i);
            if (!has(flaws_found, f))
                continue;
            const auto known = m_found.find(f);
            if (known == m_found.end() || way.size() < known->second.moves.size())
                m_found[f] = {f, way, switches, says, 0};
        }
    }

    explored_world& m_world;
    const walk_limits& m_limits;
    std::set<image::id> m_seen;
    std::map<flaw, search_result::counterexample> m_found;
    search_result m_result;
};

} // namespace

search_result walk(explored_world& w, const walk_limits& limits,
                   const std::function<bool(const search::progress&)>& tell)
{
    return wanderer(w, limits).run(tell);
}

} // namespace mkclean
