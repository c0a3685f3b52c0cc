// What the oracle must not say.

#include "tb/run.h"
#include "tb/tests/temporary_directory.h"

#include <doctest/doctest.h>

using namespace mkclean;

TEST_CASE("a sync that begins in the middle of a write(2) promises nothing of it")
{
    const temporary_directory files;
    config c;
    c.cores = 2;
    c.memory = 8 << 20;
    c.disk.kind = disk_kind::constant_latency;
    c.fs.data = data_mode::writeback; // no journal that writes it anyway
    c.workload.kind = workload_kind::script;
    c.workload.file = files.write("test.script", "file db 8KiB\n"
                                                 "process p\n"
                                                 "thread writer in p on 0\n"
                                                 "  write db 0 4096 0x41\n"
                                                 "  fsync db\n"
                                                 "  meet ready\n"
                                                 "  until 200ms\n"
                                                 "  write db 0 4096 0x42\n"
                                                 "thread syncer in p on 1\n"
                                                 "  meet ready\n"
                                                 "  until 199999us+$delay\n"
                                                 "  fsync db\n");
    for (std::uint64_t delay = 0; delay < 3'000'000; delay += 10'000) {
        CAPTURE(delay);
        c.workload.delay = delay;
        run_on_fibers(
            c, [](world&) {},
            [&](world& w) {
                CHECK(w.judge()->result().fsync_lies == 0);
                CHECK(w.invariants().all_hold());
            });
    }
}
