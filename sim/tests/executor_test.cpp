#include "sim/fiber_executor.h"
#include "sim/tests/random_program.h"
#include "sim/tests/seeds.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

using namespace mkclean;

namespace
{

using outcome = executor::outcome;
using names = std::vector<std::string>;

constexpr picoseconds at(std::uint64_t time)
{
    return picoseconds(time);
}

/// Says so when it is destroyed.
struct farewell {
    farewell(names& to, std::string text) : list(to), what(std::move(text)) {}
    farewell(const farewell&) = delete;
    farewell& operator=(const farewell&) = delete;
    ~farewell() { list.push_back(what); }
    names& list;
    std::string what;
};

/// What an executor is to do, by looking at everything that waits, every time.
class reference_interpreter
{
public:
    explicit reference_interpreter(const random_program& p)
        : m_program(p),
          m_tasks(p.tasks.size()),
          m_timers(p.timers.size())
    {
        for (std::size_t t = 0; t < p.tasks.size(); ++t)
            m_tasks[t].routine = &p.tasks[t];
        for (std::size_t t = 0; t < p.timers.size(); ++t) {
            m_timers[t].routine = &p.timers[t];
            m_timers[t].is_timer = true;
        }
        for (std::size_t t = 0; t < p.started; ++t)
            execute({random_program::action::spawn, t, 0});
    }

    std::string trace()
    {
        for (const std::uint64_t limit : m_program.limits)
            run(limit);
        while (run(picoseconds::max().raw()) != outcome::idle)
            continue;
        return m_trace;
    }

private:
    struct party {
        const random_program::routine* routine = nullptr;
        bool is_timer = false;
        bool spawned = false;
        std::size_t next = 0; // instruction
        std::optional<std::uint64_t> due;
        std::uint64_t arrival = 0;
    };

    static bool before(const party& a, const party& b)
    {
        if (*a.due != *b.due)
            return *a.due < *b.due;
        if (a.routine->priority != b.routine->priority)
            return a.routine->priority < b.routine->priority;
        return a.arrival < b.arrival;
    }

    party* first()
    {
        party* found = nullptr;
        for (std::vector<party>* all : {&m_tasks, &m_timers})
            for (party& p : *all)
                if (p.due && (found == nullptr || before(p, *found)))
                    found = &p;
        return found;
    }

    outcome run(std::uint64_t limit)
    {
        m_limit = limit;
        m_stopping = false;
        const outcome how = go();
        m_trace += trace_line(m_now, how);
        return how;
    }

    outcome go()
    {
        for (;;) {
            if (m_stopping)
                return outcome::stopped;
            party* const p = first();
            if (p == nullptr)
                return outcome::idle;
            if (*p->due > m_limit)
                return outcome::out_of_time;
            m_now = *p->due;
            p->due.reset();
            if (p->is_timer)
                run_timer(*p);
            else
                run_task(*p);
        }
    }

    void run_timer(const party& p)
    {
        note("timer", std::size_t(&p - m_timers.data()), 0);
        for (const random_program::instruction& i : p.routine->code)
            execute(i);
    }

    void run_task(party& p)
    {
        const auto index = std::size_t(&p - m_tasks.data());
        while (p.next < p.routine->code.size()) {
            note("task", index, p.next);
            const random_program::instruction& i = p.routine->code[p.next++];
            if (i.what == random_program::action::sleep)
                make_due(p, m_now + i.delay);
            else if (i.what != random_program::action::suspend) {
                execute(i);
                continue;
            }
            return;
        }
        note("task", index, p.next++);
        p.due.reset();
    }

