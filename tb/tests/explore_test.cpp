#include "sim/option_set.h"
#include "tb/config_file.h"
#include "tb/explore/schedule.h"
#include "tb/explore/story.h"
#include "tb/explore/walks.h"
#include "tb/run.h"
#include "tb/tests/temporary_directory.h"
#include "tb/verb_explore.h"

#include <doctest/doctest.h>

#include <cstring>
#include <map>
#include <random>
#include <set>
#include <sstream>

using namespace mkclean;

namespace
{

constexpr std::size_t store_bytes = std::size_t{2} << 30; // of addresses; touched as needed

// A sanitizer's checks take another way the first time, and what they leave in the gaps of a stack
// tells equal states apart.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool equal_states_are_one = false;
#else
constexpr bool equal_states_are_one = true;
#endif

struct described {
    config c;
    option_set model;
};

std::unique_ptr<described> explored(const std::string& name, const std::string& kernel,
                                    const std::string& write_fault = "default")
{
    auto made = std::make_unique<described>();
    made->c.declare(made->model);
    configure(made->model, {std::string(MKCLEAN_SOURCE_DIR) + "/configs/explore/" + name + ".cfg"},
              {{"kernel", kernel, origin()}, {"vm.write_fault", write_fault, origin()}});
    made->c.check(made->model);
    return made;
}

std::vector<std::byte> bytes_of(const arena& a)
{
    return {a.begin(), a.begin() + arena::bytes};
}

search_result explore(explored_world& w, const search_limits& limits)
{
    search s(w, limits);
    return s.run([](const auto&) { return false; });
}

} // namespace

TEST_CASE("explorer: what is free in an arena is zero and the lowest free place is taken")
{
    arena a;
    void* const first = a.allocate(24);
    void* const second = a.allocate(24);
    CHECK(second > first);
    std::memset(first, 0xff, 24);
    a.release(first);
    CHECK(a.allocate(30) == first);
    CHECK(*static_cast<unsigned char*>(first) == 0);

    std::byte* const row = static_cast<std::byte*>(a.allocate(3 * arena::page_bytes));
    std::memset(row, 0xff, 3 * arena::page_bytes);
    a.release(row);
    CHECK(a.allocate(3 * arena::page_bytes) == row);
    CHECK(row[arena::page_bytes] == std::byte{});
    CHECK_THROWS_AS(a.allocate(arena::bytes), std::bad_alloc);
}

TEST_CASE("explorer: while its scope is open an arena is where operator new allocates")
{
    arena a;
    int* inside = nullptr;
    {
        const arena::scope open(a);
        inside = new int(7);
    }
    int* const outside = new int(8);
    CHECK(a.contains(inside));
    CHECK_FALSE(a.contains(outside));
    delete inside;
    delete outside;
}

TEST_CASE("explorer: equal blocks have equal numbers and zeros have none")
{
    block_store store(std::size_t{1} << 26);
    std::mt19937 random(1); // NOLINT: the same every time
    std::map<std::vector<unsigned char>, block_store::id> known;
    for (int i = 0; i < 20000; ++i) {
        std::vector<unsigned char> block(block_store::block_bytes);
        block[random() % block.size()] = static_cast<unsigned char>(random() % 8);
        const block_store::id id = store.intern(block.data());
        const auto [at, fresh] = known.emplace(block, id);
        REQUIRE(at->second == id);
        REQUIRE(std::memcmp(store[id], block.data(), block.size()) == 0);
    }
    CHECK(known.at(std::vector<unsigned char>(block_store::block_bytes)) == 0);
    std::set<block_store::id> ids;
    for (const auto& [block, id] : known)
        ids.insert(id);
    CHECK(ids.size() == known.size());
}

TEST_CASE("explorer: a store that is full says so")
{
    block_store store(4096);
    const auto fill = [&store] {
        for (std::uint64_t i = 1; i < 1000; ++i) {
            std::uint64_t block[block_store::block_bytes / 8] = {i};
            store.intern(block);
        }
    };
    CHECK_THROWS_AS(fill(), store_full);
}

