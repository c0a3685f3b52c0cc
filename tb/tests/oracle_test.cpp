// What the oracle must not say.

#include "tb/run.h"
#include "tb/tests/temporary_directory.h"

#include <doctest/doctest.h>

#include <cstring>

using namespace mkclean;

namespace
{

// What is said of a script on two cores and a fast disk. `run_with` may change the machine.
verdict judged(
    const std::string& script, kernel_era era,
    const std::function<void(config&)>& change = [](config&) {})
{
    const temporary_directory files;
    config c;
    c.cores = 2;
    c.memory = 16 << 20;
    c.era.era = era;
    c.disk.kind = disk_kind::constant_latency;
    c.workload.kind = workload_kind::script;
    c.workload.file = files.write("test.script", script);
    change(c);
    verdict result;
    run_on_fibers(
        c, [](world&) {}, [&](world& w) { result = w.judge()->result(); });
    return result;
}

} // namespace

namespace
{

/// While a page is made dirty, somebody writes it who has not waited for its lock.
struct untimely_writeback final : event_sink {
    explicit untimely_writeback(kernel& k) : of(k) {}
    void on_event(const event& e) override
    {
        if (e.site->touches == place::page && e.what.page == page_index(0) &&
            (~e.before & e.after & static_cast<std::uint64_t>(page_flag::dirty)) != 0)
            of.cache.page_of(e.what.frame).flags.test_and_set(page_flag::writeback);
        if (e.site->touches == place::pte && (e.after & pte::write_bit) != 0)
            of.cache.page_of(e.what.frame).flags.test_and_clear(page_flag::writeback);
    }
    bool follows_stores() const override { return false; }
    kernel& of;
};

} // namespace

TEST_CASE("I7 is a PTE that lets somebody store to what a disk with checksums reads")
{
    const temporary_directory files;
    config c;
    c.memory = 16 << 20;
    c.disk.kind = disk_kind::constant_latency;
    c.fs.type = filesystem_type::ext2;
    c.workload.kind = workload_kind::script;
    c.workload.file = files.write("test.script", "file db 4KiB\nprocess p\nthread a in p on 0\n"
                                                 "  map s = db\n  store s+0 8 0x41\n");
    for (const bool checksums : {false, true})
        for (const bool untimely : {false, true}) {
            CAPTURE(checksums);
            CAPTURE(untimely);
            c.disk.checksums = checksums;
            std::unique_ptr<untimely_writeback> other;
            run_on_fibers(
                c,
                [&](world& w) {
                    other = std::make_unique<untimely_writeback>(w.the_kernel());
                    if (untimely)
                        w.log().attach(*other);
                },
                [&](world& w) {
                    CHECK((w.invariants().broken()[6] > 0) == (checksums && untimely));
                });
        }
}

TEST_CASE("a PMD is not writable before the last of its pages that is being written has been")
{
    const temporary_directory files;
    config c;
    c.cores = 2;
    c.memory = 16 << 20;
    c.disk.kind = disk_kind::constant_latency;
    c.disk.checksums = true;
    c.fs.type = filesystem_type::ext2;
    c.vm.huge_pages = page_order::mega;
    c.vm.dirty_writeback = 0;
    c.workload.kind = workload_kind::script;
    c.workload.file = files.write("test.script", "file db 2MiB\n"
                                                 "process p\n"
                                                 "thread syncer in p on 0\n"
                                                 "  write db 0 1MiB 0x00\n"
                                                 "  write db 1MiB 1MiB 0x00\n"
                                                 "  sync\n"
                                                 "  drop db\n"
                                                 "  map m = db\n"
                                                 "  load m+0 8\n"
                                                 "  store m+0 8 1\n"
                                                 "  meet ready\n"
                                                 "  until 10s\n"
                                                 "  msync m\n"
                                                 "thread storer in p on 1\n"
                                                 "  meet ready\n"
                                                 "  until 10s+$delay\n"
                                                 "  store m+8192 8 2\n");
    std::uint64_t waited = 0;
    for (std::uint64_t delay = 0; delay < 40'000'000; delay += 10'000'000) {
        CAPTURE(delay);
        c.workload.delay = delay;
        run_on_fibers(
            c, [](world&) {},
            [&](world& w) {
                CHECK(w.invariants().broken()[6] == 0);
                CHECK(w.judge()->result().fsync_lies == 0);
                waited += w.the_kernel().stats.thp_file_mapped;
            });
    }
    CHECK(waited > 0); // there were PMDs
}

TEST_CASE("what others write while a small file is synced makes no livelock")
{
    const std::string stores = [] {
        std::string text;
        for (int megabyte = 0; megabyte < 4; ++megabyte)
            text += "  store g+" + std::to_string(megabyte << 20) + " 1048576 0x55\n";
        return text;
    }();
    const verdict v = judged("file small 4KiB\nfile big 4MiB\nprocess p\nprocess q\n"
                             "thread a in p on 0\n  map s = small\n  store s+0 8 0x41\n"
                             "  meet go\n  sleep 1ms\n  msync s\n"
                             "thread b in q on 1\n  map g = big\n" +
                                 stores + "  meet go\n  fsync big\n",
                             kernel_era::golden);
    CHECK(v.livelocks == 0);
}

