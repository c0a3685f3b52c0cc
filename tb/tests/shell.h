#pragma once

#include <doctest/doctest.h>

#include <cstdio>
#include <string>

#include <sys/wait.h>

namespace mkclean::testing
{

/// What a command of the shell has said, and its exit code.
struct shell_answer {
    int code = -1;
    std::string out; ///< its standard output, and whatever the command sends there
};

/// Runs `command`; MKCLEAN in its environment is the program.
inline shell_answer shell(const std::string& command)
{
    FILE* const pipe = ::popen(("MKCLEAN=" MKCLEAN_BINARY_DIR "/mkclean\n" + command).c_str(), "r");
    REQUIRE(pipe != nullptr);
    shell_answer answer;
    for (int byte = std::fgetc(pipe); byte != EOF; byte = std::fgetc(pipe))
        answer.out += static_cast<char>(byte);
    const int status = ::pclose(pipe);
    answer.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return answer;
}

} // namespace mkclean::testing
