// A recording says what there was: its lanes agree with what the events themselves say, and with
// the log, event for event.

#include "sim/tests/seeds.h"
#include "tb/output/causes.h"
#include "tb/output/glossary.h"
#include "tb/output/recorder.h"
#include "tb/tests/random_runs.h"
#include "tb/tests/run_config.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <regex>
#include <set>
#include <string>

using namespace mkclean;
using namespace mkclean::testing;

namespace
{

constexpr std::uint64_t pg_word = 0xf; // locked, dirty, writeback, uptodate

// What an event's own words say that a lane should be; nothing where they say nothing.
std::optional<std::uint32_t> lane_said(const event& e)
{
    const auto pwd = [](std::uint64_t raw) {
        return static_cast<std::uint32_t>((raw & 3) | (raw >> 4 & 4));
    };
    switch (e.site->touches) {
    case place::page:
        return static_cast<std::uint32_t>(e.after & pg_word);
    case place::buffer:
        return static_cast<std::uint32_t>((e.after & 1) | (e.after >> 1 & 2) | 4);
    case place::tag:
        return static_cast<std::uint32_t>(e.after & 7);
    case place::tlb:
        return pwd(e.after);
    default:
        return std::nullopt;
    }
}

// Follows the same run beside a recorder.
class listener final : public event_sink
{
public:
    void on_event(const event& e) override { events.push_back(e); }
    void on_span(const span_mark& mark) override { spans.push_back(mark); }
    bool follows_spans() const override { return true; }

    std::vector<event> events;
    std::vector<span_mark> spans;
};

struct recorded_run {
    recording recorded;
    listener heard;
    std::vector<std::size_t> cores; ///< of actors; past the last: none
};

recorded_run record(const overrides& with, const std::string& config = "")
{
    recorded_run made;
    std::optional<recorder> taking;
    configured(config, with)
        .run(
            [&](world& w) {
                made.recorded = taking->finish();
                for (std::size_t id = 0; id < w.log().actors(); ++id) {
                    const std::string& where = w.log().name_of(static_cast<actor_id>(id)).where;
                    made.cores.push_back(where.rfind("core", 0) == 0 ? std::stoul(where.substr(4))
                                                                     : w.cores().size());
                }
            },
            [&](world& w) {
                w.log().attach(made.heard);
                taking.emplace(w);
            });
    return made;
}

// Plays a recording: what every page's lanes are after each event.
class player
{
public:
    explicit player(const recording& r) : m_r(r), m_lanes(r.pages.size()) {}
    void play(const recorded_event& e)
    {
        for (std::uint32_t i = 0; i < e.changes; ++i) {
            const lane_change& c = m_r.changes[e.first_change + i];
            CHECK(value(e.page, c.lane) != c.value);
            m_lanes[e.page][c.lane] = c.value;
        }
    }
    std::uint32_t value(std::uint32_t page, std::uint16_t lane) const
    {
        const auto found = m_lanes[page].find(lane);
        return found == m_lanes[page].end() ? 0 : found->second;
    }

private:
    const recording& m_r;
    std::vector<std::map<std::uint16_t, std::uint32_t>> m_lanes;
};

std::uint16_t lane_of(const event& e, const recorded_run& run)
{
    switch (e.site->touches) {
    case place::page:
        return lane::flags;
    case place::buffer:
        return static_cast<std::uint16_t>(lane::buffers + e.what.block);
    case place::tag:
        return lane::tags;
    default:
        return static_cast<std::uint16_t>(lane::tlbs + run.cores[e.actor]);
    }
}

// Whether an event's word is of the page as it is afterwards, and of one block.
bool is_told_in_full(const event& e, const recorded_event& r, const player& state)
{
    const std::string_view name = e.site->name;
    if (r.page == recorded_event::no_page || name == "migrate_page_move_mapping")
        return false;
    if (e.site->touches == place::buffer && e.what.block == subject::no_block)
        return false;
    if (e.site->show == nullptr ||
        name == "invlpg") // of all address spaces' entries one is dropped
        return false;
    return state.value(r.page, lane::cached) == 1;
}

void check_lanes(const recorded_run& run)
{
    player state(run.recorded);
    std::size_t heard = 0;
    for (const recorded_event& r : run.recorded.events) {
        state.play(r);
        if (r.what != recorded_event::kind::step)
            continue;
        REQUIRE(heard < run.heard.events.size());
        const event& e = run.heard.events[heard++];
        CHECK(r.time == e.time);
        CHECK(run.recorded.sites[r.site].name == e.site->name);
        if (const auto said = lane_said(e); said && is_told_in_full(e, r, state)) {
            INFO(std::string(e.site->name) << " at " << e.time.raw());
            const std::uint32_t lane = state.value(r.page, lane_of(e, run));
            // A TLB may have entries for several addresses of the page.
            if (e.site->touches == place::tlb && run.recorded.pages[r.page].mappings.size() > 1)
                CHECK((lane & *said) == *said);
            else
                CHECK(lane == *said);
        }
    }
    CHECK(heard == run.heard.events.size());
}

void check_spans(const recorded_run& run)
{
    std::map<actor_id, std::vector<std::uint16_t>> open;
    std::size_t marks = 0;
    for (const recorded_event& r : run.recorded.events) {
        if (r.what == recorded_event::kind::begin) {
            open[r.actor].push_back(r.site);
            ++marks;
        } else if (r.what == recorded_event::kind::end) {
            REQUIRE(!open[r.actor].empty());
            CHECK(open[r.actor].back() == r.site);
            open[r.actor].pop_back();
            ++marks;
        }
    }
    CHECK(marks == run.heard.spans.size());
}

void check_causes(const recording& r)
{
    for (std::size_t at = 0; at < r.events.size(); ++at) {
        const recorded_event& e = r.events[at];
        if (e.cause == 0)
            continue;
        REQUIRE(e.cause <= at);
        const recorded_event& cause = r.events[at - e.cause];
        const cause_rule* const rule = cause_rule_of(r.sites[e.site].name);
        REQUIRE(rule != nullptr);
        const auto& names = rule->causes;
        CHECK(std::find(names.begin(), names.end(), r.sites[cause.site].name) != names.end());
        CHECK(cause.page == e.page);
        CHECK(cause.time <= e.time);
    }
}

std::vector<std::string> sites_in_the_source(const std::string& kind)
{
    const std::regex site(kind + " \\w+\\{\"([^\"]+)\"");
    std::vector<std::string> names;
    for (const char* room : {"sim", "mmu", "cache", "storage", "vm"})
        for (const auto& entry : std::filesystem::recursive_directory_iterator(
                 std::string(MKCLEAN_SOURCE_DIR "/") + room)) {
            if (entry.path().extension() != ".cpp" ||
                entry.path().string().find("/tests/") != std::string::npos)
                continue;
            std::ifstream file(entry.path());
            const std::string text((std::istreambuf_iterator<char>(file)), {});
            for (std::sregex_iterator at(text.begin(), text.end(), site), end; at != end; ++at)
                names.push_back((*at)[1]);
        }
    return names;
}

} // namespace

