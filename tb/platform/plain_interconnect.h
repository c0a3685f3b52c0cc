#pragma once

#include "mmu/physical_memory.h"
#include "tb/platform/interconnect.h"

namespace mkclean
{

/// Calls instead of sockets, for worlds without SystemC.
class plain_interconnect final : public interconnect, private bus_port
{
public:
    plain_interconnect(physical_memory& memory, picoseconds latency);

    bus_port& add_initiator(const std::string&) override { return *this; }
    void attach(register_target& device) override { m_device = &device; }

private:
    picoseconds read(physical_address from, void* to, std::size_t length) override;
    picoseconds write(physical_address to, const void* from, std::size_t length) override;
    picoseconds compare_exchange(physical_address at, std::uint64_t& expected,
                                 std::uint64_t desired, bool& exchanged) override;
    std::byte* direct_frame(frame_number frame) override { return m_memory.direct_frame(frame); }

    direct_memory_port m_memory;
    picoseconds m_latency;
    register_target* m_device = nullptr;
};

} // namespace mkclean
