// The outside model of the protocol (docs/promela.md) says what its table says that it says. The
// table is what mkclean's own search is held against, so it has to be spin's and nobody's memory of
// it.

#include <doctest/doctest.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace
{

/// Of one variant in one configuration, by property: "ok", or how many steps it takes to break it.
using verdicts = std::map<std::string, std::string>;
/// By "VARIANT.CONFIGURATION".
using table = std::map<std::string, verdicts>;

std::vector<std::string> fields_of(const std::string& line)
{
    std::vector<std::string> fields;
    std::istringstream rest(line);
    for (std::string field; std::getline(rest, field, '\t');)
        fields.push_back(field);
    return fields;
}

/// The lines of variants.tsv that are `length` and for `configuration`, or for any if that is
/// empty.
table expected(const std::string& length, const std::string& configuration)
{
    std::ifstream file(MKCLEAN_SOURCE_DIR "/tb/explore/promela/variants.tsv");
    std::string line;
    REQUIRE(std::getline(file, line));
    const std::vector<std::string> titles = fields_of(line);
    REQUIRE(titles.size() > 4);
    table lines;
    while (std::getline(file, line)) {
        const std::vector<std::string> fields = fields_of(line);
        REQUIRE(fields.size() == titles.size());
        if (fields[2] != length || (!configuration.empty() && fields[1] != configuration))
            continue;
        verdicts& of_variant = lines[fields[0] + "." + fields[1]];
        CHECK_MESSAGE(of_variant.empty(), fields[0] << "." << fields[1] << " is there twice");
        for (std::size_t i = 4; i < fields.size(); ++i)
            if (fields[i] != "-") // not searched for
                of_variant[titles[i]] = fields[i];
    }
    REQUIRE(!lines.empty());
    return lines;
}

table found(const std::string& arguments)
{
    const std::string command = "'" MKCLEAN_SOURCE_DIR "/scripts/promela' " + arguments;
    std::FILE* const pipe = popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::string text;
    for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe))
        text += static_cast<char>(c);
    REQUIRE(pclose(pipe) == 0);

    table lines;
    std::istringstream rest(text);
    std::string line;
    std::getline(rest, line); // the titles
    while (std::getline(rest, line)) {
        const std::vector<std::string> fields = fields_of(line);
        REQUIRE(fields.size() == 7);
        lines[fields[0] + "." + fields[1]][fields[2]] = fields[3] == "ok" ? "ok" : fields[4];
    }
    return lines;
}

bool spin_is_here()
{
    if (std::system("command -v spin >/dev/null") == 0)
        return true;
    MESSAGE("SKIPPED: spin is not installed (scripts/install-dependencies --test)");
    return false;
}

void compare(const std::string& length, const std::string& configuration)
{
    if (!spin_is_here())
        return;
    const table told = expected(length, configuration);
    const table seen = found("--" + length + " '*." +
                             (configuration.empty() ? std::string("*") : configuration) + "'");
    CHECK(seen.size() == told.size());
    for (const auto& [variant, of_variant] : told) {
        INFO(variant);
        REQUIRE(seen.count(variant) == 1);
        const verdicts& of_search = seen.at(variant);
        CHECK(of_search.size() == of_variant.size());
        for (const auto& [property, verdict] : of_variant) {
            INFO(property);
            REQUIRE(of_search.count(property) == 1);
            CHECK(of_search.at(property) == verdict);
        }
    }
}

} // namespace

TEST_CASE("promela: one processor breaks what the table says and in as many steps" *
          doctest::test_suite("long"))
{
    compare("short", "S1");
}

TEST_CASE("promela: two threads break what the table says and in as many steps" *
          doctest::test_suite("long"))
{
    compare("short", "T2");
}

TEST_CASE("promela: two processes break what the table says and in as many steps" *
          doctest::test_suite("long"))
{
    compare("short", "M2");
}

TEST_CASE("promela: a search that does not come to its end is no verdict" *
          doctest::test_suite("long"))
{
    const std::string nothing = " >/dev/null 2>/dev/null";
    const std::string script = "'" MKCLEAN_SOURCE_DIR "/scripts/promela' ";
    CHECK(std::system((script + "no-such-variant" + nothing).c_str()) != 0);
    CHECK(std::system((script + "--no-such-option" + nothing).c_str()) != 0);
    if (!spin_is_here())
        return;
    CHECK(std::system(("CC=false " + script + "golden.S1" + nothing).c_str()) != 0);
}

TEST_CASE("promela: the searches that take long" * doctest::skip())
{
    compare("long", "");
}