TEST_CASE("explorer: an image goes back to any state that it has taken")
{
    arena a;
    block_store store(std::size_t{1} << 28);
    image im(a, store);
    std::mt19937 random(2); // NOLINT: the same every time
    std::map<image::id, std::vector<std::byte>> taken;
    const image::id first = im.take();
    taken[first] = bytes_of(a);
    im.load(first);
    a.watch().begin();
    for (int round = 0; round < 100; ++round) {
        const auto from = std::next(taken.begin(), static_cast<long>(random() % taken.size()));
        im.load(from->first);
        REQUIRE(bytes_of(a) == from->second);
        for (int i = 0; i < 5; ++i) {
            const std::size_t at = random() % (arena::bytes - 300);
            const std::size_t length = random() % 300;
            std::memset(a.begin() + at, static_cast<int>(random() % 3), length);
        }
        const std::vector<std::byte> now = bytes_of(a);
        const image::id id = im.take();
        const auto [known, fresh] = taken.emplace(id, now);
        REQUIRE(known->second == now);
        im.back();
        REQUIRE(bytes_of(a) == from->second);
    }
}

TEST_CASE("explorer: what is written is noticed a page at a time")
{
    arena a;
    a.watch().begin();
    const auto written = [&a] {
        std::vector<std::size_t> pages;
        a.watch().for_each_written([&](std::size_t p) { pages.push_back(p); });
        return pages;
    };
    CHECK(written().empty());
    a.begin()[5 * arena::page_bytes + 7] = std::byte{1};
    a.begin()[900 * arena::page_bytes] = std::byte{1};
    a.begin()[5 * arena::page_bytes + 9] = std::byte{1};
    CHECK(written() == std::vector<std::size_t>{5, 900});
    a.watch().begin();
    CHECK(written().empty());
    CHECK(a.begin()[5 * arena::page_bytes + 9] == std::byte{1});
}

TEST_CASE("explorer: numbers of states are found again")
{
    state_index known;
    for (std::uint32_t i = 0; i < 5000; ++i)
        REQUIRE(known.find_or_add(i * 7919, i) == i);
    for (std::uint32_t i = 0; i < 5000; ++i)
        REQUIRE(known.find_or_add(i * 7919, 77777) == i);
    CHECK(known.size() == 5000);
}

TEST_CASE("explorer: the same moves lead to the same state whatever was tried in between" *
          doctest::test_suite("long"))
{
    const auto of = explored("one-store", "linux-2.6.20");
    block_store store(store_bytes);
    explored_world w(of->c, store);
    for (unsigned seed = 0; seed < 20; ++seed) {
        std::mt19937 random(seed); // NOLINT: the same every time
        std::vector<std::pair<explored_world::move, image::id>> way;
        w.load(w.start());
        for (int i = 0; i < 120; ++i) {
            const std::vector<explored_world::move> moves = w.moves();
            for (const explored_world::move m : moves) { // somebody else's tries
                w.make(m);
                w.back();
            }
            const explored_world::move m = moves[random() % moves.size()];
            const explored_world::step_result made = w.make(m);
            if (made.ended)
                break;
            way.emplace_back(m, made.state);
            w.load(made.state);
        }
        w.load(w.start());
        for (const auto& [m, state] : way) {
            REQUIRE(w.make(m).state == state);
            w.load(state);
        }
    }
}

TEST_CASE("explorer: nothing that happens depends on a counter that is zeroed")
{
    const std::pair<const char*, const char*> programs[] = {
        {"fixme-race", "linux-2.6.20"}, {"reclaim", "golden"}, {"journal", "linux-2.6.19"}};
    for (const auto& [name, kernel] : programs) {
        CAPTURE(name);
        const auto of = explored(name, kernel);
        block_store store(store_bytes);
        explored_world w(of->c, store);
        std::mt19937 random(1); // NOLINT: the same every time
        w.load(w.start());
        for (int i = 0; i < 400; ++i) {
            const std::vector<explored_world::move> moves = w.moves();
            const explored_world::move m = moves[random() % moves.size()];
            const explored_world::step_result made = w.make(m);
            w.back();
            for (const auto& [at, bytes] : w.counters())
                for (std::size_t n = 0; n < bytes; ++n)
                    static_cast<unsigned char*>(at)[n] = static_cast<unsigned char>(random());
            const explored_world::step_result again = w.make(m);
            REQUIRE((again.state == made.state || !equal_states_are_one));
            REQUIRE(again.ended == made.ended);
            REQUIRE(again.flaws == made.flaws);
            w.load(made.ended ? w.start() : made.state);
        }
    }
}

