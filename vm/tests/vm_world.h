#pragma once

#include "sim/fiber_executor.h"
#include "storage/disk/controller.h"
#include "storage/fs/mkfs.h"
#include "storage/fs/recovery.h"
#include "storage/options.h"
#include "vm/fault.h"
#include "vm/user_task.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mkclean
{

constexpr std::uint64_t us = 1'000'000;
constexpr std::uint64_t ms = 1'000'000'000;
constexpr std::uint64_t s = 1'000'000'000'000;

constexpr vm_flags shared_write{true, true};
constexpr vm_flags shared_read{false, true};
constexpr vm_flags private_write{true, false};

struct vm_world_options {
    explicit vm_world_options(kernel_era era = kernel_era::golden) : policies(policies_of(era))
    {
        vm.dirty_writeback = 0; // pdflush comes when it is called
        disk.kind = disk_kind::constant_latency;
        disk.capacity = 40'000;
        disk.constant.read_latency = 5 * us;
        disk.constant.write_latency = 5 * us;
        disk.constant.bandwidth = 512'000'000; // a sector takes 1 us
        disk.dma_bandwidth = 64'000'000'000;
        disk.read_overhead = 0;
        disk.write_overhead = 0;
        core.frequency = 1'000'000'000;
        fs.type = filesystem_type::ext2;
        fs.block_size = 1024;
        fs.journal.blocks = 256;
    }

    vm_policies policies;
    vm_options vm;
    walker_options walker;
    tlb_options tlb;
    unsigned cores = 1;
    std::uint64_t frames = 512;
    disk_options disk;
    block_options block;
    core_options core;
    filesystem_options fs;
    std::vector<std::uint64_t> files{64 * page_size, 64 * page_size}; ///< all of them holes
};

/// A step that somebody took.
struct taken_step {
    std::string name;
    std::string where; ///< "core1", "disk"
    std::string who;
    event what;
};

/// Cores with a kernel, a filesystem on a disk of constant latency, and user threads; no SystemC,
/// no oracle.
class vm_world final : private event_sink
{
public:
    explicit vm_world(const vm_world_options& o = vm_world_options{})
        : options(o),
          ram(o.frames * page_size),
          cache(o.frames, 1, o.policies.cache),
          media(o.disk.capacity, o.disk.never_written),
          layout(mkfs(media, static_cast<std::uint32_t>(o.fs.block_size),
                      o.fs.type == filesystem_type::ext3 ? o.fs.journal.blocks : 0, o.files)),
          bdi(o.fs.bdi),
          timing(make_timing(o.disk)),
          dma(ram, picoseconds(1000)),
          bus(*this),
          interrupt(*this)
    {
        log.attach(*this);
        if (o.walker.sets_dirty == dirty_setter::storage_key)
            keys = std::make_unique<storage_keys>(ram);
        cache.keys = keys.get();
        std::vector<core*> processors;
        for (unsigned i = 0; i < o.cores; ++i) {
            cores.push_back(
                std::make_unique<core>(exec, log, cost, o.core, i,
                                       std::make_unique<mmu>(dma, o.tlb, o.walker, keys.get())));
            processors.push_back(cores.back().get());
        }
        disk = std::make_unique<disk_controller>(
            o.disk, disk_connections{exec, log, cost, dma, interrupt, "disk", 2000}, media,
            *timing);
        device =
            std::make_unique<block_device>(o.block, cache, ram, bus, physical_address(registers));
        io = std::make_unique<buffer_io>(*device, ram);
        bdi.write_congested = [this] { return congested || device->congested(); };
        if (o.fs.type == filesystem_type::ext3)
            fs = std::make_unique<ext3>(cache, *io, layout, bdi, o.fs.data, o.fs.journal);
        else
            fs = std::make_unique<ext2>(cache, *io, layout, bdi, o.fs.journal.barrier);
        k = std::make_unique<kernel>(o.vm, o.policies, ram, cache, *fs, *device, processors);
        k->start();
    }
    // Before the kernel goes, whoever is still in it has to be out.
    ~vm_world() override { exec.cancel_all(); }

    // ---- threads

    mm_struct& new_process() { return k->new_mm(); }

    void start(unsigned cpu, mm_struct& mm, std::function<void(user_task&)> body)
    {
        core& home = *cores.at(cpu);
        ++m_running;
        home.start_thread("user" + std::to_string(++m_threads), thread::kind::user, &mm,
                          [this, &home, &mm, body = std::move(body)] {
                              user_task task(*k, home, mm);
                              live(task, body);
                              home.sync();
                              if (--m_running == 0)
                                  exec.stop();
                          });
    }
    /// Until all threads that were started have ended. False if they do not, or not until `limit`.
    bool run(picoseconds limit = picoseconds(100'000 * s))
    {
        exec.run(limit);
        return m_running == 0;
    }
    /// One thread of one process, to its end.
    bool run(const std::function<void(user_task&)>& body)
    {
        start(0, new_process(), body);
        return run();
    }
    /// The same, as a test: it has to end.
    void play(const std::function<void(user_task&)>& body)
    {
        const bool ended = run(body);
        CHECK(ended);
    }
    /// The world alone, for so long.
    void let_pass(std::uint64_t duration) { exec.run(exec.now() + picoseconds(duration)); }

    // ---- files

    inode& open(user_task& task, std::uint64_t ino = 1) { return task.open(inode_number(ino)); }
    /// The whole file, from its first page on.
    virtual_address map(user_task& task, inode& file, std::uint64_t pages,
                        vm_flags flags = shared_write)
    {
        return task.mmap(&file, page_index(0), pages * page_size, flags);
    }
    void put(user_task& task, virtual_address va, unsigned value)
    {
        const auto byte = static_cast<std::byte>(value);
        task.store(va, &byte, 1);
    }
    unsigned get(user_task& task, virtual_address va)
    {
        std::byte byte{};
        task.load(va, &byte, 1);
        return std::to_integer<unsigned>(byte);
    }
    std::int64_t write(user_task& task, inode& file, std::uint64_t offset, unsigned value,
                       std::uint64_t length)
    {
        const std::vector<std::byte> bytes(length, static_cast<std::byte>(value));
        return task.pwrite(file, offset, bytes.data(), length);
    }
    /// What would be found after a power cut now.
    unsigned durable(std::uint64_t offset, std::uint64_t ino = 1) const
    {
        std::array<std::byte, page_size> bytes{};
        recovered_filesystem(media).read_page(ino, offset / page_size, bytes.data());
        return std::to_integer<unsigned>(bytes.at(offset % page_size));
    }

    // ---- what is where

    static page* page_of(const inode& file, std::uint64_t index)
    {
        return file.mapping.pages.lookup(page_index(index));
    }
    static pte pte_of(const mm_struct& mm, virtual_address va)
    {
        const std::optional<pte_slot> slot = mm.pgd.find(va);
        return slot ? slot->get() : pte();
    }
    void set_pte(const mm_struct& mm, virtual_address va, pte value)
    {
        mm.pgd.find(va)->set_pte(value);
    }
    /// What a core has cached of an address of whatever it has loaded.
    const tlb_entry* tlb_entry_of(unsigned cpu, virtual_address va) const
    {
        const tlb_entry* found = nullptr;
        cores.at(cpu)->memory_unit().translations().for_each([&](const tlb_entry& e) {
            if (e.maps(mkclean::page_of(va), e.space))
                found = &e;
        });
        return found;
    }
    static bool tagged(const inode& file, std::uint64_t index, page_tag tag)
    {
        return file.mapping.pages.tagged(page_index(index), tag);
    }
    static unsigned dirty_buffers(const page& pg)
    {
        return static_cast<unsigned>(
            std::count_if(pg.buffers.begin(), pg.buffers.end(),
                          [](const buffer_head& bh) { return bh.dirty(); }));
    }

    // ---- what happened

    using names = std::vector<std::string>;
    /// Only the steps of these names, in order.
    names order_of(std::initializer_list<std::string_view> interesting) const
    {
        names result;
        for (const taken_step& step : steps)
            if (std::find(interesting.begin(), interesting.end(), step.name) != interesting.end())
                result.push_back(step.name);
        return result;
    }
    std::size_t count_of(std::string_view name) const { return order_of({name}).size(); }
    const taken_step* first_of(std::string_view name) const
    {
        const auto at = std::find_if(steps.begin(), steps.end(),
                                     [&](const taken_step& t) { return t.name == name; });
        return at == steps.end() ? nullptr : &*at;
    }

    const vm_world_options options;
    costs cost;
    event_log log;
    fiber_executor exec;
    physical_memory ram;
    std::unique_ptr<storage_keys> keys; ///< null: walker.sets_dirty is something else
    page_cache cache;
    disk_media media;
    super_block_layout layout;
    backing_dev_info bdi;
    bool congested = false; ///< says so of the disk whether it is or not
    std::vector<taken_step> steps;
    std::function<void(const event&)> on_step; ///< after each; must not wait
    std::vector<user_signal> signals;
    unsigned out_of_memories = 0;

private:
    static constexpr std::uint64_t registers = std::uint64_t{1} << 32;

    // Registers in their window, memory elsewhere.
    struct routing_bus final : bus_port {
        explicit routing_bus(vm_world& w) : world(w) {}
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
        vm_world& world;
    };
    struct disk_interrupt final : interrupt_line {
        explicit disk_interrupt(vm_world& w) : world(w) {}
        void raise() override
        {
            world.cores.front()->post_interrupt(mkclean::interrupt::disk,
                                                world.exec.now() + picoseconds(us));
        }
        vm_world& world;
    };

    void live(user_task& task, const std::function<void(user_task&)>& body)
    {
        try {
            body(task);
        } catch (const user_signal& signal) {
            signals.push_back(signal);
        } catch (const out_of_memory&) {
            ++out_of_memories;
        }
    }
    void on_event(const event& e) override
    {
        const event_log::actor_name& name = log.name_of(e.actor);
        steps.push_back({e.site->name, name.where, name.who, e});
        if (on_step)
            on_step(e);
    }

    unsigned m_running = 0;
    unsigned m_threads = 0;
    std::unique_ptr<access_timing> timing;
    direct_memory_port dma;
    routing_bus bus;
    disk_interrupt interrupt;

public:
    std::vector<std::unique_ptr<core>> cores;
    std::unique_ptr<disk_controller> disk;
    std::unique_ptr<block_device> device;
    std::unique_ptr<buffer_io> io;
    std::unique_ptr<ext2> fs;
    std::unique_ptr<kernel> k;
};

} // namespace mkclean
