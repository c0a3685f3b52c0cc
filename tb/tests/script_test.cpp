#include "tb/config_file.h"
#include "tb/output/statistics.h"
#include "tb/run.h"
#include "tb/tests/temporary_directory.h"
#include "tb/workload/script.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <random>

using namespace mkclean;

namespace
{

using kind = script_operation::kind;

constexpr std::uint64_t microseconds = 1'000'000; ///< ps

const std::string one_thread = "file db 64KiB\nprocess p\nthread t in p on 0\n";
const std::string two_threads = one_thread + "map m = db\nthread u in p on 1\n";

script_surroundings two_cores()
{
    script_surroundings around;
    around.cores = 2;
    around.delay = 3 * microseconds;
    around.value = 300;
    return around;
}

script_program parse(const std::string& text)
{
    return parse_script(text, "s", two_cores());
}

/// What is wrong with a script.
std::string complaint(const std::string& text)
{
    try {
        parse(text);
    } catch (const input_error& error) {
        return error.what();
    }
    return "nothing";
}

/// What is wrong with one operation of a thread, in line 4.
std::string wrong(const std::string& operation)
{
    return complaint(one_thread + operation + "\n");
}

/// A machine with two cores and a fast disk that runs a script.
class script_machine
{
public:
    explicit script_machine(const std::string& text)
    {
        m_config.cores = 2;
        m_config.memory = 8 << 20;
        m_config.workload.kind = workload_kind::script;
        m_config.workload.file = m_files.write("test.script", text);
        m_config.disk.kind = disk_kind::constant_latency;
    }

    config& options() { return m_config; }
    std::uint64_t counter(const std::string& name) const
    {
        for (const workload::counter& c : m_report)
            if (c.name == name)
                return c.value;
        FAIL("no counter " << name);
        return 0;
    }
    picoseconds ended_at() const { return m_ended_at; }
    bool expected() const { return m_expected; }
    std::uint64_t signals() const { return m_signals; }
    std::uint64_t pages_reclaimed() const { return m_pages_reclaimed; }
    bool lost() const { return m_lost; }

    void run(event_sink* listener = nullptr)
    {
        run_on_fibers(
            m_config,
            [&](world& w) {
                if (listener != nullptr)
                    w.log().attach(*listener);
            },
            [&](world& w) {
                CHECK(w.how_it_ended() == world::ending::finished);
                m_report = w.program().report();
                m_ended_at = w.ended_at();
                m_expected = as_expected(w);
                m_signals = w.signals();
                m_pages_reclaimed = w.the_kernel().stats.pgsteal;
                m_lost = promise_broken(w);
            });
    }
    /// The error that ends the run, without the directory.
    std::string failure()
    {
        try {
            run();
        } catch (const input_error& error) {
            return m_files.without_directory(error.what());
        }
        return "none";
    }

private:
    temporary_directory m_files;
    config m_config;
    std::vector<workload::counter> m_report;
    picoseconds m_ended_at;
    std::uint64_t m_signals = 0;
    std::uint64_t m_pages_reclaimed = 0;
    bool m_expected = false;
    bool m_lost = false;
};

} // namespace

// ---- the language -------------------------------------------------------------------------------

TEST_CASE("a script declares files, processes and threads, and says what each thread does")
{
    const script_program s = parse("# a script\n"
                                   "file db 64KiB\r\n"
                                   "\n"
                                   "process p   # an address space\n"
                                   "process q\n"
                                   "thread one in p on 0\n"
                                   "\tmap m = db from 2 for 5000B readonly\n"
                                   "  meet up\n"
                                   "  load m+8 4 expect 0x41\n"
                                   "thread two in q on 1\n"
                                   "  map m = anonymous 1\n"
                                   "  until 2ms+$delay+1us\n"
                                   "  store m $value 7\n"
                                   "  meet up");
    CHECK(s.files.size() == 1);
    CHECK(s.files[0].size == 65536);
    CHECK(s.processes == std::vector<std::string>{"p", "q"});
    REQUIRE(s.threads.size() == 2);
    CHECK(s.threads[1].process == 1);
    CHECK(s.threads[1].core == 1);
    REQUIRE(s.variables.size() == 2); // one of each process, though they have one name

    const auto& one = s.threads[0].operations;
    REQUIRE(one.size() == 3);
    CHECK(one[0].what == kind::map);
    CHECK(one[0].file == 0);
    CHECK(one[0].offset == 2 * page_size);
    CHECK(one[0].size == 5000);
    CHECK(one[0].readonly);
    CHECK_FALSE(one[0].is_private);
    CHECK(one[2].what == kind::load);
    CHECK(one[2].line == 9);
    CHECK(one[2].offset == 8);
    CHECK(one[2].size == 4);
    CHECK(one[2].expects);
    CHECK(one[2].byte == std::byte{0x41});

    const auto& two = s.threads[1].operations;
    REQUIRE(two.size() == 4);
    CHECK(two[0].file == script_operation::no_file);
    CHECK(two[0].is_private);
    CHECK(two[1].time == picoseconds(2004 * microseconds));
    CHECK(two[2].size == 300);
    CHECK(two[2].offset == 0);
    CHECK(s.meetings == std::vector<std::string>{"up"});
}