    void execute(const random_program::instruction& i)
    {
        const std::uint64_t when = m_now + i.delay;
        switch (i.what) {
        case random_program::action::resume:
            if (m_tasks[i.target].spawned &&
                m_tasks[i.target].next <= m_tasks[i.target].routine->code.size())
                make_due(m_tasks[i.target], when);
            break;
        case random_program::action::arm:
            m_timers[i.target].due = when;
            m_timers[i.target].arrival = m_arrivals++;
            break;
        case random_program::action::disarm:
            m_timers[i.target].due.reset();
            break;
        case random_program::action::spawn:
            if (!m_tasks[i.target].spawned)
                make_due(m_tasks[i.target], m_now);
            m_tasks[i.target].spawned = true;
            break;
        case random_program::action::stop:
            m_stopping = true;
            break;
        case random_program::action::sleep:
        case random_program::action::suspend:
            break;
        }
    }

    // Only ever to an earlier time.
    void make_due(party& p, std::uint64_t when)
    {
        if (p.due && *p.due <= when)
            return;
        p.due = when;
        p.arrival = m_arrivals++;
    }

    void note(const char* who, std::size_t index, std::size_t step)
    {
        const party* const next = first();
        const std::uint64_t horizon = next != nullptr ? std::min(*next->due, m_limit) : m_limit;
        m_trace += trace_line(m_now, who, index, step);
        m_trace += "  horizon " + std::to_string(horizon) + "\n";
    }

    const random_program& m_program;
    std::vector<party> m_tasks;
    std::vector<party> m_timers;
    std::uint64_t m_now = 0;
    std::uint64_t m_limit = 0;
    std::uint64_t m_arrivals = 0;
    bool m_stopping = false;
    std::string m_trace;
};

} // namespace

TEST_CASE("whoever sets the flag that is watched is attended to, and the run goes on")
{
    fiber_executor exec;
    std::atomic<bool> flag{false};
    std::vector<std::uint64_t> attended;
    unsigned turns = 0;
    exec.watch(flag, [&] {
        flag = false;
        attended.push_back(exec.now().raw());
        return false;
    });
    exec.spawn("t", 0, [&] {
        while (turns < 10) {
            exec.sleep_until(exec.now() + at(1));
            flag = ++turns % 4 == 0;
        }
    });
    CHECK(exec.run() == outcome::idle);
    CHECK(turns == 10);
    CHECK(attended == std::vector<std::uint64_t>{4, 8});
}

TEST_CASE("a flag that is watched ends the run before anything else happens")
{
    fiber_executor exec;
    std::atomic<bool> flag{false};
    unsigned turns = 0;
    exec.watch(flag, [] { return true; });
    exec.spawn("t", 0, [&] {
        for (;;) {
            exec.sleep_until(exec.now() + at(1));
            if (++turns == 100)
                flag = true;
        }
    });
    CHECK(exec.run() == outcome::interrupted);
    CHECK(turns == 100);
    CHECK(exec.now() == at(100));
    exec.cancel_all();
}

TEST_CASE(
    "what is due comes by time, then by priority, then in the order in which it was asked for")
{
    fiber_executor exec;
    names order;
    const auto task = [&](const std::string& name, unsigned priority, std::uint64_t when) {
        exec.spawn(name, priority, [&exec, &order, name, when] {
            exec.sleep_until(at(when));
            order.push_back(name);
        });
    };
    task("later", 0, 20);
    task("low", 7, 10);
    task("high, asked first", 3, 10);
    task("high, asked second", 3, 10);
    executor::timer highest(exec, 2, [&] { order.push_back("timer"); });
    highest.arm(at(10));
    task("at once", 9, 0);
    CHECK(exec.run() == outcome::idle);
    CHECK(order ==
          names{"at once", "timer", "high, asked first", "high, asked second", "low", "later"});
}

TEST_CASE("time stands still while a task runs and goes straight to what is due next")
{
    fiber_executor exec;
    std::vector<std::uint64_t> times;
    exec.spawn("task", 0, [&] {
        times.push_back(exec.now().raw());
        exec.sleep_until(at(1'000'000'000'000));
        times.push_back(exec.now().raw());
        exec.sleep_until(at(5)); // has passed
        times.push_back(exec.now().raw());
    });
    exec.run();
    CHECK(times == std::vector<std::uint64_t>{0, 1'000'000'000'000, 1'000'000'000'000});
}

