#include "sim/option_set.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <random>

using namespace mkclean;

namespace
{

enum class era { linux_2_6_18, linux_2_6_19, golden };

const origin third_line = {"base.cfg", 3};

/// One option of every type.
struct everything {
    std::uint64_t entries = 64;
    std::uint64_t memory = 4096;
    std::uint64_t latency = 300;
    std::uint64_t interval = 5'000'000'000'000;
    std::uint64_t clock = 2'800'000'000;
    std::uint64_t ratio = 40;
    double skew = 0.25;
    bool barrier = true;
    era kernel = era::linux_2_6_19;
    std::string title = "a title";
    std::string trace;
    std::optional<era> order;
    std::optional<std::uint64_t> timeout;

    option_set declare()
    {
        option_set options;
        options.count("tlb.entries", entries, {1, 65536}, "entries");
        options.bytes("memory", memory, {}, "memory");
        options.clock_cycles("walker.latency", latency, {}, "latency");
        options.duration("vm.interval", interval, {}, "interval");
        options.frequency("core.clock", clock, {1}, "clock");
        options.percent("vm.ratio", ratio, "ratio");
        options.real("load.skew", skew, {0, 1}, "skew");
        options.flag("fs.barrier", barrier, "barrier");
        options.choice("kernel", kernel, eras(), "era");
        options.text("title", title, "title");
        options.path("load.trace", trace, "trace");
        options.optional_choice("vm.order", order, eras(), "order");
        options.duration("disk.timeout", timeout, {1000}, "timeout");
        return options;
    }

    static std::vector<std::pair<const char*, era>> eras()
    {
        return {{"linux-2.6.18", era::linux_2_6_18},
                {"linux-2.6.19", era::linux_2_6_19},
                {"golden", era::golden}};
    }
};

std::string complaint_about(option_set& options, std::string_view name, std::string_view value,
                            const origin& where = third_line)
{
    try {
        options.set(name, value, where);
    } catch (const input_error& error) {
        return error.what();
    }
    return "no error";
}

std::uint64_t random_number(std::mt19937_64& random)
{
    // All magnitudes alike, and round numbers often.
    const std::uint64_t raw = random() >> (random() % 64);
    const std::array<std::uint64_t, 4> steps = {1, 1000, 1024, 1'000'000};
    const std::uint64_t step = steps[random() % steps.size()];
    return raw > step ? raw - raw % step : raw;
}

std::string random_text(std::mt19937_64& random)
{
    constexpr std::string_view likely = "0123456789..exKMGTiBkpnumsHz%-+ #\t\n=[]a";
    std::string text(random() % 12, ' ');
    for (char& character : text)
        character = random() % 8 == 0 ? static_cast<char>(random() % 256)
                                      : likely[random() % likely.size()];
    return text;
}

} // namespace

