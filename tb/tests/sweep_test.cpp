#include "tb/sweep/sweep.h"
#include "tb/tests/temporary_directory.h"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

using namespace mkclean;

namespace
{

using word_list = std::vector<std::string>;

struct small_model {
    std::uint64_t entries = 64;
    std::uint64_t memory = 4096;
    std::uint64_t interval = 0;
    double skew = 0.5;
    std::string trace;

    option_set declare()
    {
        option_set options;
        options.count("tlb.entries", entries, {1, 4096}, "");
        options.bytes("memory", memory, {}, "");
        options.duration("vm.interval", interval, {}, "");
        options.real("load.skew", skew, {0, 10}, "");
        options.path("load.trace", trace, "");
        return options;
    }
};

word_list values_of(const std::string& vary)
{
    small_model model;
    return parse_axis(vary, model.declare()).values;
}

std::string complaint(const std::string& vary)
{
    try {
        values_of(vary);
    } catch (const input_error& error) {
        return error.what();
    }
    return "no error";
}

/// A plan whose every run is a shell script; what the sweep gives to a run are its $1, $2, ...
sweep_plan shell_plan(const std::string& script)
{
    sweep_plan plan;
    plan.executable = "/bin/sh";
    plan.axes = {{"tlb.entries", {"16", "32", "64"}}, {"disk", {"slow", "fast"}}};
    plan.words = {"-c", script, "run"};
    plan.columns = {{"bytes", "/bytes"}, {"time/us", "/time/ps", 1e6, 1}, {"ok", "/verdict/ok"}};
    plan.jobs = 3;
    return plan;
}

std::string table_of(const sweep_plan& plan, int expected_code, const std::string& errors = "")
{
    std::ostringstream out;
    std::ostringstream err;
    CHECK(run_sweep(plan, out, err) == expected_code);
    CHECK(err.str() == errors);
    return out.str();
}

} // namespace

TEST_CASE("a list of values is read in canonical form")
{
    CHECK(values_of("tlb.entries=16,0x20,64") == word_list{"16", "32", "64"});
    CHECK(values_of("memory=1024KiB") == word_list{"1MiB"});
    CHECK(values_of("load.trace=../a,../b") == word_list{"../a", "../b"});
}

TEST_CASE("a range goes up by a factor or by a step, both ends included, units kept")
{
    CHECK(values_of("tlb.entries=16..128*2") == word_list{"16", "32", "64", "128"});
    CHECK(values_of("tlb.entries=16..100*2") == word_list{"16", "32", "64"});
    CHECK(values_of("tlb.entries=10..30+10") == word_list{"10", "20", "30"});
    CHECK(values_of("tlb.entries=1,2,8..32*2") == word_list{"1", "2", "8", "16", "32"});
    CHECK(values_of("tlb.entries=5..5*2") == word_list{"5"});
    CHECK(values_of("vm.interval=10us..1ms*10") == word_list{"10us", "100us", "1ms"});
    CHECK(values_of("vm.interval=0..20us+10us") == word_list{"0", "10us", "20us"});
    CHECK(values_of("memory=9223372036854775808..18446744073709551615*2").size() == 1);
    CHECK(values_of("load.skew=0..0.5+0.1") == word_list{"0", "0.1", "0.2", "0.3", "0.4", "0.5"});
    CHECK(values_of("load.skew=1e-3..1*10") == word_list{"0.001", "0.01", "0.1", "1"});
    CHECK(values_of("load.skew=0..1e+1+5e+0") == word_list{"0", "5", "10"});
}

TEST_CASE("a variation that makes no sense is an error")
{
    CHECK(complaint("tlb.entries") ==
          "--vary: expected name=a,b,c or name=lo..hi*2, got 'tlb.entries'");
    CHECK(complaint("tlb.entires=1") ==
          "--vary: unknown option 'tlb.entires'; did you mean 'tlb.entries'?");
    CHECK(complaint("tlb.entries=0,1") == "--tlb.entries: must be 1..4096, got '0'");
    CHECK(complaint("tlb.entries=16,0x10") == "--vary tlb.entries: 16 is listed twice");
    CHECK(complaint("tlb.entries=1..8") ==
          "--vary tlb.entries: '1..8' needs a step: lo..hi*2 or lo..hi+step");
    CHECK(complaint("tlb.entries=8..1*2") == "--vary tlb.entries: the range is empty");
    CHECK(complaint("memory=0..8*2") == "--vary memory: the range never ends");
    CHECK(complaint("memory=1..8*1") == "--vary memory: the range never ends");
    CHECK(complaint("memory=1..8+0") == "--vary memory: the range never ends");
    CHECK(complaint("memory=0..1TiB+1") == "--vary memory: more than 100000 values");
    CHECK(complaint("load.skew=0..1*2") == "--vary load.skew: the range never ends");
    CHECK(complaint("load.skew=0..nan+1") ==
          "--vary load.skew: expected a finite number, got 'nan'");
    CHECK(complaint("vm.interval=10..20+10") != "no error");
    CHECK(complaint("tlb.entries=") != "no error");
    CHECK(complaint("tlb.entries=1,,2") != "no error");
}

