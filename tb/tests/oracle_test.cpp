// What the oracle must not say.

#include "tb/run.h"
#include "tb/tests/temporary_directory.h"

#include <doctest/doctest.h>

using namespace mkclean;

TEST_CASE("what is stored behind the end of a file is promised to nobody")
{
    const temporary_directory files;
    for (const char* then :
         {"", "  load m+1024 8 expect 0\n", "  truncate a 4096\n  sync\n  drop a\n",
          "  truncate a 4096\n  load m+1024 8 expect 0\n  store m+1032 8 0x43\n"
          "  msync m\n"}) {
        CAPTURE(then);
        config c;
        c.memory = 8 << 20;
        c.disk.kind = disk_kind::constant_latency;
        c.workload.kind = workload_kind::script;
        c.workload.file = files.write("test.script", std::string("file a 1KiB\n"
                                                                 "process p\n"
                                                                 "thread t in p on 0\n"
                                                                 "  map m = a\n"
                                                                 "  store m+0 8 0x41\n"
                                                                 "  msync m\n"
                                                                 "  store m+1020 8 0x42\n"
                                                                 "  msync m\n") +
                                                         then);
        run_on_fibers(
            c, [](world&) {},
            [&](world& w) {
                CHECK(w.judge()->result().lost_bytes == 0);
                CHECK(w.judge()->result().fsync_lies == 0);
                CHECK(w.judge()->result().stale_reads == 0);
                CHECK(w.judge()->result().invented_bytes == 0);
                CHECK(w.program().failed_expectations() == 0);
                CHECK(w.how_it_ended() == world::ending::finished);
            });
    }
}

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
