#pragma once

#include "sim/executor.h"

#include <systemc>

#include <memory>
#include <unordered_map>

namespace mkclean
{

/// Tasks as SystemC processes, time as SystemC's own: every instant at which the model acts is an
/// instant of the SystemC kernel, so that modules of a user's own, traces and sc_time_stamp()
/// agree.
///
/// The order among our tasks at one instant is the executor's, not that of SystemC's time heap,
/// which pops equal times in an order that depends on history (2.3.4).
///
/// run() must be called from a SystemC thread process.
class systemc_executor final : public executor
{
public:
    systemc_executor() = default;

private:
    void create_stack(task& t) override;
    void switch_stacks(task* from, task* to) override;
    void advance(picoseconds when) override;
    void queue_changed() override;
    picoseconds foreign_horizon() const override;
    picoseconds outside_time() const override;

    sc_core::sc_event& wake_event(task* t);

    std::unordered_map<task*, std::unique_ptr<sc_core::sc_event>> m_wake;
    sc_core::sc_event m_queue_changed;
    bool m_advancing = false;
};

} // namespace mkclean