TEST_CASE("an option varies once, and is not given as well")
{
    small_model model;
    const option_set options = model.declare();
    arguments given;
    CHECK(parse_axes({"memory=1,2", "tlb.entries=3"}, given, options).size() == 2);
    CHECK_THROWS_WITH_AS(parse_axes({"memory=1", "memory=2"}, given, options),
                         "--vary: 'memory' varies twice", input_error);
    CHECK_THROWS_WITH_AS(parse_axes({"memory=1..1000+1", "tlb.entries=1..1000+1"}, given, options),
                         "--vary: more than 100000 points", input_error);
    given.model = {{"memory", "4KiB", origin()}};
    CHECK_THROWS_WITH_AS(parse_axes({"memory=1,2"}, given, options),
                         "--vary: 'memory' varies, but is given as well", input_error);
}

TEST_CASE("every combination is a point, the last axis varying fastest")
{
    const auto points = sweep_points({{"a", {"1", "2"}}, {"b", {"x", "y"}}});
    REQUIRE(points.size() == 4);
    CHECK(points[0] == sweep_point{{"a", "1"}, {"b", "x"}});
    CHECK(points[1] == sweep_point{{"a", "1"}, {"b", "y"}});
    CHECK(points[3] == sweep_point{{"a", "2"}, {"b", "y"}});
}

TEST_CASE("a point repeats the command line without what belongs to the sweep")
{
    arguments given;
    given.verb = "run";
    given.operands = {"a.cfg", "-strange.cfg"};
    given.own = {{"vary", "memory=1,2", origin()},
                 {"executor", "fibers", origin()},
                 {"stats", "all.json", origin()},
                 {"quiet", "on", origin()},
                 {"jobs", "2", origin()}};
    given.model = {{"load.trace", "", origin()}};
    const word_list words = child_words(given);
    CHECK(words ==
          word_list{"run", "--executor=fibers", "--load.trace=", "--", "a.cfg", "-strange.cfg"});
    CHECK(point_words(words, {{"memory", "1B"}}) ==
          word_list{"run", "--executor=fibers", "--load.trace=", "--quiet", "--stats=-",
                    "--memory=1B", "--", "a.cfg", "-strange.cfg"});
    given.own = {{"log", "x", origin()}};
    CHECK_THROWS_WITH_AS(child_words(given), "--log: is for one run, not for a sweep", input_error);
}

TEST_CASE("the table aligns numbers to the right and groups their digits")
{
    sweep_plan plan = shell_plan("");
    plan.axes = {{"tlb.entries", {"8", "1024"}}, {"disk", {"fast"}}};
    plan.columns.push_back({"share", "/share", 1, 2});
    const auto stats = [](const char* text) { return nlohmann::ordered_json::parse(text); };
    std::vector<sweep_result> results(2);
    results[0] = {0, stats(R"({"bytes": 1234567, "time": {"ps": 1234567890}, "share": -1234.5,
                            "verdict": {"ok": true}})"),
                  ""};
    results[1] = {0, stats(R"({"bytes": 999, "time": {"ps": 0}, "verdict": {"ok": false}})"), ""};
    CHECK(sweep_table(lines_of(plan.axes, plan.columns, sweep_points(plan.axes), results, "")) ==
          "tlb.entries  disk      bytes  time/us  ok       share\n"
          "          8  fast  1,234,567  1,234.6  yes  -1,234.50\n"
          "       1024  fast        999      0.0  no           -\n");
    results[1] = {2, nullptr, "no such file"};
    CHECK(sweep_table(lines_of(plan.axes, plan.columns, sweep_points(plan.axes), results, "")) ==
          "tlb.entries  disk      bytes  time/us  ok       share  exit\n"
          "          8  fast  1,234,567  1,234.6  yes  -1,234.50     0\n"
          "       1024  fast          -        -  -            -     2\n");
}

TEST_CASE("the worst exit code is the sweep's")
{
    const std::vector<int> best_first = {0, 1, 2, 3, 70, 130};
    for (std::size_t good = 0; good < best_first.size(); ++good)
        for (std::size_t bad = good; bad < best_first.size(); ++bad) {
            CHECK(worse_code(best_first[good], best_first[bad]) == best_first[bad]);
            CHECK(worse_code(best_first[bad], best_first[good]) == best_first[bad]);
        }
}

