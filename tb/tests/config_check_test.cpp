// What no option can say alone: a value that does not go with another, or with the model.

#include "tb/tests/run_settings.h"

#include <doctest/doctest.h>

using namespace mkclean;

namespace
{

/// What is said of settings that are wrong; "" if they are not.
std::string complaint(const settings& given)
{
    config c;
    option_set model;
    c.declare(model);
    try {
        for (const auto& [name, value] : given)
            model.set(name, value, origin());
        c.check(model);
    } catch (const input_error& error) {
        return error.what();
    }
    return "";
}

} // namespace

TEST_CASE("config: an hour is a time, four days are more than the oracle counts")
{
    CHECK(complaint({{"time.limit", "3600s"}}) == "");
    CHECK(complaint({{"time.limit", "250001s"}}).find("--time.limit: must be 1ps..250000s") == 0);
    CHECK(complaint({{"power.cut_at", "250001s"}}).find("--power.cut_at: must be") == 0);
}

TEST_CASE("config: what rtorrent would have to shuffle for ever is refused")
{
    CHECK(complaint({{"workload.size", "100GiB"}}) == "");
    CHECK(complaint({{"workload.size", "1TiB"}})
              .find("--workload.size: expected at most 100000000 chunks for rtorrent") == 0);
    CHECK(complaint({{"workload.size", "1TiB"}, {"workload.kind", "apt"}}) == "");
}

TEST_CASE("config: huge pages need golden's write fault, and an msync that walks no PTEs")
{
    CHECK(complaint({{"vm.huge_pages", "2MiB"}}) == "");
    CHECK(complaint({{"vm.huge_pages", "2MiB"}, {"kernel", "linux-2.6.23"}})
              .find("--vm.huge_pages: expected off, or vm.write_fault = golden") == 0);
    CHECK(complaint({{"vm.huge_pages", "2MiB"},
                     {"kernel", "linux-2.6.23"},
                     {"vm.write_fault", "golden"}}) == "");
    CHECK(complaint({{"vm.huge_pages", "2MiB"}, {"vm.msync", "linux-2.6.18"}})
              .find("--vm.huge_pages: expected off for vm.msync = linux-2.6.18") == 0);
    CHECK(complaint({{"vm.huge_pages", "off"}, {"kernel", "linux-2.6.18"}}) == "");
    CHECK(complaint({{"vm.huge_pages", "1GiB"}}).find("--vm.huge_pages: ") == 0);
}

TEST_CASE("config: hardware that nobody has built")
{
    CHECK(complaint({{"mmu.format", "x86_64"}}).find("did you mean 'x86-64'?") !=
          std::string::npos);
    CHECK(complaint({{"mmu.sets_dirty", "nobody"}}).find("--mmu.sets_dirty: ") == 0);
    CHECK(complaint({{"tlb.entries", "64"}, {"tlb.ways", "3"}})
              .find("--tlb.ways: expected a divisor of tlb.entries, which is 64") == 0);
    CHECK(complaint({{"workload.kind", "touch"}, {"workload.pages", "3"}})
              .find("--workload.pages: expected a power of two for touch") == 0);
}

TEST_CASE("config: every array of a TLB has ways that divide its entries")
{
    for (const std::string suffix : {"", "_2m", "_1g"}) {
        const std::string entries = "tlb.entries" + suffix;
        const std::string ways = "tlb.ways" + suffix;
        CAPTURE(entries);
        for (const auto& [number, divisor] :
             settings{{"64", "1"}, {"64", "64"}, {"48", "3"}, {"7", "7"}, {"1", "1"}})
            CHECK(complaint({{entries, number}, {ways, divisor}}) == "");
        for (const auto& [number, not_a_divisor] :
             settings{{"64", "3"}, {"64", "128"}, {"1", "2"}, {"48", "5"}})
            CHECK(complaint({{entries, number}, {ways, not_a_divisor}})
                      .find("--" + ways + ": expected a divisor of " + entries + ", which is " +
                            number) == 0);
        CHECK(complaint({{entries, "65537"}}).find("--" + entries + ": ") == 0);
        CHECK(complaint({{ways, "0"}}).find("--" + ways + ": ") == 0);
    }
    CHECK(complaint({{"tlb.l2_entries", "1536"}, {"tlb.l2_ways", "12"}}) == "");
    CHECK(complaint({{"tlb.l2_entries", "1536"}, {"tlb.l2_ways", "5"}})
              .find("--tlb.l2_ways: expected a divisor of tlb.l2_entries, which is 1536") == 0);
    CHECK(complaint({{"tlb.entries", "0"}}).find("--tlb.entries: ") == 0); // the others may be
}

