#include "tb/run.h"
#include "sim/fiber_executor.h"
#include "sim/systemc_executor.h"
#include "tb/platform/plain_interconnect.h"
#include "tb/platform/tlm_interconnect.h"
#include "tb/workload/apt.h"
#include "tb/workload/lackey.h"
#include "tb/workload/random_mix.h"
#include "tb/workload/rtorrent.h"
#include "tb/workload/script.h"
#include "tb/workload/touch.h"

#include <exception>

namespace mkclean
{

std::unique_ptr<workload> make_workload(const config& c)
{
    switch (c.workload.kind) {
    case workload_kind::script:
        return make_script(c);
    case workload_kind::apt:
        return std::make_unique<apt>(c.workload, c.seed);
    case workload_kind::lackey:
        return std::make_unique<lackey>(c.workload);
    case workload_kind::random:
        return std::make_unique<random_mix>(c.workload, c.seed);
    case workload_kind::touch:
        return std::make_unique<touch>(c.workload, c.cores, c.seed);
    case workload_kind::rtorrent:
        break;
    }
    return std::make_unique<rtorrent>(c.workload, c.seed);
}

void run_on_fibers(const config& c, const std::function<void(world&)>& before,
                   const std::function<void(world&)>& after, arbiter* by)
{
    physical_memory memory(c.memory);
    plain_interconnect bus(memory, picoseconds(c.memory_latency));
    const std::unique_ptr<workload> program = make_workload(c);
    fiber_executor exec;
    if (by != nullptr)
        exec.obey(*by, false);
    world w(c, exec, memory, bus, *program);
    before(w);
    w.run();
    after(w);
}

namespace
{

/// The top of the SystemC hierarchy: the bus and, as a process, whoever drives the executor.
class platform final : public sc_core::sc_module
{
public:
    platform(const sc_core::sc_module_name& name, const config& c, arbiter* by)
        : sc_module(name),
          m_memory(c.memory),
          m_interconnect("platform", obeying(m_executor, by), m_memory,
                         picoseconds(c.memory_latency)),
          m_program(make_workload(c)),
          m_world(c, m_executor, m_memory, m_interconnect, *m_program)
    {
        // The reference that every access of is a move of time is one to SystemC as well.
        m_executor.show(c.core.sync == time_sync::every_access
                            ? systemc_executor::instants::all
                            : systemc_executor::instants::needed);
        sc_core::sc_spawn([this] { drive(); }, "drive");
    }

    world& machine() { return m_world; }
    void rethrow() const
    {
        if (m_failure)
            std::rethrow_exception(m_failure);
    }

private:
    static systemc_executor& obeying(systemc_executor& exec, arbiter* by)
    {
        if (by != nullptr)
            exec.obey(*by, false);
        return exec;
    }
    // An exception must not leave a SystemC process: the kernel would make a report of it.
    void drive()
    {
        try {
            m_world.run();
        } catch (...) {
            m_failure = std::current_exception();
        }
        m_executor.cancel_all();
    }

    physical_memory m_memory;
    systemc_executor m_executor;
    tlm_interconnect m_interconnect;
    std::unique_ptr<workload> m_program;
    world m_world;
    std::exception_ptr m_failure;
};

} // namespace

void run_on_systemc(const config& c, const std::function<void(world&)>& before,
                    const std::function<void(world&)>& after, arbiter* by)
{
    platform top("top", c, by);
    before(top.machine());
    start_simulation();
    top.rethrow();
    after(top.machine());
}

} // namespace mkclean