TEST_CASE("every point is a process of its own, and the results keep the points' order")
{
    // The first points take longest.
    const sweep_plan plan = shell_plan(
        R"(e=${3#--tlb.entries=}; sleep 0.$((20 - e / 4)); echo "{\"bytes\": ${e}000}")");
    CHECK(table_of(plan, 0) == "tlb.entries  disk   bytes  time/us  ok\n"
                               "         16  slow  16,000        -   -\n"
                               "         16  fast  16,000        -   -\n"
                               "         32  slow  32,000        -   -\n"
                               "         32  fast  32,000        -   -\n"
                               "         64  slow  64,000        -   -\n"
                               "         64  fast  64,000        -   -\n");
}

TEST_CASE("no more runs than jobs are alive at once")
{
    const temporary_directory there;
    const std::string directory = there.path("");
    // Each run counts the files of the runs that are alive, its own included.
    sweep_plan plan =
        shell_plan("touch " + directory + "/$$; ls " + directory +
                   " | wc -l | sed 's/.*/{\"bytes\": &}/'; sleep 0.05; rm " + directory + "/$$");
    plan.jobs = 2;
    interrupt_watch watch;
    const std::vector<word_list> commands(8, plan.words);
    const auto results =
        run_commands(plan.executable, commands, plan.jobs, watch, [](std::size_t) {});
    for (const sweep_result& result : results)
        CHECK(result.stats.at("bytes").get<int>() <= 2);
}

TEST_CASE("a failed point is reported with what it said, the others still count")
{
    const sweep_plan plan = shell_plan(
        R"(case "$3 $4" in
             *=16*slow) echo 'bad config' >&2; exit 2;;
             *=16*fast) echo '{"bytes": 1}'; exit 1;;
             *=32*slow) echo 'not json';;
             *=32*fast) kill -SEGV $$;;
             *=64*slow) exit 9;;
             *) echo '{"bytes": 7}';;
           esac)");
    CHECK(table_of(plan, 70,
                   "tlb.entries=16 disk=slow: failed with exit code 2\n"
                   "    bad config\n"
                   "tlb.entries=32 disk=slow: failed with exit code 70\n"
                   "    the standard output is not one JSON object\n"
                   "tlb.entries=32 disk=fast: failed with exit code 70\n"
                   "    killed by signal 11 (Segmentation fault)\n"
                   "tlb.entries=64 disk=slow: failed with exit code 70\n"
                   "    exit code 9\n") == "tlb.entries  disk  bytes  time/us  ok  exit\n"
                                           "         16  slow      -        -   -     2\n"
                                           "         16  fast      1        -   -     1\n"
                                           "         32  slow      -        -   -    70\n"
                                           "         32  fast      -        -   -    70\n"
                                           "         64  slow      -        -   -    70\n"
                                           "         64  fast      7        -   -     0\n");
}

TEST_CASE("more output than a pipe holds arrives whole, on both pipes")
{
    sweep_plan plan = shell_plan(R"(head -c 1000000 /dev/zero | tr '\0' x >&2
                                    printf '{"bytes": "'; head -c 1000000 /dev/zero | tr '\0' y
                                    printf '"}')");
    interrupt_watch watch;
    const auto results = run_commands(plan.executable, {plan.words}, 1, watch, [](std::size_t) {});
    CHECK(results[0].stats.at("bytes").get<std::string>().size() == 1'000'000);
    CHECK(results[0].complaint.size() == 65536);
}

TEST_CASE("the stats of a sweep are one JSON array, point by point")
{
    sweep_plan plan = shell_plan(R"([ "$4" = --disk=slow ] || exit 3; echo '{"b": 1, "a": 2}')");
    plan.axes[0].values = {"16"};
    plan.stats_path = "-";
    std::ostringstream out;
    std::ostringstream err;
    CHECK(run_sweep(plan, out, err) == 3);
    CHECK(nlohmann::ordered_json::parse(out.str()).dump() ==
          R"([{"vary":{"tlb.entries":"16","disk":"slow"},"b":1,"a":2},)"
          R"({"vary":{"tlb.entries":"16","disk":"fast"},"error":{"exit":3,"stderr":""}}])");
}

TEST_CASE("an interrupt kills the runs, and what was not run says so")
{
    // The second point interrupts the sweep, while the first would sleep for a minute.
    sweep_plan plan = shell_plan(R"(case $3 in
                                      *=16) exec sleep 60;;
                                      *) kill -INT $PPID; exec sleep 60;;
                                    esac)");
    plan.axes = {{"tlb.entries", {"16", "32", "64"}}};
    plan.jobs = 2;
    plan.stats_path = "-";
    const auto begin = std::chrono::steady_clock::now();
    std::ostringstream out;
    std::ostringstream err;
    CHECK(run_sweep(plan, out, err) == 130);
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
    CHECK(err.str() == "interrupted: 3 of 3 points were not run\n");
    CHECK(nlohmann::json::parse(out.str()).at(2).at("error").at("exit") == 130);
}