TEST_CASE("repeats nest, and know their ends")
{
    const script_program s =
        parse(one_thread + "repeat 3\nrepeat $value\nsync\nend\nfsync db\nend\n");
    const auto& ops = s.threads[0].operations;
    REQUIRE(ops.size() == 6);
    CHECK(ops[0].times == 3);
    CHECK(ops[0].partner == 5);
    CHECK(ops[1].times == 300);
    CHECK(ops[1].partner == 3);
    CHECK(ops[3].partner == 1);
    CHECK(ops[5].partner == 0);
}

TEST_CASE("a mapping without a size reaches to the end of the file")
{
    const script_program s = parse(one_thread + "map m = db from 15\nmap n = db\n");
    CHECK(s.threads[0].operations[0].size == page_size);
    CHECK(s.threads[0].operations[1].size == 65536);
    CHECK(wrong("map m = db from 16") ==
          "s:4: the file ends before the mapping begins: expected 'for SIZE'");
}

TEST_CASE("what is no operation is an error with its line and the nearest name")
{
    CHECK(wrong("mysnc m").find("s:4: expected one of file, process, thread, map") == 0);
    CHECK(wrong("mysnc m").find("got 'mysnc'; did you mean 'msync'?") != std::string::npos);
    CHECK(wrong("fsync bd") == "s:4: expected the name of a file, got 'bd'; did you mean 'db'?");
    CHECK(wrong("map m : db") == "s:4: expected '=', got ':'; did you mean '='?");
    CHECK(wrong("map m = db privat") ==
          "s:4: expected the line to end, got 'privat'; did you mean 'private'?");
    CHECK(wrong("map m") == "s:4: expected '=' at the end of the line");
    CHECK(wrong("sync db") == "s:4: expected the line to end, got 'db'");
    CHECK(wrong("map m = db\nload m+0 8 expects 1") ==
          "s:5: expected 'expect', got 'expects'; did you mean 'expect'?");
    CHECK(wrong("map a+b = db") == "s:4: expected the name of a mapping, got 'a+b'");
    CHECK(wrong("\x01") == "s:4: the line holds bytes that are not printable text");
}

TEST_CASE("a number says what it is for, and what it may be")
{
    CHECK(wrong("write db 0 8 256") == "s:4: the byte must be 0..255, got '256'");
    CHECK(wrong("write db 0 8 $value") ==
          "s:4: the byte must be 0..255, got '$value', which is 300");
    CHECK(wrong("write db 0 0 1") == "s:4: the size must be 1B..1MiB, got '0'");
    CHECK(wrong("sleep 5").find("s:4: the time: expected a time and its unit") == 0);
    CHECK(wrong("sleep $value") == "s:4: the time: expected a number or '$delay', got '$value'");
    CHECK(wrong("until 1us+$dealy") ==
          "s:4: the time: expected a number or '$delay', got '$dealy'; did you mean '$delay'?");
    CHECK(wrong("until 1us+").find("s:4: the time: expected a time") == 0);
    CHECK(wrong("compute") == "s:4: expected the cycles at the end of the line");
    CHECK(wrong("repeat 18446744073709551615+18446744073709551615").find("must be 0..") !=
          std::string::npos);
}

