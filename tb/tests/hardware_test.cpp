// Every kind of hardware keeps golden's promises: the kernel is the same, and what it does not know
// of its MMU it must not need.

#include "tb/tests/random_runs.h"

#include <doctest/doctest.h>

#include <map>

using namespace mkclean;

namespace
{

const std::vector<settings> kinds = {
    {{"mmu.format", "x86-64-la57"}},
    {{"mmu.format", "sv39"}},
    {{"mmu.format", "sv39"}, {"mmu.sets_dirty", "fault"}},
    {{"mmu.format", "sv48"}, {"mmu.sets_dirty", "fault"}},
    {{"mmu.format", "aarch64"}},
    {{"mmu.format", "aarch64"}, {"mmu.sets_dirty", "fault"}},
    {{"mmu.sets_dirty", "fault"}},
    {{"tlb.l2_entries", "64"}, {"tlb.replacement", "plru"}},
    {{"tlb.l2_entries", "256"}, {"tlb.replacement", "random"}, {"tlb.rewalks", "on"}},
    {{"tlb.caches_dirty", "off"}},
    {{"tlb.caches_dirty", "off"}, {"tlb.l2_entries", "64"}, {"mmu.sets_dirty", "fault"}},
    {{"vm.lazy_tlb", "leave"}},
    {{"vm.lazy_tlb", "skip"}, {"vm.tlb_flush_ceiling", "33"}, {"cost.ipi_ack", "100"}},
    {{"tlb.asids", "4096"}, {"vm.asids", "slots"}, {"vm.lazy_tlb", "skip"}},
    {{"tlb.asids", "3"}, {"vm.asids", "slots"}, {"vm.tlb_flush_ceiling", "4"}},
    {{"tlb.asids", "4"}, {"vm.asids", "roll"}, {"tlb.l2_entries", "64"}},
    {{"tlb.asids", "256"}, {"vm.asids", "roll"}, {"shootdown.concurrent", "on"}},
    {{"tlb.asids", "256"}, {"vm.asids", "global"}, {"shootdown.kind", "broadcast"}},
    {{"tlb.asids", "2"}, {"vm.asids", "global"}, {"shootdown.kind", "broadcast"}},
    {{"shootdown.kind", "broadcast"}, {"shootdown.latency", "20us"}},
    {{"tlb.asids", "256"}, {"vm.asids", "global"}, {"shootdown.kind", "rar"}},
    {{"shootdown.kind", "rar"}, {"vm.lazy_tlb", "skip"}, {"vm.reclaim_flush", "batched"}},
    {{"shootdown.kind", "early_ack"}, {"vm.lazy_tlb", "leave"}},
    {{"shootdown.kind", "early_ack"}, {"tlb.asids", "16"}, {"vm.asids", "slots"}},
    {{"vm.reclaim_flush", "batched"}},
    {{"core.store_buffer", "1"}, {"core.store_drain", "10"}},
    {{"core.store_buffer", "42"}, {"core.store_drain", "300"}},
    {{"core.store_buffer", "56"}, {"core.store_drain", "50"}, {"shootdown.kind", "broadcast"}},
    {{"core.store_buffer", "8"}, {"core.store_drain", "500"}, {"shootdown.kind", "early_ack"}},
    {{"mmu.sets_dirty", "storage_key"}},
    {{"mmu.dirty_log_entries", "4"}, {"vm.dirty_tracking", "dirty_log"}},
    {{"mmu.dirty_log_entries", "512"}, {"vm.dirty_tracking", "dirty_log"}},
};

settings machine_with(std::uint64_t seed, const settings& hardware)
{
    settings machine = machine_of(seed, "golden");
    machine.insert(machine.end(), hardware.begin(), hardware.end());
    return machine;
}

void check_promises(std::uint64_t first, std::uint64_t last)
{
    for (const settings& hardware : kinds)
        for (std::uint64_t seed = first; seed <= last; ++seed) {
            const settings machine = machine_with(seed, hardware);
            INFO(command_of(machine));
            CHECK(complaints(run(machine)) == "");
        }
}

} // namespace

TEST_CASE("hardware: golden keeps its promises on every kind of MMU")
{
    check_promises(1, 3);
}
TEST_CASE("hardware: golden keeps its promises on 10 seeds of every kind of MMU" *
          doctest::test_suite("long"))
{
    check_promises(3001, 3010);
}

