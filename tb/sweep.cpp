#include "tb/sweep.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <iostream>
#include <memory>
#include <optional>
#include <set>
#include <system_error>

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

constexpr std::size_t most_points = 100000;

std::vector<std::string_view> split(std::string_view text, char separator)
{
    std::vector<std::string_view> items;
    for (;;) {
        const std::size_t end = text.find(separator);
        items.push_back(text.substr(0, end));
        if (end == std::string_view::npos)
            return items;
        text.remove_prefix(end + 1);
    }
}

/// lo..hi*step or lo..hi+step, still as text.
struct span_text {
    std::string_view lowest;
    std::string_view highest;
    char operation;
    std::string_view step;
};

/// Turns the items of one --vary into values.
class axis_reader
{
public:
    axis_reader(const option_set& model, const std::string& name)
        : m_model(model),
          m_about(model.info(name))
    {
    }

    void read(std::string_view item)
    {
        const bool is_whole = is_whole_number(m_about.type);
        const bool has_numbers = is_whole || m_about.type == option_type::real;
        if (!has_numbers || item.find("..") == std::string_view::npos)
            add(item);
        else if (is_whole)
            add_whole_numbers(parse_span(item));
        else
            add_reals(parse_span(item));
    }
    std::vector<std::string> take() { return std::move(m_values); }

private:
    input_error error(const std::string& message) const
    {
        return input_error(origin(), "vary " + m_about.name, message);
    }

    void add(std::string_view item)
    {
        std::string value = m_model.canonical(m_about.name, item, origin());
        if (!m_seen.insert(value).second)
            throw error(value + " is listed twice");
        if (m_values.size() == most_points)
            throw error(fmt::format("more than {} values", most_points));
        m_values.push_back(std::move(value));
    }

    span_text parse_span(std::string_view item) const
    {
        const std::size_t dots = item.find("..");
        const std::string_view rest = item.substr(dots + 2);
        std::size_t at = rest.find_first_of("*+");
        // 1e+3 is a number, not a step.
        if (m_about.type == option_type::real && at != std::string_view::npos && at > 0 &&
            rest[at] == '+' && (rest[at - 1] == 'e' || rest[at - 1] == 'E'))
            at = rest.find_first_of("*+", at + 1);
        if (at == std::string_view::npos)
            throw error(in_quotes(item) + " needs a step: lo..hi*2 or lo..hi+step");
        return {item.substr(0, dots), rest.substr(0, at), rest[at], rest.substr(at + 1)};
    }

    std::uint64_t whole_number(option_type type, std::string_view text) const
    {
        try {
            return parse_whole_number(type, text);
        } catch (const bad_value& bad) {
            throw error(bad.what());
        }
    }

    void add_whole_numbers(const span_text& span)
    {
        const bool geometric = span.operation == '*';
        const option_type step_type = geometric ? option_type::count : m_about.type;
        const std::uint64_t highest = whole_number(m_about.type, span.highest);
        const std::uint64_t step = whole_number(step_type, span.step);
        std::uint64_t value = whole_number(m_about.type, span.lowest);
        check_progress(value <= highest, geometric, value > 0, step > (geometric ? 1U : 0U));
        for (;;) {
            add(print_whole_number(m_about.type, value));
            if (geometric ? value > highest / step : highest - value < step)
                return;
            value = geometric ? value * step : value + step;
        }
    }

    double real(std::string_view text) const
    {
        double value = 0;
        const char* end = text.data() + text.size();
        const auto [stopped, problem] = std::from_chars(text.data(), end, value);
        if (problem != std::errc() || stopped != end || !std::isfinite(value))
            throw error("expected a finite number, got " + in_quotes(text));
        return value;
    }

