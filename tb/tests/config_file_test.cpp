#include "tb/config_file.h"
#include "tb/tests/temporary_directory.h"
#include "tb/verb_options.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <random>

#include <unistd.h>

#include <nlohmann/json.hpp>

using namespace mkclean;

namespace
{

/// Configs, and what is read from them.
class config_directory : public temporary_directory
{
public:
    /// "name=value" of every setting, separated by spaces.
    std::string read(std::string_view content) const
    {
        std::string all;
        for (const setting& one : read_config(write("test.cfg", content), origin()))
            all += (all.empty() ? "" : " ") + one.name + "=" + one.value;
        return all;
    }

    /// The error that reading causes, without the directory's name.
    std::string complaint(std::string_view content) const
    {
        try {
            read(content);
        } catch (const input_error& error) {
            return without_directory(error.what());
        }
        return "no error";
    }
};

struct small_model {
    std::uint64_t entries = 64;
    std::uint64_t size = 22 << 20U;
    std::string title = "plain";
    std::string trace;
    bool barrier = false;

    option_set declare()
    {
        option_set options;
        options.count("tlb.entries", entries, {1, 1024}, "entries of the TLB");
        options.bytes("workload.size", size, {}, "bytes of the file");
        options.text("title", title, "title");
        options.path("workload.trace", trace, "trace");
        options.flag("fs.barrier", barrier, "write barriers");
        return options;
    }
};

} // namespace

TEST_CASE("settings are read with their sections, comments and places")
{
    const config_directory files;
    CHECK(files.read("a = 1\n\n  b.c=2  \n[s]\nd = x y # z\n [ t ] # why\ne = #f\ng=#h\n") ==
          "a=1 b.c=2 s.d=x y t.e= t.g=#h");
    CHECK(files.read("a = b#c\na2 = b=c\n# = 1\n\t#x\nlast = 1") == "a=b#c a2=b=c last=1");
    const auto settings = read_config(files.write("x.cfg", "\n\na = 1\n"), origin());
    CHECK(files.without_directory(describe(settings.at(0).where)) == "x.cfg:3");
}

TEST_CASE("a setting may go on in lines of its own")
{
    const config_directory files;
    CHECK(files.read("[s]\na = x\nb = 1\na += y # z\n a+=z\n") == "s.a=x y z s.b=1");
    CHECK(files.read("a =\na += y\n") == "a=y");
}

TEST_CASE("a setting that was not begun in a file cannot go on in it")
{
    const config_directory files;
    const std::string nothing = "is not set yet in this file, so nothing can be added";
    CHECK(files.complaint("\na += x\n") == "test.cfg:2: 'a' " + nothing);
    CHECK(files.complaint("a = 1\n[s]\na += x\n") == "test.cfg:3: 's.a' " + nothing);
    CHECK(files.complaint("use += x.cfg\n") == "test.cfg:1: 'use' " + nothing);
    CHECK(files.complaint("+= x\n") == "test.cfg:1: expected 'name = value', got '+= x'");
    files.write("used.cfg", "a = 1\n");
    CHECK(files.complaint("use = used.cfg\na += x\n") == "test.cfg:2: 'a' " + nothing);
}

TEST_CASE("CRLF and a byte order mark change nothing")
{
    const config_directory files;
    CHECK(files.read("\xef\xbb\xbf[s]\r\na = 1\r\n\r\nb = 2") == "s.a=1 s.b=2");
    CHECK(files.read("\xef\xbb\xbf").empty());
    CHECK(files.read("").empty());
}

TEST_CASE("a line that is no setting is an error with its number")
{
    const config_directory files;
    const std::string place = "test.cfg:2: ";
    CHECK(files.complaint("\nlost\n") == place + "expected 'name = value', got 'lost'");
    CHECK(files.complaint("\n= 1\n") == place + "expected 'name = value', got '= 1'");
    CHECK(files.complaint("\na b = 1\n") == place + "expected 'name = value', got 'a b = 1'");
    CHECK(files.complaint("\n[a\n") == place + "expected '[section]', got '[a'");
    CHECK(files.complaint("\n[]\n") == place + "expected '[section]', got '[]'");
    CHECK(files.complaint("\n[\n") == place + "expected '[section]', got '['");
    CHECK(files.complaint("\n[a] b\n") == place + "expected '[section]', got '[a] b'");
    const std::string garbage = place + "the line holds bytes that are not printable text";
    CHECK(files.complaint(std::string_view("\na = \0\n", 7)) == garbage);
    CHECK(files.complaint("\n# \x80\n") == garbage);
    CHECK(files.complaint("\na = 1\rb = 2\n") == garbage);
}

TEST_CASE("a name set twice in one file is an error that names both lines")
{
    const config_directory files;
    CHECK(files.complaint("a.b = 1\n[a]\nb = 2\n") == "test.cfg:3: 'a.b' is already set in line 1");
}

