// Every point of a sweep is a process of its own: SystemC elaborates once a process.

#include "tb/sweep/processes.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mkclean
{

namespace
{

/// A pipe's end, or any other descriptor, closed when it goes.
class descriptor
{
public:
    descriptor() = default;
    explicit descriptor(int number) : m_number(number) {}
    descriptor(descriptor&& other) noexcept : m_number(std::exchange(other.m_number, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept
    {
        std::swap(m_number, other.m_number);
        return *this;
    }
    ~descriptor() { close(); }

    void close()
    {
        if (m_number >= 0)
            ::close(std::exchange(m_number, -1));
    }
    int get() const { return m_number; }
    bool is_open() const { return m_number >= 0; }

private:
    int m_number = -1;
};

std::system_error system_error_of(const char* what)
{
    return std::system_error(errno, std::generic_category(), what);
}

/// What a run writes into one of its two pipes. The rest of an endless text is thrown away.
class collected_text
{
public:
    explicit collected_text(std::size_t most) : m_most(most) {}

    /// The end that a new process writes to.
    descriptor open()
    {
        std::array<int, 2> ends = {-1, -1};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0)
            throw system_error_of("pipe");
        m_source = descriptor(ends[0]);
        return descriptor(ends[1]);
    }

    /// Takes what is there; call it when poll(2) says so.
    void read()
    {
        std::array<char, 65536> buffer;
        const ssize_t size = ::read(m_source.get(), buffer.data(), buffer.size());
        if (size > 0)
            m_text.append(buffer.data(),
                          std::min(static_cast<std::size_t>(size), m_most - m_text.size()));
        else if (size == 0 || errno != EINTR)
            m_source.close();
    }

    bool is_complete() const { return !m_source.is_open(); }
    pollfd poll_entry() const { return {m_source.get(), POLLIN, 0}; }
    const std::string& text() const { return m_text; }

private:
    std::size_t m_most;
    descriptor m_source;
    std::string m_text;
};

/// Only what is allowed between fork and exec; does not return.
[[noreturn]] void become(const char* executable, char* const* words, int output, int errors,
                         const sigset_t& blocked)
{
    // A run must not go on when the sweep dies in a way that leaves no time to kill it.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::sigprocmask(SIG_SETMASK, &blocked, nullptr);
    const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(errors, STDERR_FILENO);
    ::execv(executable, words);
    constexpr std::string_view complaint = "the program cannot be executed\n";
    [[maybe_unused]] const ssize_t ignored =
        ::write(STDERR_FILENO, complaint.data(), complaint.size());
    ::_exit(exit_code::internal);
}

/// One run in a process of its own; killed if nobody waited for it.
class child_process
{
public:
    child_process(const std::string& executable, std::vector<std::string> words,
                  const sigset_t& blocked)
    {
        words.insert(words.begin(), "mkclean");
        std::vector<char*> pointers;
        pointers.reserve(words.size() + 1);
        for (std::string& word : words)
            pointers.push_back(word.data());
        pointers.push_back(nullptr);
        const descriptor output = m_output.open();
        const descriptor errors = m_errors.open();
        m_id = ::fork();
        if (m_id < 0)
            throw system_error_of("fork");
        if (m_id == 0)
            become(executable.c_str(), pointers.data(), output.get(), errors.get(), blocked);
    }
    ~child_process()
    {
        if (m_id <= 0)
            return;
        ::kill(m_id, SIGKILL);
        wait();
    }
    child_process(const child_process&) = delete;
    child_process& operator=(const child_process&) = delete;

    collected_text& output() { return m_output; }
    collected_text& errors() { return m_errors; }
    bool is_silent() const { return m_output.is_complete() && m_errors.is_complete(); }

    /// Call once it is silent.
    sweep_result result()
    {
        sweep_result result;
        result.complaint = m_errors.text();
        const int status = wait();
        if (WIFEXITED(status))
            judge_exit(WEXITSTATUS(status), result);
        else if (WTERMSIG(status) != SIGINT) // which a terminal sends to the runs as well
            blame(result, fmt::format("killed by signal {} ({})", WTERMSIG(status),
                                      ::strsignal(WTERMSIG(status))));
        return result;
    }

private:
    int wait()
    {
        int status = 0;
        while (::waitpid(m_id, &status, 0) < 0 && errno == EINTR)
            ;
        m_id = -1;
        return status;
    }

    static void blame(sweep_result& result, const std::string& what)
    {
        result.code = exit_code::internal;
        result.complaint += what + "\n";
    }

    void judge_exit(int code, sweep_result& result) const
    {
        result.code = code;
        switch (code) {
        case exit_code::as_expected:
        case exit_code::not_as_expected:
            read_stats(result);
            return;
        case exit_code::bad_input:
        case exit_code::file_failed:
        case exit_code::internal:
        case exit_code::interrupted:
            return;
        default:
            blame(result, fmt::format("exit code {}", code));
        }
    }

    void read_stats(sweep_result& result) const
    {
        constexpr bool throws = false;
        auto stats = nlohmann::ordered_json::parse(m_output.text(), nullptr, throws);
        if (stats.is_object())
            result.stats = std::move(stats);
        else
            blame(result, "the standard output is not one JSON object");
    }

    static constexpr std::size_t most_output = std::size_t{256} << 20U;
    static constexpr std::size_t most_errors = std::size_t{64} << 10U;

    collected_text m_output{most_output};
    collected_text m_errors{most_errors};
    pid_t m_id = -1;
};

/// The processes that run now.
class process_pool
{
public:
    process_pool(const std::string& executable,
                 const std::vector<std::vector<std::string>>& commands, std::size_t jobs,
                 interrupt_watch& watch)
        : m_executable(executable),
          m_commands(commands),
          m_jobs(jobs),
          m_watch(watch),
          m_results(commands.size())
    {
    }

    std::vector<sweep_result> run(const run_finished& finished)
    {
        for (start_more(); !m_running.empty(); start_more()) {
            listen();
            if (m_watch.interrupted() || !collect(finished)) {
                m_running.clear();
                break;
            }
        }
        return std::move(m_results);
    }

private:
    struct running {
        std::size_t index;
        std::unique_ptr<child_process> process;
    };

    void start_more()
    {
        for (; m_running.size() < m_jobs && m_next < m_commands.size(); ++m_next)
            m_running.push_back(
                {m_next, std::make_unique<child_process>(m_executable, m_commands[m_next],
                                                         m_watch.blocked_before())});
    }

    /// Waits until a run has said something or a signal has come.
    void listen()
    {
        std::vector<pollfd> entries = {{m_watch.descriptor(), POLLIN, 0}};
        for (const running& one : m_running) {
            entries.push_back(one.process->output().poll_entry());
            entries.push_back(one.process->errors().poll_entry());
        }
        if (::poll(entries.data(), entries.size(), -1) < 0) {
            if (errno == EINTR)
                return;
            throw system_error_of("poll");
        }
        std::size_t at = 1;
        for (const running& one : m_running)
            for (collected_text* text : {&one.process->output(), &one.process->errors()})
                if (entries[at++].revents != 0)
                    text->read();
    }

    /// Takes the results of what has ended; false if one of them was interrupted.
    bool collect(const run_finished& finished)
    {
        for (auto one = m_running.begin(); one != m_running.end();) {
            if (!one->process->is_silent()) {
                ++one;
                continue;
            }
            sweep_result& result = m_results[one->index];
            result = one->process->result();
            one = m_running.erase(one);
            if (result.code == exit_code::interrupted)
                return false;
            finished(++m_done, result);
        }
        return true;
    }

    const std::string& m_executable;
    const std::vector<std::vector<std::string>>& m_commands;
    std::size_t m_jobs;
    interrupt_watch& m_watch;
    std::vector<sweep_result> m_results;
    std::vector<running> m_running;
    std::size_t m_next = 0;
    std::size_t m_done = 0;
};

} // namespace

int worse_code(int one, int other)
{
    constexpr std::array<int, 6> worst_first = {exit_code::interrupted,     exit_code::internal,
                                                exit_code::file_failed,     exit_code::bad_input,
                                                exit_code::not_as_expected, exit_code::as_expected};
    for (const int code : worst_first)
        if (one == code || other == code)
            return code;
    return exit_code::internal;
}

interrupt_watch::interrupt_watch()
{
    sigset_t watched;
    ::sigemptyset(&watched);
    ::sigaddset(&watched, SIGINT);
    ::sigaddset(&watched, SIGTERM);
    m_descriptor = ::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
    if (m_descriptor < 0)
        throw system_error_of("signalfd");
    ::sigprocmask(SIG_BLOCK, &watched, &m_blocked_before);
}

interrupt_watch::~interrupt_watch()
{
    // An impatient user's second signal has been obeyed already; a first one, unnoticed so far,
    // strikes as soon as it may.
    while (m_interrupted && take_signal())
        ;
    ::close(m_descriptor);
    ::sigprocmask(SIG_SETMASK, &m_blocked_before, nullptr);
}

bool interrupt_watch::take_signal()
{
    signalfd_siginfo signal;
    return ::read(m_descriptor, &signal, sizeof signal) > 0;
}

bool interrupt_watch::interrupted()
{
    m_interrupted = m_interrupted || take_signal();
    return m_interrupted;
}

std::vector<sweep_result> run_commands(const std::string& executable,
                                       const std::vector<std::vector<std::string>>& commands,
                                       std::size_t jobs, interrupt_watch& watch,
                                       const run_finished& finished)
{
    return process_pool(executable, commands, jobs, watch).run(finished);
}

} // namespace mkclean