TEST_CASE("explorer: 2.6.19 loses bytes and the story is one that makes them lost" *
          doctest::test_suite("long"))
{
    search_limits limits;
    limits.order = search_order::switches;
    limits.stops_at = bit(flaw::lost);
    const auto of = explored("lost-store", "linux-2.6.19");
    block_store store(store_bytes);
    explored_world w(of->c, store);
    const search_result r = explore(w, limits);
    const search_result::counterexample* const found = r.of(flaw::lost);
    REQUIRE(found != nullptr);
    CHECK(found->switches == 1);
    CHECK(found->done_for < found->moves.size());

    w.load(w.start());
    explored_world::step_result made;
    for (const explored_world::move m : found->moves) {
        REQUIRE(!has(made.flaws, flaw::lost));
        made = w.make(m);
        w.load(made.state);
    }
    CHECK(made.ended);
    CHECK(has(made.flaws, flaw::lost));

    w.load(w.start());
    const story told = tell(w, *found);
    CHECK(told.page == "ino 1 page 0");
    CHECK(told.moves.size() == found->moves.size());
    CHECK(table_of(told) == table_of(tell(w, *found)));
}

TEST_CASE("explorer: 2.6.20 breaks fsync's promise and 2.6.23 does not" *
          doctest::test_suite("long"))
{
    search_limits limits;
    limits.order = search_order::switches;
    limits.stops_at = bit(flaw::lie) | bit(flaw::lost);
    limits.switches = 2;
    for (const char* const kernel : {"linux-2.6.20", "linux-2.6.23"}) {
        CAPTURE(kernel);
        const auto of = explored("fixme-race", kernel);
        block_store store(store_bytes);
        explored_world w(of->c, store);
        const search_result r = explore(w, limits);
        CHECK(r.of(flaw::lost) == nullptr);
        CHECK((r.of(flaw::lie) != nullptr) == (kernel == std::string("linux-2.6.20")));
        CHECK((r.of(flaw::invariant_5) != nullptr) == (kernel == std::string("linux-2.6.20")));
    }
}

TEST_CASE("explorer: two threads and two processes find what 2.6.23 leaves open" *
          doctest::test_suite("long"))
{
    search_limits limits;
    limits.order = search_order::switches;
    limits.stops_at = bit(flaw::lie) | bit(flaw::lost);
    limits.switches = 1;
    for (const char* const name : {"threads", "processes"})
        for (const char* const kernel : {"linux-2.6.23", "golden"}) {
            CAPTURE(name);
            CAPTURE(kernel);
            const auto of = explored(name, kernel);
            block_store store(store_bytes);
            explored_world w(of->c, store);
            const search_result r = explore(w, limits);
            CHECK(r.of(flaw::lost) == nullptr);
            CHECK((r.of(flaw::lie) != nullptr) == (kernel == std::string("linux-2.6.23")));
        }
}

TEST_CASE("explorer: without page_mkwrite a thread's store can miss a sync of Linux 6.14" *
          doctest::test_suite("long"))
{
    search_limits limits;
    limits.order = search_order::switches;
    limits.stops_at = bit(flaw::lie) | bit(flaw::lost);
    limits.switches = 1;
    const std::pair<const char*, const char*> programs[] = {{"without-page-mkwrite", "lie"},
                                                            {"one-store", ""}};
    for (const auto& [name, found] : programs) {
        CAPTURE(name);
        const auto of = explored(name, "golden", "linux-6.14");
        block_store store(store_bytes);
        explored_world w(of->c, store);
        const search_result r = explore(w, limits);
        CHECK((r.of(flaw::lie) != nullptr) == (found == std::string("lie")));
        CHECK(r.of(flaw::lost) == nullptr);
    }
}

