// Seeded random programs on seeded random machines. A failure names its seed and prints the command
// that repeats it.
//
// More of the same: build/release/tb/tb_tests --no-skip -tc="hunt*", with MKCLEAN_SEEDS=1..1000,
// MKCLEAN_KERNEL=golden, MKCLEAN_HUNT=plain, time (against every_access) or cut (the power),
// MKCLEAN_SET=option=value.

#include "sim/tests/seeds.h"
#include "tb/tests/random_runs.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <map>

using namespace mkclean;

namespace
{

std::string environment(const char* name, const std::string& otherwise)
{
    const char* const value = std::getenv(name);
    return value == nullptr ? otherwise : value;
}

// The power fails at any time of the run, its end included. What the journal does not order (data
// in ext2 and in writeback mode) may be anything that was on the disk.
std::string complaints_after_a_cut(const settings& given, std::uint64_t seed)
{
    const auto length = run(given)["time"]["ps"].get<std::uint64_t>();
    const std::string when = dice(~seed).number(1, length, "ps");
    const json stats = run(with(given, "power.cut_at", when));
    const bool ordered =
        stats["config"]["fs.type"] == "ext3" && stats["config"]["fs.data"] == "ordered";
    std::string text;
    if (stats["verdict"]["fsync_lies"] != 0 || stats["verdict"]["lost_bytes"] != 0)
        text += " a promise was broken";
    if (ordered && stats["verdict"]["invented_bytes"] != 0)
        text += " bytes were invented";
    return text.empty() ? text : text + " --power.cut_at " + when;
}

// What all runs together have come across.
class coverage
{
public:
    void add(const json& stats)
    {
        for (const char* counter : counters)
            m_sums[counter] += stats.at(json::json_pointer(counter)).get<std::uint64_t>();
    }
    std::uint64_t least() const
    {
        std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
        for (const char* counter : counters)
            least = std::min(least, m_sums.at(counter));
        return least;
    }
    std::string text() const
    {
        std::string all;
        for (const auto& [name, sum] : m_sums)
            all += "  " + name + " " + std::to_string(sum) + '\n';
        return all;
    }

private:
    static constexpr std::array counters = {"/vm/nr_tlb_remote_flush_received",
                                            "/vm/pgsteal",
                                            "/vm/page_mkclean_cleaned",
                                            "/vm/redirtied_by_mkclean",
                                            "/vm/drop_pagecache",
                                            "/vm/pgmajfault",
                                            "/workload/operations",
                                            "/workload/bus_errors",
                                            "/workload/segmentation_faults"};
    std::map<std::string, std::uint64_t> m_sums;
};

} // namespace

TEST_CASE("random: golden keeps every promise and every invariant")
{
    coverage seen;
    for (std::uint64_t seed = 1; seed <= 120; ++seed) {
        const settings machine = machine_of(seed, "golden");
        const json stats = run(machine);
        INFO(command_of(machine));
        CHECK(complaints(stats) == "");
        seen.add(stats);
    }
    INFO(seen.text());
    CHECK(seen.least() > 0);
}

TEST_CASE("random: golden keeps its promises on 1000 seeds and every_access agrees to the byte" *
          doctest::test_suite("long"))
{
    for (std::uint64_t seed = 1001; seed <= 2000; ++seed) {
        const settings machine = machine_of(seed, "golden");
        const json stats = run(machine);
        INFO(command_of(machine));
        CHECK(complaints(stats) == "");
        CHECK(differences_by_time(machine, stats) == "");
    }
}

TEST_CASE("random: what 2.6.23 breaks is fsync that believes a clean inode")
{
    unsigned unclean = 0;
    for (std::uint64_t seed = 1; seed <= seeds(120); ++seed) {
        const settings machine = machine_of(seed, "linux-2.6.23");
        const std::string found = complaints(run(machine));
        if (found.empty())
            continue;
        ++unclean;
        INFO(command_of(machine));
        CHECK(found.find(" /verdict/fsync_lies=") == 0);
        CHECK(found.rfind(' ') == 0); // and nothing else
        CHECK(complaints(run(with(machine, "vm.fsync_writes_clean_inode", "on"))) == "");
    }
    CHECK(unclean > 0);
}

TEST_CASE("random: running ahead in time changes nothing" * doctest::test_suite("long"))
{
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        const settings machine = machine_of(seed, "golden");
        INFO(command_of(machine));
        CHECK(differences_by_time(machine, run(machine)) == "");
    }
}

