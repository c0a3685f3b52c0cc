// docs/guide.md: its commands are run, in a directory of their own, and what it shows of an answer
// is there.

#include "tb/tests/shell.h"
#include "tb/tests/temporary_directory.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

using namespace mkclean;

namespace
{

/// Some commands, and lines of what they say.
struct lesson {
    std::vector<std::string> commands;
    std::vector<std::string> shown;
};

std::vector<lesson> lessons()
{
    std::vector<lesson> all;
    std::ifstream guide(MKCLEAN_SOURCE_DIR "/docs/guide.md");
    std::string kind; // of the block we are in, or ""
    for (std::string line; std::getline(guide, line);) {
        if (line.substr(0, 3) == "```") {
            kind = kind.empty() ? line.substr(3) : "";
            if (kind == "sh")
                all.emplace_back();
        } else if (kind == "sh") {
            all.back().commands.push_back(line);
        } else if (kind == "text") {
            all.back().shown.push_back(line);
        }
    }
    return all;
}

/// What the guide says of a command that fails: "# exit code 2" behind it.
int expected_code(const std::string& command)
{
    const std::string before = "# exit code ";
    const std::size_t at = command.find(before);
    return at == std::string::npos ? 0 : std::stoi(command.substr(at + before.size()));
}

// AddressSanitizer does not hear of the coroutines that SystemC switches for waves.
bool is_for_no_sanitizer([[maybe_unused]] const std::string& command)
{
#if defined(__SANITIZE_ADDRESS__)
    return command.find("--vcd") != std::string::npos;
#else
    return false;
#endif
}

} // namespace

TEST_CASE("docs/guide.md: every command does what the guide says")
{
    const temporary_directory directory;
    std::filesystem::create_directory(directory.path("bin"));
    std::filesystem::create_symlink(MKCLEAN_BINARY_DIR "/mkclean", directory.path("bin/mkclean"));
    std::filesystem::create_symlink(MKCLEAN_SOURCE_DIR "/configs", directory.path("configs"));
    const std::string there =
        "cd " + directory.path("") + " && PATH=" + directory.path("bin") + ":$PATH\n";
    CHECK(lessons().size() >= 12);
    for (const lesson& one : lessons()) {
        std::string said = "\n";
        for (const std::string& command : one.commands) {
            CAPTURE(command);
            if (is_for_no_sanitizer(command))
                continue;
            const testing::shell_answer answer =
                testing::shell(there + "{ " + command + "\n} 2>&1");
            CHECK(answer.code == expected_code(command));
            said += answer.out;
        }
        for (const std::string& line : one.shown) {
            CAPTURE(line);
            CHECK(said.find("\n" + line) != std::string::npos);
        }
    }
    CHECK(directory.read("stats.json").size() > 1000);
    CHECK(directory.read("delay.csv").size() > 100);
}
