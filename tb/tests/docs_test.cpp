// What docs/ shows and names is what there is.

#include "tb/config.h"
#include "tb/sweep/columns.h"
#include "tb/tests/run_config.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace mkclean;

namespace
{

std::string text_of(const std::string& path)
{
    std::ifstream file(MKCLEAN_SOURCE_DIR "/" + path);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// What stands in code quotes on one line and, as a whole, is one of `heads`, `mark` and a tail of
/// the characters `tail`.
std::vector<std::string> quoted(const std::string& text, const std::vector<std::string>& heads,
                                char mark, const std::string& tail)
{
    std::vector<std::string> found;
    for (std::size_t open = text.find('`'); open != std::string::npos;
         open = text.find('`', open + 1)) {
        const std::string piece =
            text.substr(open + 1, text.find_first_of("`\n", open + 1) - open - 1);
        const std::size_t at = piece.find(mark);
        if (at == std::string::npos || at + 1 == piece.size())
            continue;
        const bool headed =
            std::find(heads.begin(), heads.end(), piece.substr(0, at)) != heads.end();
        if (headed && piece.find_first_not_of(tail, at + 1) == std::string::npos)
            found.push_back(piece);
    }
    return found;
}

const std::string lower = "abcdefghijklmnopqrstuvwxyz0123456789_";

} // namespace

TEST_CASE("docs/extending.md shows the example that is built, to the letter")
{
    const std::string program = text_of("examples/not_most_recently_used.cpp");
    CHECK(program.size() > 1000);
    CHECK(text_of("docs/extending.md").find("```cpp\n" + program + "```\n") != std::string::npos);
}

TEST_CASE("docs: every file of the house that a page names is there")
{
    for (const char* const page :
         {"docs/design.md", "docs/extending.md", "docs/experiments.md", "docs/reference/events.md",
          "docs/reference/hardware.md", "docs/reference/report.md", "docs/reference/options.md",
          "docs/reference/statistics.md", "docs/guide.md", "docs/caveats.md", "README.md"}) {
        CAPTURE(page);
        for (const std::string& path :
             quoted(text_of(page),
                    {"sim", "mmu", "cache", "storage", "vm", "tb", "configs", "examples"}, '/',
                    lower + "ABCDEFGHIJKLMNOPQRSTUVWXYZ/.-")) {
            CAPTURE(path);
            CHECK(std::filesystem::exists(MKCLEAN_SOURCE_DIR "/" + path));
        }
    }
}

TEST_CASE("docs: the columns of a sweep that a page shows are figures that there are")
{
    const std::string before = "--sweep.columns '";
    const auto stats = testing::configured("random.cfg").stats();
    for (const char* const page : {"docs/design.md", "README.md", "tb/program.cpp"}) {
        CAPTURE(page);
        const std::string text = text_of(page);
        const std::size_t begin = text.find(before);
        REQUIRE(begin != std::string::npos);
        const std::size_t first = begin + before.size();
        config c;
        option_set model;
        c.declare(model);
        model.set("sweep.columns", text.substr(first, text.find('\'', first) - first), origin());
        const std::vector<sweep_column> columns = c.sweep.table(model);
        CHECK(columns.size() == 2);
        CHECK(column_check(columns, {}, false).complaint(stats) == "");
    }
}

TEST_CASE("docs/reference/hardware.md names options that there are, and every one of some")
{
    config c;
    option_set model;
    c.declare(model);
    const std::string page = text_of("docs/reference/hardware.md");
    const std::vector<std::string> options =
        quoted(page, {"mmu", "tlb", "walker", "core", "shootdown", "vm", "cost"}, '.', lower);
    CHECK(options.size() >= 40);
    for (const std::string& name : options) {
        CAPTURE(name);
        CHECK(model.has(name));
    }
    for (const std::string& name : model.names()) {
        const std::string group = name.substr(0, name.find('.'));
        if (group != "shootdown" && group != "walker" && group != "mmu")
            continue;
        CAPTURE(name);
        CHECK(page.find(name.substr(group.size() + 1)) != std::string::npos);
    }
}
