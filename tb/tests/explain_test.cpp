#include "sim/input_error.h"
#include "tb/explain/stepper.h"
#include "tb/tests/shell.h"
#include "tb/tests/temporary_directory.h"

#include <doctest/doctest.h>

#include <sstream>
#include <string>

using namespace mkclean;
using testing::shell;

namespace
{

constexpr const char* a_log =
    "           100  core0  writer     page fault                 ino 1 page 7                 PTE "
    "--- -> ---\n"
    "           100  core0  writer     handle_pte_fault begins    ino 1 page 7\n"
    "           120  core0  writer     set_pte                    ino 1 page 7                 PTE "
    "--- -> PWD\n"
    "           130  core0  writer     set_buffer_dirty           ino 1 page 7 block 0         BH "
    "-- -> D-\n"
    "           140  core0  writer     TestSetPageDirty           ino 1 page 7                 PG "
    "--- -> -D-\n"
    "           150  core0  writer     handle_pte_fault ends      ino 1 page 7\n"
    "           160  core0  writer     TLB fill                   ino 1 page 7                 TLB "
    "--- -> PWD\n"
    "           160  core0  writer     store                      ino 1 page 7                 "
    "bytes 0..7\n"
    "           170  core1  a b        page_mkclean begins        ino 1 page 77\n"
    "           180  core0  writer     invlpg                                                  TLB "
    "--- -> ---\n"
    "           190  core1  kjournald  test_clear_buffer_dirty    device page 7 block 1        BH "
    "DL -> -L\n"
    "           200  core1  pdflush    page_mkclean               ino 1 page 7                 PTE "
    "PWD -> P--\n";

page_life life_of(const std::string& log, std::uint64_t page = 7)
{
    std::istringstream in(log);
    return read_life(in, "a.log", inode_number(1), page_index(page));
}

std::string lines_but(std::string log, const std::string& unwanted)
{
    const std::size_t at = log.find(unwanted);
    const std::size_t begin = log.rfind('\n', at) + 1;
    return log.erase(begin, log.find('\n', at) + 1 - begin);
}

} // namespace

TEST_CASE("a life has its page's lines and what was known after each")
{
    const page_life life = life_of(lines_but(a_log, "a b"));
    REQUIRE(life.steps.size() == 9);
    CHECK(life.steps[1].line.step == "handle_pte_fault");
    CHECK(life.steps[1].line.what == log_line::kind::begins);
    CHECK(life.steps[3].after.buffers.at(0) == "D-");
    CHECK(life.steps[7].line.change == "bytes 0..7");
    const known_state& after = life.steps[8].after;
    CHECK(after.pte == "P--");
    CHECK(after.flags == "-D-");
    CHECK(after.tlb.empty()); // flushed, with no page said
    CHECK(after.stores == 1);
}

TEST_CASE("what is no line of a log is told with its number")
{
    for (const char* wrong : {"", "hello", "12 core0 writer no such step", "x core0 writer store",
                              "12 core0 writer store ino 1 page 99999999999999999999"}) {
        const std::string log = lines_but(a_log, "a b") + wrong + "\n";
        INFO(wrong);
        try {
            life_of(log);
            FAIL("it was read");
        } catch (const input_error& error) {
            CHECK(std::string(error.what()).rfind("a.log:12: ", 0) == 0);
        }
    }
    CHECK(
        life_of(lines_but(a_log, "a b") + "interrupted: what follows is missing\n").steps.size() ==
        9);
}

TEST_CASE("the stepper goes where it is told to")
{
    const page_life life = life_of(lines_but(a_log, "a b"));
    std::istringstream typed("\nb\nd\n9\nD\nnonsense\n99\nq\nn\n");
    std::ostringstream out;
    step_through(life, typed, out);
    std::vector<std::string> shown;
    std::istringstream lines(out.str());
    for (std::string line; std::getline(lines, line);)
        if (const std::size_t at = line.find(" of 9 "); at != std::string::npos)
            shown.push_back(line.substr(line.rfind("> ", 0) == 0 ? 2 : 0, 1));
    // 1 at once; next; back; the next that dirties; 9; the last before that changed dirtiness
    CHECK(shown == std::vector<std::string>{"1", "2", "1", "3", "9", "5"});
    CHECK(out.str().find("Enter or n: next") != std::string::npos);
    CHECK(out.str().find("D and W leave the PTE") != std::string::npos);
}

TEST_CASE("explain reads what run has logged")
{
    const temporary_directory directory;
    REQUIRE(shell("\"$MKCLEAN\" run " MKCLEAN_SOURCE_DIR
                  "/configs/no-tlb-flush.cfg --quiet --log " +
                  directory.path("a.log"))
                .code == 0);
    const auto table = shell("\"$MKCLEAN\" explain --page 0 " + directory.path("a.log"));
    CHECK(table.code == 0);
    CHECK(table.out.find("page_mkclean begins") != std::string::npos);
    const auto none =
        shell("\"$MKCLEAN\" explain --page 4711 " + directory.path("a.log") + " 2>&1");
    CHECK(none.code == 2);
    CHECK(none.out.find("a.log: has nothing of inode 1 page 4711") != std::string::npos);
    CHECK(shell("\"$MKCLEAN\" explain nowhere.log 2>&1").code == 3);
}

TEST_CASE("compare says what two runs differ in")
{
    const temporary_directory directory;
    const std::string run =
        "\"$MKCLEAN\" run " MKCLEAN_SOURCE_DIR "/configs/no-tlb-flush.cfg --quiet ";
    const std::string a = directory.path("a");
    const std::string b = directory.path("b");
    REQUIRE(shell(run + "--stats " + a + ".json --report " + a + ".html").code == 0);
    REQUIRE(shell(run + "--vm.mkclean_flush everyone --expect.lost no --stats " + b +
                  ".json --report " + b + ".html")
                .code == 0);
    const auto figures = shell("\"$MKCLEAN\" compare " + a + ".json " + b + ".json");
    CHECK(figures.code == 0);
    CHECK(figures.out.find("vm.mkclean_flush") != std::string::npos);
    CHECK(figures.out.find("/verdict/lost_bytes") != std::string::npos);
    CHECK(figures.out.find("-100.0 %") != std::string::npos);
    CHECK(shell("\"$MKCLEAN\" compare " + a + ".json " + a + ".json").out == "nothing differs\n");

    // A report has the same figures in it.
    const auto without_names = [](const std::string& text) { return text.substr(text.find('\n')); };
    const auto reports =
        shell("\"$MKCLEAN\" compare " + a + ".html " + b + ".html --report " + a + "b.html");
    CHECK(without_names(reports.out).find("/verdict/lost_bytes") != std::string::npos);
    const std::string both = directory.read("ab.html");
    for (const char* id : {"meta-0", "events-0", "meta-1", "events-1"})
        CHECK(both.find("id=\"" + std::string(id) + "\"") != std::string::npos);

    const auto refused =
        shell("\"$MKCLEAN\" compare --report x.html " + a + ".json " + b + ".html 2>&1");
    CHECK(refused.code == 2);
    const auto twice = shell("\"$MKCLEAN\" compare " + a + "b.html " + b + ".html 2>&1");
    CHECK(twice.code == 2);
    CHECK(twice.out.find("expected the report of one run") != std::string::npos);
    CHECK(shell("\"$MKCLEAN\" compare /etc/hostname " + b + ".json 2>&1").code == 2);
}
