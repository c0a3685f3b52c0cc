#pragma once

#include "sim/fiber_executor.h"

#include <systemc>

namespace mkclean
{

/// Tasks as fibers of one SystemC process, time as SystemC's own, so that modules of a user's own,
/// traces and sc_time_stamp() agree.
///
/// The order among our tasks at one instant is the executor's, not that of SystemC's time heap,
/// which pops equal times in an order that depends on history (2.3.4).
///
/// run() must be called from a SystemC thread process.
class systemc_executor final : public fiber_executor
{
public:
    enum class instants {
        all,    ///< every instant at which the model acts is one of the SystemC kernel
        needed, ///< only those at which somebody else acts; between them we are ahead of it
    };

    systemc_executor() { show(instants::all); }
    void show(instants which);
    void show_every_instant() override { show(instants::all); }

    /// How far we are ahead of SystemC's clock: what TLM-2.0 (IEEE 1666-2011, 11.1.3) has an
    /// initiator say as a transport's delay.
    picoseconds local_offset() const { return now() - systemc_time(); }
    /// To be called after whatever may have made a module of somebody else's notify an event.
    void others_may_have_been_called();

private:
    void begin_run() override { others_may_have_been_called(); }
    void advance(picoseconds when) override;
    void queue_changed() override;
    picoseconds foreign_horizon() const override;
    picoseconds outside_time() const override;
    static picoseconds systemc_time();

    sc_core::sc_event m_queue_changed;
    instants m_instants = instants::all;
    bool m_advancing = false;
};

/// sc_core::sc_start(), to the end.
void start_simulation();

} // namespace mkclean