TEST_CASE("explorer: both orders look at the same states" * doctest::test_suite("long"))
{
    const auto of = explored("one-store", "linux-2.6.20");
    std::vector<search_result> results;
    for (const search_order order : {search_order::moves, search_order::switches}) {
        search_limits limits;
        limits.order = order;
        block_store store(store_bytes);
        explored_world w(of->c, store);
        results.push_back(explore(w, limits));
    }
    CHECK(results[0].complete);
    CHECK(results[1].complete);
    CHECK(results[0].states == results[1].states);
    CHECK(results[0].transitions == results[1].transitions);
    for (std::size_t i = 0; i < flaws; ++i) {
        const auto* const few_moves = results[0].of(static_cast<flaw>(i));
        const auto* const few_switches = results[1].of(static_cast<flaw>(i));
        REQUIRE((few_moves == nullptr) == (few_switches == nullptr));
        if (few_moves != nullptr)
            CHECK(few_moves->moves.size() <= few_switches->moves.size());
    }
    CHECK(results[0].of(flaw::invariant_5) != nullptr);
}

namespace
{

constexpr auto nobody = [](const search::progress&) { return false; };

void check_equal(const search_result& a, const search_result& b)
{
    CHECK(a.complete == b.complete);
    CHECK(a.states == b.states);
    CHECK(a.transitions == b.transitions);
    CHECK(a.ends == b.ends);
    CHECK(a.depth == b.depth);
    CHECK(a.switches_done == b.switches_done);
    REQUIRE(a.found.size() == b.found.size());
    for (std::size_t i = 0; i < a.found.size(); ++i) {
        CHECK(a.found[i].what == b.found[i].what);
        CHECK(a.found[i].moves == b.found[i].moves);
        CHECK(a.found[i].switches == b.found[i].switches);
    }
}

// The search that `limits` describe, put by whenever it has come to one of `stops`, and gone on
// with in another world.
search_result with_breaks(const config& c, search_limits limits,
                          const std::vector<std::uint64_t>& stops)
{
    std::string file;
    search_result r;
    for (const std::uint64_t states : stops) {
        limits.states = states;
        block_store store(store_bytes);
        explored_world w(c, store);
        search s(w, limits);
        if (!file.empty()) {
            std::istringstream saved(file);
            REQUIRE(s.resume("a program", saved, nobody));
        }
        r = s.run(nobody);
        file.clear();
        s.save("a program", [&](std::string_view bytes) { file += bytes; });
    }
    return r;
}

} // namespace

TEST_CASE("explorer: neither processes nor breaks make a difference to what is found")
{
    const auto of = explored("fixme-race", "linux-2.6.20");
    for (const search_order order : {search_order::moves, search_order::switches}) {
        search_limits limits;
        limits.order = order;
        const search_result at_once = with_breaks(of->c, limits, {6000});
        CHECK(at_once.states >= 6000);
        CHECK(at_once.of(flaw::invariant_5) != nullptr);
        limits.jobs = 3;
        const search_result together = with_breaks(of->c, limits, {6000});
        CHECK(together.of(flaw::invariant_5) != nullptr);
        if (!equal_states_are_one)
            continue;
        check_equal(at_once, together);
        check_equal(at_once, with_breaks(of->c, limits, {2500, 6000}));
        limits.jobs = 1;
        check_equal(at_once, with_breaks(of->c, limits, {900, 901, 4000, 6000}));
    }
}

TEST_CASE("explorer: a search with breaks comes to its end all the same" *
          doctest::test_suite("long"))
{
    const auto of = explored("one-store", "linux-2.6.20");
    constexpr std::uint64_t no_end = ~std::uint64_t{0};
    search_limits limits;
    const search_result at_once = with_breaks(of->c, limits, {no_end});
    CHECK(at_once.complete);
    limits.jobs = 2;
    check_equal(at_once, with_breaks(of->c, limits, {10'000, 50'000, no_end}));
}

TEST_CASE("explorer: what is no saved search is none")
{
    const auto of = explored("one-store", "golden");
    search_limits limits;
    limits.states = 500;
    std::string file;
    block_store store(store_bytes);
    explored_world w(of->c, store);
    {
        search s(w, limits);
        s.run(nobody);
        s.save("one", [&](std::string_view bytes) { file += bytes; });
    }
    const auto resume = [&](const std::string& text, const std::string& program) {
        search s(w, limits);
        std::istringstream from(text);
        s.resume(program, from, nobody);
    };
    if (equal_states_are_one)
        CHECK_NOTHROW(resume(file, "one"));
    CHECK_THROWS_WITH_AS(resume(file, "another"), doctest::Contains("of this program"),
                         not_that_search);
    CHECK_THROWS_AS(resume("", "one"), not_that_search);
    CHECK_THROWS_AS(resume("mkclean schedule 1\n", "one"), not_that_search);
    for (std::size_t length = 0; length < file.size(); length += 97)
        CHECK_THROWS_AS(resume(file.substr(0, length), "one"), not_that_search);
    std::mt19937 random(1);         // NOLINT: the same every time
    for (int i = 0; i < 300; ++i) { // nothing worse than a refusal, whatever is in it
        std::string spoilt = file;
        spoilt[random() % spoilt.size()] = static_cast<char>(random());
        try {
            resume(spoilt, "one");
        } catch (const std::runtime_error&) {
        }
    }
}