TEST_CASE("a timer calls once, at the time it was last armed for")
{
    fiber_executor exec;
    std::vector<std::uint64_t> calls;
    executor::timer t(exec, 0, [&] {
        calls.push_back(exec.now().raw());
        CHECK(exec.running() == nullptr);
        CHECK_FALSE(t.queued());
        if (exec.now() == at(40))
            t.arm(at(45)); // may arm itself
    });
    CHECK_FALSE(t.queued());

    t.arm(at(10));
    CHECK(t.queued());
    CHECK(t.due() == at(10));
    t.arm(at(30)); // later
    t.arm(at(20)); // and earlier again
    exec.run();
    CHECK(calls == std::vector<std::uint64_t>{20});

    t.arm(at(25));
    t.disarm();
    t.disarm();
    CHECK(exec.run() == outcome::idle);
    CHECK(calls.size() == 1);
    CHECK(exec.now() == at(20));

    t.arm(at(40));
    exec.run();
    CHECK(calls == std::vector<std::uint64_t>{20, 40, 45});

    t.arm(at(3)); // has passed: at once
    exec.run();
    CHECK(calls == std::vector<std::uint64_t>{20, 40, 45, 45});
}

TEST_CASE("a timer that was destroyed does not call")
{
    fiber_executor exec;
    bool called = false;
    auto t = std::make_unique<executor::timer>(exec, 0, [&] { called = true; });
    t->arm(at(10));
    exec.spawn("destroyer", 0, [&] {
        exec.sleep_until(at(5));
        t.reset();
    });
    exec.run();
    CHECK_FALSE(called);
}

TEST_CASE("resume_at makes a wake-up earlier, never later")
{
    fiber_executor exec;
    std::vector<std::uint64_t> woken;
    executor::task& sleeper = exec.spawn("sleeper", 0, [&] {
        exec.sleep_until(at(100));
        woken.push_back(exec.now().raw());
        exec.suspend();
        woken.push_back(exec.now().raw());
        exec.sleep_until(at(300));
        woken.push_back(exec.now().raw());
    });
    exec.spawn("waker", 1, [&] {
        exec.resume_at(sleeper, at(200)); // too late to matter
        exec.resume_at(sleeper, at(50));
        exec.resume_at(sleeper, at(60)); // it is due earlier already
        exec.sleep_until(at(70));
        exec.resume_at(sleeper, at(80));
        exec.resume_at(sleeper, at(75));
        exec.sleep_until(at(90));
        exec.resume_at(sleeper, at(10)); // has passed: now
    });
    exec.run();
    CHECK(woken == std::vector<std::uint64_t>{50, 75, 90});
    CHECK(sleeper.finished());
    exec.resume_at(sleeper, at(1000)); // means nothing to a task that has ended
    CHECK(exec.run() == outcome::idle);
    CHECK(exec.now() == at(90));
}

TEST_CASE("a task that resumes itself sleeps no longer than until then")
{
    fiber_executor exec;
    std::vector<std::uint64_t> woken;
    exec.spawn("task", 0, [&] {
        exec.resume_at(*exec.running(), at(10));
        exec.sleep_until(at(50));
        woken.push_back(exec.now().raw());
        exec.resume_at(*exec.running(), at(20));
        exec.suspend();
        woken.push_back(exec.now().raw());
        exec.resume_at(*exec.running(), at(30)); // and ends before that
    });
    CHECK(exec.run() == outcome::idle);
    CHECK(woken == std::vector<std::uint64_t>{10, 20});
    CHECK(exec.now() == at(20));
}

