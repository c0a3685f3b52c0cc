#pragma once

#include "mmu/mmu.h"
#include "sim/engine.h"
#include "sim/fiber_executor.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mkclean
{

/// The walker's bus, where every transaction can be seen at its instant.
class watched_port final : public bus_port
{
public:
    watched_port(physical_memory& memory, picoseconds latency) : m_port(memory, latency) {}

    std::function<void(physical_address)> on_read;
    /// A locked update that was done.
    std::function<void(physical_address, pte before, pte after)> on_update;

    picoseconds read(physical_address from, void* to, std::size_t bytes) override
    {
        if (on_read)
            on_read(from);
        return m_port.read(from, to, bytes);
    }
    picoseconds write(physical_address to, const void* from, std::size_t bytes) override
    {
        return m_port.write(to, from, bytes);
    }
    picoseconds compare_exchange(physical_address at, std::uint64_t& expected,
                                 std::uint64_t desired, bool& exchanged) override
    {
        const pte before(expected);
        const picoseconds took = m_port.compare_exchange(at, expected, desired, exchanged);
        if (exchanged && on_update)
            on_update(at, before, pte(desired));
        return took;
    }
    std::byte* direct_frame(frame_number frame) override { return m_port.direct_frame(frame); }

private:
    direct_memory_port m_port;
};

/// One MMU over one address space. Accesses are made as a core makes them, but by an engine, so
/// that only the bus takes time: `latency` a transaction.
struct mmu_rig {
    static constexpr std::uint64_t latency = 10;

    explicit mmu_rig(const walker_options& walker_opts = {}, const tlb_options& tlb_opts = {},
                     std::uint64_t frames = 256)
        : memory(frames * page_size),
          keys(walker_opts.sets_dirty == dirty_setter::storage_key
                   ? std::make_unique<storage_keys>(memory)
                   : nullptr),
          unit(port, tlb_opts, walker_opts, keys.get()),
          table(memory, unit.page_walker().format(), allocator(), [](frame_number) {})
    {
        unit.load_root(table.root());
    }
    ~mmu_rig() { exec.cancel_all(); }

    page_table::allocate_frame allocator()
    {
        return [this] { return frame_number(next_frame++); };
    }
    pte_slot leaf(virtual_address va, page_order order = page_order::small)
    {
        return table.find_or_allocate(va, allocator(), order);
    }
    /// The entry of any level (3 = root) that leads to `va`; its tables exist.
    pte_slot entry(virtual_address va, unsigned level)
    {
        frame_number t = table.root();
        for (unsigned l = table.format().levels() - 1;; --l) {
            const physical_address at = address_of(t) + pte_format::entry_offset(va, l);
            if (l == level)
                return {memory, at, table.format()};
            t = table.format().decode_table(memory.read64(at)).frame();
        }
    }

    template <class Body>
    engine& start(unsigned priority, Body body)
    {
        engines.push_back(std::make_unique<engine>(exec, log, cost, "rig",
                                                   "e" + std::to_string(engines.size()), priority,
                                                   std::move(body)));
        return *engines.back();
    }
    /// Has an engine do something, to its end.
    template <class Body>
    void run(Body body)
    {
        start(0, [&body](engine& self) { body(self); });
        exec.run();
    }

    enum class outcome { hit, walked, faulted };
    outcome access(actor& self, virtual_address va, access_kind kind)
    {
        if (unit.hit(va, kind) != nullptr || unit.record_in_key(self, va, kind))
            return outcome::hit;
        return unit.miss(self, va, kind, fault) ? outcome::walked : outcome::faulted;
    }
    outcome access(virtual_address va, access_kind kind)
    {
        outcome result = outcome::faulted;
        run([&](engine& self) { result = access(self, va, kind); });
        return result;
    }
    void invlpg(virtual_address va)
    {
        run([&](engine& self) { unit.invlpg(self, va); });
    }
    const tlb_entry* cached(virtual_address va)
    {
        return unit.translations().lookup(page_of(va), asid());
    }

    std::uint64_t next_frame = 1;
    event_log log;
    costs cost;
    fiber_executor exec;
    physical_memory memory;
    watched_port port{memory, picoseconds(latency)};
    std::unique_ptr<storage_keys> keys;
    mmu unit;
    page_table table;
    std::vector<std::unique_ptr<engine>> engines;
    page_fault fault; ///< the latest
};

} // namespace mkclean