    void add_reals(const span_text& span)
    {
        const bool geometric = span.operation == '*';
        const double lowest = real(span.lowest);
        const double highest = real(span.highest);
        const double step = real(span.step);
        check_progress(lowest <= highest, geometric, lowest > 0, step > (geometric ? 1 : 0));
        // 0..1+0.1 must reach 1 although ten times the nearest double to 0.1 is not quite 1.
        const double almost = 1e-9 * (geometric ? highest : step);
        for (std::size_t taken = 0; taken <= most_points; ++taken) {
            const auto count = static_cast<double>(taken);
            const double value = geometric ? lowest * std::pow(step, count) : lowest + count * step;
            if (value > highest + almost)
                return;
            add(fmt::format("{:.12g}", value));
        }
    }

    void check_progress(bool ordered, bool geometric, bool starts_above_zero, bool advances) const
    {
        if (!ordered)
            throw error("the range is empty");
        if (!advances || (geometric && !starts_above_zero))
            throw error("the range never ends");
    }

    const option_set& m_model;
    option_info m_about;
    std::vector<std::string> m_values;
    std::set<std::string> m_seen;
};

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

    std::vector<sweep_result> run(const std::function<void(std::size_t)>& finished)
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
    bool collect(const std::function<void(std::size_t)>& finished)
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
            finished(++m_done);
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

/// "1234567.25" as "1,234,567.25".
std::string with_thousands(std::string digits)
{
    const std::size_t first = digits.front() == '-' ? 1 : 0;
    std::size_t at = std::min(digits.find('.'), digits.size());
    while (at > first + 3) {
        at -= 3;
        digits.insert(at, ",");
    }
    return digits;
}

std::string print_cell(const nlohmann::ordered_json& stats, const sweep_column& column)
{
    const nlohmann::ordered_json::json_pointer pointer(column.pointer);
    if (!stats.is_object() || !stats.contains(pointer))
        return "-";
    const nlohmann::ordered_json& value = stats.at(pointer);
    if (value.is_null())
        return "-";
    if (value.is_boolean())
        return value.get<bool>() ? "yes" : "no";
    if (value.is_string())
        return printable(value.get<std::string>());
    const bool as_it_is = value.is_number_integer() && column.divisor == 1 && column.decimals == 0;
    if (value.is_number() && !as_it_is)
        return with_thousands(
            fmt::format("{:.{}f}", value.get<double>() / column.divisor, column.decimals));
    return value.is_number() ? with_thousands(value.dump()) : printable(value.dump());
}

/// How many places a text takes on a terminal, if every character takes one.
std::size_t width_of(std::string_view text)
{
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
        return (static_cast<unsigned char>(byte) & 0xc0U) != 0x80;
    }));
}

struct table_column {
    bool to_the_right;
    std::vector<std::string> cells; // the title first
};

std::string print_table(const std::vector<table_column>& columns)
{
    std::string table;
    for (std::size_t row = 0; row < columns.front().cells.size(); ++row) {
        std::string line;
        for (const table_column& column : columns) {
            std::size_t width = 0;
            for (const std::string& cell : column.cells)
                width = std::max(width, width_of(cell));
            const std::string& cell = column.cells[row];
            const std::string filling(width - width_of(cell), ' ');
            line += line.empty() ? "" : "  ";
            line += column.to_the_right ? filling + cell : cell + filling;
        }
        line.erase(line.find_last_not_of(' ') + 1);
        table += line + "\n";
    }
    return table;
}

bool is_numeric(std::string_view text)
{
    return !text.empty() && (text.front() == '-' || (text.front() >= '0' && text.front() <= '9'));
}

table_column make_column(std::vector<std::string> cells)
{
    const bool numbers = std::all_of(cells.begin() + 1, cells.end(), is_numeric);
    return {numbers, std::move(cells)};
}

bool has_stats(const sweep_result& result)
{
    return result.code == exit_code::as_expected || result.code == exit_code::not_as_expected;
}

std::string describe(const sweep_point& point)
{
    std::string text;
    for (const auto& [name, value] : point)
        text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, value);
    return text;
}

