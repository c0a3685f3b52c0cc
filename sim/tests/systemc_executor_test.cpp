#include "sim/fiber_executor.h"
#include "sim/systemc_executor.h"
#include "sim/tests/random_program.h"
#include "sim/tests/simulation.h"

#include <doctest/doctest.h>

#include <stdexcept>

using namespace mkclean;

namespace
{

std::string run_on_fibers(const random_program& program)
{
    fiber_executor exec;
    return program_run(program, exec,
                       [&exec] {
                           return "  horizon " + std::to_string(exec.look_ahead().acts.raw()) +
                                  "\n";
                       })
        .trace();
}

std::string run_on_systemc(const random_program& program, systemc_executor::instants which)
{
    systemc_executor exec;
    exec.show(which);
    const picoseconds begun = exec.now();
    program_run run(program, exec, [&exec, begun, which] {
        const std::uint64_t clock = sc_core::sc_time_stamp().value();
        if (which == systemc_executor::instants::all)
            REQUIRE(clock == exec.now().raw()); // whenever anybody looks
        REQUIRE(clock + exec.local_offset().raw() == exec.now().raw());
        const picoseconds horizon = exec.look_ahead().acts;
        const bool none = horizon == picoseconds::max();
        return "  horizon " + std::to_string((none ? horizon : horizon - begun).raw()) + "\n";
    });
    const std::string trace = run.trace();
    exec.cancel_all();
    return trace;
}

constexpr picoseconds after(picoseconds begun, std::uint64_t time)
{
    return begun + time;
}

// A module that knows nothing of ours acts at 30 and 50.
void a_strangers_events_bound_the_horizon()
{
    systemc_executor exec;
    const picoseconds begun = exec.now();
    std::vector<picoseconds> horizons;
    sc_core::sc_event strangers;
    strangers.notify(sc_core::sc_time::from_value(30));
    exec.spawn("task", 0, [&] {
        horizons.push_back(exec.look_ahead().acts);
        exec.sleep_until(after(begun, 40));
        CHECK(exec.now() == after(begun, 40));
        strangers.notify(sc_core::sc_time::from_value(10));
        horizons.push_back(exec.look_ahead().acts);
    });
    CHECK(exec.run() == executor::outcome::idle);
    CHECK(horizons == std::vector<picoseconds>{after(begun, 30), after(begun, 50)});
}

// It acts while our tasks wait for something later: theirs is not delayed.
void a_stranger_may_arm_a_timer_while_time_passes(systemc_executor::instants which)
{
    systemc_executor exec;
    exec.show(which);
    const picoseconds begun = exec.now();
    picoseconds called;
    picoseconds woken;
    executor::timer t(exec, 0, [&] { called = exec.now(); });
    executor::task& sleeper = exec.spawn("task", 0, [&] {
        exec.sleep_until(after(begun, 1000));
        woken = exec.now();
        exec.sleep_until(after(begun, 2000));
    });
    sc_core::sc_spawn([&] {
        sc_core::wait(sc_core::sc_time::from_value(100));
        CHECK(exec.now() == after(begun, 100));
        t.arm(exec.now() + 20);
        sc_core::wait(sc_core::sc_time::from_value(50));
        exec.resume_at(sleeper, exec.now());
    });
    CHECK(exec.run() == executor::outcome::idle);
    CHECK(called == after(begun, 120));
    CHECK(woken == after(begun, 150));
    CHECK(exec.now() == after(begun, 2000));
}

void what_a_task_throws_reaches_the_caller_of_run()
{
    systemc_executor exec;
    exec.spawn("thrower", 0, [&] {
        exec.sleep_until(exec.now() + 10);
        throw std::runtime_error("out of a task");
    });
    CHECK_THROWS_WITH_AS(exec.run(), "out of a task", std::runtime_error);
    CHECK(exec.run() == executor::outcome::idle);
}

} // namespace

TEST_CASE("on SystemC, tasks do what they do on fibers")
{
    simulate([] {
        for (std::uint64_t seed = 0; seed < 3000; ++seed) {
            const random_program program = make_random_program(seed);
            CAPTURE(seed);
            const std::string expected = run_on_fibers(program);
            REQUIRE(run_on_systemc(program, systemc_executor::instants::all) == expected);
            REQUIRE(run_on_systemc(program, systemc_executor::instants::needed) == expected);
        }
        a_strangers_events_bound_the_horizon();
        a_stranger_may_arm_a_timer_while_time_passes(systemc_executor::instants::all);
        a_stranger_may_arm_a_timer_while_time_passes(systemc_executor::instants::needed);
        what_a_task_throws_reaches_the_caller_of_run();
    });
}
