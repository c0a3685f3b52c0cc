// Spin's verdicts on the protocol and mkclean's own (docs/referee.md): explored.tsv has what
// mkclean explore finds, variants.tsv what spin does.

#include "sim/option_set.h"
#include "tb/config_file.h"
#include "tb/explore/search.h"

#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

using namespace mkclean;

namespace
{

using row = std::map<std::string, std::string>; // by the column's title

std::vector<std::string> split(const std::string& text, char at)
{
    std::vector<std::string> parts;
    std::istringstream rest(text);
    for (std::string part; std::getline(rest, part, at);)
        parts.push_back(part);
    return parts;
}

std::vector<row> table(const std::string& name)
{
    std::ifstream file(MKCLEAN_SOURCE_DIR "/tb/explore/promela/" + name);
    std::string line;
    REQUIRE(std::getline(file, line));
    const std::vector<std::string> titles = split(line, '\t');
    std::vector<row> rows;
    while (std::getline(file, line)) {
        const std::vector<std::string> fields = split(line, '\t');
        REQUIRE_MESSAGE(fields.size() == titles.size(), name << ": " << line);
        row& r = rows.emplace_back();
        for (std::size_t i = 0; i < fields.size(); ++i)
            r[titles[i]] = fields[i];
    }
    REQUIRE(!rows.empty());
    return rows;
}

std::string search_of(const row& r)
{
    return r.at("variant") + "." + r.at("configuration");
}

/// In mkclean's words; I5 is P3s where the fault dirties first, and P3q elsewhere.
const std::vector<std::string> properties = {"lost", "lie", "I5", "I1", "I2", "deadlock"};

std::string option_of(const row& r, const std::string& name)
{
    for (const std::string& option : split(r.at("options"), ' '))
        if (option.compare(0, name.size() + 1, name + "=") == 0)
            return option.substr(name.size() + 1);
    return "";
}

std::string spins_name(const std::string& property, const row& r)
{
    const std::string fault = option_of(r, "vm.write_fault");
    const bool strict = (fault.empty() ? option_of(r, "kernel") : fault) == "golden";
    static const std::map<std::string, std::string> names = {
        {"lost", "P1u"}, {"lie", "P2"}, {"I1", "P4q"}, {"I2", "P5"}, {"deadlock", "deadlock"}};
    return property == "I5" ? (strict ? "P3s" : "P3q") : names.at(property);
}

bool fails(const std::string& verdict)
{
    return verdict.find('/') != std::string::npos;
}

/// Whether the line gives a reason for its verdict on that property being another than spin's.
bool is_explained(const row& r, const std::string& property)
{
    for (const std::string& reason : split(r.at("why"), ' '))
        if (reason.compare(0, property.size() + 1, property + "=") == 0)
            return true;
    return false;
}

std::string verdict_of(const search_result& r, flaw f, const std::string& bound)
{
    if (const search_result::counterexample* const found = r.of(f))
        return std::to_string(found->moves.size()) + "/" + std::to_string(found->switches);
    return bound == "all" ? "ok" : "ok<=" + bound;
}

void explore_again(const row& r)
{
    const std::string bound = r.at("bound");
    config c;
    option_set model;
    c.declare(model);
    std::vector<setting> settings;
    for (const std::string& option : split(r.at("options"), ' ')) {
        const std::size_t equals = option.find('=');
        REQUIRE(equals != std::string::npos);
        settings.push_back({option.substr(0, equals), option.substr(equals + 1), origin()});
    }
    configure(model, {MKCLEAN_SOURCE_DIR "/configs/explore/" + r.at("program") + ".cfg"}, settings);
    c.check(model);
    search_limits limits;
    limits.order = search_order::switches;
    limits.stops_at = bit(flaw::assertion);
    if (bound != "all")
        limits.switches = std::stoull(bound);
    block_store store(std::size_t{2} << 30);
    explored_world w(c, store);
    const search_result found = search(w, limits).run([](const auto&) { return false; });
    CHECK(found.of(flaw::assertion) == nullptr);
    CHECK((bound != "all" || found.complete));
    const flaw flaw_of[] = {flaw::lost,        flaw::lie,         flaw::invariant_5,
                            flaw::invariant_1, flaw::invariant_2, flaw::deadlock};
    for (std::size_t i = 0; i < properties.size(); ++i)
        if (r.at(properties[i]) != "-") {
            INFO(properties[i]);
            CHECK(verdict_of(found, flaw_of[i], bound) == r.at(properties[i]));
        }
}

} // namespace

TEST_CASE("referee: spin and the explorer agree or the table says why not")
{
    std::map<std::string, row> spins;
    for (const row& r : table("variants.tsv"))
        spins[search_of(r)] = r;
    const std::vector<row> explored = table("explored.tsv");
    std::set<std::pair<std::string, std::string>> broken; // search and property
    for (const row& r : explored)
        for (const std::string& property : properties)
            if (fails(r.at(property)))
                broken.emplace(search_of(r), property);
    for (const row& r : explored) {
        const std::string search = search_of(r);
        INFO(search << " with " << r.at("program"));
        REQUIRE(spins.count(search) == 1);
        CHECK(std::ifstream(MKCLEAN_SOURCE_DIR "/configs/explore/" + r.at("program") + ".cfg"));
        for (const std::string& property : properties) {
            const std::string told = r.at(property);
            if (told == "-")
                continue;
            INFO(property << " is " << told);
            const std::string spin = spins.at(search).at(spins_name(property, r));
            REQUIRE(spin != "-");
            // Of several programs one is enough to break what spin breaks, and none may break more.
            const bool breaks = broken.count({search, property}) != 0;
            CHECK((breaks != (spin == "ok") || is_explained(r, property)));
            if (!fails(told) && told != "?")
                CHECK(told == (r.at("bound") == "all" ? "ok" : "ok<=" + r.at("bound")));
        }
    }
}

// Those that take a second or two. scripts/referee explores them all.
TEST_CASE("referee: what is explored again is as the table has it" * doctest::test_suite("long"))
{
    const std::set<std::string> quick = {
        "linux-2.6.18+flush_none.S1 writer-msync all",
        "linux-2.6.18+flush_local.S1 writer-local all",
        "linux-2.6.18+flush_local.T2 threads-msync-local all",
        "linux-2.6.20.S1 one-store all",
        "linux-2.6.23+lock_install_unlock_dirty.S1 writer-absent all",
        "golden.S1 one-store all"};
    std::size_t explored = 0;
    for (const row& r : table("explored.tsv")) {
        const std::string line = search_of(r) + " " + r.at("program") + " " + r.at("bound");
        if (quick.count(line) == 0)
            continue;
        INFO(line);
        ++explored;
        explore_again(r);
    }
    CHECK(explored == quick.size());
}
