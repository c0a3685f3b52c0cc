// What docs/ shows and names is what there is.

#include "tb/config.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>

using namespace mkclean;

namespace
{

std::string text_of(const std::string& path)
{
    std::ifstream file(MKCLEAN_SOURCE_DIR "/" + path);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// Calls `see` for every piece of the text in code quotes that is of that form as a whole.
template <class See>
unsigned for_each_quoted(const std::string& text, const std::string& form, See see)
{
    const std::regex quoted("`(" + form + ")`");
    unsigned count = 0;
    for (std::sregex_iterator at(text.begin(), text.end(), quoted), end; at != end; ++at, ++count)
        see((*at)[1].str());
    return count;
}

} // namespace

TEST_CASE("docs/extending.md shows the example that is built, to the letter")
{
    const std::string program = text_of("examples/not_most_recently_used.cpp");
    CHECK(program.size() > 1000);
    CHECK(text_of("docs/extending.md").find("```cpp\n" + program + "```\n") != std::string::npos);
}

TEST_CASE("docs: every file of the house that a page names is there")
{
    for (const char* const page : {"docs/design.md", "docs/extending.md", "docs/experiments.md",
                                   "docs/reference/hardware.md", "docs/caveats.md", "README.md"}) {
        CAPTURE(page);
        for_each_quoted(text_of(page),
                        "(?:sim|mmu|cache|storage|vm|tb|configs|examples)/[a-zA-Z0-9_/.-]+",
                        [](const std::string& path) {
                            CAPTURE(path);
                            CHECK(std::filesystem::exists(MKCLEAN_SOURCE_DIR "/" + path));
                        });
    }
}

TEST_CASE("docs/reference/hardware.md names options that there are, and every one of some")
{
    config c;
    option_set model;
    c.declare(model);
    const std::string page = text_of("docs/reference/hardware.md");
    const std::string form = "(?:mmu|tlb|walker|core|shootdown|vm|cost)\\.[a-z0-9_]+";
    CHECK(for_each_quoted(page, form, [&](const std::string& name) {
              CAPTURE(name);
              CHECK(model.has(name));
          }) >= 40);
    for (const std::string& name : model.names()) {
        const std::string group = name.substr(0, name.find('.'));
        if (group != "shootdown" && group != "walker" && group != "mmu")
            continue;
        CAPTURE(name);
        CHECK(page.find(name.substr(group.size() + 1)) != std::string::npos);
    }
}
