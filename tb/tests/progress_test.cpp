#include "tb/output/progress.h"
#include "tb/run.h"
#include "tb/tests/on_a_terminal.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

using namespace mkclean;
using mkclean::testing::on_a_terminal;
using namespace std::chrono_literals;

namespace
{

/// A run without an end.
std::vector<std::string> endless(const std::string& option)
{
    return {"run",  "--workload.kind=touch",           "--workload.threads=1", "--oracle=off",
            option, "--workload.operations=1000000000"};
}

const std::string new_line = "\r\x1b[K";
constexpr int long_enough = on_a_terminal::a_failure;

} // namespace

TEST_CASE("progress: times and counts have three digits and a unit")
{
    CHECK(short_time(picoseconds(0)) == "0 ps");
    CHECK(short_time(picoseconds(999)) == "999 ps");
    CHECK(short_time(picoseconds(1'000)) == "1.00 ns");
    CHECK(short_time(picoseconds(12'340'000)) == "12.3 us");
    CHECK(short_time(picoseconds(999'600'000)) == "1.00 ms");
    CHECK(short_time(picoseconds(123'456'000'000)) == "123 ms");
    CHECK(short_time(picoseconds(3'600'000'000'000'000)) == "3600 s");
    CHECK(short_count(7) == "7");
    CHECK(short_count(999.4) == "999");
    CHECK(short_count(999.6) == "1.00 k");
    CHECK(short_count(99'960) == "100 k");
    CHECK(short_count(45'600'000) == "45.6 M");
    CHECK(short_count(2e12) == "2000 G");
}

TEST_CASE("progress: a run says how far it is and how long it will go on")
{
    config c;
    c.workload.kind = workload_kind::touch;
    c.workload.threads = 1;
    c.workload.operations = 20'000'000;
    std::vector<std::string> texts;
    std::atomic<bool> flag{true};
    const run_progress::clock::time_point begin;
    run_progress progress(begin);
    const auto attend = [&](const world& w) {
        texts.push_back(progress.text(w, begin + 10s * (texts.size() + 1)));
        return false; // and the flag stays set: at every move
    };
    run_on_fibers(
        c, [&](world& w) { w.watch(flag, [&] { return attend(w); }); },
        [&](const world&) { flag = false; });
    REQUIRE(texts.size() > 100);
    CHECK(texts.front() == "0 ps simulated, 0 stores/s, 0 dirty pages");
    const auto some = std::find_if(texts.begin(), texts.end(), [](const std::string& text) {
        return text.find(" % done, ") != std::string::npos;
    });
    REQUIRE(some != texts.end());
    CAPTURE(*some);
    CHECK(some->find(", 16 dirty pages, ") != std::string::npos);
    const double percent = std::stod(some->substr(some->find(", 16 dirty pages, ") + 18));
    REQUIRE(some->find(" h left") != std::string::npos);
    const double hours = std::stod(some->substr(some->find(" % done, ") + 9));
    const double taken = static_cast<double>(some - texts.begin() + 1) * 10 / 3600;
    CHECK(percent > 1);
    CHECK(hours <= taken * (100 - percent) / percent + 1);
    CHECK(hours >= taken * (99 - percent) / (percent + 1) - 1);
    CHECK(texts.back().find(" dirty pages, finishing") != std::string::npos);
}

TEST_CASE("progress: a line on a terminal, cut to its width, and no trace of it at the end")
{
    on_a_terminal run(endless("--stats=/dev/null"));
    const std::string shown = run.read_until("stores/s", long_enough);
    CHECK(shown.find("s simulated, ") != std::string::npos);
    CHECK(shown.substr(0, new_line.size()) == new_line);
    run.press_control_c();
    const std::string text = run.read_until("as expected", long_enough);
    const std::size_t last = text.rfind(new_line);
    CHECK(text.find("simulated, ", last) == std::string::npos);
    CHECK(text.find("interrupted", last) != std::string::npos);
    for (std::size_t at = 0; at < last;) {
        const std::size_t next = text.find(new_line, at + new_line.size());
        CHECK(next - at - new_line.size() <= 59 + 2); // ^C is echoed
        at = next;
    }
}

TEST_CASE("progress: nothing in a pipe, and nothing if the user wants quiet")
{
    std::ostringstream pipe;
    progress_line line(pipe);
    CHECK_FALSE(line.is_seen());
    line.show("something");
    line.clear();
    CHECK(pipe.str().empty());

    on_a_terminal run(endless("--quiet"));
    CHECK(run.read_until("stores/s", 1000).empty()); // four times what is between two lines
}

TEST_CASE("progress: nothing on a terminal that cannot do it")
{
    on_a_terminal run(endless("--stats=/dev/null"), {{"TERM", "dumb"}});
    CHECK(run.read_until("stores/s", 1000).empty());
}

TEST_CASE("progress: sweeps, the museum and explore have a line as well, and --quiet takes it away")
{
    const std::string configs = MKCLEAN_SOURCE_DIR "/configs/";
    const std::vector<std::pair<std::string, std::vector<std::string>>> verbs = {
        {"0 of 2 points", {"run", configs + "no-tlb-flush.cfg", "--vary", "seed=1,2"}},
        {"0 of ", {"museum", "--all"}},
        {" orders", {"museum", "zap-before-flush"}},
        {" states, ", {"explore", configs + "explore/threads.cfg"}}};
    for (const auto& [said, words] : verbs) {
        CAPTURE(said);
        on_a_terminal loud(words);
        CHECK(loud.read_until(said, long_enough).find(said) != std::string::npos);
        std::vector<std::string> hushed = words;
        hushed.emplace_back("--quiet");
        on_a_terminal quiet(hushed);
        CHECK(quiet.read_until(said, 1000).find(new_line) == std::string::npos);
    }
}

TEST_CASE("progress: what comes too soon is seen later, if nothing else has come")
{
    // A sweep whose points end together, all but one.
    const auto count = [](const std::string& text, const std::string& part) {
        std::size_t n = 0;
        for (std::size_t at = text.find(part); at != std::string::npos;
             at = text.find(part, at + 1))
            ++n;
        return n;
    };
    on_a_terminal sweep({"run", "--workload.kind=touch", "--workload.threads=1", "--oracle=off",
                         "--vary=workload.operations=1,2,3,4,5,6,7,8,1000000000", "--jobs=9"});
    const std::string text = sweep.read_until("8 of 9 points", long_enough);
    CHECK(text.find("8 of 9 points") != std::string::npos);
    CHECK(count(text, new_line) <= 9);
}