TEST_CASE("the horizon is the earliest instant at which anybody else can act or look")
{
    fiber_executor exec;
    std::vector<picoseconds> horizons;
    executor::timer t(exec, 0, [] {});
    executor::task& other = exec.spawn("other", 1, [&] {
        exec.sleep_until(at(100));
        exec.suspend();
    });
    exec.spawn("task", 2, [&] {
        horizons.push_back(exec.look_ahead().acts); // other's 100
        t.arm(at(40));
        horizons.push_back(exec.look_ahead().acts);
        t.disarm();
        exec.resume_at(other, at(70));
        horizons.push_back(exec.look_ahead().acts);
        exec.sleep_until(at(70)); // the running task's own waits are not in it
        horizons.push_back(exec.look_ahead().acts);
        t.arm(at(600));
        horizons.push_back(exec.look_ahead().acts); // who called run() looks at 500
    });
    exec.run(at(500));
    CHECK(horizons == std::vector<picoseconds>{at(100), at(40), at(70), at(500), at(500)});
}

TEST_CASE("run() says why it returned and goes on where it was")
{
    fiber_executor exec;
    names order;
    exec.spawn("task", 0, [&] {
        exec.sleep_until(at(10));
        order.push_back("10");
        exec.stop();
        CHECK(exec.stopping());
        order.push_back("still 10"); // it is stopped at its next wait
        exec.sleep_until(at(20));
        order.push_back("20");
        exec.sleep_until(at(30));
        order.push_back("30");
    });
    CHECK(exec.run(at(9)) == outcome::out_of_time);
    CHECK(order.empty());
    CHECK(exec.now() < at(10));
    CHECK(exec.run() == outcome::stopped);
    CHECK(order == names{"10", "still 10"});
    CHECK(exec.now() == at(10));
    CHECK(exec.run(at(20)) == outcome::out_of_time); // the limit itself is within it
    CHECK(order.back() == "20");
    CHECK(exec.run() == outcome::idle);
    CHECK(order.back() == "30");
    CHECK(exec.running() == nullptr);
}

TEST_CASE("an exception that leaves a task reaches the caller of run(), and the others can go on")
{
    fiber_executor exec;
    names done;
    exec.spawn("thrower", 0, [&] {
        const farewell f(done, "unwound");
        exec.sleep_until(at(10));
        throw std::runtime_error("out of a task");
    });
    exec.spawn("bystander", 1, [&] {
        exec.sleep_until(at(10));
        done.push_back("bystander");
    });
    CHECK_THROWS_WITH_AS(exec.run(), "out of a task", std::runtime_error);
    CHECK(done == names{"unwound"});
    CHECK(exec.now() == at(10));
    CHECK(exec.run() == outcome::idle);
    CHECK(done == names{"unwound", "bystander"});
}

TEST_CASE("an exception out of a timer reaches the caller of run(), whoever was running before it")
{
    fiber_executor exec;
    names done;
    executor::timer t(exec, 0, [] { throw std::runtime_error("out of a timer"); });

    SUBCASE("nobody")
    {
        t.arm(at(5));
        CHECK_THROWS_WITH_AS(exec.run(), "out of a timer", std::runtime_error);
    }
    SUBCASE("a task that waits: it does not notice")
    {
        exec.spawn("waits", 0, [&] {
            t.arm(at(5));
            try {
                exec.sleep_until(at(10));
                done.push_back("slept");
            } catch (const std::runtime_error&) {
                done.push_back("hit by what is not its own");
            }
        });
        CHECK_THROWS_WITH_AS(exec.run(), "out of a timer", std::runtime_error);
        CHECK(done.empty());
        CHECK(exec.run() == outcome::idle);
        CHECK(done == names{"slept"});
    }
    SUBCASE("a task that has ended")
    {
        exec.spawn("ends", 0, [&] { t.arm(at(5)); });
        CHECK_THROWS_WITH_AS(exec.run(), "out of a timer", std::runtime_error);
    }
    CHECK(exec.now() == at(done.empty() ? 5 : 10));
    CHECK(exec.run() == outcome::idle);
}

