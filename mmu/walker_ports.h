#pragma once

#include "sim/actor.h"

namespace mkclean
{

/// Walkers that several cores share: who finds none free waits for one.
class walker_ports
{
public:
    explicit walker_ports(std::uint64_t ports) : m_free(ports) {}

    void take(actor& self)
    {
        self.spin_until(m_waiting, [this] { return m_free > 0; });
        --m_free;
    }
    void give_back()
    {
        ++m_free;
        m_waiting.wake_all();
    }

private:
    std::uint64_t m_free;
    wait_queue m_waiting;
};

} // namespace mkclean