TEST_CASE("explorer: one store and one fsync are all right in golden in every order" *
          doctest::test_suite("long"))
{
    const auto of = explored("one-store", "golden");
    block_store store(store_bytes);
    explored_world w(of->c, store);
    const search_result r = explore(w, {});
    CHECK(r.complete);
    CHECK(r.found.empty());
    MESSAGE("states " << r.states << ", transitions " << r.transitions);
}

TEST_CASE("explorer: walks find the race of 2.6.20 and are the same for the same seed" *
          doctest::test_suite("long"))
{
    const auto of = explored("fixme-race", "linux-2.6.20");
    for (const walk_kind kind : {walk_kind::random, walk_kind::pct}) {
        walk_limits limits;
        const flaw wanted = kind == walk_kind::random ? flaw::lie : flaw::invariant_5;
        limits.kind = kind;
        limits.walks = 3000;
        limits.stops_at = bit(wanted);
        std::vector<search_result> results;
        for (int i = 0; i < 2; ++i) {
            block_store store(store_bytes);
            explored_world w(of->c, store);
            results.push_back(walk(w, limits, [](const auto&) { return false; }));
        }
        REQUIRE(results[0].of(wanted) != nullptr);
        CHECK(results[0].of(flaw::lost) == nullptr);
        CHECK(results[0].transitions == results[1].transitions);
        CHECK(results[0].of(wanted)->moves == results[1].of(wanted)->moves);
        CHECK_FALSE(results[0].complete);
    }
}

TEST_CASE("explorer: a story is followed on the timed platform to the same end" *
          doctest::test_suite("long"))
{
    search_limits limits;
    limits.order = search_order::switches;
    limits.stops_at = bit(flaw::lost);
    const auto of = explored("lost-store", "linux-2.6.19");
    schedule found;
    {
        block_store store(store_bytes);
        explored_world w(of->c, store);
        const search_result r = explore(w, limits);
        found.moves = tell(w, r.found.front()).moves;
    }
    std::uint64_t lost = 0;
    schedule_follower follower(found);
    const config c = to_be_scheduled(of->c);
    run_on_fibers(
        c, [&](world& w) { follower.drive(w); },
        [&](world& w) { lost = w.judge()->result().lost_bytes; }, &follower);
    CHECK(lost == 8);
}

TEST_CASE("explorer: what a write(2) writes over was stored before, and is no loss")
{
    const temporary_directory files;
    const auto of = explored("one-store", "golden");
    of->c.fs.block_size = 1024;
    of->c.workload.file = files.write("test.script", "file db 4KiB\nprocess p\n"
                                                     "thread writer in p on 1\n"
                                                     "  map m = db\n"
                                                     "  write db 0 4096 0x00\n"
                                                     "  sync\n"
                                                     "  meet explored\n"
                                                     "  store m+1504 8 0x01\n"
                                                     "  write db 1000 1100 0x02\n"
                                                     "  load m+1504 1\n"
                                                     "thread nobody in p on 2\n"
                                                     "  meet explored\n");
    block_store store(store_bytes);
    explored_world w(of->c, store);
    search_limits limits;
    limits.order = search_order::switches;
    limits.states = 3000;
    const search_result r = explore(w, limits);
    CHECK(r.found.empty());
    std::vector<std::uint64_t> places;
    w.load(w.start());
    explored_world::step_result made;
    while (!made.ended && w.judge().places().size() < 4) {
        made = w.make(w.moves().back());
        w.load(made.state);
    }
    for (const exploring_judge::place& p : w.judge().places())
        places.push_back(p.offset);
    REQUIRE(places.size() == 4);
    CHECK(places[0] == 1000);
    CHECK(places[1] == 1024);
    CHECK(places[2] == 1504);
    CHECK(places[3] == 2048);
}

