// The processors of configs/hardware/, as they are delivered: golden keeps its promises on each of
// them, and windows are exact.

#include "tb/config_file.h"
#include "tb/tests/random_runs.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

using namespace mkclean;

namespace
{

std::vector<std::string> processors()
{
    std::vector<std::string> paths;
    for (const auto& entry :
         std::filesystem::directory_iterator(MKCLEAN_SOURCE_DIR "/configs/hardware"))
        paths.push_back(entry.path().string());
    std::sort(paths.begin(), paths.end());
    return paths;
}

/// The machine, with that processor in it.
json run_on(const std::string& processor, const settings& machine)
{
    config c;
    option_set model;
    c.declare(model);
    for (const auto& [name, value] : machine)
        model.set(name, value, origin());
    apply_settings(read_config(processor, origin()), model);
    c.check(model);
    json stats;
    run_on_fibers(
        c, [](world&) {}, [&](world& w) { stats = statistics_of(w, model); });
    return stats;
}

settings random_machine_of(std::uint64_t seed)
{
    return machine_of(seed, "golden");
}

/// A torrent into a memory that holds half of it.
settings rtorrent_machine_of(std::uint64_t seed)
{
    dice d(seed * 31);
    settings s = machine_of(seed, "golden");
    for (const auto& [name, value] : settings{{"workload.kind", "rtorrent"},
                                              {"workload.size", d.number(100, 1500, "KiB")},
                                              {"workload.chunk", d.number(500, 3000)},
                                              {"workload.threads", "1"},
                                              {"workload.processes", "1"},
                                              {"cores", d.one_of({"1", "2", "4"})}})
        s.emplace_back(name, value);
    return s;
}

std::string broken_promises(const json& stats)
{
    std::string text;
    for (const auto& [name, value] : stats["verdict"].items())
        if (value.is_number() && value != 0)
            text += " " + name + "=" + value.dump();
    for (const auto& [name, value] : stats["invariants"].items())
        if (value.is_number() && value != 0 && stats["config"]["vm.dirty_tracking"] != "dirty_log")
            text += " " + name + "=" + value.dump();
    if (stats["verdict"]["ended"] != "finished")
        text += " ended=" + stats["verdict"]["ended"].dump();
    return text;
}

void check_promises(settings (*machine)(std::uint64_t), std::uint64_t first, std::uint64_t last)
{
    for (const std::string& processor : processors())
        for (std::uint64_t seed = first; seed <= last; ++seed) {
            INFO(command_of(machine(seed)) << " " << processor);
            CHECK(broken_promises(run_on(processor, machine(seed))) == "");
        }
}

void check_windows(settings (*machine)(std::uint64_t), std::uint64_t first, std::uint64_t last)
{
    for (const std::string& processor : processors())
        for (std::uint64_t seed = first; seed <= last; ++seed) {
            INFO(command_of(machine(seed)) << " " << processor);
            json fast = run_on(processor, machine(seed));
            json slow = run_on(processor, with(machine(seed), "time.sync", "every_access"));
            for (json* stats : {&fast, &slow})
                (*stats)["config"].erase("time.sync");
            CHECK(fast.dump() == slow.dump());
        }
}

} // namespace

TEST_CASE("processors: there are ten, and one of 2006")
{
    CHECK(processors().size() == 11);
}

TEST_CASE("processors: golden keeps its promises on each")
{
    check_promises(random_machine_of, 1, 3);
    check_promises(rtorrent_machine_of, 1, 3);
}
TEST_CASE("processors: golden keeps its promises on each with more seeds" *
          doctest::test_suite("long"))
{
    check_promises(random_machine_of, 101, 112);
    check_promises(rtorrent_machine_of, 101, 112);
}
// Four minutes: tb_tests --no-skip -tc="processors: 200*"
TEST_CASE("processors: 200 seeds of each keep golden's promises" * doctest::skip())
{
    check_promises(random_machine_of, 101, 300);
    check_promises(rtorrent_machine_of, 101, 300);
}

TEST_CASE("processors: windows are exact on each" * doctest::test_suite("long"))
{
    check_windows(random_machine_of, 11, 12);
    check_windows(rtorrent_machine_of, 11, 11);
}
