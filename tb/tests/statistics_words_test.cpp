// Every figure of --stats is in docs/reference/statistics.md, and no other.

#include "tb/output/statistics_words.h"
#include "tb/tests/run_config.h"

#include <doctest/doctest.h>

#include <cctype>
#include <set>
#include <string>
#include <vector>

using namespace mkclean;
using nlohmann::ordered_json;
using testing::configured;

namespace
{

/// The pointer without what differs between elements of an array, or is an option's name.
std::string general(const std::string& pointer)
{
    if (pointer.rfind("/config/", 0) == 0)
        return "/config/*";
    const std::string cores = "/cores/";
    if (pointer.rfind(cores, 0) == 0)
        return cores + "*" + pointer.substr(pointer.find('/', cores.size()));
    return pointer;
}

std::set<std::string> pointers_of(const ordered_json& stats)
{
    std::set<std::string> pointers;
    const ordered_json leaves = stats.flatten();
    for (const auto& [pointer, value] : leaves.items())
        pointers.insert(general(pointer));
    return pointers;
}

/// Runs of every kind of program, filesystem and ending that has figures of its own.
std::set<std::string> pointers_of_runs()
{
    std::set<std::string> all;
    const auto add = [&all](const configured& c) {
        c.run([&](world& w) {
            ordered_json stats = statistics_of(w, c.options());
            stats["host"] = host_figures(w, 1);
            all.merge(pointers_of(stats));
        });
    };
    for (const char* const config :
         {"apt-2006.cfg", "rtorrent-2006.cfg", "fixme-race.cfg", "no-tlb-flush.cfg", "lackey.cfg",
          "hardware-sets-D.cfg", "power-cut.cfg", "random.cfg", "shared-page-table.cfg"})
        add(configured(config));
    add(configured("", {{"workload.kind", "touch"}, {"workload.operations", "100"}}));
    add(configured("fixme-race.cfg", {{"fs.type", "ext2"}}));
    return all;
}

} // namespace

TEST_CASE("statistics: every figure has words, and there are no words without a figure")
{
    std::set<std::string> described;
    for (const figure_words& figure : figures()) {
        CAPTURE(figure.pointer);
        CHECK(described.insert(figure.pointer).second);
        CHECK_FALSE(figure.meaning.empty());
    }
    const std::set<std::string> found = pointers_of_runs();
    for (const std::string& pointer : found) {
        CAPTURE(pointer);
        CHECK(described.count(pointer) == 1);
    }
    for (const std::string& pointer : described) {
        CAPTURE(pointer);
        CHECK(found.count(pointer) == 1);
    }
}

TEST_CASE("statistics: a time says so by its name, and has the unit that its name says")
{
    for (const figure_words& figure : figures()) {
        CAPTURE(figure.pointer);
        const std::string& name = figure.pointer;
        const bool named_ps = name.size() > 3 && (name.substr(name.size() - 3) == "_ps" ||
                                                  name.substr(name.size() - 3) == "/ps");
        CHECK(named_ps == (figure.unit == "ps"));
    }
}