TEST_CASE("a sync that runs after somebody who appends is called a livelock, and TOWRITE ends it")
{
    std::string script = "file db 4KiB\nprocess p\nthread syncer in p on 0\n"
                         "  write db 0 4096 0x41\n  meet go\n  fsync db\n"
                         "thread appender in p on 1\n";
    for (int page = 1; page < 1000; ++page)
        script += (page == 20 ? "  meet go\n  write db " : "  write db ") +
                  std::to_string(page * 4096) + " 4096 0x42\n";
    const auto livelocks = [&](bool snapshot) {
        return judged(script, kernel_era::golden, [&](config& c) { c.era.towrite_tag = snapshot; })
            .livelocks;
    };
    CHECK(livelocks(false) == 1);
    CHECK(livelocks(true) == 0);
}

TEST_CASE("a lie about one file is one, whoever is in the middle of a write(2) to another")
{
    for (std::uint64_t delay = 0; delay < 2'000'000; delay += 20'000) {
        CAPTURE(delay);
        const verdict v =
            judged("file a 64KiB\nfile b 4KiB\nprocess p\n"
                   "thread x in p on 0\n  write b 0 4096 0x00\n  sync\n  map m = b\n"
                   "  store m+0 8 0x41\n  msync m\n  meet go\n"
                   "  until 400ms+$delay\n  store m+0 8 0x42\n  fsync b\n"
                   "thread y in p on 1\n  write a 0 4096 0x10\n  sync\n  meet go\n"
                   "  until 400ms\n  write a 0 4096 0x11\n",
                   kernel_era::linux_2_6_18, [&](config& c) { c.workload.delay = delay; });
        CHECK(v.fsync_lies == 8); // 2.6.18's fsync does not look at mappings
    }
}

TEST_CASE("msync promises the pages it was given, and no others of the file")
{
    const std::string script = "file db 8KiB\nprocess p\nthread a in p on 0\n"
                               "  write db 0 8192 0x00\n  sync\n"
                               "  map m = db from 0 for 4KiB\n  map n = db from 1 for 4KiB\n"
                               "  store m+0 8 0x41\n  store n+0 8 0x42\n  msync ";
    CHECK(judged(script + "m\n", kernel_era::linux_2_6_18).fsync_lies == 0);
    CHECK(judged(script + "n\n", kernel_era::linux_2_6_18).fsync_lies == 0);
    CHECK(judged(script + "m\n  fsync db\n", kernel_era::linux_2_6_18).fsync_lies == 8);
}

TEST_CASE("old bytes of the disk are invented ones, even if their values were stored elsewhere")
{
    // data=writeback: the block pointer is durable before the block's data are.
    const auto exposed = [](const std::string& more) {
        return judged("file db 8KiB\nprocess p\nthread a in p on 0\n" + more +
                          "  write db 4096 8 0x41\n  sleep 20s\n",
                      kernel_era::golden,
                      [](config& c) {
                          c.fs.data = data_mode::writeback;
                          c.power_cut_at = 8'000'000'000'000;
                      })
            .invented_bytes;
    };
    std::string all_values;
    for (int value = 0; value < 256; ++value)
        all_values += "  write db 4096 1 " + std::to_string(value) + "\n";
    CHECK(exposed("") > 4000);
    CHECK(exposed(all_values) + 1 >= exposed(""));
}

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

TEST_CASE("a load that sees what nobody ever stored is stale, also if nobody ever stored anything")
{
    // Somebody else's memory shows where a page is mapped.
    struct intruder final : event_sink {
        void on_event(const event& e) override
        {
            if (memory != nullptr && std::string_view(e.site->name) == "set_pte")
                std::memset(memory->frame_to_store(e.what.frame), 0xCC, page_size);
        }
        physical_memory* memory = nullptr;
    };
    for (const bool intrudes : {false, true}) {
        const temporary_directory files;
        config c;
        c.memory = 8 << 20;
        c.disk.kind = disk_kind::constant_latency;
        c.workload.kind = workload_kind::script;
        c.workload.file = files.write("test.script", "file a 4KiB\nprocess p\nthread t in p on 0\n"
                                                     "  map m = a\n  load m+0 8\n");
        intruder sink;
        run_on_fibers(
            c,
            [&](world& w) {
                sink.memory = intrudes ? &w.the_kernel().memory : nullptr;
                w.log().attach(sink);
            },
            [&](world& w) { CHECK(w.judge()->result().stale_reads == (intrudes ? 8 : 0)); });
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
