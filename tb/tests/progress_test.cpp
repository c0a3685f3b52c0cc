#include "tb/output/progress.h"
#include "tb/run.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <sstream>
#include <string>
#include <vector>

#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace mkclean;
using namespace std::chrono_literals;

namespace
{

/// A run without an end, on a terminal of 60 columns.
class run_on_a_terminal
{
public:
    explicit run_on_a_terminal(const char* option)
    {
        const winsize size{24, 60, 0, 0};
        m_child = ::forkpty(&m_terminal, nullptr, nullptr, &size);
        if (m_child != 0)
            return;
        ::execl(MKCLEAN_BINARY_DIR "/mkclean", "mkclean", "run", "--workload.kind=touch",
                "--workload.threads=1", "--workload.operations=1000000000", "--oracle=off", option,
                static_cast<char*>(nullptr));
        ::_exit(127);
    }
    ~run_on_a_terminal()
    {
        ::kill(m_child, SIGKILL);
        ::waitpid(m_child, nullptr, 0);
        ::close(m_terminal);
    }
    run_on_a_terminal(const run_on_a_terminal&) = delete;
    run_on_a_terminal& operator=(const run_on_a_terminal&) = delete;

    /// What it has written so far, once `enough` is among that or the time is up.
    const std::string& read_until(const std::string& enough, int milliseconds)
    {
        pollfd readable{m_terminal, POLLIN, 0};
        std::array<char, 4096> bytes;
        while (m_text.find(enough) == std::string::npos &&
               ::poll(&readable, 1, milliseconds) == 1) {
            const ssize_t n = ::read(m_terminal, bytes.data(), bytes.size());
            if (n <= 0)
                break;
            m_text.append(bytes.data(), static_cast<std::size_t>(n));
        }
        return m_text;
    }
    void press_control_c() { REQUIRE(::write(m_terminal, "\x03", 1) == 1); }

private:
    pid_t m_child = -1;
    int m_terminal = -1;
    std::string m_text;
};

const std::string new_line = "\r\x1b[K";
constexpr int long_enough = 60'000; // ms; only a failure takes that

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
    run_on_a_terminal run("--stats=/dev/null");
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

    run_on_a_terminal run("--quiet");
    CHECK(run.read_until("stores/s", 1000).empty()); // four times what is between two lines
}
