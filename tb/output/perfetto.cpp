#include "tb/output/perfetto.h"
#include "tb/output/lane_text.h"
#include "tb/output/perfetto_packets.h"

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

namespace mkclean
{

namespace
{

// Tracks are numbered by what they are of.
constexpr std::uint64_t cores_track = 1;
constexpr std::uint64_t actors_track = 2;
constexpr std::uint64_t pages_track = 3;
constexpr std::uint64_t figures_track = 4;
constexpr std::uint64_t first_core_track = 1'000;
constexpr std::uint64_t first_figure_track = 10'000;
constexpr std::uint64_t first_actor_track = 100'000;
constexpr std::uint64_t first_page_track = 1'000'000;
constexpr std::uint64_t tracks_of_a_page = 256; // itself and its lanes

std::uint64_t track_of_actor(actor_id id)
{
    return first_actor_track + id;
}
std::uint64_t track_of_page(std::uint32_t number)
{
    return first_page_track + number * tracks_of_a_page;
}
std::uint64_t track_of_lane(std::uint32_t page, std::uint16_t lane)
{
    return track_of_page(page) + 1 + lane;
}

class exporter
{
public:
    exporter(const recording& r, const event_log& names, picoseconds period, picoseconds end,
             const std::function<void(std::string_view)>& write)
        : m_r(r),
          m_names(names),
          m_period(period),
          m_end(in_cycles(end)),
          m_out(write)
    {
    }

    void run()
    {
        for (std::size_t at = 0; at < m_r.events.size(); ++at)
            if (is_effect(m_r.events[at]))
                m_effects[step_at(at - m_r.events[at].cause)].push_back(at);
        describe_tracks();
        for (std::size_t at = 0; at < m_r.events.size(); ++at)
            put(at);
        close();
        put_figures();
        m_out.flush();
    }

private:
    std::uint64_t in_cycles(picoseconds time) const { return time.raw() / m_period.raw(); }

    void describe_tracks()
    {
        m_out.describe({cores_track, 0,
                        fmt::format("cores (1 ns is a cycle of {} ps)", m_period.raw()), 0, false});
        m_out.describe({actors_track, 0, "threads and devices", 1, false});
        m_out.describe({pages_track, 0, "pages", 2, false});
        m_out.describe({figures_track, 0, "figures", 3, false});
        for (std::size_t id = 0; id < m_names.actors(); ++id) {
            const event_log::actor_name& name = m_names.name_of(static_cast<actor_id>(id));
            m_out.describe({track_of_actor(static_cast<actor_id>(id)), actors_track,
                            name.who + " " + name.where, static_cast<unsigned>(id), false});
            if (m_core_tracks.count(name.where) == 0) {
                const std::uint64_t track = first_core_track + m_core_tracks.size();
                m_out.describe({track, cores_track, name.where,
                                static_cast<unsigned>(m_core_tracks.size()), false});
                m_core_tracks[name.where] = track;
            }
        }
    }

    void describe_page(std::uint32_t number)
    {
        const recorded_page& p = m_r.pages[number];
        m_out.describe({track_of_page(number), pages_track,
                        fmt::format("ino {} page {}", p.ino.raw(), p.index.raw()), number, false});
    }

    void put(std::size_t at)
    {
        const recorded_event& e = m_r.events[at];
        const std::uint64_t when = in_cycles(e.time);
        const recorded_site& site = m_r.sites[e.site];
        switch (e.what) {
        case recorded_event::kind::begin:
            m_out.begin_slice(track_of_actor(e.actor), when, site.name);
            ++m_open_spans[e.actor];
            break;
        case recorded_event::kind::end:
            m_out.end_slice(track_of_actor(e.actor), when);
            --m_open_spans[e.actor];
            break;
        case recorded_event::kind::step:
            put_step(at, e, when, site);
            break;
        case recorded_event::kind::again:
            break; // the step is there already; what it did to this page is in its lanes
        }
        show_who_acts(e, when);
        put_lanes(e, when);
    }

    static bool is_effect(const recorded_event& e)
    {
        return e.cause != 0 && e.what == recorded_event::kind::step;
    }

