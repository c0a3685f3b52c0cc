// A report holds what it says it holds: columns decode to the events that were selected.

#include "sim/tests/seeds.h"
#include "tb/output/event_selection.h"
#include "tb/output/packing.h"
#include "tb/output/recorder.h"
#include "tb/output/report.h"
#include "tb/output/report_events.h"
#include "tb/output/report_page.h"
#include "tb/tests/random_runs.h"
#include "tb/tests/run_config.h"

#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

using namespace mkclean;
using namespace mkclean::testing;

namespace
{

recording record(const overrides& with, std::string* html = nullptr)
{
    recording recorded;
    std::optional<recorder> taking;
    const configured run("", with);
    run.run(
        [&](world& w) {
            recorded = taking->finish();
            if (html != nullptr)
                *html = report_html(
                    {report_data(recorded, w, run.options(), {"tool", "<t>", "", "c"}, 1'000'000)});
        },
        [&](world& w) { taking.emplace(w); });
    return recorded;
}

class numbers
{
public:
    explicit numbers(std::string_view bytes) : m_left(bytes) {}
    std::uint64_t next()
    {
        std::uint64_t value = 0;
        for (unsigned shift = 0;; shift += 7) {
            REQUIRE(!m_left.empty());
            const auto byte = static_cast<unsigned char>(m_left.front());
            m_left.remove_prefix(1);
            value |= std::uint64_t{byte & 127U} << shift;
            if (byte < 128)
                return value;
        }
    }
    std::string_view take(std::uint64_t bytes)
    {
        REQUIRE(m_left.size() >= bytes);
        const std::string_view taken = m_left.substr(0, bytes);
        m_left.remove_prefix(bytes);
        return taken;
    }
    bool at_end() const { return m_left.empty(); }

private:
    std::string_view m_left;
};

void check_columns(const recording& r, const event_selection& s)
{
    const std::string bytes = encode_events(r, s);
    numbers all(bytes);
    REQUIRE(all.next() == s.events.size());
    std::vector<numbers> column;
    for (int i = 0; i < 8; ++i)
        column.emplace_back(all.take(all.next()));
    CHECK(all.at_end());
    std::uint64_t time = 0;
    for (std::size_t at = 0; at < s.events.size(); ++at) {
        const recorded_event& e = r.events[s.events[at]];
        CHECK((time += column[0].next()) == e.time.raw());
        CHECK(column[1].next() == e.actor);
        CHECK(column[2].next() == e.site * 4U + static_cast<unsigned>(e.what));
        const std::uint64_t page = column[3].next();
        CHECK((page == 0 ? recorded_event::no_page : s.pages[page - 1]) == e.page);
        const std::uint64_t block = column[4].next();
        CHECK((block == 0 ? recorded_event::no_block : block - 1) == e.block);
        const std::uint64_t before = column[5].next();
        const std::uint64_t after = column[5].next();
        if (r.sites[e.site].stores) {
            CHECK(before == e.before);
            CHECK(after == e.after);
        }
        if (const std::uint64_t back = column[6].next(); back != 0)
            CHECK(s.events[at - back] == s.events[at] - e.cause);
        const std::uint64_t changes = column[7].next();
        if (s.cut == 0)
            CHECK(changes == e.changes);
        for (std::uint64_t i = 0; i < changes; ++i) {
            const std::uint64_t lane = column[7].next();
            const std::uint64_t value = column[7].next();
            if (s.cut == 0) {
                CHECK(lane == r.changes[e.first_change + i].lane);
                CHECK(value == r.changes[e.first_change + i].value);
            }
        }
    }
    for (const numbers& c : column)
        CHECK(c.at_end());
}

} // namespace

TEST_CASE("a report's columns decode to the events selected")
{
    for (unsigned seed = 1; seed <= seeds(8); ++seed) {
        INFO("seed " << seed);
        const recording r = record(machine_of(seed, "golden"));
        check_columns(r, select_events(r, r.events.size() + 1000));
        check_columns(r, select_events(r, r.events.size() / 3));
        check_columns(r, select_events(r, 50));
    }
}

TEST_CASE("a report that is too small for all holds whole lives")
{
    const recording r = record(machine_of(3, "golden"));
    const event_selection all = select_events(r, r.events.size() * 2);
    CHECK(all.events.size() == r.events.size());
    CHECK(all.pages.size() == r.pages.size());
    const std::uint64_t most = r.events.size() / 3;
    const event_selection some = select_events(r, most);
    CHECK(some.events.size() <= most);
    CHECK(some.pages.size() < r.pages.size());
    REQUIRE(some.cut == 0);
    std::vector<std::uint32_t> steps(r.pages.size());
    for (const std::uint32_t at : some.events)
        if (r.events[at].page != recorded_event::no_page)
            ++steps[r.events[at].page];
    for (std::uint32_t page = 0; page < r.pages.size(); ++page)
        CHECK(steps[page] ==
              (some.rank_of[page] == event_selection::left_out ? 0 : r.pages[page].steps));
    const event_selection tiny = select_events(r, 20);
    CHECK(tiny.pages.size() == 1);
    CHECK(tiny.events.size() <= 20);
    CHECK(tiny.cut > 0);
}

TEST_CASE("a report is one page with its data in it")
{
    std::string html;
    const recording r = record(machine_of(1, "golden"), &html);
    CHECK(html.find(report_data_mark) == std::string::npos);
    const std::string begin = "<script type=\"application/json\" id=\"meta-0\">";
    const std::size_t at = html.find(begin);
    REQUIRE(at != std::string::npos);
    const std::size_t json_begin = at + begin.size();
    const std::string json = html.substr(json_begin, html.find("</script>", at) - json_begin);
    CHECK(json.find('<') == std::string::npos);
    const auto meta = nlohmann::ordered_json::parse(json);
    CHECK(meta["title"] == "<t>");
    CHECK(meta["events"] == r.events.size());
    CHECK(meta["pages"].size() == r.pages.size());
    CHECK(meta["counters"].size() >= 6);
    CHECK(meta["stats"].contains("vm"));
    CHECK(!meta["stats"].contains("config"));
}

TEST_CASE("base64 is as RFC 4648 has it")
{
    CHECK(base64("") == "");
    CHECK(base64("f") == "Zg==");
    CHECK(base64("fo") == "Zm8=");
    CHECK(base64("foo") == "Zm9v");
    CHECK(base64("foobar") == "Zm9vYmFy");
    CHECK(base64("\xff\xfe") == "//4=");
}

TEST_CASE("gzip says nothing of when and by whom")
{
    const std::string packed = gzip(std::string(100'000, 'x'));
    CHECK(packed.size() < 1000);
    CHECK(packed.substr(0, 4) == std::string("\x1f\x8b\x08\x00", 4));
    CHECK(packed.substr(4, 4) == std::string(4, '\0'));
}