TEST_CASE("a recording's lanes are what its events say")
{
    for (unsigned seed = 1; seed <= seeds(40); ++seed) {
        INFO("seed " << seed);
        const recorded_run run =
            record(machine_of(seed, seed % 2 == 0 ? "golden" : "linux-2.6.20"));
        check_lanes(run);
        check_spans(run);
        check_causes(run.recorded);
    }
}

TEST_CASE("a recording's lanes are what events say of other machines")
{
    const overrides machines[] = {
        {{"mmu.sets_dirty", "fault"}},
        {{"shootdown.kind", "broadcast"}},
        {{"tlb.l2_entries", "64"}, {"tlb.entries", "16"}},
        {{"tlb.asids", "8"}},
        {{"core.store_buffer", "8"}},
    };
    std::uint64_t seed = 100;
    for (const overrides& machine : machines) {
        INFO(machine.front().first);
        settings with = machine_of(++seed, "golden");
        for (const auto& [name, value] : machine) {
            with.erase(std::remove_if(with.begin(), with.end(),
                                      [&, &name = name](const auto& s) { return s.first == name; }),
                       with.end());
            with.emplace_back(name, value);
        }
        const recorded_run run = record(with);
        check_lanes(run);
        check_spans(run);
        check_causes(run.recorded);
    }
}

TEST_CASE("when all is synced no page differs from the disk")
{
    for (unsigned seed = 1; seed <= seeds(12); ++seed) {
        INFO("seed " << seed);
        const recorded_run run = record(machine_of(seed, "golden"));
        player state(run.recorded);
        for (const recorded_event& r : run.recorded.events)
            state.play(r);
        for (std::uint32_t page = 0; page < run.recorded.pages.size(); ++page) {
            CHECK(state.value(page, lane::disk) == 0);
            CHECK((state.value(page, lane::flags) & 7) == 0);
            for (std::uint16_t pte = lane::ptes; pte < lane::tlbs; ++pte)
                CHECK(state.value(page, pte) == 0);
        }
    }
}

TEST_CASE("a lost store is a finding with its events")
{
    const recorded_run run = record({}, "no-tlb-flush.cfg");
    REQUIRE(!run.recorded.findings.empty());
    const recorded_finding& f = run.recorded.findings.front();
    REQUIRE(f.stored != recorded_finding::no_event);
    CHECK(run.recorded.sites[run.recorded.events[f.stored].site].name == "store");
    CHECK(run.recorded.events[f.stored].page == f.page);
    CHECK(run.recorded.pages[f.page].lost >= f.length);
}

TEST_CASE("every step and every function of the log is in the glossary")
{
    const std::vector<std::string> steps = sites_in_the_source("step_site");
    CHECK(steps.size() > 70);
    for (const std::string& name : steps) {
        INFO(name);
        CHECK(explain_step(name) != nullptr);
    }
    const std::vector<std::string> spans = sites_in_the_source("span_site");
    CHECK(spans.size() >= 10);
    for (const std::string& name : spans) {
        INFO(name);
        CHECK(explain_span(name) != nullptr);
    }
    const std::set<std::string> known(steps.begin(), steps.end());
    for (const glossary_entry& entry : glossary_of_steps()) {
        INFO(entry.name);
        CHECK(known.count(std::string(entry.name)) == 1);
    }
    CHECK(glossary_of_spans().size() == spans.size());
}

TEST_CASE("what causes are said to be is in the glossary")
{
    for (const glossary_entry& entry : glossary_of_steps())
        if (const cause_rule* const rule = cause_rule_of(entry.name))
            for (const std::string_view cause : rule->causes) {
                INFO(cause);
                CHECK(explain_step(cause) != nullptr);
            }
}
