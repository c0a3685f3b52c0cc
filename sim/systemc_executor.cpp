#include "sim/systemc_executor.h"
#include "sim/sanitizer_fibers.h"

#include <algorithm>

namespace mkclean
{

// SystemC 2.3.4 does not tell AddressSanitizer of the stack that sc_start() returns to: it would
// take the stack of a thread process that has ended for ours, and read what is no longer there.
void start_simulation()
{
    const stack_bounds own = stack_of_thread();
    sc_core::sc_start();
    after_stack_switch(before_stack_switch(own, true));
}

picoseconds systemc_executor::systemc_time()
{
    return picoseconds(sc_core::sc_time_stamp().value());
}

void systemc_executor::show(instants which)
{
    m_instants = which;
    others_may_have_been_called();
}

void systemc_executor::others_may_have_been_called()
{
    others_act_at(m_instants == instants::all ? picoseconds() : foreign_horizon());
}

void systemc_executor::advance(picoseconds when)
{
    m_advancing = true;
    sc_core::wait(sc_core::sc_time::from_value((when - systemc_time()).raw()), m_queue_changed);
    m_advancing = false;
    set_now(outside_time());
    others_may_have_been_called();
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
    return systemc_time() + sc_core::sc_time_to_pending_activity().value();
}

picoseconds systemc_executor::outside_time() const
{
    return std::max(systemc_time(), fiber_executor::outside_time());
}

} // namespace mkclean
