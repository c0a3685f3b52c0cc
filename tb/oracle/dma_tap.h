#pragma once

#include "sim/bus_port.h"
#include "tb/oracle/oracle.h"

namespace mkclean
{

/// The disk's way to memory, with somebody listening: passes every transaction on and tells the
/// oracle what was read.
class dma_tap final : public bus_port
{
public:
    explicit dma_tap(bus_port& bus) : m_bus(bus) {}
    void report_to(oracle& judge) { m_judge = &judge; }

    picoseconds read(physical_address from, void* to, std::size_t bytes) override
    {
        if (m_judge != nullptr)
            m_judge->on_dma_read(from, bytes);
        return m_bus.read(from, to, bytes);
    }
    picoseconds write(physical_address to, const void* from, std::size_t bytes) override
    {
        return m_bus.write(to, from, bytes);
    }
    picoseconds compare_exchange(physical_address at, std::uint64_t& expected,
                                 std::uint64_t desired, bool& exchanged) override
    {
        return m_bus.compare_exchange(at, expected, desired, exchanged);
    }
    std::byte* direct_frame(frame_number frame) override { return m_bus.direct_frame(frame); }

private:
    bus_port& m_bus;
    oracle* m_judge = nullptr;
};

} // namespace mkclean