static void check_any_hardware(std::uint64_t first, std::uint64_t last,
                               const settings& and_this = {})
{
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        settings machine = machine_with(seed, hardware_of(seed));
        machine.insert(machine.end(), and_this.begin(), and_this.end());
        INFO(command_of(machine));
        const json stats = run(machine);
        CHECK(complaints(stats) + differences_by_time(machine, stats) == "");
    }
}

TEST_CASE("hardware: golden keeps its promises on any mixture of it, and windows are exact")
{
    check_any_hardware(1, 15);
}
TEST_CASE("hardware: golden keeps its promises on 150 mixtures of it and windows are exact" *
          doctest::test_suite("long"))
{
    check_any_hardware(1001, 1150);
}

static const settings with_keys = {{"mmu.sets_dirty", "storage_key"}};
static const settings with_logs = {{"mmu.sets_dirty", "walker"},
                                   {"mmu.dirty_log_entries", "6"},
                                   {"vm.dirty_tracking", "dirty_log"}};

TEST_CASE("hardware: the same of any mixture with storage keys, and with logs of dirtied pages")
{
    check_any_hardware(101, 108, with_keys);
    check_any_hardware(131, 138, with_logs);
}
TEST_CASE("hardware: the same of 60 mixtures with storage keys and of 60 with logs" *
          doctest::test_suite("long"))
{
    check_any_hardware(2001, 2060, with_keys);
    check_any_hardware(2501, 2560, with_logs);
}

TEST_CASE("hardware: windows are exact on every kind of MMU" * doctest::test_suite("long"))
{
    for (const settings& hardware : kinds)
        for (std::uint64_t seed = 1; seed <= 2; ++seed) {
            const settings machine = machine_with(seed, hardware);
            INFO(command_of(machine));
            CHECK(differences_by_time(machine, run(machine)) == "");
        }
}

TEST_CASE("hardware: every kernel runs with storage keys, and its windows are exact")
{
    for (const char* const kernel :
         {"linux-2.6.18", "linux-2.6.19", "linux-2.6.20", "linux-2.6.23"})
        for (std::uint64_t seed = 3; seed <= 8; ++seed) {
            settings machine = machine_of(seed, kernel);
            machine.emplace_back("mmu.sets_dirty", "storage_key");
            INFO(command_of(machine));
            const json stats = run(machine);
            CHECK(stats["verdict"]["ended"] == "finished");
            CHECK(stats["verdict"]["lost_bytes"] == 0);
            CHECK(stats["verdict"]["accounting_skew"] == 0);
            CHECK(differences_by_time(machine, stats) == "");
        }
}

TEST_CASE("hardware: a log of dirtied pages that the kernel does not read changes nothing")
{
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        json with_log = run(with(machine_of(seed, "golden"), "mmu.dirty_log_entries", "4"));
        json without = run(machine_of(seed, "golden"));
        for (json* stats : {&with_log, &without})
            (*stats)["config"].erase("mmu.dirty_log_entries");
        CHECK(with_log == without);
    }
}

TEST_CASE("hardware: 2.6.18 needs D, and gets it from the walker, from a fault or from a key")
{
    const settings stores = {{"workload.kind", "touch"},
                             {"kernel", "linux-2.6.18"},
                             {"workload.threads", "1"},
                             {"workload.pages", "8"},
                             {"workload.load_every", "1"},
                             {"workload.sync_every", "50"},
                             {"expect.lost", "any"},
                             {"vm.fsync_writes_clean_inode", "on"}}; // a bug of another kind
    std::map<std::string, std::uint64_t> faults;
    for (const char* const format : {"x86-64", "sv39", "aarch64"})
        for (const char* const setter : {"walker", "fault", "storage_key"}) {
            const json stats =
                run(with(with(stores, "mmu.format", format), "mmu.sets_dirty", setter));
            CAPTURE(format);
            CAPTURE(setter);
            CHECK(stats["verdict"]["lost_bytes"] == 0);
            CHECK(stats["verdict"]["fsync_lies"] == 0);
            const bool by_walker = stats["walker"]["dirty_set"] != 0;
            CHECK(by_walker == (std::string(setter) == "walker"));
            CHECK(stats["workload"]["bad_words"] == 0);
            faults[setter] = stats["vm"]["pgfault"].get<std::uint64_t>();
        }
    // One more for every page that was clean and is stored to.
    CHECK(faults["fault"] > faults["walker"] + 8);
}