    // The step that an event repeats for another page; or the event itself.
    std::size_t step_at(std::size_t at) const
    {
        while (at > 0 && m_r.events[at].what == recorded_event::kind::again)
            --at;
        return at;
    }

    // A flow bears the number of the step that it leads to, from 1 on.
    void put_step(std::size_t at, const recorded_event& e, std::uint64_t when,
                  const recorded_site& site)
    {
        perfetto_packets::links linked;
        if (e.page != recorded_event::no_page) {
            const recorded_page& p = m_r.pages[e.page];
            linked.on = fmt::format("ino {} page {}", p.ino.raw(), p.index.raw());
        }
        if (const auto effects = m_effects.find(at); effects != m_effects.end())
            for (const std::size_t effect : effects->second)
                linked.begin.push_back(effect + 1);
        if (is_effect(e))
            linked.end.push_back(at + 1);
        m_out.instant(track_of_actor(e.actor), when, site.name, linked);
    }

    // From its first event to the first of somebody else on the same core.
    void show_who_acts(const recorded_event& e, std::uint64_t when)
    {
        const event_log::actor_name& name = m_names.name_of(e.actor);
        const std::uint64_t track = m_core_tracks.at(name.where);
        const auto running = m_running.find(track);
        if (running != m_running.end() && running->second == e.actor)
            return;
        if (running != m_running.end())
            m_out.end_slice(track, when);
        m_out.begin_slice(track, when, name.who);
        m_running[track] = e.actor;
    }

    void put_lanes(const recorded_event& e, std::uint64_t when)
    {
        for (std::uint32_t i = 0; i < e.changes; ++i) {
            const lane_change& c = m_r.changes[e.first_change + i];
            const std::uint64_t track = track_of_lane(e.page, c.lane);
            const auto [known, is_new] = m_lanes.try_emplace(track, false);
            if (is_new)
                describe_lane(e.page, c.lane);
            if (known->second)
                m_out.end_slice(track, when);
            const std::string text = text_of_lane(c.lane, c.value);
            if (!text.empty())
                m_out.begin_slice(track, when, text);
            known->second = !text.empty();
        }
    }

    void describe_lane(std::uint32_t page, std::uint16_t lane)
    {
        if (m_known_pages.try_emplace(page, true).second)
            describe_page(page);
        m_out.describe({track_of_lane(page, lane), track_of_page(page),
                        name_of_lane(lane, m_r.pages[page]), lane, false});
    }

    // What was still going on when the run ended.
    void close()
    {
        for (const auto& [actor, open] : m_open_spans)
            for (int i = 0; i < open; ++i)
                m_out.end_slice(track_of_actor(actor), m_end);
        for (const auto& [track, actor] : m_running)
            m_out.end_slice(track, m_end);
        for (const auto& [track, open] : m_lanes)
            if (open)
                m_out.end_slice(track, m_end);
    }

    void put_figures()
    {
        for (std::size_t i = 0; i < m_r.counters.size(); ++i) {
            const recorded_counter& c = m_r.counters[i];
            const std::uint64_t track = first_figure_track + i;
            m_out.describe({track, figures_track, fmt::format("{} ({})", c.name, c.unit),
                            static_cast<unsigned>(i), true});
            for (const recorded_counter::point& p : c.points)
                m_out.counter(track, in_cycles(p.time), p.value);
        }
    }

    const recording& m_r;
    const event_log& m_names;
    picoseconds m_period;
    std::uint64_t m_end;
    perfetto_packets m_out;
    std::unordered_map<std::size_t, std::vector<std::size_t>> m_effects; ///< by their cause
    std::map<std::string, std::uint64_t> m_core_tracks; ///< of cores and devices, by name
    std::map<std::uint64_t, actor_id> m_running;        ///< by track
    std::map<actor_id, int> m_open_spans;
    std::map<std::uint64_t, bool> m_lanes; ///< by track: whether a slice is open
    std::unordered_map<std::uint32_t, bool> m_known_pages;
};

} // namespace

void write_perfetto(const recording& r, const event_log& names, picoseconds period, picoseconds end,
                    const std::function<void(std::string_view)>& write)
{
    exporter(r, names, period, end, write).run();
}

} // namespace mkclean
