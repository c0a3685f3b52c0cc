#pragma once

#include "sim/number.h"

#include <cstddef>
#include <stdexcept>
#include <string>

namespace mkclean
{

struct bus_error : std::runtime_error {
    explicit bus_error(physical_address at)
        : std::runtime_error("nobody answers to physical address " + std::to_string(at.raw())),
          address(at)
    {
    }
    physical_address address;
};

/// What an initiator sees of the system bus. Each call is one transaction at the present moment:
/// the bytes move in one piece, and what it took is returned for the caller to wait out.
/// An address that nobody answers to throws bus_error.
class bus_port
{
public:
    virtual ~bus_port() = default;
    virtual picoseconds read(physical_address from, void* to, std::size_t bytes) = 0;
    virtual picoseconds write(physical_address to, const void* from, std::size_t bytes) = 0;
    /// A locked read-modify-write: if the 8 bytes at `at` are `expected`, they become `desired`.
    /// `expected` receives what was found.
    virtual picoseconds compare_exchange(physical_address at, std::uint64_t& expected,
                                         std::uint64_t desired, bool& exchanged) = 0;
    /// The 4096 bytes of a frame for accesses that are no transactions (TLM's direct memory
    /// interface): they stay where they are as long as the bus lives. Memory is one mapping of the
    /// host's: the bytes of the next frame of the same memory come right behind. A target that
    /// grants none throws bus_error.
    virtual std::byte* direct_frame(frame_number frame) { throw bus_error{address_of(frame)}; }
};

/// A line from a device to whoever handles its interrupt.
class interrupt_line
{
public:
    virtual ~interrupt_line() = default;
    virtual void raise() = 0;
};

} // namespace mkclean
