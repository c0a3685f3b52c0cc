// Golden with vm.huge_pages = 2MiB keeps every promise that it keeps with small pages, on files and
// memories that are large enough for a PMD.

#include "tb/tests/random_runs.h"

#include <doctest/doctest.h>

using namespace mkclean;

namespace
{

/// A machine on which the first 2 MiB of the file can be mapped by a PMD from the start, and its
/// second ones never: small pages are always there, too. On every third, memory is too small for
/// all that threads have.
settings huge_machine(std::uint64_t seed)
{
    dice d(seed * 7 + 1);
    settings s = machine_of(seed, "golden");
    const bool scarce = seed % 3 == 0;
    for (const auto& [name, value] : settings{
             {"vm.huge_pages", "2MiB"},
             {"memory", scarce ? "4MiB" : d.one_of({"5MiB", "8MiB"})},
             {"workload.threads", "4"},
             {"workload.operations", d.number(20, 80)},
             {"workload.pages", d.number(860, 1020)},
             {"workload.anonymous_pages", scarce ? d.number(100, 112) : "2"},
             {"vm.dirty_ratio", d.one_of({"10%", "40%"})},
             {"tlb.entries_2m", d.one_of({"0", "4", "8"})},
             {"tlb.l2_entries", d.one_of({"0", "64"})},
             {"fs.journal_blocks", "256"},
             {"block.nr_requests", "128"},
             {"disk.kind", "constant"},
         })
        s.emplace_back(name, value);
    return s;
}

struct census {
    std::uint64_t mapped = 0;
    std::uint64_t fallen_back = 0;
    std::uint64_t cleaned = 0;

    void count(const json& stats)
    {
        const json& vm = stats["vm"];
        mapped += vm["thp_file_mapped"].get<std::uint64_t>();
        fallen_back += vm["thp_file_fallback"].get<std::uint64_t>();
        cleaned += vm["page_mkclean_cleaned"].get<std::uint64_t>();
    }
};

void check_promises(std::uint64_t first, std::uint64_t last)
{
    census all;
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        const settings machine = huge_machine(seed);
        INFO(command_of(machine));
        const json stats = run(machine);
        CHECK(complaints(stats) == "");
        all.count(stats);
    }
    const std::uint64_t seeds = last - first + 1;
    CHECK(all.mapped > 4 * seeds);
    CHECK(all.fallen_back > 0);
    CHECK(all.cleaned > 10 * seeds);
}

const std::vector<settings> hardware = {
    {{"mmu.format", "sv39"}, {"mmu.sets_dirty", "fault"}},
    {{"mmu.format", "aarch64"}},
    {{"mmu.format", "x86-64-la57"}, {"tlb.caches_dirty", "off"}},
};

} // namespace

TEST_CASE("huge: golden keeps its promises with PMDs")
{
    check_promises(1, 12);
}
TEST_CASE("huge: golden keeps its promises with PMDs on 30 seeds" * doctest::test_suite("long"))
{
    check_promises(2001, 2030);
}

TEST_CASE("huge: golden keeps its promises where PMDs have to be reclaimed")
{
    std::uint64_t reclaimed = 0;
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        const settings machine = {{"workload.kind", "random"},
                                  {"kernel", "golden"},
                                  {"seed", std::to_string(seed)},
                                  {"cores", "4"},
                                  {"memory", "4MiB"},
                                  {"vm.huge_pages", "2MiB"},
                                  {"workload.pages", "900"},
                                  {"workload.threads", "4"},
                                  {"workload.operations", "100"},
                                  {"workload.anonymous_pages", "115"},
                                  {"vm.dirty_writeback", "5ms"},
                                  {"vm.dirty_expire", "5ms"}};
        INFO(command_of(machine));
        const json stats = run(machine);
        CHECK(complaints(stats) == "");
        reclaimed += stats["vm"]["pgsteal"].get<std::uint64_t>();
    }
    CHECK(reclaimed > 0);
}

TEST_CASE("huge: golden keeps its promises with PMDs of other formats, and where faults set D")
{
    for (const settings& kind : hardware)
        for (std::uint64_t seed = 1; seed <= 2; ++seed) {
            settings machine = huge_machine(seed);
            machine.insert(machine.end(), kind.begin(), kind.end());
            INFO(command_of(machine));
            CHECK(complaints(run(machine)) == "");
        }
}

TEST_CASE("huge: windows are exact with PMDs")
{
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
        const settings machine = huge_machine(seed);
        INFO(command_of(machine));
        CHECK(differences_by_time(machine, run(machine)) == "");
    }
}
TEST_CASE("huge: windows are exact with PMDs on 20 seeds" * doctest::test_suite("long"))
{
    for (std::uint64_t seed = 5001; seed <= 5020; ++seed) {
        const settings machine = huge_machine(seed);
        INFO(command_of(machine));
        CHECK(differences_by_time(machine, run(machine)) == "");
    }
}

TEST_CASE("huge: a power cut in the middle finds what was promised")
{
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        const settings machine =
            with(huge_machine(seed), "power.cut_at", std::to_string(20 + 13 * seed) + "ms");
        INFO(command_of(machine));
        CHECK(complaints(run(machine)) == "");
    }
}

TEST_CASE("huge: writeback of one stored byte writes 512 pages instead of one")
{
    const auto written_with = [](const char* size) {
        const json stats = run({{"workload.kind", "touch"},
                                {"kernel", "golden"},
                                {"memory", "64MiB"},
                                {"vm.huge_pages", size},
                                {"workload.threads", "1"},
                                {"workload.pages", "512"},
                                {"workload.operations", "100"},
                                {"workload.sync_every", "50"}});
        CHECK(stats["verdict"]["ok"] == true);
        return stats["vm"]["nr_written"].get<std::uint64_t>();
    };
    CHECK(written_with("2MiB") > 4 * written_with("off"));
}
