// Running ahead in time must be seen by nobody: whole machines, in windows and access by access, to
// the last byte of their statistics and of their logs.

#include "tb/output/event_text.h"
#include "tb/tests/random_settings.h"
#include "tb/tests/temporary_directory.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>

#include <fmt/format.h>

using namespace mkclean;

namespace
{

/// A machine of one of four sizes, of any era, on which everything that takes part in the length of
/// a window is drawn as well, and often nothing at all.
settings any_machine(std::uint64_t seed)
{
    static const std::vector<std::string> kernels = {"golden", "linux-2.6.18", "linux-2.6.19",
                                                     "linux-2.6.20", "linux-2.6.23"};
    static const std::vector<std::string> sizes = {"1", "2", "4", "16"};
    dice d(~seed);
    settings s = machine_of(seed, kernels[seed % kernels.size()]);
    const std::string cores = sizes[seed / kernels.size() % sizes.size()];
    const std::uint64_t threads = std::stoull(cores) + std::stoull(d.number(1, 3));
    for (const auto& [name, value] : settings{
             {"cores", cores},
             {"memory", "2MiB"},
             {"workload.threads", std::to_string(threads)},
             {"workload.operations", d.number(20, 400 / threads)},
             {"workload.anonymous_pages", "1"},
             {"vm.flusher_core", "0"},
             {"core.access", d.one_of({"1", "1", "3"})},
             {"core.ipi_latency", d.one_of({"1ns", "7ns", "500ns", "5us"})},
             {"core.irq_latency", d.one_of({"1ns", "50ns", "1us"})},
             {"memory.latency", d.one_of({"0ns", "5ns", "5ns", "60ns", "200ns"})},
             {"cost.syscall_entry", d.one_of({"0", "100", "100", "300"})},
             {"cost.irq_entry", d.one_of({"0", "400", "400"})},
             {"cost.context_switch", d.one_of({"30", "1500"})},
         })
        s.emplace_back(name, value);
    return s;
}

/// Threads that store to the same few bytes, within nanoseconds of each other, and say what they
/// see of them: two to four, on as many cores or fewer.
class crowded_script
{
public:
    explicit crowded_script(std::uint64_t seed)
        : m_dice(seed),
          m_span(m_dice.draw({8, 16, 64, 256}))
    {
        const std::uint64_t processes = m_dice.draw({1, 1, 2});
        m_text = "file a 8KiB\n";
        for (std::uint64_t p = 0; p < processes; ++p)
            m_text += fmt::format("process p{}\n", p);
        const std::uint64_t threads = m_dice.draw({2, 3, 4});
        for (std::uint64_t t = 0; t < threads; ++t)
            add_thread(t, t % processes, t % cores);
    }
    const std::string& text() const { return m_text; }
    static constexpr std::uint64_t cores = 3;

private:
    void add_thread(std::uint64_t t, std::uint64_t process, std::uint64_t core)
    {
        m_text += fmt::format("thread t{0} in p{1} on {2}\nmap m{0} = a\n"
                              "store m{0}+0 8 1\nstore m{0}+4096 8 1\n"
                              "meet ready\nstore m{0}+0 8 1\nload m{0}+4096 8\nmeet set\n"
                              "until 200ms+{3}ps\n",
                              t, process, core, m_dice.number(0, 3000));
        for (std::uint64_t i = m_dice.draw({10, 40, 150}); i > 0; --i)
            add_operation(t);
    }
    void add_operation(std::uint64_t t)
    {
        const std::uint64_t size = std::min(m_span, m_dice.draw({1, 4, 8, 8, 8, 16, 64, 256}));
        const std::uint64_t page = m_dice.draw({0, 0, 0, 0, 4096});
        const std::uint64_t spread = m_span - size + 1;
        const std::uint64_t offset = std::stoull(m_dice.number(0, spread - 1));
        const std::uint64_t at = page + (m_dice.draw({0, 1}) == 0 ? offset / 8 * 8 : offset);
        const std::uint64_t what = std::stoull(m_dice.number(0, 99));
        const std::string value = m_dice.number(1, 2);
        if (what < 45)
            m_text += fmt::format("store m{}+{} {} {}\n", t, at, size, value);
        else if (what < 95)
            m_text += fmt::format("load m{}+{} {} expect {}\n", t, at, size, value);
        else if (what < 97)
            m_text += fmt::format("compute {}\n", m_dice.number(1, 9));
        else if (what < 98)
            m_text += fmt::format("msync m{}\n", t);
        else if (what < 99)
            m_text += "write a 0 16 1\n";
        else
            m_text += "drop a\n";
    }