TEST_CASE("random: a power cut takes nothing that was promised")
{
    for (std::uint64_t seed = 1; seed <= seeds(120); ++seed) {
        const settings machine = machine_of(seed, "golden");
        INFO(command_of(machine));
        CHECK(complaints_after_a_cut(machine, seed) == "");
    }
}

TEST_CASE("random: 2.6.18 loses no byte as long as the power stays on")
{
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        // Nothing throttles who stores to a mapping, so that it needs more memory than the others.
        const settings machine = with(machine_of(seed, "linux-2.6.18"), "memory", "1280KiB");
        const json stats = run(machine);
        INFO(command_of(machine));
        CHECK(stats["verdict"]["ended"] == "finished");
        CHECK(stats["verdict"]["lost_bytes"] == 0);
        CHECK(stats["verdict"]["stale_reads"] == 0);
        CHECK(stats["verdict"]["invented_bytes"] == 0);
    }
}

TEST_CASE("random: a file of one page is as good as any")
{
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        const settings machine = with(machine_of(seed, "golden"), "workload.pages", "1");
        INFO(command_of(machine));
        CHECK(complaints(run(machine)) == "");
    }
}

TEST_CASE("random: whether anybody looks makes no difference to what happens" *
          doctest::test_suite("long"))
{
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        const settings machine = machine_of(seed, "linux-2.6.20");
        json seen = run(machine);
        json unseen = run(with(machine, "oracle", "off"));
        json unseen_slow = run(with(with(machine, "oracle", "off"), "time.sync", "every_access"));
        for (json* stats : {&seen, &unseen, &unseen_slow})
            for (const char* key : {"config", "verdict", "invariants"})
                stats->erase(key);
        INFO(command_of(machine));
        CHECK(seen.dump() == unseen.dump());
        CHECK(unseen.dump() == unseen_slow.dump());
    }
}

TEST_CASE("random: the log is in the order of time")
{
    struct clock final : event_sink {
        void on_event(const event& e) override
        {
            if (e.time < latest)
                ++reversals;
            latest = std::max(latest, e.time);
        }
        picoseconds latest;
        std::uint64_t reversals = 0;
    };
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        clock seen;
        config c;
        option_set model;
        c.declare(model);
        for (const auto& [name, value] : machine_of(seed, "golden"))
            model.set(name, value, origin());
        c.check(model);
        run_on_fibers(
            c, [&](world& w) { w.log().attach(seen); }, [](world&) {});
        CHECK(seen.reversals == 0);
    }
}

TEST_CASE("random: what is broken is found")
{
    const auto runs_with = [](const std::string& name, const std::string& value,
                              const char* pointer) {
        unsigned found = 0;
        for (std::uint64_t seed = 1; seed <= 15; ++seed) {
            const json stats = run(with(machine_of(seed, "golden"), name, value));
            if (stats.at(json::json_pointer(pointer)) != 0)
                ++found;
        }
        return found;
    };
    CHECK(runs_with("vm.mkclean_flush", "none", "/verdict/lost_bytes") > 0);
    CHECK(runs_with("vm.fsync_writes_clean_inode", "off", "/verdict/fsync_lies") > 0);
    CHECK(runs_with("vm.write_fault", "linux-2.6.19", "/invariants/I5") > 0);
}

TEST_CASE("hunt: as many seeds of any kernel as you like" * doctest::skip())
{
    const std::string kernel = environment("MKCLEAN_KERNEL", "golden");
    const std::string what = environment("MKCLEAN_HUNT", "plain");
    const std::string seeds = environment("MKCLEAN_SEEDS", "1..1000");
    const std::string set = environment("MKCLEAN_SET", "");
    const std::uint64_t first = std::stoull(seeds);
    const std::uint64_t last = std::stoull(seeds.substr(seeds.find("..") + 2));
    std::uint64_t unclean = 0;
    coverage seen;
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        settings machine = machine_of(seed, kernel);
        if (!set.empty())
            machine.emplace_back(set.substr(0, set.find('=')), set.substr(set.find('=') + 1));
        std::string found;
        try {
            if (what == "time") {
                found = differences_by_time(machine, run(machine));
            } else if (what == "cut") {
                found = complaints_after_a_cut(machine, seed);
            } else {
                const json stats = run(machine);
                found = complaints(stats);
                seen.add(stats);
            }
        } catch (const std::exception& e) {
            found = std::string(" exception: ") + e.what();
        }
        if (found.empty())
            continue;
        ++unclean;
        std::cout << "seed " << seed << ":" << found << "\n  " << command_of(machine) << '\n';
    }
    std::cout << kernel << ", " << what << ": " << last - first + 1 << " seeds, " << unclean
              << " not clean\n"
              << seen.text();
}
