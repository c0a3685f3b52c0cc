#pragma once

#include "sim/bus_port.h"
#include "sim/number.h"

#include <cstddef>
#include <memory>

namespace mkclean
{

class storage_keys;

/// The machine's RAM: real bytes, in 4 KiB frames that take host memory only once touched.
/// A frame's storage never moves. O(1) for every operation.
///
/// All of it is one mapping of the host, in its huge pages if it has any: on a machine of gigabytes
/// most of what an access costs is the host's own TLB misses and page faults.
class physical_memory
{
public:
    /// Throws std::bad_alloc if the host has no room for so many addresses.
    explicit physical_memory(std::uint64_t bytes);
    /// The bytes are at `zeroed`, the caller's, which outlives this; a multiple of 4096 of them.
    physical_memory(std::byte* zeroed, std::uint64_t bytes);

    std::uint64_t frames() const { return m_frames; }
    std::uint64_t bytes() const { return m_frames * page_size; }
    bool contains(physical_address at, std::size_t length) const;

    /// The 4096 bytes of a frame. Throws bus_error outside RAM.
    std::byte* frame(frame_number number)
    {
        if (number.raw() >= m_frames)
            throw bus_error{address_of(number)};
        return m_bytes.get() + address_of(number).raw();
    }

    /// The same, for who is about to store there through the pointer.
    std::byte* frame_to_store(frame_number number);

    /// Within or across frames; throws bus_error outside RAM.
    void read(physical_address from, void* to, std::size_t length);
    void write(physical_address to, const void* from, std::size_t length);
    std::uint64_t read64(physical_address from);
    void write64(physical_address to, std::uint64_t value);

    /// Who is to be told which frames are used; null: nobody (mmu.sets_dirty).
    void set_keys(storage_keys* keys) { m_keys = keys; }

private:
    struct unmap {
        std::uint64_t bytes; ///< 0: they are somebody else's
        void operator()(std::byte* mapped) const;
    };
    std::uint64_t m_frames;
    std::unique_ptr<std::byte, unmap> m_bytes;
    storage_keys* m_keys = nullptr;
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
