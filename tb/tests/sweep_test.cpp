#include "tb/sweep/columns.h"
#include "tb/sweep/sweep.h"
#include "tb/tests/run_config.h"
#include "tb/tests/temporary_directory.h"
#include "tb/verb_run.h"

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
    CHECK(complaint("tlb.entries=0,1") == "--vary tlb.entries: must be 1..4096, got '0'");
    CHECK(complaint("tlb.entries=") ==
          "--vary tlb.entries: expected a whole number such as 64 or 0x40, got ''");
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
    const auto many = parse_axes({"memory=1..1000+1", "tlb.entries=1..1000+1"}, given, options);
    CHECK_THROWS_WITH_AS(check_size(many, {"sweep.vary", {"e.cfg", 2}}),
                         "e.cfg:2: sweep.vary: more than 100000 points", input_error);
    given.model = {{"memory", "4KiB", origin()}};
    CHECK_THROWS_WITH_AS(parse_axes({"memory=1,2"}, given, options),
                         "--vary: 'memory' varies, but is given as well", input_error);
}

TEST_CASE("what varies already is changed where it stands, and what does not is added")
{
    const std::vector<sweep_axis> axes =
        with_changes({{"a", {"1", "2"}}, {"b", {"x", "y"}}}, {{"c", {"7"}}, {"a", {"3"}}});
    REQUIRE(axes.size() == 3);
    CHECK(axes[0].name == "a");
    CHECK(axes[0].values == word_list{"3"});
    CHECK(axes[1].values == word_list{"x", "y"});
    CHECK(axes[2].name == "c");
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
    given.model = {{"load.trace", "", origin()}, {"sweep.columns", "a=/b", origin()}};
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

TEST_CASE("a CSV has what varied in base units, whole numbers, and nothing where there is none")
{
    small_model small;
    const option_set model = small.declare();
    const std::vector<sweep_axis> axes = parse_axes(
        {"vm.interval=0,20ns,1ms", "memory=4KiB", "tlb.entries=8", "load.skew=0.5"}, {}, model);
    sweep_column hidden("host s", "/host/s");
    hidden.csv_title = "";
    sweep_column shown("time/us", "/ps", 1e6, 1);
    shown.csv_title = "time_us";
    std::vector<sweep_result> results(3);
    results[0].code = 0;
    results[0].stats = {{"ps", 1'234'567'890}, {"ok", true}, {"host", {{"s", 3}}}};
    results[1].code = 0;
    results[1].stats = {{"ps", nullptr}, {"ok", false}};
    results[2].code = 2;
    const auto text = sweep_csv(
        csv_lines_of(axes, {shown, hidden, {"ok", "/ok"}}, sweep_points(axes), results, ""));
    CHECK(text == "vm.interval_ps,memory_bytes,tlb.entries,load.skew,time_us,ok,exit\r\n"
                  "0,4096,8,0.5,1234.56789,yes,0\r\n"
                  "20000,4096,8,0.5,,no,0\r\n"
                  "1000000000,4096,8,0.5,,,2\r\n");
}

TEST_CASE("the CSV of a sweep without columns has names for programs, and no time of the host's")
{
    const std::string allowed = "abcdefghijklmnopqrstuvwxyz_";
    std::size_t hidden = 0;
    for (const sweep_column& column : run_columns()) {
        CAPTURE(column.title);
        CHECK(column.csv_title.find_first_not_of(allowed) == std::string::npos);
        CHECK(column.csv_title.empty() == (column.pointer.find("/host/") == 0));
        hidden += column.csv_title.empty() ? 1U : 0U;
    }
    CHECK(hidden == 1);
}

TEST_CASE("every column of a sweep without columns is a figure of every run")
{
    auto stats = testing::configured("random.cfg").stats();
    stats["host"]["wall_s"] = 0.5;
    CHECK(column_check(run_columns(), {}, false).complaint(stats) == "");
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
    const auto results = run_commands(plan.executable, commands, plan.jobs, watch,
                                      [](std::size_t, const sweep_result&) {});
    for (const sweep_result& result : results)
        CHECK(result.stats.at("bytes").get<int>() <= 2);
}

TEST_CASE("a failed point is reported with what it said, the others still count")
{
    const sweep_plan plan = shell_plan(
        R"(case "$3 $4" in
             *=16*slow) echo 'bad config' >&2; exit 2;;
             *=16*fast) echo '{"bytes": 1}'; exit 1;;
             *=32*slow) echo a >&2; echo b >&2; echo 'not json';;
             *=32*fast) kill -SEGV $$;;
             *=64*slow) exit 9;;
             *) echo '{"bytes": 7}';;
           esac)");
    CHECK(table_of(plan, 70,
                   "tlb.entries=16 disk=slow: failed with exit code 2: bad config\n"
                   "tlb.entries=32 disk=slow: failed with exit code 70: a\n"
                   "    b\n"
                   "    the standard output is not one JSON object\n"
                   "tlb.entries=32 disk=fast: failed with exit code 70: killed by signal 11 "
                   "(Segmentation fault)\n"
                   "tlb.entries=64 disk=slow: failed with exit code 70: exit code 9\n") ==
          "tlb.entries  disk  bytes  time/us  ok  exit\n"
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
    const auto results = run_commands(plan.executable, {plan.words}, 1, watch,
                                      [](std::size_t, const sweep_result&) {});
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
sweep_lines summed_lines(const std::vector<sweep_column>& columns, decltype(lines_of)& print)
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
    return print(axes, columns, sweep_points(axes), results, "seed");
}

} // namespace