TEST_CASE("names are declared before they are used, and once")
{
    CHECK(complaint("sync\n") == "s:1: expected a 'thread' before 'sync'");
    CHECK(complaint("") == "s: expected at least one 'thread'");
    CHECK(complaint("process p\nthread t in server on 0\n") ==
          "s:2: expected the name of a process, got 'server'");
    CHECK(complaint("process p\nthread t in p on 2\n") == "s:2: there is no core 2: 'cores' is 2");
    CHECK(complaint("file a 1\nfile a 1\n") == "s:2: there is a file 'a' already");
    CHECK(complaint("process a\nprocess a\n") == "s:2: there is a process 'a' already");
    CHECK(wrong("thread t in p on 1") == "s:4: there is a thread 't' already");
    CHECK(complaint("file anonymous 1\n") == "s:1: no file can be called 'anonymous'");
    CHECK(wrong("truncate db 4KiB") ==
          "s:4: files only grow without fs.files_shrink, and this one begins with 64KiB");
}

TEST_CASE("every repeat has its end in the same thread")
{
    CHECK(wrong("repeat 2\nsync") == "s:4: expected an 'end' for this 'repeat'");
    CHECK(wrong("repeat 2\nthread u in p on 1\nend") == "s:4: expected an 'end' for this 'repeat'");
    CHECK(wrong("end") == "s:4: expected a 'repeat' before this 'end'");
}

TEST_CASE("a mapping is used only where it can be there")
{
    CHECK(wrong("map map1 = db\nstore mpa1 1 1") ==
          "s:5: expected a mapping of process 'p', got 'mpa1'; did you mean 'map1'?");
    CHECK(wrong("store m 1 1\nmap m = db") == "s:4: 'm' is not mapped yet here");
    CHECK(wrong("map m = db\nunmap m\nmsync m") == "s:6: 'm' is not mapped any more here");
    CHECK(wrong("map m = db for 8KiB\nload m+8191 2") ==
          "s:5: bytes 8191 to 8192 are beyond the mapping of 8KiB");
    CHECK(complaint(two_threads + "load m 1\n") ==
          "s:6: 'm' is mapped by thread 't': expected a 'meet' before it is used");
    CHECK(complaint(one_thread + "map m = db\nmeet x\nthread u in p on 1\nmeet x\nload m 1\n") ==
          "nothing");
    // The same name in another process is another mapping.
    CHECK(complaint(one_thread + "map m = db\nmeet x\nprocess q\nthread u in q on 1\nmeet x\n"
                                 "load m 1\n") ==
          "s:9: expected a mapping of process 'q', got 'm'");
}

TEST_CASE("madvise gives up pages of a mapping, all of them or some")
{
    const auto ops = parse(one_thread + "map m = db\nmadvise m dontneed\n"
                                        "madvise m dontneed for 8KiB from 2\n")
                         .threads[0]
                         .operations;
    CHECK(ops[1].what == kind::madvise);
    CHECK(ops[1].offset == 0);
    CHECK(ops[1].size == 0);
    CHECK(ops[2].offset == 2 * page_size);
    CHECK(ops[2].size == 8192);
    CHECK(wrong("madvise m") == "s:4: expected 'dontneed' at the end of the line");
    CHECK(wrong("madvise m dontned") ==
          "s:4: expected 'dontneed', got 'dontned'; did you mean 'dontneed'?");
    CHECK(wrong("map m = db\nmadvise m dontneed form 1") ==
          "s:5: expected the line to end, got 'form'; did you mean 'from'?");
    CHECK(wrong("madvise m dontneed") == "s:4: expected a mapping of process 'p', got 'm'");
    CHECK(wrong("map m = db\nmadvise m dontneed from 16") ==
          "s:5: page 16 is beyond the mapping of 64KiB");
    CHECK(wrong("map m = db\nmadvise m dontneed from 15 for 8KiB") ==
          "s:5: bytes 61440 to 69631 are beyond the mapping of 64KiB");
}