TEST_CASE("a value is read in any unit of its type")
{
    everything fields;
    option_set options = fields.declare();
    const auto set = [&](const char* name, const char* value) {
        options.set(name, value, origin());
    };
    set("tlb.entries", "0x40");
    CHECK(fields.entries == 64);
    set("memory", "22MiB");
    CHECK(fields.memory == 22 * 1024 * 1024);
    set("memory", "1460B");
    CHECK(fields.memory == 1460);
    set("memory", "500GB");
    CHECK(fields.memory == 500'000'000'000);
    set("memory", "1.5KiB");
    CHECK(fields.memory == 1536);
    set("walker.latency", "300cycles");
    CHECK(fields.latency == 300);
    set("vm.interval", "333ps");
    CHECK(fields.interval == 333);
    set("vm.interval", "2.5ms");
    CHECK(fields.interval == 2'500'000'000);
    set("vm.interval", "0");
    CHECK(fields.interval == 0);
    set("core.clock", "2.4GHz");
    CHECK(fields.clock == 2'400'000'000);
    set("vm.ratio", "40%");
    CHECK(fields.ratio == 40);
    set("load.skew", "1e-3");
    CHECK(fields.skew == 1e-3);
    for (const char* word : {"off", "no", "false", "0"}) {
        set("fs.barrier", word);
        CHECK_FALSE(fields.barrier);
        set("fs.barrier", "on");
        CHECK(fields.barrier);
    }
    set("kernel", "golden");
    CHECK(fields.kernel == era::golden);
}

TEST_CASE("a value that does not fit is refused with the place, the option and what was expected")
{
    everything fields;
    option_set options = fields.declare();
    CHECK(complaint_about(options, "tlb.entries", "lots") ==
          "base.cfg:3: tlb.entries: expected a whole number such as 64 or 0x40, got 'lots'");
    CHECK(complaint_about(options, "tlb.entries", "lots", origin()) ==
          "--tlb.entries: expected a whole number such as 64 or 0x40, got 'lots'");
    CHECK(complaint_about(options, "tlb.entries", "0") ==
          "base.cfg:3: tlb.entries: must be 1..65536, got '0'");
    CHECK(complaint_about(options, "core.clock", "0") ==
          "base.cfg:3: core.clock: must be 1Hz or more, got '0'");
    CHECK(complaint_about(options, "vm.interval", "10") ==
          "base.cfg:3: vm.interval: expected a time and its unit such as 333ps or 10us (units: ps, "
          "ns, us, ms, s), got '10'");
    CHECK(complaint_about(options, "memory", "0.3KiB") ==
          "base.cfg:3: memory: '0.3KiB' is not a whole number of B");
    CHECK(complaint_about(options, "memory", "99999999TiB") ==
          "base.cfg:3: memory: '99999999TiB' is too large for 64 bits");
    CHECK(complaint_about(options, "vm.ratio", "101") ==
          "base.cfg:3: vm.ratio: must be 0..100%, got '101'");
    CHECK(complaint_about(options, "kernel", "linux-2.6.81") ==
          "base.cfg:3: kernel: expected one of linux-2.6.18, linux-2.6.19, golden; got "
          "'linux-2.6.81'; did you mean 'linux-2.6.18'?");
    CHECK(complaint_about(options, "fs.barrier", "maybe") ==
          "base.cfg:3: fs.barrier: expected on or off, got 'maybe'");
}

TEST_CASE("what other command lines let through is refused")
{
    everything fields;
    option_set options = fields.declare();
    for (const char* bad : {"-1", "+1", "", " 1", "1 ", "1k", "0x", "0x1g", "1.5", "1e3", "1,000"})
        CHECK(complaint_about(options, "tlb.entries", bad) != "no error");
    for (const char* bad : {"nan", "inf", "-inf", "1e999", "0x1p-1", "0.5x", "", "2"})
        CHECK(complaint_about(options, "load.skew", bad) != "no error");
    for (const char* bad : {"4kib", "4K", "KiB", ".5KiB", "1..5KiB", "5.KiB", "4KiB "})
        CHECK(complaint_about(options, "memory", bad) != "no error");
}

TEST_CASE("a refused value leaves the field and its history alone")
{
    everything fields;
    option_set options = fields.declare();
    CHECK_THROWS_AS(options.set("tlb.entries", "0", origin()), input_error);
    CHECK(fields.entries == 64);
    CHECK_FALSE(options.was_set("tlb.entries"));
    options.set("tlb.entries", "64", third_line);
    CHECK(options.was_set("tlb.entries"));
    CHECK(options.complaint("tlb.entries", "is no power of two").what() ==
          std::string("base.cfg:3: tlb.entries: is no power of two"));
}

TEST_CASE("an unknown name is answered with the nearest known one, if one is near")
{
    everything fields;
    option_set options = fields.declare();
    CHECK(complaint_about(options, "tlb.entires", "1") ==
          "base.cfg:3: unknown option 'tlb.entires'; did you mean 'tlb.entries'?");
    CHECK(complaint_about(options, "tlb.entr", "1") ==
          "base.cfg:3: unknown option 'tlb.entr'; did you mean 'tlb.entries'?");
    CHECK(complaint_about(options, "colour", "1") == "base.cfg:3: unknown option 'colour'");
    CHECK(complaint_about(options, std::string(1'000'000, 'x'), "1").size() < 200);
}

TEST_CASE("an error is one printable line whatever bytes caused it")
{
    everything fields;
    option_set options = fields.declare();
    const std::string what =
        complaint_about(options, "title", std::string("a\nb\0\x1b[31m\xff", 10));
    CHECK(what.find("a\\x0ab\\x00\\x1b[31m\\xff") != std::string::npos);
    CHECK(is_printable(what));
    CHECK(is_printable("d\xc3\xa9j\xc3\xa0 vu\t\xf0\x9f\x92\xbe"));
    for (const char* bad : {"\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc2",
                            "\xc2\x80", "\x7f", "\x80"})
        CHECK_FALSE(is_printable(bad));
}

TEST_CASE("a text that a config file could not hold is refused")
{
    everything fields;
    option_set options = fields.declare();
    for (const char* bad : {" a", "a ", "#a", "a #b", "a\t#b", "a\nb", "\xff"})
        CHECK(complaint_about(options, "title", bad) != "no error");
    for (const char* good : {"", "a", "a#b", "a = b", "[a]", "a  b"}) {
        options.set("title", good, origin());
        CHECK(fields.title == good);
    }
}

TEST_CASE("a relative path in a file is relative to that file")
{
    everything fields;
    option_set options = fields.declare();
    const auto path_after = [&](const char* value, const origin& where) {
        options.set("load.trace", value, where);
        return fields.trace;
    };
    CHECK(path_after("a.txt", origin()) == "a.txt");
    CHECK(path_after("a.txt", {"configs/base.cfg", 1}) == "configs/a.txt");
    CHECK(path_after("../a.txt", {"/etc/base.cfg", 1}) == "/etc/../a.txt");
    CHECK(path_after("/a.txt", {"configs/base.cfg", 1}) == "/a.txt");
    CHECK(path_after("a.txt", {"base.cfg", 1}) == "a.txt");
    CHECK(path_after("", {"configs/base.cfg", 1}).empty());
}

TEST_CASE("an optional field is unset until a value comes, and again after 'default'")
{
    everything fields;
    option_set options = fields.declare();
    CHECK(options.info("vm.order").text == "default");
    CHECK(options.info("disk.timeout").text == "default");
    options.set("vm.order", "golden", origin());
    options.set("disk.timeout", "30s", origin());
    CHECK(fields.order == era::golden);
    CHECK(fields.timeout == 30'000'000'000'000U);
    CHECK(options.info("disk.timeout").text == "30s");
    options.set("vm.order", "default", origin());
    options.set("disk.timeout", "default", origin());
    CHECK_FALSE(fields.order.has_value());
    CHECK_FALSE(fields.timeout.has_value());
}

TEST_CASE("choices are some of the names, in the order given")
{
    std::vector<era> fields;
    option_set options;
    options.choices("kernels", fields, everything::eras(), "");
    CHECK(options.info("kernels").text == "default");
    options.set("kernels", "golden \tlinux-2.6.18", origin());
    CHECK(fields == std::vector<era>{era::golden, era::linux_2_6_18});
    CHECK(options.info("kernels").text == "golden linux-2.6.18");
    CHECK_THROWS_WITH_AS(options.set("kernels", "golden linux-2.6.81", origin()),
                         doctest::Contains("did you mean 'linux-2.6.18'?"), input_error);
    CHECK_THROWS_WITH_AS(options.set("kernels", " ", origin()), doctest::Contains("at least one"),
                         input_error);
    CHECK(fields.size() == 2);
    options.set("kernels", "default", origin());
    CHECK(fields.empty());
}

TEST_CASE("the set tells all about its options, in the order of declaration")
{
    everything fields;
    option_set options = fields.declare();
    const std::vector<option_info> all = options.all();
    REQUIRE(all.size() == 13);
    CHECK(all[0].name == "tlb.entries");
    CHECK(all[0].range_text == "1..65536");
    CHECK(all[1].default_text == "4KiB");
    CHECK(all[1].unit == "B");
    CHECK(all[1].range_text.empty());
    CHECK(all[3].text == "5s");
    CHECK(all[4].text == "2800MHz");
    CHECK(all[4].range_text == "1Hz or more");
    CHECK(all[6].range_text == "0..1");
    CHECK(all[8].choices == std::vector<std::string>{"linux-2.6.18", "linux-2.6.19", "golden"});
    CHECK(all[11].choices.back() == "default");
    CHECK(name_of(all[12].type) == "duration");
}

TEST_CASE("a wrong declaration is the program's mistake, found at once")
{
    std::uint64_t field = 5;
    std::string name = "x";
    option_set options;
    options.count("a.b", field, {}, "");
    CHECK_THROWS_AS(options.count("a.b", field, {}, ""), std::logic_error);
    CHECK_THROWS_AS(options.count("Upper", field, {}, ""), std::logic_error);
    CHECK_THROWS_AS(options.count("a,b", field, {}, ""), std::logic_error);
    CHECK_THROWS_AS(options.count("--a", field, {}, ""), std::logic_error);
    CHECK_THROWS_AS(options.count("small", field, {6, 7}, ""), std::logic_error);
    CHECK_THROWS_AS(options.info("nothing"), std::logic_error);
}

TEST_CASE("a repeated option gathers its values")
{
    std::vector<std::string> gathered;
    option_set options;
    options.repeated("vary", gathered, "");
    options.set("vary", "a=1", origin());
    options.set("vary", "b=2", origin());
    CHECK(gathered == std::vector<std::string>{"a=1", "b=2"});
    CHECK(options.info("vary").repeatable);
}

TEST_CASE("every printed whole number reads back as itself, in every type")
{
    std::mt19937_64 random(1);
    for (int round = 0; round < 20'000; ++round)
        for (const option_type type :
             {option_type::count, option_type::bytes, option_type::clock_cycles,
              option_type::duration, option_type::frequency}) {
            const std::uint64_t value = random_number(random);
            const std::string text = print_whole_number(type, value);
            CAPTURE(text);
            REQUIRE(parse_whole_number(type, text) == value);
        }
}

TEST_CASE("every finite real reads back as itself")
{
    double field = 0;
    option_set options;
    options.real("real", field, {}, "");
    std::mt19937_64 random(2);
    for (int round = 0; round < 20'000; ++round) {
        const std::uint64_t bits = random();
        double value = 0;
        std::memcpy(&value, &bits, sizeof value);
        if (!std::isfinite(value))
            continue;
        field = value;
        options.set("real", options.info("real").text, origin());
        REQUIRE(field == value);
    }
}

TEST_CASE("whatever the text, a value either is set and reads back or is an input error")
{
    everything fields;
    option_set options = fields.declare();
    std::mt19937_64 random(3);
    for (int round = 0; round < 5'000; ++round) {
        const std::string text = random_text(random);
        for (const std::string& name : options.names()) {
            CAPTURE(name);
            CAPTURE(text);
            try {
                options.set(name, text, third_line);
            } catch (const input_error& error) {
                REQUIRE(is_printable(error.what()));
                continue;
            }
            const std::string canonical = options.info(name).text;
            REQUIRE(options.canonical(name, canonical, origin()) == canonical);
        }
    }
}
