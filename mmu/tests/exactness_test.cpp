#include "mmu/tests/random_machine.h"
#include "sim/fiber_executor.h"
#include "sim/systemc_executor.h"
#include "sim/tests/simulation.h"

#include <doctest/doctest.h>

using namespace mkclean;

namespace
{

std::string describe_at(const std::vector<sighting>& seen, std::size_t i)
{
    return i < seen.size() ? describe(seen[i]) : "nothing";
}

/// The first place in which they differ, with what came just before; "" if there is none.
std::string difference(const std::vector<sighting>& a, const std::vector<sighting>& b)
{
    const auto [x, y] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
    if (x == a.end() && y == b.end())
        return "";
    const auto i = std::size_t(x - a.begin());
    std::string text;
    for (std::size_t k = i > 6 ? i - 6 : 0; k < i; ++k)
        text += describe(a[k]) + "\n";
    return text + "then " + describe_at(a, i) + "\n  or " + describe_at(b, i);
}

/// How often things happened in all those runs: a test of programs in which nothing happens is
/// worth nothing.
struct census {
    std::uint64_t sightings = 0;
    std::uint64_t cleanings = 0;
    std::uint64_t faults = 0;

    void count(const std::vector<sighting>& seen)
    {
        sightings += seen.size();
        for (const sighting& s : seen) {
            cleanings += std::strcmp(s.what, "cleans") == 0 ? 1U : 0U;
            faults += std::strcmp(s.what, "installs") == 0 ? 1U : 0U;
        }
    }
};

void compare_syncs(unsigned cores, std::uint64_t seeds, bool huge = false)
{
    census all;
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        CAPTURE(cores);
        CAPTURE(seed);
        fiber_executor exact_exec;
        random_machine exact(exact_exec, seed, cores, time_sync::every_access, huge);
        fiber_executor fast_exec;
        random_machine fast(fast_exec, seed, cores, time_sync::window, huge);
        const std::vector<sighting> expected = exact.run();
        REQUIRE(difference(expected, fast.run()) == "");
        all.count(expected);
        REQUIRE_FALSE(fast.survivor_found());
        if (!huge) // whose D is not one page's
            REQUIRE_FALSE(exact.forgotten_store_found());
    }
    CHECK(all.sightings > (huge ? 250 : 300) * seeds);
    CHECK(all.cleanings > seeds);
    CHECK(all.faults > seeds);
}

} // namespace

TEST_CASE("one core: running ahead is seen by nobody")
{
    compare_syncs(1, 2000);
}
TEST_CASE("two cores: running ahead is seen by nobody")
{
    compare_syncs(2, 2000);
}
TEST_CASE("four cores: running ahead is seen by nobody")
{
    compare_syncs(4, 1500);
}

TEST_CASE("one entry for all pages, or for some cores only: running ahead is seen by nobody")
{
    compare_syncs(1, 300, true);
    compare_syncs(2, 1500, true);
    compare_syncs(4, 1000, true);
}

TEST_CASE("a machine may be stopped and taken down at any instant")
{
    for (std::uint64_t seed = 0; seed < 2000; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random(seed);
        fiber_executor exec;
        {
            random_machine m(exec, seed, 1 + unsigned(random() % 4), time_sync::window);
            exec.run(picoseconds(random() % 400'000));
        }
        REQUIRE(exec.cancelling());
    }
}

TEST_CASE("on SystemC, a machine does what it does on fibers")
{
    simulate([] {
        for (std::uint64_t seed = 0; seed < 300; ++seed) {
            const unsigned cores = 1U << seed % 3;
            CAPTURE(seed);
            fiber_executor fibers;
            random_machine plain(fibers, seed, cores, time_sync::window);
            systemc_executor systemc;
            random_machine simulated(systemc, seed, cores, time_sync::window);
            REQUIRE(difference(plain.run(), simulated.run()) == "");
        }
    });
}
