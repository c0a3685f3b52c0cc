#pragma once

#include "sim/executor.h"

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace mkclean
{

/// What tasks and timers do, as data: so that an executor can run it, and something much simpler
/// can say what should come out.
struct random_program {
    enum class action { sleep, suspend, resume, arm, disarm, spawn, stop };
    struct instruction {
        action what;
        std::size_t target; ///< which task or timer
        std::uint64_t delay;
    };
    struct routine {
        unsigned priority;
        std::vector<instruction> code;
    };

    std::vector<routine> tasks; ///< the first `started` from the beginning, the others once spawned
    std::size_t started = 0;
    std::vector<routine> timers;       ///< these neither sleep nor suspend nor spawn
    std::vector<std::uint64_t> limits; ///< of one run() after the other; the last has none
};

/// Delays are short, so that much falls on the same instant.
inline random_program make_random_program(std::uint64_t seed)
{
    using action = random_program::action;
    std::mt19937_64 random(seed);
    const auto below = [&random](std::size_t end) { return std::size_t(random() % end); };

    random_program p;
    p.tasks.resize(2 + below(6));
    p.started = 1 + below(p.tasks.size());
    p.timers.resize(below(5));
    for (random_program::routine& task : p.tasks) {
        task.priority = unsigned(below(3));
        task.code.resize(below(12));
        for (random_program::instruction& i : task.code) {
            const std::size_t dice = below(20);
            if (dice < 6)
                i = {action::sleep, 0, below(5)};
            else if (dice < 9)
                i = {action::suspend, 0, 0};
            else if (dice < 14 || p.timers.empty())
                i = {action::resume, below(p.tasks.size()), below(5)};
            else if (dice < 17)
                i = {action::arm, below(p.timers.size()), below(8)};
            else if (dice < 18)
                i = {action::disarm, below(p.timers.size()), 0};
            else if (dice < 19)
                i = {action::spawn, below(p.tasks.size()), 0};
            else
                i = {action::stop, 0, 0};
        }
    }
    for (std::size_t t = 0; t < p.timers.size(); ++t) {
        p.timers[t].priority = unsigned(below(3));
        p.timers[t].code.resize(below(3));
        for (random_program::instruction& i : p.timers[t].code) {
            // A timer arms only timers before it, so that there is an end to it.
            if (t > 0 && below(2) == 0)
                i = {below(4) == 0 ? action::disarm : action::arm, below(t), below(4)};
            else
                i = {action::resume, below(p.tasks.size()), below(4)};
        }
    }
    p.limits.resize(below(4));
    for (std::uint64_t& limit : p.limits)
        limit = below(25);
    return p;
}

/// A line of the trace that both of those who execute a program write.
inline std::string trace_line(std::uint64_t time, const char* who, std::size_t index,
                              std::size_t step)
{
    return std::to_string(time) + " " + who + std::to_string(index) + ":" + std::to_string(step) +
           "\n";
}

inline std::string trace_line(std::uint64_t time, executor::outcome how)
{
    switch (how) {
    case executor::outcome::idle:
        return std::to_string(time) + " idle\n";
    case executor::outcome::stopped:
        return std::to_string(time) + " stopped\n";
    case executor::outcome::out_of_time:
        return std::to_string(time) + " out of time\n";
    case executor::outcome::held:
    case executor::outcome::interrupted:
        return std::to_string(time) + " interrupted\n";
    }
    return "?";
}

/// Has an executor run a program. Times in the trace count from when it began.
class program_run
{
public:
    /// `at_each_step` is called before every instruction; what it returns goes into the trace.
    program_run(
        const random_program& p, executor& exec,
        std::function<std::string()> at_each_step = [] { return std::string(); })
        : m_program(p),
          m_executor(exec),
          m_at_each_step(std::move(at_each_step)),
          m_begun(exec.now().raw()),
          m_tasks(p.tasks.size(), nullptr)
    {
        for (std::size_t t = 0; t < p.timers.size(); ++t)
            m_timers.push_back(std::make_unique<executor::timer>(exec, p.timers[t].priority,
                                                                 [this, t] { run_timer(t); }));
        for (std::size_t t = 0; t < p.started; ++t)
            spawn(t);
    }

    const std::string& trace()
    {
        for (const std::uint64_t limit : m_program.limits)
            run(m_begun + picoseconds(limit));
        while (run(picoseconds::max()) != executor::outcome::idle)
            continue;
        return m_trace;
    }

private:
    executor::outcome run(picoseconds limit)
    {
        const executor::outcome how = m_executor.run(limit);
        m_trace += trace_line((m_executor.now() - m_begun).raw(), how);
        return how;
    }

    void spawn(std::size_t t)
    {
        if (m_tasks[t] == nullptr)
            m_tasks[t] =
                &m_executor.spawn("task", m_program.tasks[t].priority, [this, t] { run_task(t); });
    }

    void run_task(std::size_t t)
    {
        const std::vector<random_program::instruction>& code = m_program.tasks[t].code;
        for (std::size_t step = 0; step < code.size(); ++step) {
            note("task", t, step);
            execute(code[step]);
        }
        note("task", t, code.size());
    }

    void run_timer(std::size_t t)
    {
        note("timer", t, 0);
        for (const random_program::instruction& i : m_program.timers[t].code)
            execute(i);
    }

    void note(const char* who, std::size_t index, std::size_t step)
    {
        m_trace += trace_line((m_executor.now() - m_begun).raw(), who, index, step);
        m_trace += m_at_each_step();
    }

    void execute(const random_program::instruction& i)
    {
        const picoseconds when = m_executor.now() + i.delay;
        switch (i.what) {
        case random_program::action::sleep:
            m_executor.sleep_until(when);
            break;
        case random_program::action::suspend:
            m_executor.suspend();
            break;
        case random_program::action::resume:
            if (m_tasks[i.target] != nullptr)
                m_executor.resume_at(*m_tasks[i.target], when);
            break;
        case random_program::action::arm:
            m_timers[i.target]->arm(when);
            break;
        case random_program::action::disarm:
            m_timers[i.target]->disarm();
            break;
        case random_program::action::spawn:
            spawn(i.target);
            break;
        case random_program::action::stop:
            m_executor.stop();
            break;
        }
    }

    const random_program& m_program;
    executor& m_executor;
    std::function<std::string()> m_at_each_step;
    picoseconds m_begun;
    std::vector<executor::task*> m_tasks;
    std::vector<std::unique_ptr<executor::timer>> m_timers;
    std::string m_trace;
};

} // namespace mkclean
