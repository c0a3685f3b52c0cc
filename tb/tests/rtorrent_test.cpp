// The story of December 2006, end to end: that bytes are lost on 2.6.19, how, and nowhere else.

#include "tb/output/log_writer.h"
#include "tb/tests/run_config.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

using namespace mkclean;
using namespace mkclean::testing;

namespace
{

constexpr std::uint64_t chunk_size = 1460;
constexpr const char* the_config = "rtorrent-2006.cfg";

// A world small enough for hundreds of seeds: every interval of the kernel is a twentieth.
overrides small(std::uint64_t seed, const overrides& more)
{
    overrides all = {{"seed", std::to_string(seed)}, {"workload.size", "512KiB"},
                     {"workload.think", "2ms"},      {"memory", "8MiB"},
                     {"fs.commit", "200ms"},         {"vm.dirty_writeback", "150ms"},
                     {"vm.dirty_expire", "300ms"}};
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

std::uint64_t lost_bytes(const overrides& with)
{
    std::uint64_t lost = 0;
    configured(the_config, with).run([&](world& w) {
        lost = w.judge()->result().lost_bytes;
        CHECK(w.how_it_ended() == world::ending::finished);
    });
    return lost;
}

// Which chunk a byte of the file belongs to, as the program wrote it.
std::uint64_t chunk_of(std::uint64_t at)
{
    return at / chunk_size;
}

// What the program stored to each page, and when a disk was reading memory.
struct witness final : event_sink {
    struct store {
        std::uint32_t first, last;
    };
    struct transfer {
        picoseconds begin, end;
    };

    void on_event(const event& e) override
    {
        const std::string_view step = e.site->name;
        if (step == "store")
            stores[e.what.page].push_back(
                {static_cast<std::uint32_t>(e.before), static_cast<std::uint32_t>(e.after)});
        else if (step == "disk_first_beat")
            transfers.push_back({e.time, picoseconds::max()});
        else if (step == "disk_last_beat")
            transfers.back().end = e.time;
    }
    bool disk_was_reading(picoseconds when) const
    {
        constexpr picoseconds one_store(10'000'000); // 1460 bytes take less
        return std::any_of(transfers.begin(), transfers.end(), [&](const transfer& t) {
            return t.begin <= when + one_store && when <= t.end;
        });
    }

    std::map<page_index, std::vector<store>> stores; // in the order of time
    std::vector<transfer> transfers;
};

struct tally {
    std::uint64_t losing_runs = 0;
    std::uint64_t pages = 0;
    std::uint64_t last_stores_only = 0; // pages that lost just the last store to them
    std::uint64_t torn = 0;             // losses of a part of a store
};

// A loss is a whole store, chunk by page, unless the disk was reading the page at that very time
// and caught a part of it. It reads as the zeros of the file's hole.
void check_loss(const finding& f, const witness& saw, tally& found)
{
    REQUIRE(f.store);
    REQUIRE(f.dropped);
    const std::uint64_t page_start = f.page.raw() * page_size;
    const std::uint64_t chunk = chunk_of(page_start + f.offset);
    const std::uint64_t first = std::max(chunk * chunk_size, page_start) - page_start;
    const std::uint64_t end = std::min((chunk + 1) * chunk_size - page_start, page_size);
    CHECK(f.expected == static_cast<std::byte>(chunk & 0xff));
    CHECK(f.found == std::byte{0});
    CHECK(std::string_view(f.dropped->site->name) == "page_mkclean");
    if (f.offset == first && f.length == end - first)
        return;
    ++found.torn;
    CHECK(saw.disk_was_reading(f.store->time()));
}

// A store that is not lost dirties the whole page: what is lost of a page are the last stores to
// it.
void check_losses(const verdict& v, const witness& saw, tally& found)
{
    std::map<page_index, std::set<std::uint64_t>> lost; // chunks
    for (const finding& f : v.losses) {
        check_loss(f, saw, found);
        lost[f.page].insert(chunk_of(f.page.raw() * page_size + f.offset));
    }
    for (const auto& [page, chunks] : lost) {
        std::size_t at_the_end = 0;
        const auto& in_order = saw.stores.at(page);
        for (auto s = in_order.rbegin(); s != in_order.rend(); ++s) {
            const std::uint64_t chunk = chunk_of(page.raw() * page_size + s->first);
            if ((chunk & 0xff) == 0)
                continue; // its zeros cannot be told from the hole they are lost to
            if (chunks.count(chunk) == 0)
                break;
            ++at_the_end;
        }
        CHECK(at_the_end == chunks.size());
        ++found.pages;
        found.last_stores_only += at_the_end == 1 ? 1 : 0;
    }
    CHECK(v.losses.size() == v.lost_runs);
    found.losing_runs += v.lost_bytes > 0 ? 1 : 0;
}

} // namespace

TEST_CASE("2.6.19 loses chunks whole and last to their pages and 2.6.20 none in 200 seeds" *
          doctest::test_suite("long"))
{
    tally found;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        CAPTURE(seed);
        const std::string cores = seed % 2 == 0 ? "4" : "1";
        witness saw;
        configured(the_config, small(seed, {{"cores", cores}}))
            .run([&](world& w) { check_losses(w.judge()->result(), saw, found); },
                 [&](world& w) { w.log().attach(saw); });
        CHECK(lost_bytes(small(seed, {{"cores", cores}, {"kernel", "linux-2.6.20"}})) == 0);
    }
    CHECK(found.losing_runs > 150);
    CHECK(found.torn * 20 < found.pages);
    MESSAGE(found.losing_runs << " of 200 seeds lose; " << found.pages << " pages, "
                              << found.last_stores_only << " of them just their last store; "
                              << found.torn << " losses are torn by DMA");
}

