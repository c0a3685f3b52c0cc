#pragma once

#include "tb/command_line.h"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <signal.h>

namespace mkclean
{

/// What became of a point.
struct sweep_result {
    int code = exit_code::interrupted; ///< the run's exit code, made one of those of exit_code
    nlohmann::ordered_json stats;      ///< an object if the code is 0 or 1, else null
    std::string complaint;             ///< what the run said on its standard error
};

/// Which of two exit codes a sweep ends with: 130 before 70, 3, 2, 1, 0.
int worse_code(int one, int other);

/// While it lives, SIGINT and SIGTERM do nothing but be noticed, here.
class interrupt_watch
{
public:
    /// Error: std::system_error.
    interrupt_watch();
    ~interrupt_watch();
    interrupt_watch(const interrupt_watch&) = delete;
    interrupt_watch& operator=(const interrupt_watch&) = delete;

    /// Whether a signal has come since the watch began.
    bool interrupted();
    /// Readable (as poll(2) sees it) when a signal has come.
    int descriptor() const { return m_descriptor; }
    /// The signals that were blocked before the watch, for new processes.
    const sigset_t& blocked_before() const { return m_blocked_before; }

private:
    bool take_signal();

    sigset_t m_blocked_before;
    int m_descriptor = -1;
    bool m_interrupted = false;
};

using run_finished = std::function<void(std::size_t, const sweep_result&)>;

/// Runs `executable` once per command, at most `jobs` at once, each in a process of its own, and
/// collects the JSON object it prints. `finished` is called with the number of runs done and what
/// became of the latest; if it throws, whatever runs is killed. The results are in the order of the
/// commands. When `watch` is interrupted, or a run says it was, whatever runs is killed: those
/// results, and those never begun, keep the code 130. Error: std::system_error if no process can be
/// made.
std::vector<sweep_result> run_commands(const std::string& executable,
                                       const std::vector<std::vector<std::string>>& commands,
                                       std::size_t jobs, interrupt_watch& watch,
                                       const run_finished& finished);

} // namespace mkclean
