#include "tb/platform/tlm_interconnect.h"

#include <cstring>

namespace mkclean
{

namespace
{

sc_core::sc_time to_sc_time(picoseconds t)
{
    return sc_core::sc_time::from_value(t.raw());
}

} // namespace

// ---- memory -------------------------------------------------------------------------------------

memory_module::memory_module(const sc_core::sc_module_name& name, physical_memory& memory,
                             picoseconds latency)
    : sc_module(name),
      m_memory(memory),
      m_latency(to_sc_time(latency))
{
    socket.register_b_transport(this, &memory_module::b_transport);
    socket.register_transport_dbg(this, &memory_module::transport_dbg);
    socket.register_get_direct_mem_ptr(this, &memory_module::get_direct_mem_ptr);
}

bool memory_module::move(tlm::tlm_generic_payload& payload)
{
    const physical_address at(payload.get_address());
    const std::size_t length = payload.get_data_length();
    if (!m_memory.contains(at, length)) {
        payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
        return false;
    }
    if (payload.get_byte_enable_ptr() != nullptr || payload.get_streaming_width() < length) {
        payload.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE);
        return false;
    }
    if (auto* const locked = payload.get_extension<locked_exchange>()) {
        locked->found = m_memory.read64(at);
        locked->exchanged = locked->found == locked->expected;
        if (locked->exchanged)
            m_memory.write(at, payload.get_data_ptr(), length);
    } else if (payload.is_read()) {
        m_memory.read(at, payload.get_data_ptr(), length);
    } else if (payload.is_write()) {
        m_memory.write(at, payload.get_data_ptr(), length);
    }
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
    return true;
}

void memory_module::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay)
{
    move(payload);
    delay += m_latency;
}

unsigned memory_module::transport_dbg(tlm::tlm_generic_payload& payload)
{
    return move(payload) ? payload.get_data_length() : 0;
}

bool memory_module::get_direct_mem_ptr(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi)
{
    const frame_number frame = frame_of(physical_address(payload.get_address()));
    dmi.init();
    if (!m_memory.contains(address_of(frame), page_size))
        return false;
    dmi.set_dmi_ptr(reinterpret_cast<unsigned char*>(m_memory.frame(frame)));
    dmi.set_start_address(address_of(frame).raw());
    dmi.set_end_address(address_of(frame).raw() + page_size - 1);
    dmi.set_read_latency(m_latency);
    dmi.set_write_latency(m_latency);
    dmi.allow_read_write();
    return true;
}

// ---- registers ----------------------------------------------------------------------------------

register_module::register_module(const sc_core::sc_module_name& name, picoseconds latency)
    : sc_module(name),
      m_latency(to_sc_time(latency))
{
    socket.register_b_transport(this, &register_module::b_transport);
}

void register_module::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay)
{
    delay += m_latency;
    std::uint32_t value = 0;
    if (payload.get_data_length() != sizeof value) {
        payload.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE);
        return;
    }
    if (payload.is_read()) {
        value = m_device->read_register(payload.get_address());
        std::memcpy(payload.get_data_ptr(), &value, sizeof value);
    } else {
        std::memcpy(&value, payload.get_data_ptr(), sizeof value);
        m_device->write_register(payload.get_address(), value);
    }
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
}

// ---- bus ----------------------------------------------------------------------------------------

bus_module::bus_module(const sc_core::sc_module_name& name) : sc_module(name)
{
    target_socket.register_b_transport(this, &bus_module::b_transport);
    target_socket.register_transport_dbg(this, &bus_module::transport_dbg);
    target_socket.register_get_direct_mem_ptr(this, &bus_module::get_direct_mem_ptr);
}

void bus_module::b_transport(int, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay)
{
    const std::uint64_t address = payload.get_address();
    if (physical_address(address) < disk_registers) {
        memory_socket->b_transport(payload, delay);
        return;
    }
    payload.set_address(address - disk_registers.raw());
    register_socket->b_transport(payload, delay);
    payload.set_address(address);
}

