// What `bench` runs and how it reckons; nothing here is timed.

#include "tb/bench/exploring.h"
#include "tb/bench/native.h"
#include "tb/bench/report.h"
#include "tb/tests/run_settings.h"
#include "tb/verb_bench.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <sstream>

#include <nlohmann/json.hpp>

using namespace mkclean;

namespace
{

bench_result a_result(const samples& native)
{
    bench_result r;
    r.what = bench_cases().front();
    r.window = {{10, 30, 20}};
    r.every_access = {{500, 400, 600, 300}};
    r.native = native;
    r.peak_rss = 17U << 20;
    return r;
}

// A run of the case so short that it fits into a test; the costly ones at that.
json short_run(const bench_case& c)
{
    settings given(c.settings.begin(), c.settings.end());
    const std::uint64_t length =
        c.length_unit == "MiB" ? 2 : std::max<std::uint64_t>(c.least / 1000, 50);
    given.emplace_back(c.length_option, std::to_string(length) + c.length_unit);
    if (c.costly && c.length_unit.empty())
        given.emplace_back("workload.pages", "1024");
    return run(given);
}

int bench(const std::vector<std::string>& words, std::string& out, std::string& err)
{
    bench_options options;
    option_set model;
    std::ostringstream said;
    std::ostringstream complained;
    program known{"", "", {bench_verb(options, said, complained)}, model};
    std::vector<std::string> all = {"bench"};
    all.insert(all.end(), words.begin(), words.end());
    const int code = run_command_line(all, known, said, complained);
    out = said.str();
    err = complained.str();
    return code;
}

} // namespace

TEST_CASE("bench: every case is a config that runs and does what it counts")
{
    std::set<std::string> names;
    for (const bench_case& c : bench_cases()) {
        CAPTURE(c.name);
        CHECK(names.insert(c.name).second);
        CHECK_FALSE(c.help.empty());
        CHECK(c.most > c.least);
        const json stats = short_run(c);
        CHECK(stats["verdict"]["expected"] == true);
        if (c.operations != "/vm/nr_tlb_remote_flush_received") // that takes longer than this
            CHECK(stats.at(json::json_pointer(c.operations)).get<std::uint64_t>() > 0);
    }
}

TEST_CASE("bench: the named cases of the issue are there")
{
    for (const char* name : {"hit-1core", "hit-4core-private", "hit-4core-shared", "miss-1GiB",
                             "first-touch-fault", "refault-after-writeback", "shootdown-16core",
                             "writeback-1GiB", "rtorrent-256MiB", "random-ops-4core", "mix"})
        CHECK(find_bench_case(name) != nullptr);
    CHECK(find_bench_case("hit") == nullptr);
}

TEST_CASE("bench: least, middle and most of samples")
{
    const samples odd{{3, 1, 2}};
    CHECK(odd.min() == 1);
    CHECK(odd.median() == 2);
    CHECK(odd.max() == 3);
    CHECK(samples{{4, 1, 2, 3}}.median() == 2.5);
    CHECK(samples{{7}}.median() == 7);
}

TEST_CASE("bench: the exponent of a power law is found")
{
    std::vector<double> x;
    std::vector<double> linear;
    std::vector<double> quadratic;
    std::vector<double> constant;
    for (double size = 1; size < 2000; size *= 4) {
        x.push_back(size);
        linear.push_back(3 * size);
        quadratic.push_back(0.1 * size * size);
        constant.push_back(42);
    }
    CHECK(growth_exponent(x, linear) == doctest::Approx(1));
    CHECK(growth_exponent(x, quadratic) == doctest::Approx(2));
    CHECK(std::abs(growth_exponent(x, constant)) < 1e-9);
}

TEST_CASE("bench: ratios are of medians, and what there is nothing to compare with is left open")
{
    const json with = bench_json({a_result({{2, 4}})}).front();
    CHECK(with["ns"]["median"] == 20);
    CHECK(with["ns"]["samples"].size() == 3);
    CHECK(with["faster_than_every_access"] == 450.0 / 20);
    CHECK(with["slower_than_native"] == 20.0 / 3);
    const json without = bench_json({a_result({})}).front();
    CHECK(without["native_ns"].is_null());
    CHECK(without["slower_than_native"].is_null());

    const std::string table = bench_row(a_result({}));
    CHECK(table.find("20.00 [10.00 30.00]") != std::string::npos);
    CHECK(table.find(" 22.5 ") != std::string::npos);
    CHECK(table.find(" - ") != std::string::npos);
}

TEST_CASE("bench: a growth has its points and its exponents")
{
    growth g;
    g.of_what = "test";
    g.in_bytes = true;
    for (std::uint64_t mib = 16; mib <= 1024; mib *= 4) {
        timed_run timed;
        timed.seconds = static_cast<double>(mib) / 100;
        timed.peak_rss = (10 + mib) << 20;
        g.points.push_back({mib << 20, timed});
    }
    const json j = growth_json(g);
    CHECK(j["points"].size() == 4);
    CHECK(j["time_exponent"].get<double>() == doctest::Approx(1));
    CHECK(j["memory_exponent"].get<double>() < 1);
    CHECK(growth_table(g).find("1024 MiB") != std::string::npos);
}

TEST_CASE("bench: the bare programs take time")
{
    CHECK(time_scattered_stores(4, 100'000) > 0);
    CHECK(time_rtorrent(1 << 20, 1460) > 0);
}

TEST_CASE("bench: --list, and names that are none")
{
    std::string out;
    std::string err;
    CHECK(bench({"--list"}, out, err) == exit_code::as_expected);
    CHECK(out.find("hit-1core") != std::string::npos);
    CHECK(out.find("scale") != std::string::npos);
    CHECK(bench({"hit-2core"}, out, err) == exit_code::bad_input);
    CHECK(err == "no case is called 'hit-2core'; did you mean 'hit-1core'?\n");
    CHECK(bench({"--repetitions", "0"}, out, err) == exit_code::bad_input);
}

TEST_CASE("bench: exploring is measured as searches and as walks of one program")
{
    interrupt_watch watch;
    std::vector<std::string> told;
    bench_runner runner(std::string(MKCLEAN_BINARY_DIR) + "/mkclean", watch,
                        [&](const std::string& what) { told.push_back(what); });
    std::vector<exploring_rate> rates;
    measure_exploring(rates, runner, 2, 1);
    REQUIRE(rates.size() == 5);
    CHECK(told.size() == 10);
    std::set<std::string> ways;
    for (const exploring_rate& r : rates) {
        CAPTURE(r.way);
        ways.insert(r.way);
        CHECK(r.seconds > 0);
        CHECK(r.moves >= r.states - 1);
        CHECK(r.peak_rss > 0);
    }
    CHECK(ways.size() == 5);
    CHECK(rates[0].walks == 20);
    CHECK(rates[0].moves >= 20 * 100); // no way to an end is shorter
    CHECK(rates[2].walks == 0);
    CHECK(rates[2].states >= 2000);

    rates.resize(2);
    rates[0] = {"one", 2.0, 100, 400, 10, 3U << 20};
    rates[1] = {"another", 1.0, 50, 100, 0, 5U << 20};
    const std::string table = exploring_table(rates);
    CHECK(table.find("one                                       5           50          200"
                     "     1.00        3") != std::string::npos);
    CHECK(table.find("another                                   -           50          100"
                     "     0.50        5") != std::string::npos);
    CHECK(exploring_json(rates)[1].at("moves_to_first") == 0.5);
}
