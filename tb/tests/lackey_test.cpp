#include "tb/command_line.h"
#include "tb/tests/run_settings.h"
#include "tb/workload/lackey.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include <unistd.h>

using namespace mkclean;

namespace
{

const std::string example = MKCLEAN_SOURCE_DIR "/configs/traces/mmap_writer.lackey";

// A folder that goes away with the test.
class scratch
{
public:
    scratch() : m_path(std::filesystem::temp_directory_path() / std::to_string(getpid()))
    {
        std::filesystem::create_directories(m_path);
    }
    ~scratch() { std::filesystem::remove_all(m_path); }
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;
    std::string file(const std::string& name) const { return m_path / name; }
    std::string file_with(const std::string& name, const std::string& text) const
    {
        std::ofstream(file(name)) << text;
        return file(name);
    }

private:
    std::filesystem::path m_path;
};

json play(const std::string& trace, const std::string& start, const std::string& end)
{
    return run({{"memory", "16MiB"},
                {"workload.kind", "lackey"},
                {"workload.file", trace},
                {"workload.lackey_start", start},
                {"workload.lackey_end", end},
                {"workload.lackey_cycles", "10"}});
}

std::string complaint_about(const std::string& line)
{
    try {
        parse_lackey_line(line, origin{"trace", 7});
    } catch (const input_error& error) {
        return error.what();
    }
    return "no error";
}

// Returns what the command prints; `code` is its exit code.
std::string output_of(const std::string& command, int& code)
{
    std::string text;
    std::FILE* const pipe = popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe))
        text += static_cast<char>(c);
    code = pclose(pipe);
    return text;
}

} // namespace

TEST_CASE("lackey: a line says what was accessed")
{
    using kind = lackey_line::kind;
    const auto parsed = [](const char* line) { return parse_lackey_line(line, origin()); };
    CHECK(parsed("I  0401ab70,3").what == kind::instruction);
    CHECK(parsed(" L 1fff0006b8,8").what == kind::load);
    CHECK(parsed(" M 04222e3a,4").what == kind::modify);
    CHECK(parsed("==4711== Lackey").what == kind::noise);
    CHECK(parsed("--4711-- warning").what == kind::noise);
    CHECK(parsed("").what == kind::noise);
    const lackey_line store = parsed(" S 20000c886,16");
    CHECK(store.what == kind::store);
    CHECK(store.address == 0x20000c886);
    CHECK(store.size == 16);
}

TEST_CASE("lackey: a line that is none is an error that names the place")
{
    CHECK(complaint_about(" X 10,8") ==
          "trace:7: expected 'I  ', ' L ', ' S ' or ' M ' and an address, got ' X 10,8'");
    CHECK(complaint_about(" S 1g,8") == "trace:7: expected a hexadecimal address, got ' S 1g,8'");
    CHECK(complaint_about(" S ,8") == "trace:7: expected a hexadecimal address, got ' S ,8'");
    const std::string size = "trace:7: expected a comma and a size of 1..4096 behind the address";
    CHECK(complaint_about(" S 10") == size + ", got ' S 10'");
    CHECK(complaint_about(" S 10,") == size + ", got ' S 10,'");
    CHECK(complaint_about(" S 10,0") == size + ", got ' S 10,0'");
    CHECK(complaint_about(" S 10,4097") == size + ", got ' S 10,4097'");
    CHECK(complaint_about(" S 10,8 ") == size + ", got ' S 10,8 '");
}

TEST_CASE("lackey: the example trace stores where its program did")
{
    const json stats = play(example, "0x200000000", "0x200010000");
    CHECK(stats["workload"]["trace_lines"] == 467);
    CHECK(stats["workload"]["instructions"] == 405);
    CHECK(stats["workload"]["file_stores"] == 38);
    CHECK(stats["workload"]["file_loads"] == 0);
    CHECK(stats["workload"]["accesses_elsewhere"] == 18);
    CHECK(stats["verdict"]["ok"] == true);
    CHECK(stats["vm"]["pgfault"] > 0);
}

TEST_CASE("lackey: an access is cut at the ends of the file, a modification is a load and a store")
{
    const scratch files;
    const std::string trace =
        files.file_with("cut", " S 1ffc,8\n S 2ffc,8\n M 2010,4\n L 1fff,1\n");
    const json stats = play(trace, "0x2000", "0x3000");
    CHECK(stats["workload"]["file_stores"] == 3);
    CHECK(stats["workload"]["file_loads"] == 1);
    CHECK(stats["workload"]["accesses_elsewhere"] == 1);
    CHECK(stats["workload"]["stores"] == 3); // none crosses eight bytes any more
    CHECK(stats["verdict"]["ok"] == true);
}

TEST_CASE("lackey: instructions take time")
{
    const scratch files;
    const std::string few = files.file_with("few", "I  1000,4\n");
    std::string lines;
    for (int i = 0; i < 100'000; ++i)
        lines += "I  1000,4\n";
    const std::string many = files.file_with("many", lines);
    const auto cycles = [](const std::string& trace) {
        return play(trace, "0x2000", "0x3000")["time"]["cycles"].get<std::uint64_t>();
    };
    CHECK(cycles(many) - cycles(few) == 99'999 * 10);
}

TEST_CASE("lackey: what is wrong with the trace is said, and a missing one before the run")
{
    const scratch files;
    CHECK_THROWS_AS(play(files.file("none"), "0", "4096"), input_error);
    CHECK_THROWS_AS(play(files.file("."), "0", "4096"), input_error);
    const std::string bad = files.file_with("bad", " S 10,8\nI'm no trace\n");
    CHECK_THROWS_AS(play(bad, "0", "4096"), input_error);
    CHECK_THROWS_AS(play(example, "1", "4096"), input_error);
    CHECK_THROWS_AS(play(example, "8192", "8192"), input_error);
}

TEST_CASE("lackey: a trace made here of a program that writes a mapped file")
{
    int code = 0;
    output_of("command -v valgrind", code);
    if (code != 0) {
        MESSAGE("SKIPPED: valgrind is not installed (scripts/install-dependencies --test)");
        return;
    }
    const scratch files;
    const std::string trace = files.file("trace");
    const std::string said =
        output_of("valgrind --tool=lackey --trace-mem=yes --log-file=" + trace +
                      " " MMAP_WRITER " " + files.file("data"),
                  code);
    REQUIRE(code == 0);
    std::istringstream words(said);
    std::string start;
    std::string end;
    std::uint64_t stores = 0;
    words >> start >> end >> stores;
    REQUIRE(stores > 0);
    const json stats = play(trace, start, end);
    CHECK(stats["workload"]["file_stores"] == stores);
    CHECK(stats["workload"]["instructions"] > stores);
    CHECK(stats["verdict"]["ok"] == true);
}