TEST_CASE("cancel_all unwinds what was suspended and never begins what had not begun")
{
    names done;
    {
        fiber_executor exec;
        const auto kept = std::make_shared<farewell>(done, "captured by the one that never began");
        exec.spawn("suspended", 0, [&] {
            const farewell outer(done, "suspended: outer");
            const farewell inner(done, "suspended: inner");
            exec.suspend();
            done.push_back("not reached");
        });
        exec.spawn("asleep", 0, [&] {
            const farewell f(done, "asleep");
            try {
                exec.sleep_until(at(1000));
            } catch (const std::exception&) {
                done.push_back("not an std::exception");
            }
            done.push_back("not reached");
        });
        exec.spawn("ended", 0, [&] { done.push_back("ended"); });
        exec.spawn("stops", 1, [&] {
            exec.spawn("not begun", 2, [&done, kept] { done.push_back("not reached"); });
            exec.stop();
            exec.suspend();
        });
        CHECK(exec.run() == outcome::stopped);
        CHECK(done == names{"ended"});
        CHECK_FALSE(exec.cancelling());

        exec.cancel_all();
        CHECK(exec.cancelling());
        CHECK(done == names{"ended", "suspended: inner", "suspended: outer", "asleep"});
        exec.cancel_all(); // nothing is left to unwind
    }
    CHECK(done.size() == 5); // what the task that never began had captured, with the executor
}

TEST_CASE("a task that is being cancelled and waits once more is thrown out of that, too")
{
    fiber_executor exec;
    names done;
    exec.spawn("stubborn", 0, [&] {
        for (int i = 0; i < 3; ++i) {
            try {
                if (i % 2 == 0)
                    exec.sleep_until(at(1000));
                else
                    exec.suspend();
                done.push_back("not reached");
            } catch (const task_cancelled&) {
                done.push_back("thrown");
            }
        }
        exec.spawn("late", 0, [&] { done.push_back("not reached"); });
        exec.sleep_until(at(2000));
    });
    exec.run(at(10));
    exec.cancel_all();
    CHECK(done == names{"thrown", "thrown", "thrown"});
}

TEST_CASE("what a task's unwinding resumes is unwound in its turn")
{
    fiber_executor exec;
    names done;
    executor::task* second = nullptr;
    struct resumer {
        ~resumer() { exec.resume_at(*other, exec.now()); }
        fiber_executor& exec;
        executor::task*& other;
    };
    executor::task& first = exec.spawn("first", 0, [&] {
        const resumer r{exec, second};
        exec.sleep_until(at(1000));
    });
    executor::task* const first_task = &first;
    second = &exec.spawn("second", 0, [&, first_task]() mutable {
        executor::task* other = first_task;
        const resumer r{exec, other};
        const farewell f(done, "second");
        exec.suspend();
        done.push_back("not reached");
    });
    exec.run(at(1));
    exec.cancel_all();
    CHECK(done == names{"second"});
    CHECK(first.finished());
    CHECK(second->finished());
}

TEST_CASE("tasks come and go by the thousand on the stacks of those that ended")
{
    fiber_executor exec;
    std::uint64_t sum = 0;
    exec.spawn("parent", 0, [&] {
        for (std::uint64_t i = 0; i < 5000; ++i) {
            exec.spawn("child", 1, [&exec, &sum, i] {
                std::array<std::uint64_t, 100> mine{};
                mine.fill(i);
                exec.sleep_until(exec.now() + at(i % 3));
                sum += mine[i % mine.size()];
            });
            exec.sleep_until(at(i + 1));
        }
    });
    CHECK(exec.run() == outcome::idle);
    CHECK(sum == 5000ull * 4999 / 2);
}

TEST_CASE("random programs do what a sorted list would have them do")
{
    for (std::uint64_t seed = 0; seed < seeds(20'000); ++seed) {
        const random_program program = make_random_program(seed);
        fiber_executor exec;
        program_run run(program, exec, [&exec] {
            return "  horizon " + std::to_string(exec.look_ahead().acts.raw()) + "\n";
        });
        const std::string expected = reference_interpreter(program).trace();
        CAPTURE(seed);
        REQUIRE(run.trace() == expected);
    }
}