TEST_CASE("config: a tree of bits stands on a power of two of ways, in every array")
{
    const std::vector<std::pair<std::string, std::string>> arrays{
        {"tlb.entries", "tlb.ways"},
        {"tlb.entries_2m", "tlb.ways_2m"},
        {"tlb.entries_1g", "tlb.ways_1g"},
        {"tlb.l2_entries", "tlb.l2_ways"}};
    for (const auto& [entries, ways] : arrays) {
        CAPTURE(entries);
        for (const std::string good : {"1", "2", "4", "16"})
            CHECK(complaint({{"tlb.replacement", "plru"}, {entries, "48"}, {ways, good}}) == "");
        for (const std::string bad : {"3", "6", "12"}) {
            const settings given{{entries, "48"}, {ways, bad}};
            CHECK(complaint(with(given, "tlb.replacement", "plru"))
                      .find("--" + ways + ": expected a power of two for tlb.replacement = plru") ==
                  0);
            CHECK(complaint(with(given, "tlb.replacement", "lru")) == "");
            CHECK(complaint(with(given, "tlb.replacement", "random")) == "");
        }
    }
}

TEST_CASE("config: the ways of an array that is not there are nobody's business")
{
    for (const std::string kind : {"lru", "plru"})
        for (const std::string array : {"tlb.ways_2m", "tlb.ways_1g", "tlb.l2_ways"})
            CHECK(complaint({{"tlb.replacement", kind}, {array, "3"}}) == "");
}

TEST_CASE("config: who goes from a TLB is named, and a slip of the pen is told")
{
    CHECK(complaint({{"tlb.replacement", "lur"}}).find("--tlb.replacement: ") == 0);
    CHECK(complaint({{"tlb.replacement", "plruu"}}).find("did you mean 'plru'?") !=
          std::string::npos);
    CHECK(complaint({{"tlb.l2_holds", "2MB"}}).find("--tlb.l2_holds: ") == 0);
    CHECK(complaint({{"tlb.l2_latency", "1001"}}).find("--tlb.l2_latency: ") == 0);
    CHECK(complaint({{"tlb.caches_dirty", "maybe"}}).find("--tlb.caches_dirty: ") == 0);
    CHECK(complaint({{"tlb.rewalks", "maybe"}}).find("--tlb.rewalks: ") == 0);
}

TEST_CASE("config: a log of dirtied pages needs a walker to write it and a kernel to read it")
{
    CHECK(complaint({{"mmu.dirty_log_entries", "512"}}) == "");
    CHECK(complaint({{"mmu.dirty_log_entries", "512"}, {"vm.dirty_tracking", "dirty_log"}}) == "");
    CHECK(complaint({{"mmu.dirty_log_entries", "513"}}).find("--mmu.dirty_log_entries: must") == 0);
    CHECK(complaint({{"mmu.dirty_log_entries", "4"}, {"mmu.sets_dirty", "storage_key"}})
              .find("--mmu.dirty_log_entries: expected 0, or mmu.sets_dirty = walker") == 0);
    CHECK(complaint({{"vm.dirty_tracking", "dirty_log"}})
              .find("--vm.dirty_tracking: expected write_protect, or mmu.dirty_log_entries") == 0);
    CHECK(complaint({{"mmu.dirty_log_entries", "4"},
                     {"vm.dirty_tracking", "dirty_log"},
                     {"kernel", "linux-2.6.23"}})
              .find("--vm.dirty_tracking: expected write_protect, or vm.write_fault = golden") ==
          0);
}

TEST_CASE("config: ->page_mkwrite needs faults that ask, and reservations somebody who makes them")
{
    CHECK(complaint({{"vm.page_mkwrite", "locked"}}) == "");
    CHECK(complaint({{"vm.page_mkwrite", "locked"}, {"kernel", "linux-2.6.18"}})
              .find("--vm.page_mkwrite: expected none, or vm.write_fault later") == 0);
    CHECK(complaint({{"vm.page_mkwrite", "locked"}, {"vm.huge_pages", "2MiB"}})
              .find("--vm.page_mkwrite: expected none for vm.huge_pages") == 0);
    CHECK(complaint({{"fs.reserves_blocks", "on"}})
              .find("--fs.reserves_blocks: expected off, or vm.page_mkwrite") == 0);
    const settings reserving{{"fs.reserves_blocks", "on"}, {"vm.page_mkwrite", "locked"}};
    CHECK(complaint(reserving).find("--fs.reserves_blocks: expected off for fs.type = ext3") == 0);
    CHECK(complaint(with(reserving, "fs.type", "ext2")) == "");
    CHECK(complaint({{"disk.checksums", "on"}}) == "");
    CHECK(complaint({{"disk.checksums", "on"}, {"kernel", "linux-2.6.23"}}) == "");
    CHECK(complaint(
              {{"disk.checksums", "on"}, {"kernel", "linux-2.6.23"}, {"vm.stable_pages", "yes"}})
              .find("--vm.stable_pages: expected no") == 0);
}