TEST_CASE("a used file applies in its place, relative to the file that uses it")
{
    const config_directory files;
    files.write("hardware/cpu.cfg", "use = tlb.cfg\ncpu = 1\na = 2\n");
    files.write("hardware/tlb.cfg", "tlb = 1\n[s]\nx = 1\n");
    CHECK(files.read("a = 1\nuse = hardware/cpu.cfg # the CPU\ncpu = 3\n") ==
          "a=1 tlb=1 s.x=1 cpu=1 a=2 cpu=3");
    CHECK(files.read("use = hardware/tlb.cfg\nuse = " + files.path("hardware/tlb.cfg") + "\n") ==
          "tlb=1 s.x=1 tlb=1 s.x=1");
    CHECK(files.complaint("[s]\nuse = hardware/cpu.cfg\n") ==
          "test.cfg:2: 'use' must stand before the first [section]");
    CHECK(files.complaint("use =\n") == "test.cfg:1: 'use' needs the path of a file");
}

TEST_CASE("an error in a used file is reported where it is")
{
    const config_directory files;
    files.write("sub/other.cfg", "\nlost\n");
    CHECK(files.complaint("use = sub/other.cfg\n") ==
          "sub/other.cfg:2: expected 'name = value', got 'lost'");
}

TEST_CASE("a file that cannot be read is an error of whoever asked for it")
{
    const config_directory files;
    CHECK(files.complaint("\nuse = nowhere.cfg\n") ==
          "test.cfg:2: cannot read 'nowhere.cfg': No such file or directory");
    files.write("sub/other.cfg", "");
    CHECK(files.complaint("use = sub\n") == "test.cfg:1: cannot read 'sub': Is a directory");
    files.write("large.cfg", std::string((1U << 20U) + 1, '\n'));
    CHECK(files.complaint("use = large.cfg\n") ==
          "test.cfg:1: cannot read 'large.cfg': it is larger than 1 MiB");
    files.write("just.cfg", std::string(1U << 20U, '\n'));
    CHECK(files.complaint("use = just.cfg\n") == "no error");
    CHECK_THROWS_WITH_AS(read_config("nowhere.cfg", origin()),
                         "cannot read 'nowhere.cfg': No such file or directory", file_error);
}

TEST_CASE("a file that is not there is told with the nearest name that is")
{
    const config_directory files;
    files.write("sub/haswell.cfg", "");
    files.write("sub/zen4.cfg", "");
    CHECK(files.complaint("use = sub/haswel.cfg\n") ==
          "test.cfg:1: cannot read 'sub/haswel.cfg': No such file or directory; did you mean "
          "'sub/haswell.cfg'?");
    CHECK(files.complaint("use = sub/skylake.cfg\n") ==
          "test.cfg:1: cannot read 'sub/skylake.cfg': No such file or directory");
    const auto asked_for = [&](const std::string& name) {
        try {
            read_config(files.path(name), origin());
        } catch (const file_error& error) {
            return files.without_directory(error.what());
        }
        return std::string("no error");
    };
    CHECK(asked_for("sub/zen.cfg") == "cannot read 'sub/zen.cfg': No such file or directory; did "
                                      "you mean 'sub/zen4.cfg'?");
    CHECK(asked_for("sub") == "cannot read 'sub': Is a directory");
    CHECK(asked_for("nowhere/zen4.cfg") ==
          "cannot read 'nowhere/zen4.cfg': No such file or directory");
}

TEST_CASE("files that use each other in a circle are an error that shows it")
{
    const config_directory files;
    files.write("a.cfg", "use = b.cfg\n");
    files.write("b.cfg", "\nuse = ./a.cfg\n");
    CHECK(files.complaint("use = a.cfg\n") ==
          "b.cfg:2: files use each other in a circle: test.cfg -> a.cfg -> b.cfg -> ./a.cfg");
}

TEST_CASE("files nest 32 deep and no deeper")
{
    const config_directory files;
    const auto name = [](int number) { return "f" + std::to_string(number) + ".cfg"; };
    for (int number = 0; number < 32; ++number)
        files.write(name(number), "use = " + name(number + 1) + "\n");
    files.write(name(32), "");
    CHECK(files.complaint("use = f2.cfg\n") == "no error");
    const std::string complaint = files.complaint("use = f1.cfg\n");
    CHECK(complaint.find("f31.cfg:1: files use each other more than 32 deep: test.cfg -> f1.cfg") ==
          0);
}

TEST_CASE("files that use each other twice at every level end in an error, not in a long wait")
{
    const config_directory files;
    const auto name = [](int number) { return "f" + std::to_string(number) + ".cfg"; };
    for (int number = 0; number < 30; ++number)
        files.write(name(number),
                    "use = " + name(number + 1) + "\nuse = " + name(number + 1) + "\n");
    files.write(name(30), "");
    CHECK(files.complaint("use = f0.cfg\n").find("more than 1000 files are used") !=
          std::string::npos);
}

