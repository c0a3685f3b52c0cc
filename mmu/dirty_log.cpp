#include "mmu/dirty_log.h"

namespace mkclean
{

picoseconds dirty_log::append(bus_port& bus, frame_number frame)
{
    const std::uint64_t address = address_of(frame).raw();
    return bus.write(entry(m_used++), &address, sizeof address);
}

std::vector<frame_number> dirty_log::take(physical_memory& memory)
{
    std::vector<frame_number> taken;
    taken.reserve(m_used);
    for (std::uint64_t i = 0; i < m_used; ++i)
        taken.push_back(frame_of(physical_address(memory.read64(entry(i)))));
    m_used = 0;
    return taken;
}

} // namespace mkclean
