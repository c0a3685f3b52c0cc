#include "tb/lesson/run_record.h"

#include <algorithm>

#include <fmt/format.h>

namespace mkclean
{

namespace
{

constexpr std::uint32_t no_page = recorded_event::no_page;

std::uint32_t number_of(const page_name& page, const recording& in)
{
    for (std::uint32_t i = 0; i < in.pages.size(); ++i)
        if (in.pages[i].ino.raw() == page.ino && in.pages[i].index.raw() == page.page)
            return i;
    return no_page;
}

bool is_step(const recorded_event& e)
{
    return e.what == recorded_event::kind::step || e.what == recorded_event::kind::again;
}

void apply_changes(const recorded_event& e, const recording& from,
                   std::map<std::uint16_t, std::uint32_t>& state)
{
    for (std::uint32_t i = e.first_change; i < e.first_change + e.changes; ++i) {
        const lane_change& change = from.changes[i];
        if (change.lane == lane::version) // or no two stores would be alike
            continue;
        if (change.value == 0)
            state.erase(change.lane);
        else
            state[change.lane] = change.value;
    }
}

std::string remark_on(std::uint64_t event, const recording& in)
{
    for (const recorded_finding& f : in.findings) {
        if (f.stored == event)
            return f.is_lie ? "promised, and not on the disk" : "lost";
        if (f.dropped == event && !f.is_lie)
            return "nothing knows of it any more";
    }
    return "";
}

std::size_t place_of(std::uint64_t event, const std::vector<std::uint64_t>& events)
{
    const auto found = std::lower_bound(events.begin(), events.end(), event);
    return found == events.end() || *found != event
               ? life_step::none
               : static_cast<std::size_t>(found - events.begin());
}

// What came before is told in the state that it left.
void begin_with(const std::string& step, std::vector<life_step>& life)
{
    const auto first =
        std::find_if(life.begin(), life.end(), [&](const life_step& s) { return s.step == step; });
    const auto gone = static_cast<std::size_t>(first - life.begin());
    life.erase(life.begin(), first);
    for (life_step& s : life)
        s.cause = s.cause == life_step::none || s.cause < gone ? life_step::none : s.cause - gone;
}

} // namespace

std::uint64_t run_record::count(const std::string& step, const std::string& who) const
{
    std::uint64_t sum = 0;
    for (const auto& [taken, times] : steps)
        if (taken.first == step && (who.empty() || taken.second == who))
            sum += times;
    return sum;
}

run_follower::run_follower(world& w) : m_world(w), m_recorder(w)
{
    w.log().attach(*this);
}

void run_follower::on_event(const event& e)
{
    const step_site*& known = m_sites[e.site->name];
    if (known == nullptr || known->show == nullptr) // two sites may share a name
        known = e.site;
}

std::string run_follower::change_of(const recorded_event& r, const recording& from) const
{
    const auto site = m_sites.find(from.sites[r.site].name);
    return site == m_sites.end() || site->second->show == nullptr
               ? ""
               : site->second->show(r.before, r.after);
}

life_step run_follower::step_of(const recorded_event& r, const recording& from) const
{
    const event_log::actor_name& actor = m_world.log().name_of(r.actor);
    life_step s;
    s.cycle = r.time.raw() / m_world.cores().front()->period().raw();
    s.where = actor.where;
    s.who = actor.who;
    s.step = from.sites[r.site].name;
    s.touches = from.sites[r.site].touches;
    s.change = change_of(r, from);
    if (r.block != recorded_event::no_block)
        s.block = fmt::format("block {}", r.block);
    return s;
}

run_record run_follower::finish(const page_name& page)
{
    const recording all = m_recorder.finish();
    const std::uint32_t number = number_of(page, all);
    run_record kept;
    std::vector<std::uint64_t> of_page; // events of the page, in the order of its life
    std::map<std::uint16_t, std::uint32_t> state;
    for (std::uint64_t i = 0; i < all.events.size(); ++i) {
        const recorded_event& e = all.events[i];
        if (e.what == recorded_event::kind::step)
            ++kept.steps[{all.sites[e.site].name, m_world.log().name_of(e.actor).who}];
        if (e.page != number || number == no_page)
            continue;
        apply_changes(e, all, state);
        if (!is_step(e))
            continue;
        life_step& s = kept.life.emplace_back(step_of(e, all));
        s.remark = remark_on(i, all);
        s.state = state;
        s.cause = e.cause == 0 ? life_step::none : place_of(i - e.cause, of_page);
        of_page.push_back(i);
    }
    if (!page.since.empty())
        begin_with(page.since, kept.life);
    for (const recorded_counter& c : all.counters)
        for (const recorded_counter::point& p : c.points)
            kept.highest[c.name] = std::max(kept.highest[c.name], p.value);
    return kept;
}

} // namespace mkclean
