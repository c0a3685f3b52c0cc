#pragma once

#include "mmu/tests/machine.h"

#include <array>
#include <random>
#include <tuple>

namespace mkclean
{

/// A machine and what its threads do, all drawn from one seed. Everything takes a few cycles, so
/// that much falls on the same instant.
class random_machine
{
public:
    /// `huge`: one or both address spaces map all pages by one entry of 2 MiB.
    random_machine(executor& exec, std::uint64_t seed, unsigned cores, time_sync sync,
                   bool huge = false)
        : m_seed(seed),
          m_machine(exec, options_of(seed, cores, sync, huge))
    {
        std::mt19937_64 random(seed);
        m_machine.on_interrupt = [this](core&, interrupt vector) {
            if (vector == interrupt::disk)
                m_disk_queue.wake_one();
        };
        m_machine.on_cleaned = [this](std::uint64_t page, bool dirty) {
            check_cleaned(page, dirty);
        };
        const unsigned users = 1 + unsigned(random() % (2 * cores));
        for (unsigned i = 0; i < users; ++i)
            m_machine.user(
                unsigned(random() % cores), [this, i](core& cpu) { run_user(cpu, i); },
                unsigned(random() % m_machine.options.address_spaces));
        for (unsigned i = 0; i < random() % 3; ++i)
            m_machine.kernel(unsigned(random() % cores),
                             [this, i](core& cpu) { run_kernel(cpu, 100 + i); });
        if (random() % 2 == 0)
            m_machine.device(2000, [this](engine& self) { run_disk(self); });
        m_looks = {random() % 300'000, random() % 1'000'000};
    }

    ~random_machine() { m_machine.exec.cancel_all(); } // while there are locks to unwind through
    random_machine(const random_machine&) = delete;
    random_machine& operator=(const random_machine&) = delete;

    /// Everything that anybody could have seen, by its time. Who runs ahead tells the test early.
    std::vector<sighting> run()
    {
        std::sort(m_looks.begin(), m_looks.end());
        for (const std::uint64_t when : m_looks) {
            m_machine.exec.run(m_machine.begun + picoseconds(when));
            look_at_memory();
        }
        m_machine.exec.run();
        look_at_memory();
        m_machine.see({m_machine.exec.now(), 0, "the end", 0, 0, 0});
        for (const auto& cpu : m_machine.cores)
            look_at_counters(*cpu);
        std::vector<sighting> seen = m_machine.seen;
        std::stable_sort(seen.begin(), seen.end(), [](const sighting& a, const sighting& b) {
            return std::tie(a.time, a.who) < std::tie(b.time, b.who);
        });
        return seen;
    }
    /// A page that was cleaned and still had a writable translation on some core.
    bool survivor_found() const { return m_survivor; }
    /// A page that was stored to, but neither who cleaned it next found it dirty nor, if nobody
    /// did, is it dirty now.
    bool forgotten_store_found()
    {
        std::array<bool, machine::pages> stored{};
        for (const sighting& s : m_machine.seen) {
            if (std::strcmp(s.what, "store") == 0)
                stored.at((virtual_address(s.where) - m_machine.base).raw() / page_size) = true;
            if (std::strcmp(s.what, "cleaned") != 0)
                continue;
            if (stored.at(s.where) && s.before == 0)
                return true;
            stored.at(s.where) = false;
        }
        for (std::uint64_t page = 0; page < machine::pages; ++page) {
            bool known = false;
            for (unsigned space = 0; space < m_machine.options.address_spaces; ++space)
                known |= m_machine.slot(page, space).get().dirty();
            if (stored.at(page) && !known)
                return true;
        }
        return false;
    }

private:
    using generator = std::mt19937_64;

    static machine_options options_of(std::uint64_t seed, unsigned cores, time_sync sync, bool huge)
    {
        generator random(~seed);
        const std::uint64_t scale = 1 + random() % 3 * 10;
        const auto few = [&] { return random() % 5 * scale; };
        machine_options o;
        o.cores = cores;
        o.address_spaces = 1 + unsigned(random() % 2);
        o.huge_spaces = !huge ? 0 : o.address_spaces == 1 ? 1 : 1 + unsigned(seed % 3);
        o.core.frequency = 1'000'000'000;
        o.core.access = 1 + random() % 3;
        o.core.ipi_latency = 1000 * (1 + random() % 20);
        o.core.irq_latency = 1000 * (1 + random() % 20);
        o.core.timeslice = 1000 * (20 + random() % 200) * scale * scale; // for more than switching
        o.core.sync = sync;
        o.tlb.ways = 1 + random() % 2;
        o.tlb.entries = o.tlb.ways * (1 + random() % 4);
        o.walker.tables.entries[0] = random() % 3;
        o.bus_latency = picoseconds(1000 * few() / 2);
        for (std::uint64_t* cost :
             {&o.cost.pte_rmw, &o.cost.lock, &o.cost.fault_entry, &o.cost.fault_exit,
              &o.cost.fault_body, &o.cost.irq_entry, &o.cost.irq_exit, &o.cost.context_switch,
              &o.cost.invlpg, &o.cost.ipi_send, &o.cost.ipi_handler, &o.cost.atomic_rmw,
              &o.cost.syscall_entry})
            *cost = few();
        make_tlb_odd(o.tlb, seed);
        return o;
    }
    // Drawn apart, so that everything else is what it was. Second levels are often faster than a
    // transaction on the bus.
    static void make_tlb_odd(tlb_options& o, std::uint64_t seed)
    {
        generator random(seed + 0x71b);
        o.l2_ways = 1 + random() % 2;
        o.l2_entries = random() % 2 == 0 ? 0 : o.l2_ways * (1 + random() % 6);
        o.l2_latency = random() % 3 * (random() % 10);
        o.caches_dirty = random() % 4 != 0;
        o.rewalks = random() % 4 == 0;
        o.replacement = o.replacements.at(random() % o.replacements.size());
        o.seed = seed;
    }

    virtual_address random_address(generator& random)
    {
        return m_machine.base + random() % machine::pages * page_size +
               random() % (page_size / 64) * 64 + random() % 16;
    }

    void run_user(core& cpu, unsigned number)
    {
        generator random(m_seed * 1000 + number);
        for (unsigned i = 0; i < 25; ++i) {
            const std::uint64_t dice = random() % 10;
            if (dice < 6) {
                access(cpu, random);
            } else if (dice < 8) {
                cpu.compute(cycles(random() % 60));
            } else {
                cpu.enter_kernel(cpu.cost().syscall_entry);
                work_in_kernel(cpu, random);
                cpu.exit_kernel(random() % 4);
            }
        }
    }
    void run_kernel(core& cpu, unsigned number)
    {
        generator random(m_seed * 1000 + number);
        for (unsigned i = 0; i < 12; ++i) {
            cpu.spend(random() % 20);
            work_in_kernel(cpu, random);
        }
    }

    void access(core& cpu, generator& random)
    {
        const virtual_address va = random_address(random);
        const std::size_t length = 1 + random() % (random() % 4 == 0 ? 400 : 16);
        std::vector<std::byte> bytes(length);
        for (std::byte& b : bytes)
            b = std::byte(random());
        const auto room = std::size_t((m_machine.base + machine::pages * page_size - va).raw());
        if (random() % 3 != 0)
            cpu.store(va, bytes.data(), std::min(length, room));
        else
            cpu.load(va, bytes.data(), std::min(length, room));
    }

    void work_in_kernel(core& cpu, generator& random)
    {
        static const step_site counts{"counts", place::page};
        switch (random() % 9) {
        case 0:
        case 1:
            m_machine.clean(cpu, random() % machine::pages);
            break;
        case 2:
            cpu.sync();
            m_queue.wake_one();
            break;
        case 3: {
            const bool woken = cpu.block_on(m_queue, picoseconds(1000 * (random() % 100)));
            m_machine.see({cpu.now(), cpu.id(), "woken", woken ? 1U : 0U, 0, 0});
            break;
        }
        case 4: {
            const bool woken = cpu.block_on(m_disk_queue, picoseconds(1000 * (random() % 100)));
            m_machine.see({cpu.now(), cpu.id(), "disk done", woken ? 1U : 0U, 0, 0});
            break;
        }
        case 5:
            cpu.sleep_for(picoseconds(1000 * (random() % 50)));
            break;
        case 6: {
            const lock_guard<irq_spinlock> guard(cpu, m_irq_lock);
            cpu.spend(random() % 10);
            cpu.step(counts, subject(), m_counter, [this] { ++m_counter; });
            break;
        }
        case 7: {
            const lock_guard<mutex> guard(cpu, m_mutex);
            cpu.sleep_for(picoseconds(1000 * (random() % 10)));
            cpu.step(counts, subject(), m_counter, [this] { ++m_counter; });
            break;
        }
        case 8:
            cpu.spend(random() % 30);
            cpu.sync();
            look(cpu.now(), cpu.id(), random() % machine::pages);
            break;
        }
    }

    // Interrupts the first core, and looks at memory at any time, as DMA does.
    void run_disk(engine& self)
    {
        generator random(m_seed * 1000 + 999);
        for (unsigned i = 0; i < 8; ++i) {
            self.delay(picoseconds(1000 * (random() % 60)));
            look(self.now(), self.id(), random() % machine::pages);
            core& cpu = *m_machine.cores.front();
            cpu.post_interrupt(interrupt::disk,
                               self.now() + picoseconds(cpu.options().irq_latency));
        }
    }

    void look(picoseconds time, actor_id who, std::uint64_t page)
    {
        m_machine.see({time, who, "looks", page, 0, m_machine.digest(page)});
    }
    void look_at_memory()
    {
        for (std::uint64_t page = 0; page < machine::pages; ++page) {
            look(m_machine.begun, 0, page);
            for (unsigned space = 0; space < m_machine.options.address_spaces; ++space)
                m_machine.see(
                    {m_machine.begun, 0, "PTE", page, space, m_machine.slot(page, space).raw()});
        }
    }
    void look_at_counters(const core& cpu)
    {
        const core_stats& s = cpu.stats();
        const tlb_stats& t = cpu.memory_unit().translations().stats();
        const walker_stats& w = cpu.memory_unit().page_walker().stats();
        for (const std::uint64_t value :
             {s.loads,         s.stores,           s.page_faults,   s.interrupts, s.ipis_sent,
              s.ipis_received, s.context_switches, s.idle.raw(),    t.hits,       t.misses,
              t.fills,         t.evictions,        t.flushed_pages, t.flushes,    w.walks,
              w.reads,         w.cache_hits,       w.accessed_set,  w.dirty_set,  w.retries,
              t.l2_hits,       t.l2_evictions})
            m_machine.see({m_machine.begun, 0, "counter", cpu.index(), 0, value});
    }

    void check_cleaned(std::uint64_t page, bool dirty)
    {
        m_machine.see({m_machine.exec.now(), 0, "cleaned", page, dirty ? 1U : 0U, 0});
        const virtual_page cleaned = page_of(m_machine.base + page * page_size);
        for (const auto& cpu : m_machine.cores)
            cpu->memory_unit().translations().for_each(
                [&](const tlb_entry& e) { m_survivor |= e.maps(cleaned, asid()) && e.writable; });
    }

    struct counter {
        std::uint64_t value = 0;
        std::uint64_t raw() const { return value; }
        void operator++() { ++value; }
    };

    std::uint64_t m_seed;
    machine m_machine;
    std::vector<std::uint64_t> m_looks;
    wait_queue m_queue;
    wait_queue m_disk_queue;
    irq_spinlock m_irq_lock;
    mutex m_mutex;
    counter m_counter;
    bool m_survivor = false;
};

} // namespace mkclean