TEST_CASE("later files override earlier ones, and the command line overrides all")
{
    const config_directory files;
    small_model model;
    option_set options = model.declare();
    const std::string first = files.write("1.cfg", "tlb.entries = 1\ntitle = one\n");
    const std::string second = files.write("2.cfg", "[tlb]\nentries = 2\n[workload]\nsize = 2\n");
    configure(options, {first, second}, {{"workload.size", "4KiB", origin()}});
    CHECK(model.entries == 2);
    CHECK(model.size == 4096);
    CHECK(model.title == "one");
}

TEST_CASE("under a section a name belongs to the section, whatever its dots")
{
    const config_directory files;
    small_model model;
    option_set options = model.declare();
    const std::string path = files.write("x.cfg", "[workload]\ntlb.entries = 1\n");
    CHECK_THROWS_WITH_AS(configure(options, {path}, {}),
                         (path + ":2: unknown option 'workload.tlb.entries'").c_str(), input_error);
}

TEST_CASE("the effective options are written as a config that reads back to the same values")
{
    const config_directory files;
    small_model model;
    option_set options = model.declare();
    files.write("sub/in.cfg", "title = a [strange] = title#1\n"
                              "[workload]\ntrace = my trace.txt\nsize = 1460B\n");
    configure(options, {files.path("sub/in.cfg")}, {{"fs.barrier", "yes", origin()}});
    const std::string written = write_config(options);
    CHECK(files.without_directory(written) ==
          "tlb.entries = 64\n\n"
          "workload.size = 1460B  # sub/in.cfg:4\n\n"
          "title = a [strange] = title#1  # sub/in.cfg:1\n\n"
          "workload.trace = sub/my trace.txt  # sub/in.cfg:3\n\n"
          "fs.barrier = on  # command line\n");

    small_model again;
    option_set others = again.declare();
    configure(others, {files.write("elsewhere/out.cfg", written)}, {});
    CHECK(config_json(others) == config_json(options));
}

TEST_CASE("random effective options survive being written and read")
{
    const config_directory files;
    std::mt19937_64 random(4);
    for (int round = 0; round < 300; ++round) {
        small_model model;
        option_set options = model.declare();
        model.entries = 1 + random() % 1024;
        model.size = random() >> (random() % 64);
        model.barrier = random() % 2 == 0;
        model.title = std::string(random() % 5, '=') + std::string(random() % 3, '[');
        small_model again;
        option_set others = again.declare();
        configure(others, {files.write("x.cfg", write_config(options))}, {});
        REQUIRE(config_json(others) == config_json(options));
    }
}

TEST_CASE(
    "the listing shows type, default, what is allowed and the meaning of the options asked for")
{
    small_model model;
    const option_set options = model.declare();
    const std::string listing = list_options(options, {"tlb"});
    CHECK(listing.find("option       type   default  allowed\n\n"
                       "tlb.entries  count  64       1..1024\n"
                       "    entries of the TLB\n") == 0);
    CHECK(listing.find("workload") == std::string::npos);
    CHECK_THROWS_WITH_AS(list_options(options, {"fs", "tbl"}),
                         "no option begins with 'tbl'; did you mean 'tlb'?", input_error);
    CHECK(options_json(options, {"fs"}).dump() ==
          R"([{"name":"fs.barrier","type":"flag","unit":"","default":"off","value":"off",)"
          R"("range":"","choices":[],"help":"write barriers"}])");
}

TEST_CASE("whatever the bytes, a config is read or is an input error of one line")
{
    const config_directory files;
    files.write("other.cfg", "tlb.entries = 4\n");
    const std::string seed = "\xef\xbb\xbf# comment\nuse = other.cfg\ntlb.entries = 64 # x\r\n"
                             "title = d\xc3\xa9j\xc3\xa0\n[workload]\nsize = 22MiB\n";
    constexpr std::string_view likely = "\n\r\t =#[].\"'0x9KMiB\0\x80\xff";
    std::mt19937_64 random(5);
    for (int round = 0; round < 2'000; ++round) {
        std::string bytes = seed;
        for (std::size_t change = 0; change <= random() % 6; ++change) {
            const std::size_t at = random() % bytes.size();
            const char byte = random() % 4 == 0 ? static_cast<char>(random() % 256)
                                                : likely[random() % likely.size()];
            if (random() % 3 == 0)
                bytes.insert(at, random() % 3 + 1, byte);
            else if (random() % 3 == 0)
                bytes.erase(at, random() % 8 + 1);
            else
                bytes[at] = byte;
            if (bytes.empty())
                bytes = "x";
        }
        CAPTURE(printable(bytes));
        small_model model;
        option_set options = model.declare();
        try {
            configure(options, {files.write("fuzz.cfg", bytes)}, {});
        } catch (const input_error& error) {
            REQUIRE(is_printable(error.what()));
        }
    }
}
