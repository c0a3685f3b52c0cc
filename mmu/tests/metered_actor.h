#pragma once

#include "sim/actor.h"

namespace mkclean
{

/// Somebody alone in the world, who never waits, and whose bill can be read: so many cycles of his
/// own, so much time of the bus.
class metered_actor final : public actor
{
public:
    metered_actor() : actor(m_silence, m_prices) {}

    void spend(cycles duration) override { spent += duration.raw(); }
    using actor::spend;
    void elapse(picoseconds duration) override { on_bus += duration.raw(); }
    void sync() override {}
    void block_on(wait_queue&) override {}
    bool block_on(wait_queue&, picoseconds) override { return false; }
    void spin_on(wait_queue&) override {}
    picoseconds now() const override { return picoseconds(); }
    actor_id id() const override { return actor_id(); }

    std::uint64_t spent = 0;  ///< cycles
    std::uint64_t on_bus = 0; ///< ps

private:
    event_log m_silence;
    costs m_prices;
};

} // namespace mkclean