unsigned bus_module::transport_dbg(int, tlm::tlm_generic_payload& payload)
{
    if (physical_address(payload.get_address()) < disk_registers)
        return memory_socket->transport_dbg(payload);
    return 0; // reading a register may have side effects
}

bool bus_module::get_direct_mem_ptr(int, tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi)
{
    if (physical_address(payload.get_address()) < disk_registers)
        return memory_socket->get_direct_mem_ptr(payload, dmi);
    return false;
}

// ---- initiators ---------------------------------------------------------------------------------

initiator_module::initiator_module(const sc_core::sc_module_name& name, systemc_executor& time)
    : sc_module(name),
      m_time(time)
{
}

picoseconds initiator_module::transport(tlm::tlm_command command, physical_address at,
                                        unsigned char* data, std::size_t length)
{
    m_payload.set_command(command);
    m_payload.set_address(at.raw());
    m_payload.set_data_ptr(data);
    m_payload.set_data_length(static_cast<unsigned>(length));
    m_payload.set_streaming_width(static_cast<unsigned>(length));
    m_payload.set_byte_enable_ptr(nullptr);
    m_payload.set_dmi_allowed(false);
    m_payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    const sc_core::sc_time ahead = to_sc_time(m_time.local_offset());
    sc_core::sc_time delay = ahead;
    socket->b_transport(m_payload, delay);
    m_time.others_may_have_been_called();
    if (!m_payload.is_response_ok())
        throw bus_error{at};
    return picoseconds((delay - ahead).value());
}

picoseconds initiator_module::read(physical_address from, void* to, std::size_t length)
{
    return transport(tlm::TLM_READ_COMMAND, from, static_cast<unsigned char*>(to), length);
}

picoseconds initiator_module::write(physical_address to, const void* from, std::size_t length)
{
    // A payload's data pointer is never const; a target only reads through it on a write.
    auto* const data = const_cast<unsigned char*>(static_cast<const unsigned char*>(from));
    return transport(tlm::TLM_WRITE_COMMAND, to, data, length);
}

picoseconds initiator_module::compare_exchange(physical_address at, std::uint64_t& expected,
                                               std::uint64_t desired, bool& exchanged)
{
    m_exchange.expected = expected;
    m_payload.set_extension(&m_exchange);
    const auto data = reinterpret_cast<unsigned char*>(&desired);
    const picoseconds took = transport(tlm::TLM_WRITE_COMMAND, at, data, sizeof desired);
    m_payload.clear_extension(&m_exchange);
    expected = m_exchange.found;
    exchanged = m_exchange.exchanged;
    return took;
}

std::byte* initiator_module::direct_frame(frame_number frame)
{
    const std::uint64_t first = address_of(frame).raw();
    tlm::tlm_dmi dmi;
    m_payload.set_command(tlm::TLM_WRITE_COMMAND);
    m_payload.set_address(first);
    const bool granted = socket->get_direct_mem_ptr(m_payload, dmi) && dmi.is_write_allowed() &&
                         dmi.is_read_allowed() && dmi.get_start_address() <= first &&
                         dmi.get_end_address() >= first + page_size - 1;
    if (!granted)
        throw bus_error{address_of(frame)};
    return reinterpret_cast<std::byte*>(dmi.get_dmi_ptr() + (first - dmi.get_start_address()));
}

// ---- all of it ----------------------------------------------------------------------------------

tlm_interconnect::tlm_interconnect(const sc_core::sc_module_name& name, systemc_executor& time,
                                   physical_memory& memory, picoseconds latency)
    : sc_module(name),
      m_time(time),
      m_memory("memory", memory, latency),
      m_registers("registers", latency)
{
    m_bus.memory_socket.bind(m_memory.socket);
    m_bus.register_socket.bind(m_registers.socket);
}

bus_port& tlm_interconnect::add_initiator(const std::string& name)
{
    m_initiators.push_back(std::make_unique<initiator_module>(name.c_str(), m_time));
    m_initiators.back()->socket.bind(m_bus.target_socket);
    return *m_initiators.back();
}

} // namespace mkclean
