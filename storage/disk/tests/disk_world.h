#pragma once

#include "sim/fiber_executor.h"
#include "storage/disk/controller.h"

#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mkclean
{

/// Memory that answers after 5 ns, from address 0 on.
class fake_memory final : public bus_port
{
public:
    explicit fake_memory(std::size_t size) : m_bytes(size) {}

    picoseconds read(physical_address from, void* to, std::size_t bytes) override
    {
        std::memcpy(to, at(from, bytes), bytes);
        return latency;
    }
    picoseconds write(physical_address to, const void* from, std::size_t bytes) override
    {
        std::memcpy(at(to, bytes), from, bytes);
        return latency;
    }
    picoseconds compare_exchange(physical_address where, std::uint64_t& expected,
                                 std::uint64_t desired, bool& exchanged) override
    {
        std::uint64_t found = 0;
        std::memcpy(&found, at(where, sizeof found), sizeof found);
        exchanged = found == expected;
        expected = found;
        if (exchanged)
            std::memcpy(at(where, sizeof desired), &desired, sizeof desired);
        return latency;
    }

    std::byte* at(physical_address where, std::size_t bytes)
    {
        if (where.raw() > m_bytes.size() || bytes > m_bytes.size() - where.raw())
            throw bus_error{where};
        return m_bytes.data() + where.raw();
    }
    std::size_t size() const { return m_bytes.size(); }

    picoseconds latency{5'000};

private:
    std::vector<std::byte> m_bytes;
};

/// A disk, memory, and a driver that only prepares commands and watches the interrupt.
///
/// With quick_options() a command is fetched in 10 ns (header and table), a beat of 64 bytes takes
/// 5 ns, a sector's DMA 40 ns; the media begins after 100 us (read) or 200 us (write) and then
/// takes 1 us a sector.
class disk_world final : private interrupt_line, private event_sink
{
public:
    static constexpr std::uint64_t ns = 1'000;
    static constexpr std::uint64_t us = 1'000'000;
    static constexpr std::uint64_t ms = 1'000'000'000;

    static constexpr physical_address list{0x1000};
    static constexpr physical_address tables{0x2000}; // 32 of 0x400 bytes
    static constexpr physical_address data{0x10000};

    struct logged {
        std::string name;
        std::uint64_t time;
        std::uint64_t first;
        std::uint64_t count;
    };

    static disk_options quick_options()
    {
        disk_options options;
        options.kind = disk_kind::constant_latency;
        options.capacity = 100'000;
        options.constant.read_latency = 100 * us;
        options.constant.write_latency = 200 * us;
        options.constant.bandwidth = 512'000'000;
        options.dma_bandwidth = 64'000'000'000;
        options.read_overhead = 0;
        options.write_overhead = 0;
        return options;
    }

    explicit disk_world(const disk_options& options = quick_options(),
                        std::size_t memory_size = std::size_t{1} << 20)
        : memory(memory_size),
          media(options.capacity, options.never_written),
          m_options(options)
    {
        log.attach(*this);
        switch_on();
    }
    ~disk_world() override { exec.cancel_all(); }

    /// Another controller over the same media, as after a power cut.
    void switch_on()
    {
        m_timings.push_back(make_timing(m_options));
        m_disks.push_back(std::make_unique<disk_controller>(
            m_options, disk_connections{exec, log, m_cost, memory, *this}, media,
            *m_timings.back()));
        disk().write_register(disk_register::list_lo, static_cast<std::uint32_t>(list.raw()));
        disk().write_register(disk_register::interrupt_enable, 1);
    }

    disk_controller& disk() { return *m_disks.back(); }

    // ---- The driver

    /// Writes header and table of a slot; the data lie in one piece.
    void prepare(unsigned slot, disk_opcode opcode, std::uint64_t first = 0,
                 std::uint32_t sectors = 0, physical_address where = data, bool fua = false)
    {
        prepare(
            slot, opcode, first, sectors,
            std::vector<disk_segment>{{where, static_cast<std::uint32_t>(sectors * sector_size)}},
            fua);
    }
    void prepare(unsigned slot, disk_opcode opcode, std::uint64_t first, std::uint32_t sectors,
                 const std::vector<disk_segment>& segments, bool fua = false)
    {
        disk_command c;
        c.opcode = static_cast<std::uint8_t>(opcode);
        c.flags = fua ? disk_command::fua : std::uint8_t{0};
        c.segments = static_cast<std::uint16_t>(segments.size());
        c.sectors = sectors;
        c.first = sector_number(first);
        c.table = tables + slot * 0x400;
        put(list + slot * disk_command::bytes, c.encode());
        for (std::size_t i = 0; i < segments.size(); ++i)
            put(c.table + i * disk_segment::bytes, segments[i].encode());
    }
    void issue(unsigned slot)
    {
        disk().write_register(disk_register::issue, std::uint32_t{1} << slot);
    }
    void issue_mask(std::uint32_t slots) { disk().write_register(disk_register::issue, slots); }

    /// Runs until the slot has left `issue`; true if it succeeded. Acknowledges it.
    bool wait(unsigned slot)
    {
        const std::uint32_t mask = std::uint32_t{1} << slot;
        m_stop_at = mask;
        if ((disk().read_register(disk_register::issue) & mask) != 0)
            exec.run();
        m_stop_at = 0;
        const bool fine = (disk().read_register(disk_register::done) & mask) != 0;
        disk().write_register(disk_register::done, mask);
        disk().write_register(disk_register::failed, mask);
        return fine;
    }
    /// One command, alone, to its end.
    bool perform(disk_opcode opcode, std::uint64_t first = 0, std::uint32_t sectors = 0,
                 physical_address where = data, bool fua = false)
    {
        prepare(31, opcode, first, sectors, where, fua);
        issue(31);
        return wait(31);
    }

    /// Calls `action` at `when` (ps), before the disk's engines act at that instant if they were
    /// queued later.
    void at(std::uint64_t when, std::function<void()> action)
    {
        m_timers.emplace_back(exec, 0, std::move(action));
        m_timers.back().arm(picoseconds(when));
    }
    void run() { exec.run(); }
    void run_until(std::uint64_t when)
    {
        at(when, [this] { exec.stop(); });
        exec.run();
    }
    std::uint64_t now() const { return exec.now().raw(); }

    // ---- Looking

    void fill(physical_address where, std::size_t bytes, unsigned value)
    {
        std::memset(memory.at(where, bytes), static_cast<int>(value), bytes);
    }
    bool holds(physical_address where, std::size_t bytes, unsigned value)
    {
        return all_are(memory.at(where, bytes), bytes, value);
    }
    bool durable(std::uint64_t sector, unsigned value)
    {
        std::array<std::byte, sector_size> bytes;
        disk().read_durable(sector_number(sector), 1, bytes.data());
        return all_are(bytes.data(), bytes.size(), value);
    }
    bool current(std::uint64_t sector, unsigned value)
    {
        std::array<std::byte, sector_size> bytes;
        disk().read_current(sector_number(sector), 1, bytes.data());
        return all_are(bytes.data(), bytes.size(), value);
    }
    static bool all_are(const std::byte* from, std::size_t bytes, unsigned value)
    {
        for (std::size_t i = 0; i < bytes; ++i) {
            if (std::to_integer<unsigned>(from[i]) != value)
                return false;
        }
        return true;
    }
    const std::vector<logged>& events() const { return m_events; }
    /// When the first event of that name was; 0 if there was none.
    std::uint64_t time_of(const std::string& name) const
    {
        for (const logged& e : m_events) {
            if (e.name == name)
                return e.time;
        }
        return 0;
    }

    fake_memory memory;
    event_log log;
    fiber_executor exec;
    disk_media media;
    unsigned interrupts = 0;
    std::function<void()> on_interrupt;

private:
    template <class Bytes>
    void put(physical_address where, const Bytes& bytes)
    {
        std::memcpy(memory.at(where, bytes.size()), bytes.data(), bytes.size());
    }

    void raise() override
    {
        ++interrupts;
        if (on_interrupt)
            on_interrupt();
        if (m_stop_at != 0 && (disk().read_register(disk_register::issue) & m_stop_at) == 0)
            exec.stop();
    }
    void on_event(const event& e) override
    {
        m_events.push_back({e.site->name, e.time.raw(), e.before, e.after});
    }

    disk_options m_options;
    costs m_cost;
    std::vector<std::unique_ptr<access_timing>> m_timings;
    std::vector<std::unique_ptr<disk_controller>> m_disks;
    std::deque<executor::timer> m_timers;
    std::vector<logged> m_events;
    std::uint32_t m_stop_at = 0;
};

} // namespace mkclean