TEST_CASE("a line of what is summed over has sums, and a ratio of sums")
{
    sweep_column per_store("lies_per_1000", "/lies", 1e-3);
    per_store.per = "/stores";
    per_store.decimals = sweep_column::four_digits;
    const std::vector<sweep_column> columns = {{"lies", "/lies", 8}, per_store};
    const sweep_lines lines = summed_lines(columns, lines_of);
    CHECK(lines.titles == word_list{"place", "lies", "lies_per_1000"});
    CHECK(lines.lines.size() == 2);
    CHECK(lines.lines[0] == word_list{"here, there", "2", "2.667"}); // 16 of 6000
    CHECK(lines.lines[1] == word_list{"away", "0", "0"});
    CHECK(sweep_csv(summed_lines(columns, csv_lines_of)) ==
          "place,lies,lies_per_1000\r\n\"here, there\",2,2.6666666666666665\r\naway,0,0\r\n");
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
    for (const char* const bad : {"a", "=/x", "a=x", "a=/x:y", "a=/x:0", "a=/x:/y:/z", "a=/x~2"}) {
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

namespace
{

const origin config_line{"e.cfg", 3};

/// A config that is a sweep, and what a command line makes of it.
class swept
{
public:
    swept()
    {
        m_model = m_small.declare();
        m_experiment.declare(m_model);
    }
    swept(const swept&) = delete;
    swept& operator=(const swept&) = delete;

    swept& config_says(const std::string& option, const std::string& value)
    {
        m_model.set(option, value, config_line);
        return *this;
    }
    swept& option(const std::string& name, const std::string& value)
    {
        m_model.set(name, value, origin());
        m_given.model.push_back({name, value, origin()});
        return *this;
    }
    swept& vary(const std::string& text)
    {
        m_options.vary.push_back(text);
        return *this;
    }

    sweep_plan plan() const { return plan_sweep(m_options, m_experiment, m_given, m_model, {}); }
    std::string complaint() const
    {
        try {
            plan();
        } catch (const input_error& error) {
            return error.what();
        }
        return "no error";
    }
    const sweep_options& experiment() const { return m_experiment; }
    const option_set& model() const { return m_model; }

private:
    small_model m_small;
    sweep_options m_experiment;
    option_set m_model;
    run_options m_options;
    arguments m_given;
};

} // namespace

TEST_CASE("--vary changes one axis of the config's sweep and leaves the sum over another")
{
    swept narrowed;
    narrowed.config_says("sweep.vary", "tlb.entries=16..64*2 memory=1,2")
        .config_says("sweep.sum", "memory")
        .vary("tlb.entries=32");
    const sweep_plan plan = narrowed.plan();
    REQUIRE(plan.axes.size() == 2);
    CHECK(plan.axes[0].values == word_list{"32"});
    CHECK(plan.axes[1].name == "memory");
    CHECK(plan.sum == "memory");
    CHECK(plan.words == word_list{"", "--sweep.vary=", "--"});
}

TEST_CASE("what does not vary cannot be summed over, whoever asks for it")
{
    const auto summed = [](const std::string& vary) {
        swept sweep;
        sweep.config_says("sweep.vary", "memory=1,2").config_says("sweep.sum", "memory");
        sweep.option("sweep.vary", "").vary(vary);
        return sweep.complaint();
    };
    CHECK(summed("tlb.entries=1,2") == "e.cfg:3: sweep.sum: 'memory' does not vary");
    CHECK(summed("memory=1,2") == "no error");
    swept own;
    own.option("sweep.sum", "tlb.entrie").vary("tlb.entries=1,2");
    CHECK(own.complaint() ==
          "--sweep.sum: 'tlb.entrie' does not vary; did you mean 'tlb.entries'?");
}

TEST_CASE("the config's line is blamed for a value of its sweep, and the option is named")
{
    swept sweep;
    sweep.config_says("sweep.vary", "memory=1,2 tlb.entries=0");
    CHECK(sweep.complaint() == "e.cfg:3: sweep.vary tlb.entries: must be 1..4096, got '0'");
    swept twice;
    twice.config_says("sweep.vary", "memory=1,2").option("memory", "4KiB");
    CHECK(twice.complaint() ==
          "e.cfg:3: sweep.vary: 'memory' varies, but is given as well; --vary can narrow it");
}

TEST_CASE("a run that is no sweep has no columns and no sum, but a config may have them ready")
{
    swept single;
    single.config_says("sweep.columns", "a=/x").config_says("sweep.sum", "memory");
    CHECK_NOTHROW(single.experiment().refuse_without_sweep(single.model()));
    single.option("sweep.sum", "tlb.entries");
    CHECK_THROWS_WITH_AS(single.experiment().refuse_without_sweep(single.model()),
                         "--sweep.sum: is for a sweep", input_error);
    single.option("sweep.columns", "a=/y");
    CHECK_THROWS_WITH_AS(single.experiment().refuse_without_sweep(single.model()),
                         "--sweep.columns: is for a sweep", input_error);
}

TEST_CASE("a point that cannot be run is found before any is")
{
    sweep_plan plan = shell_plan("");
    const auto refuse_32_fast = [](const sweep_point& point) {
        if (point[0].second == "32" && point[1].second == "fast")
            throw input_error({"c.cfg", 4}, "ways", "too many");
    };
    CHECK_THROWS_WITH_AS(check_points(plan, "", refuse_32_fast),
                         "--vary: tlb.entries=32 disk=fast: c.cfg:4: ways: too many", input_error);
    plan.varied_by = {"sweep.vary", config_line};
    CHECK_THROWS_WITH_AS(check_points(plan, "", refuse_32_fast),
                         "e.cfg:3: sweep.vary: tlb.entries=32 disk=fast: c.cfg:4: ways: too many",
                         input_error);
    // What is wrong without the point as well is not its doing.
    CHECK_THROWS_WITH_AS(check_points(plan, "c.cfg:4: ways: too many", refuse_32_fast),
                         "c.cfg:4: ways: too many", input_error);
    CHECK_NOTHROW(check_points(plan, "", [](const sweep_point&) {}));
}

namespace
{

using ordered = nlohmann::ordered_json;

ordered some_stats()
{
    return ordered::parse(R"({"walker": {"walks": 3, "reads": 4}, "workload": {"stores": 5},
                              "verdict": {"ok": true, "first_loss": null}, "cores": [{"loads": 1}]})");
}

std::string said_of(const std::string& column, const std::vector<sweep_axis>& axes = {},
                    bool summed = false)
{
    sweep_options experiment;
    option_set model;
    experiment.declare(model);
    model.set("sweep.columns", column, origin());
    return column_check(experiment.table(model), axes, summed).complaint(some_stats());
}

} // namespace

TEST_CASE("a column is of a figure that there is")
{
    CHECK(said_of("w=/walker/walks:/workload/stores:2 ok=/verdict/ok") == "");
    CHECK(said_of("w=/walker/wlaks") ==
          "no number '/walker/wlaks' in the statistics; did you mean '/walker/walks'?");
    CHECK(said_of("w=/walker/walks:/workload/sotres") ==
          "no number '/workload/sotres' in the statistics; did you mean '/workload/stores'?");
    CHECK(said_of("w=/walker") ==
          "no number '/walker' in the statistics; below it is '/walker/walks'");
    CHECK(said_of("w=/cores/99999999999999999999/loads") ==
          "no number '/cores/99999999999999999999/loads' in the statistics");
    CHECK(said_of("w=/nothing/like/it") == "no number '/nothing/like/it' in the statistics");
}

TEST_CASE("a word is a column, but nothing to add or divide")
{
    const std::string complaint = "no number '/verdict/ok' in the statistics";
    CHECK(said_of("ok=/verdict/ok:2") == complaint);
    CHECK(said_of("w=/walker/walks:/verdict/ok") == complaint);
    CHECK(said_of("ok=/verdict/ok", {}, true) == complaint);
}

TEST_CASE("a figure that depends on what varies, or on chance, is not missed")
{
    CHECK(said_of("w=/workload/pages") != "");
    CHECK(said_of("w=/workload/pages", {{"workload.kind", {}}}) == "");
    CHECK(said_of("w=/cores/1/loads", {{"cores", {}}}) == "");
    CHECK(said_of("w=/walker/wlaks", {{"cores", {}}, {"walker.rechecks", {}}}) != "");
    CHECK(said_of("w=/verdict/first_loss/offset") == "");
    CHECK(said_of("w=/verdict/first_loss") != ""); // which would be all of it
}

TEST_CASE("the first run ends a sweep whose column is misspelt, and no file is touched")
{
    const temporary_directory there;
    sweep_plan plan =
        shell_plan("echo >> " + there.path("runs") + R"(; echo '{"walker": {"walks": 3}}')");
    plan.jobs = 1;
    plan.columns = {{"w", "/walker/wlaks"}};
    plan.columns_from = config_line;
    plan.csv_path = there.write("old.csv", "old");
    std::ostringstream out;
    std::ostringstream err;
    CHECK_THROWS_WITH_AS(run_sweep(plan, out, err),
                         "e.cfg:3: sweep.columns: no number '/walker/wlaks' in the statistics; did "
                         "you mean '/walker/walks'?",
                         input_error);
    CHECK(out.str().empty());
    CHECK(there.read("old.csv") == "old");
    CHECK(there.read("runs") == "\n");
}

TEST_CASE("a figure that some points have is a column, one that none has is not")
{
    sweep_plan plan = shell_plan(R"(case "$3" in
                                      *=64) echo '{"cores": [{"loads": 1}, {"loads": 2}]}';;
                                      *) echo '{"cores": [{"loads": 1}]}';;
                                    esac)");
    plan.axes = {{"cores", {"16", "64"}}};
    plan.columns = {{"loads", "/cores/1/loads"}};
    plan.columns_from = origin();
    CHECK(table_of(plan, 0) == "cores  loads\n"
                               "   16      -\n"
                               "   64      2\n");
    plan.columns = {{"loads", "/cores/2/loads"}};
    std::ostringstream out;
    std::ostringstream err;
    CHECK_THROWS_WITH_AS(run_sweep(plan, out, err),
                         "--sweep.columns: no number '/cores/2/loads' in the statistics; did you "
                         "mean '/cores/0/loads'?",
                         input_error);
}

TEST_CASE("a sweep of which nothing came leaves the CSV that was there")
{
    const temporary_directory there;
    sweep_plan plan = shell_plan("exit 2");
    plan.quiet = true;
    plan.csv_path = there.write("old.csv", "old");
    std::ostringstream out;
    std::ostringstream err;
    CHECK(run_sweep(plan, out, err) == 2);
    CHECK(there.read("old.csv") == "old");
    plan.executable = "/bin/sh";
    plan.words = {"-c", R"([ "$4" = --disk=slow ] && exit 2; echo '{"bytes": 1}')", "run"};
    CHECK(run_sweep(plan, out, err) == 2);
    CHECK(there.read("old.csv").find("tlb.entries,disk,bytes,time/us,ok,exit\r\n"
                                     "16,slow,,,,2\r\n16,fast,1,,,0\r\n") == 0);
}