TEST_CASE("mremap moves a mapping, or what is in it")
{
    const auto ops =
        parse(one_thread + "map m = db\nmremap m\nmremap m dontunmap\n").threads[0].operations;
    CHECK(ops[1].what == kind::mremap);
    CHECK_FALSE(ops[1].dontunmap);
    CHECK(ops[2].dontunmap);
    CHECK(wrong("mremap m") == "s:4: expected a mapping of process 'p', got 'm'");
    CHECK(wrong("map m = db\nmremap m dontunmapp") ==
          "s:5: expected the line to end, got 'dontunmapp'; did you mean 'dontunmap'?");
}

TEST_CASE("all who meet do so equally often")
{
    CHECK(complaint(two_threads + "meet x\n") == "s:6: expected another thread to meet 'x'");
    CHECK(complaint(one_thread + "meet start\nthread u in p on 1\nmeet strat\n") ==
          "s:4: expected another thread to meet 'start'; did you mean 'strat'?");
    CHECK(complaint(one_thread + "repeat 2\nrepeat 3\nmeet x\nend\nend\nthread u in p on 1\n"
                                 "repeat 5\nmeet x\nend\n") ==
          "s:11: expected all to meet 'x' equally often: t does 6 times, u 5 times");
    CHECK(complaint(one_thread + "repeat 2\nmeet x\nend\nthread u in p on 1\nmeet x\nmeet x\n") ==
          "nothing");
}

TEST_CASE("whatever a script says, it is understood or is a mistake of one line")
{
    const std::vector<std::string> likely = {"file",
                                             "process",
                                             "thread",
                                             "map",
                                             "unmap",
                                             "madvise",
                                             "dontneed",
                                             "mremap",
                                             "dontunmap",
                                             "store",
                                             "load",
                                             "write",
                                             "read",
                                             "msync",
                                             "fsync",
                                             "sync",
                                             "drop",
                                             "truncate",
                                             "sleep",
                                             "until",
                                             "meet",
                                             "repeat",
                                             "end",
                                             "compute",
                                             "private",
                                             "readonly",
                                             "from",
                                             "for",
                                             "db",
                                             "p",
                                             "t",
                                             "m",
                                             "m+8",
                                             "=",
                                             "in",
                                             "on",
                                             "0",
                                             "1",
                                             "8",
                                             "4KiB",
                                             "16GiB",
                                             "1us",
                                             "$delay",
                                             "$value",
                                             "x",
                                             "expect",
                                             "0x41",
                                             "anonymous",
                                             "#",
                                             "+",
                                             "++",
                                             "$",
                                             "1us+$delay",
                                             "99999999999999999999",
                                             "18446744073709551615",
                                             "\t",
                                             "\xff",
                                             "-1"};
    const std::string sound = one_thread +
                              "map m = db private from 1 for 8KiB\nmap a = anonymous 4KiB\n"
                              "repeat 3\nstore m+8 8 0x41\nload m+0 16 expect 3\nmeet x\n"
                              "end\nmadvise m dontneed from 1\nmremap m\nmremap a dontunmap\nmsync "
                              "m\nfsync db\nsync\nread db 0 8 expect 1\n"
                              "write db 1KiB 8 $value+0\nunmap m\ndrop db\n"
                              "truncate db 1MiB\nsleep 1us\nuntil 1ms+$delay\n"
                              "thread u in p on 1\nrepeat 3\nmeet x\nend\ncompute 5\n";
    script_surroundings around = two_cores();
    around.value = 7;
    CHECK_NOTHROW(parse_script(sound, "s", around));
    std::mt19937_64 random(11);
    unsigned understood = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::string text = sound;
        for (std::uint64_t changes = random() % 3 + 1; changes > 0; --changes) {
            const std::size_t at = random() % text.size();
            switch (random() % 5) {
            case 0:
                text[at] = static_cast<char>(random() % 256);
                break;
            case 1:
                text.erase(at, random() % 12);
                break;
            case 2:
                text.insert(at, likely[random() % likely.size()]);
                break;
            case 3:
                text.insert(at, text.substr(random() % text.size(), random() % 80));
                break;
            default: { // a whole word for another
                const std::size_t begin = text.find_last_of(" \n", at);
                const std::size_t end = text.find_first_of(" \n", at);
                if (begin != std::string::npos && end != std::string::npos && begin < end)
                    text.replace(begin + 1, end - begin - 1, likely[random() % likely.size()]);
            }
            }
            if (text.empty())
                text = "\n";
        }
        try {
            parse_script(text, "s", around);
            ++understood;
        } catch (const input_error& error) {
            const std::string said = error.what();
            REQUIRE(said.find('\n') == std::string::npos);
            REQUIRE(said.substr(0, 1) == "s");
        }
    }
    CHECK(understood > 500);
    CHECK(understood < 19'500);
}

