#pragma once

#include <doctest/doctest.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mkclean::testing
{

/// mkclean itself, on a terminal of 60 columns; killed at the end.
class on_a_terminal
{
public:
    /// `with` is added to the environment, of which TERM and NO_COLOR are not inherited.
    explicit on_a_terminal(std::vector<std::string> words,
                           const std::vector<std::pair<std::string, std::string>>& with = {})
    {
        words.insert(words.begin(), "mkclean");
        std::vector<char*> pointers;
        for (std::string& word : words)
            pointers.push_back(word.data());
        pointers.push_back(nullptr);
        const winsize size{24, 60, 0, 0};
        m_child = ::forkpty(&m_terminal, nullptr, nullptr, &size);
        if (m_child != 0)
            return;
        ::unsetenv("NO_COLOR");
        ::setenv("TERM", "xterm", 1);
        for (const auto& [name, value] : with)
            ::setenv(name.c_str(), value.c_str(), 1);
        ::execv(MKCLEAN_BINARY_DIR "/mkclean", pointers.data());
        ::_exit(127);
    }
    ~on_a_terminal()
    {
        ::kill(m_child, SIGKILL);
        ::waitpid(m_child, nullptr, 0);
        ::close(m_terminal);
    }
    on_a_terminal(const on_a_terminal&) = delete;
    on_a_terminal& operator=(const on_a_terminal&) = delete;

    /// What it has written so far, once `enough` is among that, or it has ended, or nothing has
    /// come for so long.
    const std::string& read_until(const std::string& enough, int milliseconds)
    {
        pollfd readable{m_terminal, POLLIN, 0};
        std::array<char, 4096> bytes;
        while (m_text.find(enough) == std::string::npos &&
               ::poll(&readable, 1, milliseconds) == 1) {
            const ssize_t n = ::read(m_terminal, bytes.data(), bytes.size());
            if (n <= 0)
                break;
            m_text.append(bytes.data(), static_cast<std::size_t>(n));
        }
        return m_text;
    }
    /// All that it writes.
    const std::string& read_all()
    {
        const std::string never(1, '\0');
        return read_until(never, a_failure);
    }
    void press_control_c() { REQUIRE(::write(m_terminal, "\x03", 1) == 1); }

    static constexpr int a_failure = 60'000; ///< ms; only a failure takes that

private:
    pid_t m_child = -1;
    int m_terminal = -1;
    std::string m_text;
};

} // namespace mkclean::testing
