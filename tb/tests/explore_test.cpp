#include "sim/option_set.h"
#include "tb/config_file.h"
#include "tb/explore/search.h"

#include <doctest/doctest.h>

#include <cstring>
#include <map>
#include <random>
#include <set>

using namespace mkclean;

namespace
{

constexpr std::size_t store_bytes = std::size_t{2} << 30; // of addresses; touched as needed

struct described {
    config c;
    option_set model;
};

std::unique_ptr<described> race(const std::string& kernel)
{
    auto made = std::make_unique<described>();
    made->c.declare(made->model);
    configure(made->model, {std::string(MKCLEAN_SOURCE_DIR) + "/configs/explore/fixme-race.cfg"},
              {{"kernel", kernel, origin()}});
    made->c.check(made->model);
    return made;
}

std::vector<std::byte> bytes_of(const arena& a)
{
    return {a.begin(), a.begin() + arena::bytes};
}

search_result search(explored_world& w, const search_limits& limits)
{
    breadth_first_search bfs(w, limits, 2'000'000);
    return bfs.run([](const auto&) { return false; });
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
    taken[0] = bytes_of(a);
    for (int round = 0; round < 300; ++round) {
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

TEST_CASE("explorer: the same moves lead to the same state whatever was tried in between" *
          doctest::test_suite("long"))
{
    const auto of = race("linux-2.6.20");
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

TEST_CASE("explorer: one store and one fsync find the FIXME race of 2.6.20" *
          doctest::test_suite("long"))
{
    search_limits limits;
    limits.stops_at = flaw_set{1} << static_cast<unsigned>(flaw::invariant_5);
    const auto of = race("linux-2.6.20");
    block_store store(store_bytes);
    explored_world w(of->c, store);
    const search_result r = search(w, limits);
    const auto found = r.of(flaw::invariant_5);
    REQUIRE(found);
    CHECK(found->moves.size() == 43);
    CHECK(r.found.size() == 1);

    w.load(w.start());
    flaw_set flaws = 0;
    for (const explored_world::move m : found->moves) {
        CHECK(flaws == 0);
        const explored_world::step_result made = w.make(m);
        flaws = made.flaws;
        w.load(made.state);
    }
    CHECK(flaws == limits.stops_at);
}

TEST_CASE("explorer: one store and one fsync are all right in 2.6.23 in every order" *
          doctest::test_suite("long"))
{
    const auto of = race("linux-2.6.23");
    block_store store(store_bytes);
    explored_world w(of->c, store);
    const search_result r = search(w, {});
    CHECK(r.complete);
    CHECK(r.found.empty());
    MESSAGE("states " << r.states << ", transitions " << r.transitions);
}