TEST_CASE("a run that dies of the terminal's interrupt interrupts the sweep")
{
    sweep_plan plan = shell_plan("kill -INT $$");
    plan.quiet = true;
    plan.jobs = 1;
    CHECK(table_of(plan, 130, "interrupted: 6 of 6 points were not run\n").empty());
}

TEST_CASE("whatever --vary says, it is a list of values or an input error")
{
    const word_list likely = {
        "tlb.entries=", "memory=", "vm.interval=", "load.skew=", "..", "*2", "+1", "1", "10us",
        "4KiB",         ",",       "0x",           "1e9",        "-",  "="};
    small_model model;
    const option_set options = model.declare();
    std::mt19937_64 random(7);
    for (int round = 0; round < 5'000; ++round) {
        std::string text = likely[random() % 4];
        for (std::size_t piece = 0; piece < random() % 8; ++piece)
            text += random() % 10 == 0 ? std::string(1, static_cast<char>(random() % 256))
                                       : likely[4 + random() % (likely.size() - 4)];
        CAPTURE(text);
        try {
            const sweep_axis axis = parse_axis(text, options);
            for (const std::string& value : axis.values)
                REQUIRE(options.canonical(axis.name, value, origin()) == value);
        } catch (const input_error& error) {
            REQUIRE(is_printable(error.what()));
        }
    }
}

namespace
{

/// Three runs at each of two places; those that are summed over differ in `seed`.
sweep_lines summed_lines(const std::vector<sweep_column>& columns)
{
    const std::vector<sweep_axis> axes = {{"place", {"here, there", "away"}},
                                          {"seed", {"1", "2", "3"}}};
    std::vector<sweep_result> results;
    for (const std::uint64_t lies : {8U, 0U, 8U, 0U, 0U, 0U}) {
        sweep_result one;
        one.code = 0;
        one.stats = {{"lies", lies}, {"stores", 2'000}};
        results.push_back(one);
    }
    return lines_of(axes, columns, sweep_points(axes), results, "seed");
}

} // namespace

TEST_CASE("a line of what is summed over has sums, and a ratio of sums")
{
    sweep_column per_store("lies_per_1000", "/lies", 1e-3);
    per_store.per = "/stores";
    per_store.decimals = sweep_column::four_digits;
    const sweep_lines lines = summed_lines({{"lies", "/lies", 8}, per_store});
    CHECK(lines.titles == word_list{"place", "lies", "lies_per_1000"});
    CHECK(lines.lines.size() == 2);
    CHECK(lines.lines[0] == word_list{"here, there", "2", "2.667"}); // 16 of 6000
    CHECK(lines.lines[1] == word_list{"away", "0", "0"});
    CHECK(sweep_csv(lines) ==
          "place,lies,lies_per_1000\r\n\"here, there\",2,2.667\r\naway,0,0\r\n");
}

TEST_CASE("a sweep that a config asks for is read as the command line's, and the config is blamed")
{
    sweep_options experiment;
    small_model small;
    option_set model = small.declare();
    experiment.declare(model);
    const origin where{"e.cfg", 3};
    model.set("sweep.vary", "tlb.entries=16..64*2 memory=1,2", where);
    CHECK(experiment.axes() == word_list{"tlb.entries=16..64*2", "memory=1,2"});
    model.set("sweep.columns", "a=/x b=/y:/z:1e3:2", where);
    const std::vector<sweep_column> columns = experiment.table(model);
    REQUIRE(columns.size() == 2);
    CHECK(columns[0].title == "a");
    CHECK(columns[0].pointer == "/x");
    CHECK(columns[1].per == "/z");
    CHECK(columns[1].divisor == 2000);
    for (const char* const bad : {"a", "=/x", "a=x", "a=/x:y", "a=/x:0", "a=/x:/y:/z"}) {
        CAPTURE(bad);
        model.set("sweep.columns", bad, where);
        try {
            experiment.table(model);
            FAIL("no error");
        } catch (const input_error& error) {
            CHECK(std::string(error.what()).find("e.cfg:3: sweep.columns: expected ") == 0);
        }
    }
    model.set("sweep.columns", "a=/x", where);
    model.set("sweep.vary", "tlb.entrees=1", where);
    CHECK_THROWS_WITH_AS(plan_sweep({}, experiment, {}, model, {}),
                         "e.cfg:3: sweep.vary: unknown option 'tlb.entrees'; did you mean "
                         "'tlb.entries'?",
                         input_error);
}
