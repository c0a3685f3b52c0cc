#pragma once

#include "sim/systemc_executor.h"

#include <functional>
#include <systemc>
#include <utility>

namespace mkclean
{

/// Runs `body` in a SystemC thread process, and the simulation to its end. SystemC elaborates once
/// a process, so only one case of a test program may call it.
inline void simulate(std::function<void()> body)
{
    struct module final : sc_core::sc_module {
        SC_HAS_PROCESS(module);
        explicit module(std::function<void()> b)
            : sc_core::sc_module(sc_core::sc_module_name("simulation")),
              run_body(std::move(b))
        {
            SC_THREAD(process);
        }
        void process() { run_body(); }
        std::function<void()> run_body;
    };
    const module top(std::move(body));
    start_simulation();
}

} // namespace mkclean
