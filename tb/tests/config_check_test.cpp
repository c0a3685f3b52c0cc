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
