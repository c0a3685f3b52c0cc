#include "tb/output/terminal.h"
#include "tb/tests/on_a_terminal.h"
#include "tb/tests/shell.h"

#include <doctest/doctest.h>

#include <sstream>

using namespace mkclean;
using testing::on_a_terminal;

namespace
{

const std::vector<std::string> losing = {"run", MKCLEAN_SOURCE_DIR "/configs/no-tlb-flush.cfg"};
constexpr char escape = '\x1b';

std::string table_on_a_terminal(const std::pair<std::string, std::string>& with)
{
    std::string text = on_a_terminal(losing, {with}).read_all();
    return text.substr(text.find("  simulated time"));
}

} // namespace

TEST_CASE("colours: what must not be is red on a terminal")
{
    const std::string text = table_on_a_terminal({"NO_COLOR", ""});
    CHECK(text.find("\x1b[31m  lost bytes ") != std::string::npos);
    CHECK(text.find("\n  stale reads ") != std::string::npos);
}

TEST_CASE("colours: the titles of a sweep's table are bold on a terminal")
{
    const std::vector<std::string> sweep = {losing[0], losing[1], "--vary=seed=1,2"};
    CHECK(on_a_terminal(sweep).read_all().find("\x1b[1mseed ") != std::string::npos);
    CHECK(on_a_terminal(sweep, {{"NO_COLOR", "1"}}).read_all().find("\x1b[1m") ==
          std::string::npos);
}

TEST_CASE("colours: none with NO_COLOR, and none on a terminal that has none")
{
    CHECK(table_on_a_terminal({"NO_COLOR", "1"}).find(escape) == std::string::npos);
    CHECK(table_on_a_terminal({"TERM", "dumb"}).find(escape) == std::string::npos);
}

TEST_CASE("colours: none in a pipe, nor in any other stream")
{
    std::ostringstream stream;
    CHECK_FALSE(is_terminal(stream));
    CHECK(palette(stream).alarm("lost") == "lost");
    CHECK(palette().title("stores") == "stores");

    const std::string text =
        testing::shell("TERM=xterm $MKCLEAN run " + losing.back() + " 2>&1").out;
    CHECK(text.find("lost bytes") != std::string::npos);
    CHECK(text.find(escape) == std::string::npos);
}