// ---- running it ---------------------------------------------------------------------------------

TEST_CASE("what a script gives up comes back from the file, or as zeros")
{
    script_machine m(one_thread + "map m = db\n"
                                  "map a = anonymous 8KiB\n"
                                  "store m 8 0x41\n"
                                  "store a 8 0x42\n"
                                  "store a+4KiB 8 0x43\n"
                                  "madvise m dontneed\n"
                                  "madvise a dontneed for 4KiB\n"
                                  "load m 8 expect 0x41\n"
                                  "load a 8 expect 0\n"
                                  "load a+4KiB 8 expect 0x43\n"
                                  "madvise a dontneed from 1\n"
                                  "load a+4KiB 8 expect 0\n");
    m.run();
    CHECK(m.counter("expectations") == 4);
    CHECK(m.counter("expectations_failed") == 0);
    CHECK(m.counter("failed_calls") == 0);
    CHECK_FALSE(m.lost());
}

TEST_CASE("a moved mapping goes by its old name, and so does one that stays")
{
    script_machine m(one_thread + "map m = db\n"
                                  "map a = anonymous 4KiB\n"
                                  "store m 8 0x41\n"
                                  "store a 8 0x42\n"
                                  "mremap m\n"
                                  "mremap a dontunmap\n"
                                  "load m 8 expect 0x41\n"
                                  "load a 8 expect 0\n"
                                  "store m+8 8 0x43\n"
                                  "unmap m\n");
    m.run();
    CHECK(m.counter("expectations") == 2);
    CHECK(m.counter("expectations_failed") == 0);
    CHECK(m.counter("failed_calls") == 0);
    CHECK_FALSE(m.lost());
}

TEST_CASE("a script's stores, writes and reads reach the file and each other")
{
    script_machine m(one_thread + "map m = db\n"
                                  "store m+4090 12 0x41\n" // across a page
                                  "load m+4090 12 expect 0x41\n"
                                  "read db 4090 12 expect 0x41\n"
                                  "write db 8 8 0x42\n"
                                  "load m+8 8 expect 0x42\n"
                                  "load m+16 8 expect 0\n"
                                  "unmap m\n"
                                  "fsync db\n"
                                  "drop db\n"
                                  "read db 4090 12 expect 0x41\n"
                                  "truncate db 128KiB\n"
                                  "read db 100KiB 1KiB expect 0\n");
    m.run();
    CHECK(m.counter("operations") == 13);
    CHECK(m.counter("expectations") == 6);
    CHECK(m.counter("expectations_failed") == 0);
    CHECK(m.counter("failed_calls") == 0);
    CHECK(m.expected());
}

TEST_CASE("private and anonymous mappings keep their stores to themselves")
{
    script_machine m(one_thread + "map m = db private\nmap a = anonymous 8KiB\n"
                                  "store m 8 0x41\nload m 8 expect 0x41\nread db 0 8 expect 0\n"
                                  "store a+4KiB 8 0x42\nload a+4KiB 8 expect 0x42\n"
                                  "load a 8 expect 0\nunmap a\nunmap m\n");
    m.run();
    CHECK(m.counter("expectations") == 4);
    CHECK(m.counter("expectations_failed") == 0);
}

TEST_CASE("an expectation that is not met makes the run unexpected, unless a loss is expected")
{
    script_machine m(one_thread + "read db 0 8 expect 1\nread db 64KiB 8\n");
    m.run();
    CHECK(m.counter("expectations_failed") == 1);
    CHECK(m.counter("failed_calls") == 1); // nothing to read there
    CHECK_FALSE(m.lost());
    CHECK_FALSE(m.expected());
}