TEST_CASE("where no journal writes data by itself, or the PTEs are looked at, nothing is lost")
{
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        CAPTURE(seed);
        const std::string cores = seed % 2 == 0 ? "4" : "1";
        for (const char* era : {"linux-2.6.18", "linux-2.6.23", "golden"})
            CHECK(lost_bytes(small(seed, {{"kernel", era}, {"cores", cores}})) == 0);
        CHECK(lost_bytes(small(seed, {{"fs.data", "writeback"}, {"cores", cores}})) == 0);
        CHECK(lost_bytes(small(seed, {{"fs.type", "ext2"}, {"cores", cores}})) == 0);
    }
}

TEST_CASE("the run of 22 MiB loses on one core and on four, and the program finds out itself")
{
    for (const std::string cores : {"1", "4"}) {
        witness saw;
        tally found;
        const configured the_run(the_config, {{"cores", cores}});
        const auto before = [&](world& w) { w.log().attach(saw); };
        const auto after = [&](world& w) {
            const verdict& v = w.judge()->result();
            check_losses(v, saw, found);
            CHECK(v.lost_bytes > 0);
            CHECK(v.stale_reads == 0);
            CHECK(v.invented_bytes == 0);
            for (const workload::counter& c : w.program().report())
                if (c.name == "bad_bytes")
                    CHECK(c.value > 0);
            CHECK(as_expected(w));
        };
        the_run.run(after, before);
        MESSAGE(cores << " cores: " << found.pages << " pages, " << found.last_stores_only
                      << " of them lost just their last store; " << found.torn << " torn");
    }
}

TEST_CASE("the fix is paid for with blocks that are written twice")
{
    const auto broken = configured(the_config).stats();
    const auto mended = configured(the_config, {{"kernel", "linux-2.6.20"}}).stats();
    CHECK(mended["vm"]["redirtied_by_mkclean"] > 0);
    CHECK(mended["fs"]["no_io_writepages"] < broken["fs"]["no_io_writepages"]);
    const auto a_page = [](const nlohmann::ordered_json& stats) {
        return stats["block"]["blocks_written"].get<double>() /
               stats["vm"]["nr_written"].get<double>();
    };
    CHECK(a_page(mended) > a_page(broken));
}

TEST_CASE("the lost page's log has the eight events of Linus' trace in their order")
{
    // 29 December 2006; what our log calls TestClearPageDirty he called clean_for_io.
    const std::vector<std::string> golden = {
        "TestClearPageDirty", "page_mkclean",   "set_page_writeback", "set TAG_WRITEBACK",
        "clear TAG_DIRTY",    "no IO underway", "end_page_writeback", "clear TAG_WRITEBACK"};
    struct recorder final : event_sink {
        void on_event(const event& e) override { events.push_back(e); }
        std::vector<event> events;
    };
    unsigned losing = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        recorder all;
        const auto before = [&](world& w) { w.log().attach(all); };
        const auto after = [&](world& w) {
            if (!w.judge()->result().first_loss)
                return;
            ++losing;
            const finding& f = *w.judge()->result().first_loss;
            const auto forgotten =
                std::find_if(all.events.begin(), all.events.end(), [&](const event& e) {
                    return e.site == f.dropped->site && e.time == f.dropped->time;
                });
            REQUIRE(forgotten != all.events.begin());
            std::vector<std::string> seen;
            for (auto e = forgotten - 1; e != all.events.end() && seen.size() < golden.size(); ++e)
                if (e->what.ino == f.ino && e->what.page == f.page &&
                    std::count(golden.begin(), golden.end(), e->site->name) > 0)
                    seen.push_back(e->site->name);
            CHECK(seen == golden);
        };
        configured(the_config, small(seed, {})).run(after, before);
    }
    CHECK(losing > 10);
}

TEST_CASE("equal configs give equal stats")
{
    CHECK(configured(the_config, small(7, {})).stats().dump() ==
          configured(the_config, small(7, {})).stats().dump());
    CHECK(configured(the_config, small(7, {})).stats().dump() !=
          configured(the_config, small(8, {})).stats().dump());
}