    class number_dice : public dice
    {
    public:
        using dice::dice;
        std::uint64_t draw(const std::vector<std::uint64_t>& numbers)
        {
            return numbers[std::stoull(number(0, numbers.size() - 1))];
        }
    };
    number_dice m_dice;
    std::uint64_t m_span;
    std::string m_text;
};

/// The machine for it; sometimes it loses its power or its time in the crowd.
settings crowded_machine(std::uint64_t seed, const std::string& file)
{
    dice d(~seed);
    settings s = {{"workload.kind", "script"},
                  {"workload.file", file},
                  {"cores", std::to_string(crowded_script::cores)},
                  {"memory", "2MiB"},
                  {"disk.kind", "constant"},
                  {"core.frequency", d.one_of({"1GHz", "3GHz", "10GHz"})},
                  {"core.timeslice", d.one_of({"1us", "100ms", "100ms"})},
                  {"core.ipi_latency", d.one_of({"7ns", "500ns", "5us"})},
                  {"memory.latency", d.one_of({"0ns", "1ns", "5ns", "5ns", "60ns", "200ns"})},
                  {"cost.syscall_entry", d.one_of({"0", "100", "100"})},
                  {"tlb.entries", d.one_of({"1", "8", "64"})},
                  {"tlb.ways", "1"},
                  {"time.limit", "5s"}};
    const std::string in_the_crowd = d.number(200'000'000'000, 200'000'060'000, "ps");
    const std::string end = d.one_of({"power.cut_at", "time.limit", "", "", "", ""});
    if (!end.empty())
        s.emplace_back(end, in_the_crowd);
    return s;
}

/// Everything that a run has to say: what happened, line by line, and the statistics.
struct account {
    std::string log;
    std::string stats;
};

/// Writes the log. Who follows stores has the machine wait for each.
class scribe final : public event_sink
{
public:
    scribe(world& w, bool stores) : m_world(w), m_stores(stores) {}
    void on_event(const event& e) override
    {
        text += event_text(e, m_world.log(), m_world.the_kernel(), m_world.cores()[0]->period());
        text += '\n';
    }
    bool follows_stores() const override { return m_stores; }
    std::string text;

private:
    world& m_world;
    bool m_stores;
};

account account_of(
    const settings& given, bool log_stores,
    const std::function<void(world&)>& change = [](world&) {})
{
    config c;
    option_set model;
    c.declare(model);
    for (const auto& [name, value] : given)
        model.set(name, value, origin());
    c.check(model);
    account all;
    std::unique_ptr<scribe> log;
    run_on_fibers(
        c,
        [&](world& w) {
            change(w);
            log = std::make_unique<scribe>(w, log_stores);
            w.log().attach(*log);
        },
        [&](world& w) {
            json stats = statistics_of(w, model);
            stats["config"].erase("time.sync");
            all.stats = stats.dump();
            all.log = std::move(log->text);
        });
    return all;
}

/// The first line of the log in which they differ, or that it is the statistics; "" if nothing.
std::string difference(const account& exact, const account& fast)
{
    if (exact.log == fast.log)
        return exact.stats == fast.stats ? "" : exact.stats + "\nor\n" + fast.stats;
    const auto [a, b] =
        std::mismatch(exact.log.begin(), exact.log.end(), fast.log.begin(), fast.log.end());
    const auto line = [](const std::string& text, std::string::const_iterator at) {
        const auto i = static_cast<std::size_t>(at - text.begin());
        const std::size_t begin = i == 0 ? 0 : text.rfind('\n', i - 1) + 1;
        return text.substr(begin, text.find('\n', i) - begin);
    };
    return line(exact.log, a) + "\nor\n" + line(fast.log, b);
}

/// What hardware the machine of a seed has.
using hardware_choice = settings (*)(std::uint64_t seed);

settings plain(std::uint64_t)
{
    return {};
}
settings with_keys(std::uint64_t)
{
    return {{"mmu.sets_dirty", "storage_key"}};
}
settings with_logs(std::uint64_t)
{
    return {
        {"kernel", "golden"}, {"mmu.dirty_log_entries", "3"}, {"vm.dirty_tracking", "dirty_log"}};
}

settings with_hardware(settings machine, const settings& hardware)
{
    machine.insert(machine.end(), hardware.begin(), hardware.end());
    return machine;
}

std::string difference_by_time(std::uint64_t seed, hardware_choice hardware)
{
    const settings machine = with_hardware(any_machine(seed), hardware(seed));
    const bool log_stores = seed % 4 == 0;
    const account exact = account_of(with(machine, "time.sync", "every_access"), log_stores);
    return difference(exact, account_of(machine, log_stores));
}

void compare_times(std::uint64_t first, std::uint64_t last, hardware_choice hardware = plain)
{
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        INFO(command_of(with_hardware(any_machine(seed), hardware(seed))));
        CAPTURE(seed);
        REQUIRE(difference_by_time(seed, hardware) == "");
    }
}

