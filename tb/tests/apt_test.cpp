#include "tb/tests/run_settings.h"

#include <doctest/doctest.h>

using namespace mkclean;

namespace
{

// configs/apt-2006.cfg, in a tenth of the time.
json apt_on(const std::string& kernel)
{
    return run({{"kernel", kernel},
                {"memory", "32MiB"},
                {"workload.kind", "apt"},
                {"workload.size", "256KiB"},
                {"workload.chunk", "60B"},
                {"workload.operations", "4000"},
                {"workload.sync_every", "1000"},
                {"workload.think", "4ms"},
                {"vm.dirty_writeback", "500ms"},
                {"vm.dirty_expire", "3s"},
                {"fs.commit", "500ms"}});
}

} // namespace

TEST_CASE("apt: 2.6.19 loses records that were rewritten in place")
{
    const json stats = apt_on("linux-2.6.19");
    CHECK(stats["workload"]["records"] == 4369);
    CHECK(stats["workload"]["updates"] == 4000);
    CHECK(stats["workload"]["msyncs"] == 5);
    CHECK(stats["workload"]["failed_msyncs"] == 0);
    CHECK(stats["verdict"]["lost_bytes"] > 0);
    CHECK(stats["workload"]["bad_records"] > 0);
    // What the program reads back is what the oracle says is gone: the header's count included.
    CHECK(stats["verdict"]["lost_bytes"] >= stats["workload"]["bad_bytes"]);
}

TEST_CASE("apt: the kernels before and after lose none")
{
    for (const char* kernel : {"linux-2.6.18", "linux-2.6.20", "golden"}) {
        const json stats = apt_on(kernel);
        INFO(kernel);
        CHECK(stats["verdict"]["lost_bytes"] == 0);
        CHECK(stats["verdict"]["fsync_lies"] == 0);
        CHECK(stats["workload"]["bad_records"] == 0);
        CHECK(stats["workload"]["bad_headers"] == 0);
        CHECK(stats["workload"]["updates"] == 4000);
    }
}
