#include "tb/platform/plain_interconnect.h"

#include <cstring>

namespace mkclean
{

plain_interconnect::plain_interconnect(physical_memory& memory, picoseconds latency)
    : m_memory(memory, latency),
      m_latency(latency)
{
}

picoseconds plain_interconnect::read(physical_address from, void* to, std::size_t length)
{
    if (from < disk_registers || length != 4)
        return m_memory.read(from, to, length);
    const std::uint32_t value = m_device->read_register((from - disk_registers).raw());
    std::memcpy(to, &value, sizeof value);
    return m_latency;
}

picoseconds plain_interconnect::write(physical_address to, const void* from, std::size_t length)
{
    if (to < disk_registers || length != 4)
        return m_memory.write(to, from, length);
    std::uint32_t value = 0;
    std::memcpy(&value, from, sizeof value);
    m_device->write_register((to - disk_registers).raw(), value);
    return m_latency;
}

picoseconds plain_interconnect::compare_exchange(physical_address at, std::uint64_t& expected,
                                                 std::uint64_t desired, bool& exchanged)
{
    return m_memory.compare_exchange(at, expected, desired, exchanged);
}

} // namespace mkclean
