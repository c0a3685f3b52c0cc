#pragma once

#include "mmu/core.h"
#include "mmu/frame_sharing.h"
#include "sim/engine.h"
#include "sim/locks.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mkclean
{

struct machine_options {
    unsigned cores = 1;
    unsigned address_spaces = 1;
    unsigned huge_spaces = 0; ///< a bit for each that maps all pages by one entry of 2 MiB
    core_options core;
    tlb_options tlb;
    walker_options walker;
    costs cost;
    picoseconds bus_latency;
};

/// Something that anybody could have seen, at its time.
struct sighting {
    picoseconds time;
    actor_id who;
    const char* what;
    std::uint64_t where;
    std::uint64_t before;
    std::uint64_t after;

    friend bool operator==(const sighting& a, const sighting& b)
    {
        return a.time == b.time && a.who == b.who && std::strcmp(a.what, b.what) == 0 &&
               a.where == b.where && a.before == b.before && a.after == b.after;
    }
};

inline std::string describe(const sighting& s)
{
    return std::to_string(s.time.raw()) + " actor" + std::to_string(s.who) + " " + s.what + " " +
           std::to_string(s.where) + ": " + std::to_string(s.before) + " -> " +
           std::to_string(s.after);
}

/// Cores, memory, and a kernel that is just large enough: some pages of shared memory at `base`,
/// mapped on demand, cleaned and write-protected with a shootdown of every other core.
class machine final : public kernel_entries, public access_observer, public event_sink
{
public:
    static constexpr virtual_address base{0x7f00'0000'0000};
    static constexpr std::uint64_t pages = 8;

    machine(executor& e, const machine_options& o)
        : options(o),
          exec(e),
          begun(e.now()),
          port(memory, o.bus_latency)
    {
        const bool ahead_of_others = o.cores > 1 && o.core.sync == time_sync::window;
        const bool late_stores = ahead_of_others || o.core.store_buffer > 0;
        for (unsigned i = 0; i < o.cores; ++i) {
            cores.push_back(std::make_unique<core>(exec, log, options.cost, o.core, i,
                                                   std::make_unique<mmu>(port, o.tlb, o.walker)));
            if (late_stores)
                cores.back()->defer_to(deferred);
            if (ahead_of_others)
                cores.back()->share(sharing, o.bus_latency);
            cores.back()->set_kernel(*this);
            cores.back()->set_observer(this);
        }
        for (unsigned i = 0; i < o.address_spaces; ++i) {
            spaces.push_back(std::make_unique<address_space>(memory, allocator()));
            spaces.back()->context.root = spaces.back()->table.root();
        }
        if (late_stores)
            exec.before_turns(
                [this](picoseconds when, unsigned priority) { deferred.commit(when, priority); });
        log.attach(*this);
    }
    ~machine() override { exec.cancel_all(); }
    machine(const machine&) = delete;
    machine& operator=(const machine&) = delete;

    thread& user(unsigned cpu, std::function<void(core&)> body, unsigned space = 0)
    {
        return start(cpu, thread::kind::user, &spaces.at(space)->context, std::move(body));
    }
    thread& kernel(unsigned cpu, std::function<void(core&)> body)
    {
        return start(cpu, thread::kind::kernel, nullptr, std::move(body));
    }
    template <class Body>
    engine& device(unsigned priority, Body body)
    {
        devices.push_back(std::make_unique<engine>(exec, log, options.cost, "device",
                                                   "d" + std::to_string(devices.size()), priority,
                                                   std::move(body)));
        return *devices.back();
    }

    page_order order_of(unsigned space) const
    {
        return (options.huge_spaces >> space & 1U) != 0 ? page_order::mega : page_order::small;
    }
    /// A page that user code finds mapped, writable and dirty.
    void map_dirty(std::uint64_t page, unsigned space = 0)
    {
        slot(page, space).set_pte(pte::of_page(frame(page)).mkwrite().mkdirty());
    }
    pte_slot slot(std::uint64_t page, unsigned space = 0)
    {
        return spaces.at(space)->table.find_or_allocate(base + page * page_size, allocator(),
                                                        order_of(space));
    }
    static frame_number frame(std::uint64_t page)
    {
        return frame_number(pages_of(page_order::mega) + page);
    }
    picoseconds now() const { return exec.now() - begun; }

    /// What page_mkclean does, in every address space; returns when every core has acknowledged.
    /// True if a PTE was dirty.
    bool clean(core& cpu, std::uint64_t page)
    {
        static const step_site takes{"takes", place::pte, show_pte_change};
        static const step_site cleans{"cleans", place::pte, show_pte_change};
        const lock_guard<spinlock> guard(cpu, page_table_lock);
        const virtual_address va = base + page * page_size;
        bool dirty = false;
        for (const auto& space : spaces) {
            std::optional<pte_slot> s = space->table.find(va);
            if (!s || !s->get().present())
                continue;
            const pte found = cpu.step(takes, at(va), *s, [&] { return s->get_and_clear(); });
            dirty |= found.dirty();
            cpu.step(cleans, at(va), *s, [&] { s->set_pte(found.mkclean().wrprotect()); });
            shoot_down(cpu, space->context, va);
        }
        if (on_cleaned)
            on_cleaned(page, dirty);
        return dirty;
    }
    /// Called after every clean(), its page-table lock still held.
    std::function<void(std::uint64_t page, bool dirty)> on_cleaned;

    // kernel_entries
    void handle_page_fault(core& cpu, const page_fault& fault) override
    {
        static const step_site installs{"installs", place::pte, show_pte_change};
        if (on_fault)
            on_fault(cpu, fault);
        cpu.spend(options.cost.fault_body);
        const lock_guard<spinlock> guard(cpu, page_table_lock);
        const unsigned space = space_of(cpu);
        const std::uint64_t page = (fault.va - base).raw() / page_size;
        pte_slot s = slot(page, space);
        const pte first = order_of(space) == page_order::small ? pte::of_page(frame(page))
                                                               : pte::of_page(frame(0)).mkhuge();
        cpu.step(installs, at(fault.va), s, [&] {
            const pte entry = s.get().present() ? s.get() : first;
            s.set_pte(fault.error.write ? entry.mkwrite().mkdirty() : entry);
        });
    }
    void handle_interrupt(core& cpu, interrupt vector) override
    {
        if (vector == interrupt::tlb_shootdown) {
            cpu.spend(options.cost.ipi_handler);
            cpu.sync();
            cpu.memory_unit().invlpg(cpu, m_shot_down);
            if (--m_acks_missing == 0)
                m_all_acked.wake_all();
        }
        if (on_interrupt)
            on_interrupt(cpu, vector);
    }
    std::function<void(core&, const page_fault&)> on_fault;
    std::function<void(core&, interrupt)> on_interrupt;

    // access_observer: what is handed over in one piece is seen access by access.
    void on_store(const core& cpu, picoseconds when, virtual_address va, const std::byte* bytes,
                  std::size_t length, store_part) override
    {
        see_accesses(cpu, when, "store", va, bytes, length);
    }
    void on_load(const core& cpu, virtual_address va, const std::byte* bytes,
                 std::size_t length) override
    {
        see_accesses(cpu, cpu.now(), "load", va, bytes, length);
    }
    // event_sink
    void on_event(const event& e) override
    {
        see({e.time, e.actor, e.site->name, e.what.va.raw(), e.before, e.after});
    }
    void see(sighting s)
    {
        s.time -= begun;
        seen.push_back(s);
    }
    /// Those of one kind.
    std::vector<sighting> all(const std::string& what) const
    {
        std::vector<sighting> found;
        std::copy_if(seen.begin(), seen.end(), std::back_inserter(found),
                     [&](const sighting& s) { return what == s.what; });
        return found;
    }

    std::uint64_t digest(std::uint64_t page)
    {
        std::uint64_t hash = 0xcbf2'9ce4'8422'2325;
        for (std::uint64_t i = 0; i < page_size; i += sizeof(std::uint64_t))
            hash = (hash ^ memory.read64(address_of(frame(page)) + i)) * 0x100'0000'01b3;
        return hash;
    }

    struct address_space {
        address_space(physical_memory& m, const page_table::allocate_frame& allocate)
            : table(m, format_of(pte_layout::x86_64), allocate, [](frame_number) {})
        {
        }
        page_table table;
        address_context context;
    };

    machine_options options;
    executor& exec;
    picoseconds begun;
    event_log log;
    physical_memory memory{2 * pages_of(page_order::mega) * page_size};
    direct_memory_port port;
    frame_sharing sharing;
    deferred_stores deferred;
    std::vector<std::unique_ptr<address_space>> spaces;
    spinlock page_table_lock;
    std::vector<std::unique_ptr<core>> cores;
    std::vector<std::unique_ptr<engine>> devices;
    std::vector<sighting> seen;

private:
    page_table::allocate_frame allocator()
    {
        return [this] { return frame_number(m_next_frame++); };
    }
    thread& start(unsigned cpu, thread::kind kind, address_context* context,
                  std::function<void(core&)> body)
    {
        core& c = *cores.at(cpu);
        return c.start_thread("t" + std::to_string(m_threads++), kind, context,
                              [&c, body = std::move(body)] { body(c); });
    }
    unsigned space_of(const core& cpu) const
    {
        const auto is_loaded = [&](const auto& s) { return &s->context == cpu.loaded(); };
        return static_cast<unsigned>(std::find_if(spaces.begin(), spaces.end(), is_loaded) -
                                     spaces.begin());
    }
    static subject at(virtual_address va)
    {
        subject what;
        what.va = va;
        return what;
    }

    void shoot_down(core& cpu, const address_context& context, virtual_address va)
    {
        m_shot_down = va;
        cpu.spend(options.cost.invlpg);
        cpu.memory_unit().invlpg(cpu, va);
        for (const auto& other : cores) {
            if (other.get() == &cpu || !context.cpu_mask.test(other->index()))
                continue;
            ++m_acks_missing;
            cpu.send_ipi({other.get()}, interrupt::tlb_shootdown);
        }
        cpu.spin_until(m_all_acked, [this] { return m_acks_missing == 0; });
    }

    void see_accesses(const core& cpu, picoseconds time, const char* what, virtual_address va,
                      const std::byte* bytes, std::size_t length)
    {
        while (length > 0) {
            const std::size_t piece = std::min<std::size_t>(8 - va.raw() % 8, length);
            std::uint64_t value = 0;
            std::memcpy(&value, bytes, piece);
            see({time, cpu.id(), what, va.raw(), piece, value});
            time += cpu.period() * options.core.access;
            va += virtual_address(piece);
            bytes += piece;
            length -= piece;
        }
    }

    std::uint64_t m_next_frame = 1;
    unsigned m_threads = 0;
    virtual_address m_shot_down;
    unsigned m_acks_missing = 0;
    wait_queue m_all_acked;
};

} // namespace mkclean
