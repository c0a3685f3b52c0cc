#pragma once

#include "mmu/physical_memory.h"
#include "sim/systemc_executor.h"
#include "tb/platform/interconnect.h"

#include <tlm>
#include <tlm_utils/multi_passthrough_target_socket.h>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <memory>
#include <vector>

namespace mkclean
{

/// Carries a locked read-modify-write through TLM: a write that happens only if the 8 bytes are
/// `expected`; `found` is what they were.
struct locked_exchange final : tlm::tlm_extension<locked_exchange> {
    std::uint64_t expected = 0;
    std::uint64_t found = 0;
    bool exchanged = false;

    tlm::tlm_extension_base* clone() const override { return new locked_exchange(*this); }
    void copy_from(const tlm::tlm_extension_base& other) override
    {
        *this = static_cast<const locked_exchange&>(other);
    }
};

/// RAM behind a target socket: b_transport with its latency annotated, transport_dbg without, and
/// DMI a frame at a time, for frames take host memory only once touched. What was granted is never
/// invalidated: a frame does not move.
class memory_module final : public sc_core::sc_module
{
public:
    tlm_utils::simple_target_socket<memory_module> socket{"socket"};

    memory_module(const sc_core::sc_module_name& name, physical_memory& memory,
                  picoseconds latency);

private:
    void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
    unsigned transport_dbg(tlm::tlm_generic_payload& payload);
    bool get_direct_mem_ptr(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi);
    bool move(tlm::tlm_generic_payload& payload);

    physical_memory& m_memory;
    sc_core::sc_time m_latency;
};

/// A device's registers behind a target socket, 4 bytes at a time.
class register_module final : public sc_core::sc_module
{
public:
    tlm_utils::simple_target_socket<register_module> socket{"socket"};

    register_module(const sc_core::sc_module_name& name, picoseconds latency);
    void attach(register_target& device) { m_device = &device; }

private:
    void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);

    register_target* m_device = nullptr;
    sc_core::sc_time m_latency;
};

/// Decodes addresses: memory below, registers above.
class bus_module final : public sc_core::sc_module
{
public:
    tlm_utils::multi_passthrough_target_socket<bus_module> target_socket{"target_socket"};
    tlm_utils::simple_initiator_socket<bus_module> memory_socket{"memory_socket"};
    tlm_utils::simple_initiator_socket<bus_module> register_socket{"register_socket"};

    explicit bus_module(const sc_core::sc_module_name& name);

private:
    void b_transport(int, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
    unsigned transport_dbg(int, tlm::tlm_generic_payload& payload);
    bool get_direct_mem_ptr(int, tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi);
};

/// Turns a bus_port's calls into transactions. One per walker, per DMA engine, per core. They are
/// loosely timed: what we are ahead of SystemC's clock is part of a transaction's delay.
class initiator_module final : public sc_core::sc_module, public bus_port
{
public:
    tlm_utils::simple_initiator_socket<initiator_module> socket{"socket"};

    initiator_module(const sc_core::sc_module_name& name, systemc_executor& time);

    picoseconds read(physical_address from, void* to, std::size_t length) override;
    picoseconds write(physical_address to, const void* from, std::size_t length) override;
    picoseconds compare_exchange(physical_address at, std::uint64_t& expected,
                                 std::uint64_t desired, bool& exchanged) override;
    std::byte* direct_frame(frame_number frame) override;

private:
    picoseconds transport(tlm::tlm_command command, physical_address at, unsigned char* data,
                          std::size_t length);

    systemc_executor& m_time;
    tlm::tlm_generic_payload m_payload; // reused: making one costs more than a transaction
    locked_exchange m_exchange;
};

class tlm_interconnect final : public sc_core::sc_module, public interconnect
{
public:
    tlm_interconnect(const sc_core::sc_module_name& name, systemc_executor& time,
                     physical_memory& memory, picoseconds latency);

    bus_port& add_initiator(const std::string& name) override;
    void attach(register_target& device) override { m_registers.attach(device); }

private:
    systemc_executor& m_time;
    bus_module m_bus{"bus"};
    memory_module m_memory;
    register_module m_registers;
    std::vector<std::unique_ptr<initiator_module>> m_initiators;
};

} // namespace mkclean
