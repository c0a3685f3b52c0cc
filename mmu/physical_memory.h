#pragma once

#include "sim/bus_port.h"
#include "sim/number.h"

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

namespace mkclean
{

/// The machine's RAM: real bytes, in 4 KiB frames that take host memory only once touched.
/// A frame's storage never moves. O(1) for every operation.
class physical_memory
{
public:
    explicit physical_memory(std::uint64_t bytes);

    std::uint64_t frames() const { return m_frames.size(); }
    std::uint64_t bytes() const { return m_frames.size() * page_size; }
    bool contains(physical_address at, std::size_t length) const;

    /// The 4096 bytes of a frame. Throws bus_error outside RAM.
    std::byte* frame(frame_number number);

    /// Within or across frames; throws bus_error outside RAM.
    void read(physical_address from, void* to, std::size_t length);
    void write(physical_address to, const void* from, std::size_t length);
    std::uint64_t read64(physical_address from);
    void write64(physical_address to, std::uint64_t value);

private:
    struct frame_bytes {
        std::array<std::byte, page_size> bytes{};
    };
    std::vector<std::unique_ptr<frame_bytes>> m_frames;
};

/// A bus with nothing between initiator and memory but a constant latency.
class direct_memory_port final : public bus_port
{
public:
    direct_memory_port(physical_memory& memory, picoseconds latency)
        : m_memory(memory),
          m_latency(latency)
    {
    }
    picoseconds read(physical_address from, void* to, std::size_t length) override;
    picoseconds write(physical_address to, const void* from, std::size_t length) override;
    picoseconds compare_exchange(physical_address at, std::uint64_t& expected,
                                 std::uint64_t desired, bool& exchanged) override;
    std::byte* direct_frame(frame_number frame) override { return m_memory.frame(frame); }

private:
    physical_memory& m_memory;
    picoseconds m_latency;
};

} // namespace mkclean