TEST_CASE("repeat does it that often, and not at all for 0")
{
    script_machine m(one_thread + "repeat 3\nrepeat 2\ncompute 1\nend\nrepeat 0\nsync\nsync\nend\n"
                                  "end\nsync\n");
    m.run();
    // repeat; three times repeat, (compute, end) twice, repeat, end; sync
    CHECK(m.counter("operations") == 1 + 3 * (1 + 2 * 2 + 1 + 1) + 1);
}

TEST_CASE(
    "until ends at that very instant, whatever interrupts it, and counts as late if it cannot")
{
    struct store_times final : access_observer {
        void on_store(const core& cpu, picoseconds, virtual_address, const std::byte*, std::size_t,
                      store_part) override
        {
            times.push_back(cpu.now());
        }
        void on_load(const core&, virtual_address, const std::byte*, std::size_t) override {}
        std::vector<picoseconds> times;
    } stores;
    script_machine m(one_thread + "map a = anonymous 4KiB\nstore a 8 1\n"
                                  "until 5ms\nstore a 8 2\nuntil 6ms+$delay\nstore a 8 3\n"
                                  "until 1ms\n"
                                  "thread noise in p on 1\nrepeat 200\nmap d = anonymous 4KiB\n"
                                  "store d 1 1\nunmap d\nend\n");
    m.options().oracle = false;
    m.options().workload.delay = 123'456'789;
    run_on_fibers(
        m.options(), [&](world& w) { w.cores().front()->set_observer(&stores); },
        [&](world& w) {
            CHECK(w.cores().front()->stats().interrupts > 100);
            CHECK(w.program().report().back().name == "late");
            CHECK(w.program().report().back().value == 1);
        });
    REQUIRE(stores.times.size() == 3);
    // The interrupts were TLB shootdowns: one walk, and no more, comes before the first store.
    CHECK(stores.times[1] > picoseconds(5'000 * microseconds));
    CHECK(stores.times[1] < picoseconds(5'000 * microseconds + 100'000));
    CHECK(stores.times[2] == picoseconds(6'000 * microseconds + 123'456'789));
}

TEST_CASE("nobody goes on from a meeting before everybody is there, round after round")
{
    // Each round, one thread stores what the other one reads behind the meeting.
    script_machine m(one_thread +
                     "map m = anonymous 4KiB\nmeet up\n"
                     "repeat 20\nstore m 8 1\nmeet a\nmeet b\nstore m 8 2\nmeet a\n"
                     "meet b\nend\n"
                     "thread u in p on 1\nmeet up\n"
                     "repeat 20\nmeet a\nload m 8 expect 1\nmeet b\n"
                     "meet a\nload m 8 expect 2\nmeet b\nend\n"
                     "thread v in p on 1\nrepeat 40\nsleep 1us\nmeet a\nmeet b\nend\n");
    m.run();
    CHECK(m.counter("expectations") == 40);
    CHECK(m.counter("expectations_failed") == 0);
}

TEST_CASE("a thread that dies of a signal keeps nobody waiting")
{
    script_machine m(one_thread + "map m = db readonly\nstore m 8 1\nmeet a\nmeet b\n"
                                  "thread u in p on 1\nmeet a\nsync\nmeet b\n");
    m.run();
    CHECK(m.signals() == 1);
    CHECK(m.counter("operations") == 2 + 3);
}

TEST_CASE("what can only be known when it happens ends the run with its line")
{
    CHECK(script_machine(one_thread + "meet a\nmeet b\nthread u in p on 1\nmeet b\nmeet a\n")
              .failure()
              .find("every thread waits at a meeting that another one does not reach") !=
          std::string::npos);
    CHECK(script_machine(one_thread + "map m = db\nrepeat 2\nload m 8\nunmap m\nend\n").failure() ==
          "test.script:6: 'm' is not mapped when this is reached");
    CHECK(
        script_machine(one_thread + "map m = db\nmap m = db for 4KiB\nload m+8KiB 8\n").failure() ==
        "test.script:6: 'm' is mapped, but shorter, when this is reached");
    CHECK(script_machine(one_thread + "repeat 2000\nmap m = anonymous 16GiB\nend\n").failure() ==
          "test.script:5: the address space has no room for this mapping");
}

TEST_CASE("two runs of a script are the same to the byte, and so is one that waits at every access")
{
    const std::string text = one_thread +
                             "map m = db\nmeet a\nrepeat 30\nstore m+4000 200 1\n"
                             "msync m\nend\n"
                             "thread u in p on 1\nmeet a\nrepeat 50\nstore m+4KiB 64 2\n"
                             "sleep 40us\nend\n";
    struct listener final : event_sink {
        void on_event(const event& e) override
        {
            trace.push_back(e.time.raw());
            trace.push_back(e.actor);
            trace.push_back(e.after);
        }
        std::vector<std::uint64_t> trace;
    };
    const auto trace_of = [&](time_sync sync) {
        script_machine m(text);
        m.options().core.sync = sync;
        listener l;
        m.run(&l);
        return l.trace;
    };
    const std::vector<std::uint64_t> once = trace_of(time_sync::window);
    CHECK(once.size() > 1'000);
    CHECK(once == trace_of(time_sync::window));
    CHECK(once == trace_of(time_sync::every_access));
}

// ---- configs ------------------------------------------------------------------------------------

TEST_CASE("a config names its script relative to itself, and the script is read before the run")
{
    const temporary_directory files;
    files.write("scripts/a.script", one_thread + "sync\n");
    files.write("scripts/bad.script", one_thread + "snyc\n");
    const std::string path = files.write(
        "a.cfg", "cores = 2\nworkload.kind = script\nworkload.file = scripts/a.script\n");
    const auto check = [](const std::string& config_path, const std::vector<setting>& overrides) {
        config c;
        option_set model;
        c.declare(model);
        configure(model, {config_path}, overrides);
        c.check(model);
    };
    CHECK_NOTHROW(check(path, {}));
    const auto failure = [&](const std::string& config_path) {
        try {
            check(config_path, {});
        } catch (const input_error& error) {
            return files.without_directory(error.what());
        }
        return std::string("none");
    };
    const std::string bad =
        files.write("bad.cfg", "workload.kind = script\nworkload.file = scripts/bad.script\n");
    CHECK(failure(bad).find("scripts/bad.script:4: expected one of") == 0);
    const std::string missing =
        files.write("missing.cfg", "workload.kind = script\nworkload.file = none.script\n");
    CHECK(failure(missing) ==
          "missing.cfg:2: cannot read 'none.script': No such file or directory");
}

// ---- what a museum needs

TEST_CASE("pins are undone, and devices store only to pages that are pinned")
{
    CHECK(wrong("map m = db\npin m\nunpin") == "nothing");
    CHECK(wrong("map m = db\npin m") == "s:5: expected an 'unpin' for this 'pin'");
    CHECK(wrong("map m = db\npin m\npin m") == "s:6: expected an 'unpin' before another 'pin'");
    CHECK(wrong("dma 0 8 1") == "s:4: expected a 'pin' before 'dma'");
    CHECK(wrong("unpin") == "s:4: expected a 'pin' before 'unpin'");
    CHECK(wrong("map m = db\npin m\ndma 4090 8 1").find("s:6: a device stores to the page") == 0);
    CHECK(wrong("map m = db\npin m\ndma 4096 8 1") ==
          "s:6: the offset in the page must be 0..4095B, got '4096'");
    CHECK(wrong("pin m\nunpin") == "s:4: expected a mapping of process 'p', got 'm'");
    CHECK(wrong("map m = db\npin m+64KiB\nunpin").find("s:5: bytes 65536 to 65536") == 0);
    CHECK(wrong("durable db 0 8") == "s:4: expected 'expect' at the end of the line");
    CHECK(wrong("fsync db expect 0") == "s:4: expected 'ok', got '0'");
    CHECK(wrong("map m = db\nremap m to 1") == "nothing");
    CHECK(wrong("map m = db\nremap m") == "s:5: expected 'to' at the end of the line");
    CHECK(wrong("remap m to 1") == "s:4: expected a mapping of process 'p', got 'm'");
    CHECK(wrong("reclaim db") == "s:4: expected the line to end, got 'db'");
    CHECK(wrong("dirty_pages") == "s:4: expected the number of pages at the end of the line");
}

TEST_CASE("a script can say what the disk has, how much is dirty, and what fails")
{
    script_machine m("file db 64KiB\nprocess p\nthread t in p on 0\n"
                     "  write db 0 8192 0x41\n"
                     "  dirty_pages 1\n" // two, and their metadata
                     "  dirty_pages 9\n"
                     "  durable db 0 8192 expect 0\n"
                     "  fsync db expect ok\n"
                     "  durable db 4000 200 expect 0x41\n"
                     "  durable db 4000 200 expect 0x42\n"
                     "  fail db 4096\n"
                     "  write db 0 8192 0x42\n"
                     "  fsync db expect ok\n"
                     "  write db 0 8192 0x42\n"
                     "  fsync db expect ok\n"
                     "  durable db 0 8192 expect 0x42\n");
    m.run();
    CHECK(m.counter("expectations") == 9);
    CHECK(m.counter("expectations_failed") == 3);
    CHECK(m.counter("failed_calls") == 1);
    CHECK_FALSE(m.lost());
    CHECK(script_machine("file db 64KiB\nprocess p\nthread t in p on 0\n  fail db 0\n").failure() ==
          "test.script:4: nothing can fail here yet: the file has no block there");
}

TEST_CASE("a script's device stores what its pages show and its disk gets")
{
    script_machine m("file db 64KiB\nprocess p\nthread t in p on 0\n  map m = db\n"
                     "  pin m+5000\n  dma 100 8 0x41\n  load m+4196 8 expect 0x41\n"
                     "  read db 4196 8 expect 0x41\n  unpin\n  fsync db\n"
                     "  durable db 4196 8 expect 0x41\n");
    m.run();
    CHECK(m.counter("expectations_failed") == 0);
    CHECK_FALSE(m.lost());
}

TEST_CASE("a mapping that is remapped shows its file from another page on, made anew or not")
{
    for (const bool emulated : {true, false}) {
        script_machine m("file db 64KiB\nprocess p\nthread t in p on 0\n"
                         "  write db 0 4096 0x40\n  write db 4096 4096 0x41\n"
                         "  write db 8192 4096 0x42\n  map m = db for 8KiB\n"
                         "  load m+0 4096 expect 0x40\n  remap m to 1\n"
                         "  load m+0 4096 expect 0x41\n  load m+4096 4096 expect 0x42\n"
                         "  store m+4096 8 0x43\n  read db 8192 8 expect 0x43\n"
                         "  remap m to 0\n  load m+0 8 expect 0x40\n  unmap m\n");
        m.options().era.remap_file_pages_emulated = emulated;
        m.run();
        CHECK(m.counter("expectations") == 5);
        CHECK(m.counter("expectations_failed") == 0);
        CHECK(m.counter("failed_calls") == 0);
        CHECK_FALSE(m.lost());
    }
    script_machine of_no_file("process p\nthread t in p on 0\n  map m = anonymous 4KiB\n"
                              "  remap m to 1\n");
    of_no_file.run();
    CHECK(of_no_file.counter("failed_calls") == 1);
}

TEST_CASE("what a script reclaims is read again")
{
    script_machine m("file db 64KiB\nprocess p\nthread t in p on 0\n"
                     "  write db 0 4096 0x41\n  fsync db\n  reclaim\n"
                     "  read db 0 8 expect 0x41\n");
    m.run();
    CHECK(m.counter("expectations_failed") == 0);
    CHECK(m.pages_reclaimed() == 1);
    CHECK_FALSE(m.lost());
}

TEST_CASE("files shrink where fs.files_shrink says so, and what was cut off reads as zeros")
{
    const std::string text = "file db 16KiB\nprocess p\nthread t in p on 0\n  map m = db\n"
                             "  store m+0 16KiB 0x41\n  truncate db 5000\n"
                             "  truncate db 16KiB\n  load m+5000 11000 expect 0\n"
                             "  load m+0 5000 expect 0x41\n  fsync db\n"
                             "  durable db 0 5000 expect 0x41\n  durable db 5000 11000 expect 0\n";
    script_machine m(text);
    m.options().fs.type = filesystem_type::ext2;
    m.options().era.files_shrink = true;
    m.run();
    CHECK(m.counter("expectations_failed") == 0);
    CHECK(m.counter("failed_calls") == 0);
    CHECK_FALSE(m.lost());
    CHECK(script_machine(text).failure() ==
          "test.script:6: files only grow without fs.files_shrink, and this one begins with 16KiB");
}