TEST_CASE("explorer: an order in which a script finds what it does not expect is found")
{
    const temporary_directory files;
    const auto of = explored("one-store", "golden");
    of->c.workload.file = files.write("test.script", "file db 4KiB\nprocess p\n"
                                                     "thread writer in p on 1\n"
                                                     "  write db 0 4096 0x01\n"
                                                     "  meet explored\n"
                                                     "  write db 0 1 0x02\n"
                                                     "thread reader in p on 2\n"
                                                     "  meet explored\n"
                                                     "  read db 0 1 expect 0x01\n");
    search_limits limits;
    limits.order = search_order::switches;
    limits.stops_at = bit(flaw::expect);
    block_store store(store_bytes);
    explored_world w(of->c, store);
    const search_result r = explore(w, limits);
    REQUIRE(r.of(flaw::expect) != nullptr);
    CHECK(r.of(flaw::stale) == nullptr);
}

TEST_CASE("explore: what is not a small script is refused")
{
    std::ostringstream out;
    std::ostringstream err;
    config c;
    option_set model;
    c.declare(model);
    explore_verb_options options;
    program known{"", "", {explore_verb(options, model, c, out, err)}, model};
    const std::string rtorrent = std::string(MKCLEAN_SOURCE_DIR) + "/configs/rtorrent-2006.cfg";
    CHECK(run_command_line({"explore", rtorrent}, known, out, err) == exit_code::bad_input);
    CHECK(err.str().find("expected script for explore") != std::string::npos);
    // A script that never says where orders begin to matter is no better.
    err.str("");
    const std::string museum =
        std::string(MKCLEAN_SOURCE_DIR) + "/configs/museum/clear-page-dirty-for-io.cfg";
    CHECK(run_command_line({"explore", museum}, known, out, err) == exit_code::bad_input);
    CHECK(
        err.str().find("workload.file: expected a program all of whose threads `meet explored`") !=
        std::string::npos);
    err.str("");
    CHECK(run_command_line({"explore"}, known, out, err) == exit_code::bad_input);
    CHECK(err.str() != "");
    CHECK(out.str().empty());
}

TEST_CASE("schedule: what is written is read again")
{
    const temporary_directory folder;
    schedule s;
    s.moves = {"core0/idle", "core1/a", "core1/a", "core1/a", "core0/disk interrupt"};
    const std::string text = schedule_text(s, "a lie");
    CHECK(text == "mkclean schedule 1\n# a lie\ncore0/idle\ncore1/a x3\ncore0/disk interrupt\n");
    const std::string path = folder.write("s", text);
    CHECK(read_schedule(path, origin()).moves == s.moves);
    folder.write("s", "core0/idle\n");
    CHECK_THROWS_WITH_AS(read_schedule(path, origin()),
                         doctest::Contains("expected the line \"mkclean schedule 1\""),
                         input_error);
    folder.write("s", "mkclean schedule 1\ncore0/idle x0\n");
    CHECK_THROWS_WITH_AS(read_schedule(path, origin()), doctest::Contains(":2: expected x1"),
                         input_error);
}

TEST_CASE("explorer: a search whose memory is full tells what it has found until then")
{
    const auto of = explored("fixme-race", "linux-2.6.19");
    block_store store(std::size_t{2} << 20);
    explored_world w(of->c, store);
    REQUIRE(!w.memory_is_low());
    search_limits limits;
    limits.order = search_order::moves;
    const search_result r = explore(w, limits);
    CHECK(r.out_of_memory);
    CHECK_FALSE(r.complete);
    CHECK(r.states > 100);
    CHECK(r.depth > 3);
    w.load(w.start());
    search_result::counterexample so_far;
    CHECK(table_of(tell(w, so_far)).find('\n') != std::string::npos); // but for titles, nothing
    so_far.moves = {w.moves().front()};
    CHECK(tell(w, so_far).moves.size() == 1);

    walk_limits walks;
    walks.walks = 100'000;
    const search_result none = walk(w, walks, [](const search::progress&) { return false; });
    CHECK(none.out_of_memory);
    CHECK(none.ends < 100'000);
}
