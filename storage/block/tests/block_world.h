#pragma once

#include "cache/tests/kernel_thread.h"
#include "sim/fiber_executor.h"
#include "storage/block/block_device.h"
#include "storage/disk/controller.h"

#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mkclean
{

/// The disk's interrupt: taken by a thread that runs, on top of what it does, or else a little
/// later by a processor that had nothing to do.
class disk_interrupt final : public interrupt_line, public pending_interrupt
{
public:
    disk_interrupt(executor& exec, event_log& log, const costs& cost)
        : m_idle_processor(exec, log, cost, "idle processor", "irq", 2000, [this](engine& self) {
              for (;;) {
                  self.block_until(m_raised, [this] { return pending(); });
                  self.delay(latency);
                  if (pending())
                      take(self);
              }
          })
    {
    }

    void raise() override
    {
        m_pending = true;
        m_raised.wake_all();
    }
    /// Handlers never run two at a time.
    bool pending() const override { return m_pending && !m_handling; }
    void take(actor& self) override
    {
        m_handling = true;
        while (m_pending) {
            m_pending = false;
            handler(self);
        }
        m_handling = false;
    }

    std::function<void(actor&)> handler;
    picoseconds latency{1'000'000};

private:
    bool m_pending = false;
    bool m_handling = false;
    wait_queue m_raised;
    engine m_idle_processor;
};

struct block_world_options {
    disk_options disk = fast_disk();
    block_options block;
    cache_policies cache;
    std::uint64_t frames = 512;
    std::uint64_t seed = 0;
    std::uint64_t hold_up = 0; ///< ps that a thread may be held up at a step

    /// 5 us to the first sector, 1 us a sector, and no time on the bus to speak of.
    static disk_options fast_disk()
    {
        disk_options options;
        options.kind = disk_kind::constant_latency;
        options.capacity = 40'000;
        options.constant.read_latency = 5'000'000;
        options.constant.write_latency = 5'000'000;
        options.constant.bandwidth = 512'000'000;
        options.dma_bandwidth = 64'000'000'000;
        options.read_overhead = 0;
        options.write_overhead = 0;
        return options;
    }
};

/// Memory, a page cache, a disk with the driver above it, and threads.
class block_world : private event_sink
{
public:
    static constexpr std::uint64_t ns = 1'000;
    static constexpr std::uint64_t us = 1'000'000;
    static constexpr std::uint64_t ms = 1'000'000'000;
    static constexpr std::uint64_t s = 1'000'000'000'000;
    static constexpr std::uint64_t registers = std::uint64_t{1} << 32;

    /// Registers in their window, memory elsewhere.
    struct routing_bus final : bus_port {
        explicit routing_bus(block_world& w) : world(w) {}
        picoseconds read(physical_address from, void* to, std::size_t bytes) override
        {
            if (from.raw() < registers)
                return world.dma.read(from, to, bytes);
            const std::uint32_t value = world.disk->read_register(from.raw() - registers);
            std::memcpy(to, &value, sizeof value);
            return {};
        }
        picoseconds write(physical_address to, const void* from, std::size_t bytes) override
        {
            if (to.raw() < registers)
                return world.dma.write(to, from, bytes);
            std::uint32_t value = 0;
            std::memcpy(&value, from, sizeof value);
            world.disk->write_register(to.raw() - registers, value);
            return {};
        }
        picoseconds compare_exchange(physical_address at, std::uint64_t& expected,
                                     std::uint64_t desired, bool& exchanged) override
        {
            return world.dma.compare_exchange(at, expected, desired, exchanged);
        }
        block_world& world;
    };

    explicit block_world(const block_world_options& o)
        : options(o),
          ram(o.frames * page_size),
          cache(o.frames, 1, o.cache),
          media(o.disk.capacity, o.disk.never_written),
          interrupt(exec, log, cost),
          timing(make_timing(o.disk)),
          dma(ram, picoseconds(1 * ns)),
          bus(*this),
          m_random(o.seed)
    {
        log.attach(*this);
        disk = std::make_unique<disk_controller>(
            o.disk, disk_connections{exec, log, cost, dma, interrupt, "disk"}, media, *timing);
        device =
            std::make_unique<block_device>(o.block, cache, ram, bus, physical_address(registers));
        interrupt.handler = [this](actor& self) { device->handle_interrupt(self); };
    }
    ~block_world() override { exec.cancel_all(); }

    kernel_thread& spawn(const std::string& name, std::function<void(kernel_thread&)> body)
    {
        const temper t{m_random(), options.hold_up, 4, &interrupt};
        m_threads.push_back(
            std::make_unique<kernel_thread>(exec, log, cost, name, t, std::move(body)));
        return *m_threads.back();
    }
    /// A thread that the world waits for in run().
    kernel_thread& spawn(std::function<void(kernel_thread&)> body)
    {
        kernel_thread& t = spawn("thread", std::move(body));
        m_awaited.push_back(&t);
        return t;
    }
    /// Runs until nobody can go on, or until `limit`; true if all who are waited for have ended.
    bool run(std::uint64_t limit = ~std::uint64_t{0})
    {
        exec.run(picoseconds(limit));
        for (const kernel_thread* t : m_awaited) {
            if (!t->ended())
                return false;
        }
        return true;
    }
    /// One more thread, to its end.
    bool run(std::function<void(kernel_thread&)> body)
    {
        spawn(std::move(body));
        return run();
    }

    std::byte* bytes_of(const buffer_head& bh)
    {
        return ram.frame(bh.owner->frame) + bh.offset_in_page();
    }

    const block_world_options options;
    costs cost;
    event_log log;
    fiber_executor exec;
    physical_memory ram;
    page_cache cache;
    disk_media media;
    disk_interrupt interrupt;
    std::unique_ptr<access_timing> timing;
    direct_memory_port dma;
    routing_bus bus;
    std::unique_ptr<disk_controller> disk;
    std::unique_ptr<block_device> device;
    /// Called with every event, the disk's counted from 1 on; others have the count of the last.
    std::function<void(const event&, std::uint64_t)> on_any_event;
    std::uint64_t disk_events = 0;

private:
    void on_event(const event& e) override
    {
        disk_events += log.name_of(e.actor).where == "disk";
        if (on_any_event)
            on_any_event(e, disk_events);
    }

    std::mt19937_64 m_random;
    std::vector<std::unique_ptr<kernel_thread>> m_threads;
    std::vector<kernel_thread*> m_awaited;
};

} // namespace mkclean
