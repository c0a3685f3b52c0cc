#pragma once

#include "sim/bus_port.h"

#include <string>

namespace mkclean
{

/// A device's registers: 32-bit words at byte offsets. Takes no time by itself.
class register_target
{
public:
    virtual ~register_target() = default;
    virtual std::uint32_t read_register(std::uint64_t offset) = 0;
    virtual void write_register(std::uint64_t offset, std::uint32_t value) = 0;
};

/// What connects initiators with memory and registers. With SystemC it is TLM-2.0 sockets and a bus
/// module; without, calls with the same latency.
class interconnect
{
public:
    virtual ~interconnect() = default;
    /// A port for one initiator, which lives as long as the interconnect.
    virtual bus_port& add_initiator(const std::string& name) = 0;
    virtual void attach(register_target& device) = 0;
};

/// Where the disk's registers are: above any memory.
constexpr physical_address disk_registers(0x4000'0000'0000);

} // namespace mkclean