void report_failures(const std::vector<sweep_point>& points,
                     const std::vector<sweep_result>& results, std::ostream& err)
{
    std::size_t unfinished = 0;
    for (std::size_t at = 0; at < points.size(); ++at) {
        const sweep_result& result = results[at];
        if (result.code == exit_code::interrupted)
            ++unfinished;
        if (has_stats(result) || result.code == exit_code::interrupted)
            continue;
        err << describe(points[at]) << ": failed with exit code " << result.code << '\n';
        for (const std::string_view line : split(result.complaint, '\n'))
            if (!line.empty())
                err << "    " << printable(line) << '\n';
    }
    if (unfinished > 0)
        err << fmt::format("interrupted: {} of {} points were not run\n", unfinished,
                           points.size());
}

std::vector<sweep_result> run_points(const sweep_plan& plan, const std::vector<sweep_point>& points,
                                     interrupt_watch& watch, std::ostream& err)
{
    std::vector<std::vector<std::string>> commands;
    commands.reserve(points.size());
    for (const sweep_point& point : points)
        commands.push_back(point_words(plan.words, point));
    const bool on_terminal = &err == &std::cerr && ::isatty(STDERR_FILENO) == 1;
    auto results = run_commands(plan.executable, commands, plan.jobs, watch, [&](std::size_t done) {
        if (on_terminal)
            err << fmt::format("\r{} of {} points", done, points.size()) << std::flush;
    });
    if (on_terminal)
        err << "\r\x1b[K" << std::flush; // leaves no trace of the progress
    return results;
}

} // namespace

sweep_axis parse_axis(std::string_view text, const option_set& model)
{
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos)
        throw input_error(origin(), "vary",
                          "expected name=a,b,c or name=lo..hi*2, got " + in_quotes(text));
    const std::string name(text.substr(0, equals));
    if (!model.has(name))
        throw input_error(origin(), "vary", model.unknown(name, origin()).message());
    axis_reader reader(model, name);
    for (const std::string_view item : split(text.substr(equals + 1), ','))
        reader.read(item);
    return {name, reader.take()};
}

std::vector<sweep_axis> parse_axes(const std::vector<std::string>& vary, const arguments& given,
                                   const option_set& model)
{
    std::vector<sweep_axis> axes;
    std::size_t points = 1;
    for (const std::string& text : vary) {
        sweep_axis axis = parse_axis(text, model);
        const auto same = [&axis](const auto& other) { return other.name == axis.name; };
        if (std::any_of(axes.begin(), axes.end(), same))
            throw input_error(origin(), "vary", in_quotes(axis.name) + " varies twice");
        if (std::any_of(given.model.begin(), given.model.end(), same))
            throw input_error(origin(), "vary",
                              in_quotes(axis.name) + " varies, but is given as well");
        points *= axis.values.size();
        if (points > most_points)
            throw input_error(origin(), "vary", fmt::format("more than {} points", most_points));
        axes.push_back(std::move(axis));
    }
    return axes;
}

std::vector<sweep_point> sweep_points(const std::vector<sweep_axis>& axes)
{
    std::vector<sweep_point> points = {{}};
    for (const sweep_axis& axis : axes) {
        std::vector<sweep_point> longer;
        for (const sweep_point& point : points)
            for (const std::string& value : axis.values) {
                longer.push_back(point);
                longer.back().emplace_back(axis.name, value);
            }
        points = std::move(longer);
    }
    return points;
}

std::vector<std::string> child_words(const arguments& given)
{
    const std::set<std::string> of_the_sweep = {"vary", "jobs", "stats", "quiet"};
    const std::set<std::string> of_one_run = {"log",   "vcd",    "vcd-page",
                                              "trace", "report", "biography"};
    std::vector<std::string> words = {given.verb};
    for (const setting& one : given.own) {
        if (of_one_run.count(one.name) != 0)
            throw input_error(origin(), one.name, "is for one run, not for a sweep");
        if (of_the_sweep.count(one.name) == 0)
            words.push_back("--" + one.name + "=" + one.value);
    }
    for (const setting& one : given.model)
        words.push_back("--" + one.name + "=" + one.value);
    words.emplace_back("--");
    words.insert(words.end(), given.operands.begin(), given.operands.end());
    return words;
}