void compare_crowds(std::uint64_t first, std::uint64_t last, hardware_choice hardware = plain)
{
    const temporary_directory directory;
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        const crowded_script script(seed);
        const settings machine = with_hardware(
            crowded_machine(seed, directory.write("crowd.script", script.text())), hardware(seed));
        const account exact = account_of(with(machine, "time.sync", "every_access"), false);
        INFO(command_of(machine));
        INFO(script.text());
        CAPTURE(seed);
        REQUIRE(difference(exact, account_of(machine, false)) == "");
    }
}

} // namespace

TEST_CASE("exact: 100 crowds see the same of each other in windows and access by access")
{
    compare_crowds(1, 100);
}
TEST_CASE("exact: 1500 crowds see the same of each other in windows and access by access" *
          doctest::test_suite("long"))
{
    compare_crowds(1001, 2500);
}

TEST_CASE("exact: 50 crowds on any hardware")
{
    compare_crowds(3001, 3050, hardware_of);
}
TEST_CASE("exact: 500 crowds on any hardware" * doctest::test_suite("long"))
{
    compare_crowds(4001, 4500, hardware_of);
}

TEST_CASE("exact: 60 machines in windows do what they do access by access")
{
    compare_times(1, 60);
}
// In two halves, for two processors to test at a time.
TEST_CASE("exact: 1000 machines in windows do what they do access by access" *
          doctest::test_suite("long"))
{
    compare_times(1001, 2000);
}
TEST_CASE("exact: 1000 more machines in windows do what they do access by access" *
          doctest::test_suite("long"))
{
    compare_times(2001, 3000);
}

TEST_CASE("exact: so do crowds and machines whose dirtiness is in storage keys")
{
    compare_crowds(101, 120, with_keys);
    compare_times(101, 105, with_keys);
}
TEST_CASE("exact: so do crowds and machines whose hardware logs what is dirty")
{
    compare_crowds(201, 220, with_logs);
    compare_times(201, 205, with_logs);
}
TEST_CASE("exact: so do 100 crowds and 40 machines with storage keys and as many with logs" *
          doctest::test_suite("long"))
{
    for (const hardware_choice hardware : {with_keys, with_logs}) {
        compare_crowds(3001, 3100, hardware);
        compare_times(3501, 3540, hardware);
    }
}

TEST_CASE("exact: a window that is one cycle too long is found out")
{
    unsigned found = 0;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        const settings machine = any_machine(seed);
        const account exact = account_of(with(machine, "time.sync", "every_access"), false);
        const account wrong = account_of(machine, false, [](world& w) {
            for (const auto& cpu : w.cores())
                cpu->run_too_far(cycles(1));
        });
        found += difference(exact, wrong).empty() ? 0U : 1U;
    }
    CHECK(found > 0);
}
