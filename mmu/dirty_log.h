#pragma once

#include "mmu/physical_memory.h"

#include <vector>

namespace mkclean
{

/// The log of pages that one core's walker has made dirty (Intel PML, Arm FEAT_HDBSS): an array of
/// eight-byte physical addresses in memory, and how many there are. The walker appends, the kernel
/// of the same core takes all there is.
///
/// It does nothing until the kernel has given it memory, as PML does nothing without its control.
class dirty_log
{
public:
    static constexpr std::uint64_t most_entries = page_size / sizeof(std::uint64_t);

    /// `entries`: 0 (there is none) to most_entries.
    explicit dirty_log(std::uint64_t entries) : m_entries(entries) {}

    std::uint64_t entries() const { return m_entries; }
    void use(frame_number memory) { m_base = address_of(memory); }
    bool in_use() const { return m_base != physical_address(); }
    /// The walker must not set another D.
    bool full() const { return in_use() && m_used == m_entries; }

    /// Writes the frame's address over `bus`; not full. What the transaction takes.
    picoseconds append(bus_port& bus, frame_number frame);
    /// Everything, in the order in which it was logged, by way of kernel code's own accesses.
    std::vector<frame_number> take(physical_memory& memory);

    /// How many there are, for the log of events.
    std::uint64_t raw() const { return m_used; }

private:
    physical_address entry(std::uint64_t index) const
    {
        return m_base + physical_address(index * sizeof(std::uint64_t));
    }

    std::uint64_t m_entries;
    std::uint64_t m_used = 0;
    physical_address m_base;
};

} // namespace mkclean