std::vector<std::string> point_words(const std::vector<std::string>& words,
                                     const sweep_point& point)
{
    std::vector<std::string> extra = {"--quiet", "--stats=-"};
    for (const auto& [name, value] : point)
        extra.push_back(fmt::format("--{}={}", name, value));
    std::vector<std::string> all = words;
    // Behind a lone "--" they would be operands.
    all.insert(std::find(all.begin(), all.end(), "--"), extra.begin(), extra.end());
    return all;
}

std::string sweep_table(const sweep_plan& plan, const std::vector<sweep_point>& points,
                        const std::vector<sweep_result>& results)
{
    std::vector<table_column> columns;
    for (std::size_t axis = 0; axis < plan.axes.size(); ++axis) {
        std::vector<std::string> cells = {plan.axes[axis].name};
        for (const sweep_point& point : points)
            cells.push_back(point[axis].second);
        columns.push_back(make_column(std::move(cells)));
    }
    for (const sweep_column& column : plan.columns) {
        std::vector<std::string> cells = {column.title};
        for (const sweep_result& result : results)
            cells.push_back(print_cell(result.stats, column));
        columns.push_back(make_column(std::move(cells)));
    }
    std::vector<std::string> codes = {"exit"};
    for (const sweep_result& result : results)
        codes.push_back(std::to_string(result.code));
    if (std::any_of(results.begin(), results.end(),
                    [](const sweep_result& result) { return result.code != 0; }))
        columns.push_back(make_column(std::move(codes)));
    return print_table(columns);
}

nlohmann::ordered_json sweep_json(const std::vector<sweep_point>& points,
                                  const std::vector<sweep_result>& results)
{
    auto all = nlohmann::ordered_json::array();
    for (std::size_t at = 0; at < points.size(); ++at) {
        nlohmann::ordered_json one;
        one["vary"] = nlohmann::ordered_json::object();
        for (const auto& [name, value] : points[at])
            one["vary"][name] = value;
        if (has_stats(results[at]))
            one.update(results[at].stats);
        else
            one["error"] = {{"exit", results[at].code}, {"stderr", results[at].complaint}};
        all.push_back(std::move(one));
    }
    return all;
}

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
                                       const std::function<void(std::size_t)>& finished)
{
    return process_pool(executable, commands, jobs, watch).run(finished);
}

sweep_plan plan_sweep(const run_options& options, const arguments& given, const option_set& model,
                      const std::vector<sweep_column>& columns)
{
    sweep_plan plan;
    plan.axes = parse_axes(options.vary, given, model);
    plan.columns = columns;
    plan.words = child_words(given);
    plan.stats_path = options.stats;
    plan.quiet = options.quiet;
    plan.jobs = static_cast<std::size_t>(options.jobs);
    return plan;
}

int run_sweep(const sweep_plan& plan, std::ostream& out, std::ostream& err)
{
    interrupt_watch watch;
    std::optional<output_file> stats;
    if (!plan.stats_path.empty())
        stats.emplace(plan.stats_path, out);
    const std::vector<sweep_point> points = sweep_points(plan.axes);
    const std::vector<sweep_result> results = run_points(plan, points, watch, err);
    if (!plan.quiet && plan.stats_path != "-")
        out << sweep_table(plan, points, results) << std::flush;
    report_failures(points, results, err);
    if (stats) {
        constexpr auto replace = nlohmann::ordered_json::error_handler_t::replace;
        stats->write(sweep_json(points, results).dump(2, ' ', false, replace) + "\n");
        stats->commit();
    }
    int worst = exit_code::as_expected;
    for (const sweep_result& result : results)
        worst = worse_code(worst, result.code);
    return worst;
}

} // namespace mkclean
