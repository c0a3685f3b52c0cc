#include "sim/systemc_executor.h"

#include <algorithm>

namespace mkclean
{

sc_core::sc_event& systemc_executor::wake_event(task* t)
{
    std::unique_ptr<sc_core::sc_event>& event = m_wake[t];
    if (!event)
        event = std::make_unique<sc_core::sc_event>();
    return *event;
}

void systemc_executor::create_stack(task& t)
{
    sc_core::sc_event& wake = wake_event(&t);
    sc_core::sc_spawn_options options;
    options.set_stack_size(1 << 18);
    options.dont_initialize();
    options.set_sensitivity(&wake);
    sc_core::sc_spawn([this, &t] { wake_event(run_body(t)).notify(); },
                      sc_core::sc_gen_unique_name("task"), &options);
}

void systemc_executor::switch_stacks(task* from, task* to)
{
    wake_event(to).notify();
    sc_core::wait(wake_event(from));
}

void systemc_executor::advance(picoseconds when)
{
    m_advancing = true;
    sc_core::wait(sc_core::sc_time::from_value((when - now()).raw()), m_queue_changed);
    m_advancing = false;
    set_now(outside_time());
}

// A module that is not ours may arm a timer while we wait; the wait may then be too long.
void systemc_executor::queue_changed()
{
    if (m_advancing)
        m_queue_changed.notify(sc_core::SC_ZERO_TIME);
}

picoseconds systemc_executor::foreign_horizon() const
{
    if (!sc_core::sc_pending_activity())
        return picoseconds::max();
    return now() + sc_core::sc_time_to_pending_activity().value();
}

picoseconds systemc_executor::outside_time() const
{
    return picoseconds(sc_core::sc_time_stamp().value());
}

} // namespace mkclean
