#include "mmu/tests/machine.h"
#include "sim/fiber_executor.h"

#include <doctest/doctest.h>

#include <array>
#include <map>
#include <random>
#include <stdexcept>

using namespace mkclean;

namespace
{

constexpr std::uint64_t period = 1000; // ps: a clock of 1 GHz, for figures that one can read

constexpr picoseconds in_cycles(std::uint64_t n)
{
    return picoseconds(n * period);
}

/// What happens at the start (threads come up, their interrupts arrive) is over by then.
constexpr picoseconds start_time = in_cycles(100'000);

/// Nothing costs anything but the access; each test prices what it is about.
machine_options free_of_charge(unsigned cores = 1, time_sync sync = time_sync::window)
{
    machine_options o;
    o.cores = cores;
    o.core.frequency = 1'000'000'000;
    o.core.ipi_latency = 10 * period;
    o.core.irq_latency = 10 * period;
    o.core.sync = sync;
    costs& c = o.cost;
    for (std::uint64_t* cost :
         {&c.atomic_rmw, &c.pte_rmw, &c.tree_op, &c.list_op, &c.lock, &c.function, &c.fault_entry,
          &c.fault_exit, &c.fault_body, &c.syscall_entry, &c.syscall_exit, &c.irq_entry,
          &c.irq_exit, &c.context_switch, &c.invlpg, &c.ipi_send, &c.ipi_handler})
        *cost = 0;
    return o;
}

// In two parts: the interrupts with which threads come up fall into the first.
void wait_until(core& cpu, picoseconds when)
{
    REQUIRE(cpu.now() <= when);
    cpu.elapse(picoseconds((when - cpu.now()).raw() / 2));
    cpu.sync();
    cpu.elapse(when - cpu.now());
    cpu.sync();
}

/// Cycles since the start.
std::uint64_t since_start(picoseconds time)
{
    return (time - start_time).raw() / period;
}

constexpr virtual_address page_address(std::uint64_t page)
{
    return machine::base + page * page_size;
}

void store64(core& cpu, virtual_address va, std::uint64_t value)
{
    cpu.store(va, &value, sizeof value);
}

template <class Test>
void in_both_modes(Test&& test)
{
    for (const time_sync sync : {time_sync::window, time_sync::every_access}) {
        CAPTURE(int(sync));
        test(sync);
    }
}

} // namespace

// ---- time ---------------------------------------------------------------------------------------

TEST_CASE("spend and elapse move a core's own clock, sync brings the world to it")
{
    fiber_executor exec;
    machine m(exec, free_of_charge());
    m.kernel(0, [&](core& cpu) {
        wait_until(cpu, start_time);
        cpu.spend(7);
        cpu.elapse(picoseconds(3));
        CHECK(cpu.now() == start_time + in_cycles(7) + picoseconds(3));
        CHECK(exec.now() == start_time);
        cpu.sync();
        CHECK(exec.now() == cpu.now());
        cpu.sync();
        CHECK(exec.now() == start_time + in_cycles(7) + picoseconds(3));
    });
    exec.run();
    CHECK(exec.now() == start_time + in_cycles(7) + picoseconds(3));
}

TEST_CASE("a core's period is that of its frequency, to the nearest ps")
{
    for (const auto& [frequency, expected] :
         std::map<std::uint64_t, std::uint64_t>{{1'000'000'000, 1000},
                                                {3'000'000'000, 333},
                                                {2'200'000'000, 455}, // 454.54
                                                {10'000'000'000, 100},
                                                {1'000'000, 1'000'000}}) {
        machine_options o = free_of_charge();
        o.core.frequency = frequency;
        fiber_executor exec;
        const machine m(exec, o);
        CHECK(m.cores[0]->period() == picoseconds(expected));
    }
}

TEST_CASE("a step on a core costs its place's cycles and sees the world of its own time")
{
    machine_options o = free_of_charge();
    o.cost.pte_rmw = 20;
    fiber_executor exec;
    machine m(exec, o);
    const step_site site{"site", place::pte};
    m.device(0, [&](engine& self) {
        self.wait_until(start_time + in_cycles(29));
        m.slot(0).set_pte(pte(1));
        self.wait_until(start_time + in_cycles(31));
        m.slot(0).set_pte(pte(2));
    });
    m.kernel(0, [&](core& cpu) {
        wait_until(cpu, start_time);
        cpu.spend(10);
        const pte_slot slot = m.slot(0);
        CHECK(cpu.step(site, subject(), slot, [&] { return slot.raw(); }) == 1);
        CHECK(exec.now() == start_time + in_cycles(30));
    });
    exec.run();
    REQUIRE(m.all("site").size() == 1);
    CHECK(m.all("site")[0].time == start_time + in_cycles(30));
    CHECK(m.all("site")[0].before == 1);
}

// ---- accesses -----------------------------------------------------------------------------------

TEST_CASE("a store or load takes one access for each aligned 8 bytes that it touches")
{
    in_both_modes([](time_sync sync) {
        for (std::uint64_t seed = 0; seed < 300; ++seed) {
            CAPTURE(seed);
            std::mt19937_64 random(seed);
            machine_options o = free_of_charge(1, sync);
            o.core.access = 1 + random() % 4;
            fiber_executor exec;
            machine m(exec, o);
            m.map_dirty(0);
            m.map_dirty(1);
            std::vector<std::byte> bytes(1 + random() % 100);
            for (std::byte& b : bytes)
                b = std::byte(random());
            const virtual_address va = page_address(1) - virtual_address(random() % 120);
            const std::uint64_t accesses = (va.raw() + bytes.size() - 1) / 8 - va.raw() / 8 + 1;
            m.user(0, [&](core& cpu) {
                std::byte warm_up{};
                cpu.load(page_address(0), &warm_up, 1);
                cpu.load(page_address(1), &warm_up, 1);
                wait_until(cpu, start_time);
                cpu.store(va, bytes.data(), bytes.size());
                REQUIRE(since_start(cpu.now()) == accesses * o.core.access);
                std::vector<std::byte> read(bytes.size());
                cpu.load(va, read.data(), read.size());
                REQUIRE(since_start(cpu.now()) == 2 * accesses * o.core.access);
                REQUIRE(read == bytes);
            });
            exec.run();
            const core_stats& stats = m.cores[0]->stats();
            REQUIRE(stats.stores == accesses);
            REQUIRE(stats.loads == accesses + 2);
            REQUIRE(stats.page_faults == 0);
            REQUIRE(m.all("store").size() == accesses);
        }
    });
}

TEST_CASE("a TLB miss takes the walk's bus transactions, a hit none")
{
    machine_options o = free_of_charge();
    o.bus_latency = in_cycles(50);
    fiber_executor exec;
    machine m(exec, o);
    m.map_dirty(0);
    m.map_dirty(1);
    m.user(0, [&](core& cpu) {
        wait_until(cpu, start_time);
        store64(cpu, page_address(0), 1); // four entries, A set in three
        CHECK(since_start(cpu.now()) == 7 * 50 + 1);
        store64(cpu, page_address(0), 2);
        CHECK(since_start(cpu.now()) == 7 * 50 + 2);
        store64(cpu, page_address(1), 3); // the leaf table is remembered
        CHECK(since_start(cpu.now()) == 8 * 50 + 3);
    });
    exec.run();
    const tlb_stats& stats = m.cores[0]->memory_unit().translations().stats();
    CHECK(stats.misses == 2);
    CHECK(stats.hits == 1); // what was filled for an access is no hit of it
    CHECK(m.cores[0]->memory_unit().page_walker().stats().reads == 5);
}

TEST_CASE("an observer is told where a store begins and ends, wherever pages and time cut it")
{
    struct parts final : access_observer {
        void on_store(const core&, picoseconds, virtual_address, const std::byte*,
                      std::size_t length, store_part part) override
        {
            seen.emplace_back(length, part);
        }
        void on_load(const core&, virtual_address, const std::byte*, std::size_t) override {}
        std::vector<std::pair<std::size_t, store_part>> seen;
    };
    for (const time_sync sync : {time_sync::window, time_sync::every_access}) {
        fiber_executor exec;
        machine m(exec, free_of_charge(1, sync));
        parts observer;
        m.cores[0]->set_observer(&observer);
        m.user(0, [&](core& cpu) {
            const std::array<std::byte, 32> bytes{};
            cpu.store(page_address(0), bytes.data(), 8);
            cpu.store(page_address(0) + virtual_address(16), bytes.data(), 8);
            cpu.store(page_address(1) - virtual_address(16), bytes.data(), 32);
        });
        exec.run();
        std::size_t stored = 0;
        for (std::size_t i = 0; i < observer.seen.size(); ++i) {
            const bool first = stored == 0 || stored == 8 || stored == 16;
            stored += observer.seen[i].first;
            const bool last = stored == 8 || stored == 16 || stored == 48;
            const store_part expected = first ? (last ? store_part::whole : store_part::begins)
                                              : (last ? store_part::ends : store_part::continues);
            CHECK(observer.seen[i].second == expected);
        }
        CHECK(stored == 48);
    }
}

// ---- faults -------------------------------------------------------------------------------------

TEST_CASE("a store that faults leaves nothing behind and is done once, afterwards")
{
    in_both_modes([](time_sync sync) {
        machine_options o = free_of_charge(1, sync);
        o.cost.fault_entry = 100;
        o.cost.fault_body = 30;
        o.cost.fault_exit = 7;
        o.cost.pte_rmw = 5;
        o.cost.lock = 3;
        fiber_executor exec;
        machine m(exec, o);
        const physical_address target = address_of(machine::frame(0)) + 16;
        m.memory.write64(target, 0x1111);
        m.on_fault = [&](core& cpu, const page_fault& fault) {
            CHECK(fault.va == page_address(0) + 16);
            CHECK(fault.error.write);
            CHECK_FALSE(fault.error.present);
            CHECK(m.memory.read64(target) == 0x1111);
            CHECK(m.all("store").empty());
            CHECK(cpu.stats().stores == 0);
            CHECK(since_start(cpu.now()) == 100);
        };
        m.user(0, [&](core& cpu) {
            wait_until(cpu, start_time);
            store64(cpu, page_address(0) + 16, 0x2222);
            CHECK(since_start(cpu.now()) == 100 + 30 + 3 + 5 + 7 + 1);
        });
        exec.run();
        CHECK(m.memory.read64(target) == 0x2222);
        CHECK(m.cores[0]->stats().page_faults == 1);
        REQUIRE(m.all("store").size() == 1);
        CHECK(m.all("store")[0].time == start_time + in_cycles(145));
    });
}

TEST_CASE("of a store across pages the part before the fault has landed, the part behind has not")
{
    in_both_modes([](time_sync sync) {
        fiber_executor exec;
        machine m(exec, free_of_charge(1, sync));
        m.map_dirty(0);
        std::array<std::byte, 24> bytes{};
        bytes.fill(std::byte{0x77});
        const virtual_address va = page_address(1) - virtual_address(12);
        m.on_fault = [&](core&, const page_fault& fault) {
            CHECK(fault.va == page_address(1));
            CHECK(m.all("store").size() == 2); // 4 bytes and 8
            CHECK(m.memory.frame(machine::frame(0))[page_size - 1] == std::byte{0x77});
            CHECK(m.memory.frame(machine::frame(1))[0] == std::byte{0});
        };
        m.user(0, [&](core& cpu) { cpu.store(va, bytes.data(), bytes.size()); });
        exec.run();
        CHECK(m.cores[0]->stats().page_faults == 1);
        CHECK(m.all("store").size() == 4); // each once
        CHECK(m.memory.frame(machine::frame(1))[11] == std::byte{0x77});
        CHECK(m.memory.frame(machine::frame(1))[12] == std::byte{0});
    });
}

TEST_CASE("a store to a page that was cleaned faults again, wherever the cleaning falls")
{
    unsigned faulted = 0;
    unsigned runs = 0;
    in_both_modes([&](time_sync sync) {
        for (std::uint64_t when = 0; when < 120; ++when) {
            CAPTURE(when);
            machine_options o = free_of_charge(2, sync);
            o.bus_latency = in_cycles(3);
            o.core.ipi_latency = 7 * period;
            fiber_executor exec;
            machine m(exec, o);
            m.map_dirty(0);
            bool cleaned_dirty = false;
            picoseconds cleaned_at = picoseconds::max();
            m.kernel(1, [&](core& cpu) {
                wait_until(cpu, start_time + in_cycles(when));
                cleaned_dirty = m.clean(cpu, 0);
                cleaned_at = cpu.now();
            });
            m.user(0, [&](core& cpu) {
                wait_until(cpu, start_time);
                for (std::uint64_t i = 0; i < 60; ++i)
                    store64(cpu, page_address(0) + i * 8, i + 1);
            });
            exec.run();
            CHECK(cleaned_dirty);
            const core_stats& stats = m.cores[0]->stats();
            CHECK(m.all("store").size() == 60);
            for (std::uint64_t i = 0; i < 60; ++i)
                CHECK(m.memory.read64(address_of(machine::frame(0)) + i * 8) == i + 1);
            // If one came after the acknowledgement, the page is known to be dirty again.
            const bool stored_later = m.all("store").back().time >= cleaned_at;
            if (stored_later)
                CHECK(stats.page_faults == 1);
            CHECK(m.slot(0).get().dirty() == (stats.page_faults == 1));
            faulted += stats.page_faults == 1 ? 1U : 0U;
            ++runs;
        }
    });
    CHECK(faulted > runs / 4);
    CHECK(faulted < runs);
}

TEST_CASE(
    "a first store that races with a cleaning is known of, unless the walker does not recheck")
{
    for (const bool rechecks : {true, false}) {
        unsigned forgotten = 0;
        unsigned raced = 0;
        for (std::uint64_t when = 0; when < 150; ++when) {
            CAPTURE(rechecks);
            CAPTURE(when);
            machine_options o = free_of_charge(2);
            o.bus_latency = in_cycles(10);
            o.core.ipi_latency = 50 * period;
            o.cost.pte_rmw = 15;
            o.walker.rechecks = rechecks ? dirty_recheck::always : dirty_recheck::never;
            fiber_executor exec;
            machine m(exec, o);
            m.slot(0).set_pte(pte::of_page(machine::frame(0)).mkwrite());
            bool found_dirty = false;
            m.kernel(1, [&](core& cpu) {
                wait_until(cpu, start_time + in_cycles(when));
                found_dirty = m.clean(cpu, 0);
            });
            m.user(0, [&](core& cpu) {
                wait_until(cpu, start_time);
                store64(cpu, page_address(0), 1);
            });
            exec.run();
            CHECK(m.all("store").size() == 1);
            const bool known = found_dirty || m.slot(0).get().dirty();
            if (rechecks)
                CHECK(known);
            forgotten += known ? 0U : 1U;
            raced += m.cores[0]->memory_unit().page_walker().stats().retries > 0 ? 1U : 0U;
        }
        CHECK(raced > 0);
        CHECK((forgotten > 0) == !rechecks);
    }
}

// ---- interrupts ---------------------------------------------------------------------------------

TEST_CASE("an interrupt is inserted at its instant, and what it interrupts ends that much later")
{
    in_both_modes([](time_sync sync) {
        for (std::uint64_t due = 1; due < 120; ++due) { // also after the end of the work
            for (const char* work : {"compute", "spend", "stores", "idle"}) {
                CAPTURE(due);
                CAPTURE(work);
                const std::string what = work;
                machine_options o = free_of_charge(1, sync);
                o.core.access = 3;
                o.cost.irq_entry = 11;
                o.cost.irq_exit = 5;
                fiber_executor exec;
                machine m(exec, o);
                m.map_dirty(0);
                std::vector<std::uint64_t> handled;
                m.on_interrupt = [&](core& cpu, interrupt vector) {
                    CHECK(vector == interrupt::disk);
                    handled.push_back(since_start(cpu.now()));
                    cpu.spend(20);
                };
                std::uint64_t ended = 0;
                const auto body = [&](core& cpu) {
                    if (what == "stores")
                        store64(cpu, page_address(0), 1); // the TLB is filled
                    wait_until(cpu, start_time);
                    cpu.post_interrupt(interrupt::disk, start_time + in_cycles(due));
                    if (what == "compute")
                        cpu.compute(cycles(90));
                    else if (what == "spend")
                        cpu.spend(90);
                    else if (what == "stores")
                        for (std::uint64_t i = 0; i < 30; ++i)
                            store64(cpu, page_address(0), i);
                    else
                        cpu.sleep_for(in_cycles(900));
                    cpu.sync();
                    ended = since_start(cpu.now());
                };
                if (what == "spend")
                    m.kernel(0, body);
                else
                    m.user(0, body);
                exec.run();
                REQUIRE(handled.size() == 1);
                CHECK(handled[0] == due + 11);
                if (what == "idle")
                    continue;
                CHECK(ended == (due <= 90 ? 90 + 11 + 20 + 5 : 90));
                // Accesses that had begun before it are done; the next waits for its end.
                if (what == "stores") {
                    std::uint64_t expected = 0;
                    for (const sighting& s : m.all("store")) {
                        if (s.time < start_time)
                            continue;
                        CHECK(since_start(s.time) == expected + (expected >= due ? 36 : 0));
                        expected += 3;
                    }
                }
            }
        }
    });
}

TEST_CASE("interrupts are taken by due time, and in the order of posting at the same")
{
    fiber_executor exec;
    machine m(exec, free_of_charge());
    std::vector<interrupt> order;
    m.on_interrupt = [&](core&, interrupt vector) { order.push_back(vector); };
    m.kernel(0, [&](core& cpu) {
        wait_until(cpu, start_time);
        const auto post = [&](interrupt vector, std::uint64_t when) {
            cpu.post_interrupt(vector, start_time + in_cycles(when));
        };
        post(interrupt::disk, 20);
        post(interrupt::disk, 10);
        post(interrupt::disk, 20);
        cpu.spend(15);
        cpu.sync();
        CHECK(order.size() == 1);
        cpu.spend(15);
        cpu.sync();
        CHECK(order.size() == 3);
    });
    exec.run();
    CHECK(m.cores[0]->stats().interrupts >= 3);
}

TEST_CASE("interrupts at one instant: first posted, first taken")
{
    fiber_executor exec;
    machine m(exec, free_of_charge(2));
    std::vector<interrupt> order;
    m.on_interrupt = [&](core&, interrupt vector) { order.push_back(vector); };
    m.kernel(0, [&](core& cpu) {
        wait_until(cpu, start_time);
        const picoseconds due = start_time + in_cycles(10);
        core& other = *m.cores[1];
        other.post_interrupt(interrupt::disk, due);
        cpu.send_ipi({&other}, interrupt::tlb_shootdown); // its latency is 10
    });
    exec.run();
    CHECK(order == std::vector<interrupt>{interrupt::disk, interrupt::tlb_shootdown});
}

TEST_CASE("while interrupts are off, none is taken, it comes with the first sync after")
{
    machine_options o = free_of_charge();
    o.cost.irq_entry = 4;
    fiber_executor exec;
    machine m(exec, o);
    std::vector<std::uint64_t> handled;
    m.on_interrupt = [&](core& cpu, interrupt) { handled.push_back(since_start(cpu.now())); };
    m.kernel(0, [&](core& cpu) {
        wait_until(cpu, start_time);
        cpu.post_interrupt(interrupt::disk, start_time + in_cycles(10));
        cpu.interrupts_off();
        cpu.interrupts_off(); // they nest
        cpu.spend(50);
        cpu.sync();
        CHECK(since_start(exec.now()) == 50);
        cpu.interrupts_on();
        cpu.sync();
        CHECK(handled.empty());
        cpu.interrupts_on();
        cpu.sync();
        CHECK(handled == std::vector<std::uint64_t>{54});
    });
    exec.run();
}

TEST_CASE("a handler is not interrupted, what comes meanwhile is taken after it")
{
    machine_options o = free_of_charge();
    o.cost.irq_entry = 2;
    o.cost.irq_exit = 3;
    fiber_executor exec;
    machine m(exec, o);
    std::vector<std::uint64_t> handled;
    m.on_interrupt = [&](core& cpu, interrupt) {
        handled.push_back(since_start(cpu.now()));
        cpu.spend(100);
        cpu.sync();
    };
    m.kernel(0, [&](core& cpu) {
        wait_until(cpu, start_time);
        cpu.post_interrupt(interrupt::disk, start_time + in_cycles(10));
        cpu.post_interrupt(interrupt::disk, start_time + in_cycles(30));
        cpu.spend(20);
        cpu.sync();
        CHECK(since_start(cpu.now()) == 20 + 2 * 105);
    });
    exec.run();
    CHECK(handled == std::vector<std::uint64_t>{12, 10 + 105 + 2});
}

TEST_CASE("nobody interrupts a half-done switch of threads")
{
    machine_options o = free_of_charge();
    o.cost.context_switch = 100;
    o.cost.irq_entry = 5;
    fiber_executor exec;
    machine m(exec, o);
    wait_queue nobody;
    std::vector<std::uint64_t> handled;
    m.on_interrupt = [&](core& cpu, interrupt) { handled.push_back(since_start(cpu.now())); };
    m.kernel(0, [&](core& cpu) {
        wait_until(cpu, start_time);
        cpu.post_interrupt(interrupt::disk, start_time + in_cycles(50));
        cpu.block_on(nobody);
    });
    m.kernel(0, [&](core& cpu) {
        CHECK(since_start(cpu.now()) == 100);
        cpu.sync();
        CHECK(handled == std::vector<std::uint64_t>{105});
    });
    exec.run();
}

TEST_CASE("whether interrupts are off belongs to the thread")
{
    fiber_executor exec;
    machine m(exec, free_of_charge());
    std::vector<std::uint64_t> handled;
    m.on_interrupt = [&](core& cpu, interrupt) { handled.push_back(since_start(cpu.now())); };
    wait_queue queue;
    for (const std::uint64_t due : {20U, 130U})
        m.cores[0]->post_interrupt(interrupt::disk, start_time + in_cycles(due));
    m.kernel(0, [&](core& cpu) {
        wait_until(cpu, start_time);
        cpu.interrupts_off();
        cpu.block_on(queue);
        CHECK(since_start(cpu.now()) == 100);
        cpu.spend(50);
        cpu.sync();
        CHECK(handled == std::vector<std::uint64_t>{20}); // while the other one ran
        cpu.interrupts_on();
        cpu.sync();
        CHECK(handled == std::vector<std::uint64_t>{20, 150});
    });
    m.kernel(0, [&](core& cpu) {
        cpu.spend(100);
        cpu.sync();
        queue.wake_one();
        cpu.sleep_for(in_cycles(10'000));
    });
    exec.run();
}

TEST_CASE("an interrupt comes after a walk and its fill, but before the store that they were for")
{
    in_both_modes([](time_sync sync) {
        for (std::uint64_t due = 1; due < 7 * 50; due += 7) {
            CAPTURE(due);
            machine_options o = free_of_charge(1, sync);
            o.bus_latency = in_cycles(50);
            o.cost.irq_entry = 5;
            fiber_executor exec;
            machine m(exec, o);
            m.map_dirty(0);
            m.on_interrupt = [&](core& cpu, interrupt) {
                CHECK(since_start(cpu.now()) == 7 * 50 + 5);
                CHECK(m.all("TLB fill").size() == 1);
                CHECK(m.all("store").empty());
                cpu.memory_unit().invlpg(cpu, page_address(0)); // as a shootdown would
            };
            m.user(0, [&](core& cpu) {
                wait_until(cpu, start_time);
                cpu.post_interrupt(interrupt::disk, start_time + in_cycles(due));
                store64(cpu, page_address(0), 1);
                CHECK(since_start(cpu.now()) == 7 * 50 + 5 + 4 * 50 + 1); // it is walked for again
            });
            exec.run();
            CHECK(m.cores[0]->stats().interrupts >= 1);
            CHECK(m.all("TLB fill").size() == 2);
        }
    });
}

TEST_CASE("an IPI takes the sender's cycles, then its latency")
{
    for (const std::uint64_t latency : {1U, 5U, 40U}) {
        machine_options o = free_of_charge(2);
        o.core.ipi_latency = latency * period;
        o.cost.ipi_send = 6;
        o.cost.irq_entry = 9;
        fiber_executor exec;
        machine m(exec, o);
        std::vector<std::uint64_t> handled;
        m.on_interrupt = [&](core& cpu, interrupt) {
            CHECK(cpu.index() == 1);
            handled.push_back(since_start(cpu.now()));
        };
        m.kernel(0, [&](core& cpu) {
            wait_until(cpu, start_time);
            cpu.spend(4);
            cpu.send_ipi({m.cores[1].get()}, interrupt::disk);
            CHECK(since_start(cpu.now()) == 10);
        });
        exec.run();
        CHECK(handled == std::vector<std::uint64_t>{10 + latency + 9});
        CHECK(m.cores[0]->stats().ipis_sent == 1);
        CHECK(m.cores[1]->stats().ipis_sent == 0);
    }
}

// ---- running ahead ------------------------------------------------------------------------------

TEST_CASE("whoever looks at memory sees the stores that had begun, no more and no less")
{
    in_both_modes([](time_sync sync) {
        for (std::uint64_t when = 0; when < 40; ++when) {
            CAPTURE(when);
            machine_options o = free_of_charge(1, sync);
            o.core.access = 3;
            fiber_executor exec;
            machine m(exec, o);
            m.map_dirty(0);
            const physical_address word = address_of(machine::frame(0));
            const picoseconds look = start_time + picoseconds(when * period / 2);
            std::uint64_t seen_by_timer = 0;
            std::uint64_t seen_by_device = 0;
            executor::timer timer(exec, 0, [&] { seen_by_timer = m.memory.read64(word); });
            timer.arm(look);
            m.device(2000, [&](engine& self) {
                self.wait_until(look);
                seen_by_device = m.memory.read64(word);
            });
            m.user(0, [&](core& cpu) {
                store64(cpu, page_address(0), 1000);
                wait_until(cpu, start_time);
                for (std::uint64_t i = 1; i <= 10; ++i)
                    store64(cpu, page_address(0), i);
            });
            exec.run(look);
            const std::uint64_t seen_by_caller = m.memory.read64(word);
            exec.run();
            // The n-th store begins at 3 * (n - 1) cycles. At one instant timers come first, then
            // cores, then devices and whoever called run().
            const auto begun_by = [](std::uint64_t half_cycles) {
                return std::min<std::uint64_t>(10, half_cycles / 6 + 1);
            };
            CHECK(seen_by_timer == (when == 0 ? 1000 : begun_by(when - 1)));
            CHECK(seen_by_device == begun_by(when));
            CHECK(seen_by_caller == begun_by(when));
        }
    });
}

TEST_CASE("running ahead goes up to the horizon, and every_access never ahead")
{
    in_both_modes([](time_sync sync) {
        fiber_executor exec;
        machine m(exec, free_of_charge(1, sync));
        m.map_dirty(0);
        executor::timer timer(exec, 0, [] {});
        picoseconds furthest;
        m.user(0, [&](core& cpu) {
            store64(cpu, page_address(0), 0);
            wait_until(cpu, start_time);
            timer.arm(start_time + in_cycles(100));
            for (std::uint64_t i = 0; i < 300; ++i) {
                store64(cpu, page_address(0), i);
                const picoseconds begun = cpu.now() - in_cycles(1);
                if (exec.now() < start_time + in_cycles(100))
                    CHECK(begun < start_time + in_cycles(100));
                furthest = std::max(furthest, begun - exec.now());
            }
        });
        exec.run();
        if (sync == time_sync::window) // from 0 to 99, then without end
            CHECK(furthest == in_cycles(199));
        else
            CHECK(furthest == picoseconds());
    });
}

// ---- threads ------------------------------------------------------------------------------------

TEST_CASE("a sleeping thread is woken from another core after interrupt and switch")
{
    machine_options o = free_of_charge(2);
    o.core.ipi_latency = 50 * period;
    o.cost.irq_entry = 4;
    o.cost.irq_exit = 3;
    o.cost.context_switch = 20;
    fiber_executor exec;
    machine m(exec, o);
    wait_queue queue;
    picoseconds woken;
    thread& sleeper = m.kernel(0, [&](core& cpu) {
        cpu.block_on(queue);
        woken = cpu.now();
    });
    m.kernel(1, [&](core& cpu) {
        wait_until(cpu, start_time);
        CHECK(sleeper.status() == thread::state::blocked);
        CHECK(m.cores[0]->idle());
        queue.wake_one();
        CHECK(sleeper.status() == thread::state::runnable);
    });
    exec.run();
    CHECK(since_start(woken) == 50 + 4 + 3 + 20);
    CHECK(sleeper.status() == thread::state::dead);
    CHECK(m.cores[0]->stats().context_switches == 2);
}

TEST_CASE("a sleep ends by its timer's interrupt, who is woken earlier does not wait for it")
{
    machine_options o = free_of_charge();
    o.cost.irq_entry = 4;
    o.cost.irq_exit = 3;
    o.cost.context_switch = 20;
    fiber_executor exec;
    machine m(exec, o);
    wait_queue queue;
    m.device(2000, [&](engine& self) {
        self.wait_until(start_time + in_cycles(1000));
        queue.wake_one();
    });
    m.kernel(0, [&](core& cpu) {
        wait_until(cpu, start_time);
        cpu.spend(5);
        cpu.sleep_for(in_cycles(100)); // from now, not from when the core had switched away
        CHECK(since_start(cpu.now()) == 5 + 100 + 4 + 3 + 20);
        CHECK_FALSE(cpu.block_on(queue, in_cycles(100)));
        CHECK(since_start(cpu.now()) == 132 + 100 + 27);
        CHECK(queue.empty());
        CHECK(cpu.block_on(queue, in_cycles(10'000)));
        CHECK(since_start(cpu.now()) == 1000 + 10 + 27); // the wake-up is an interrupt too
    });
    exec.run();
    CHECK(since_start(exec.now()) == 1037); // its timer is gone with it
}

TEST_CASE("kernel threads take turns when they sleep, first come, first served, users wait")
{
    fiber_executor exec;
    machine m(exec, free_of_charge());
    std::string order;
    for (const char name : {'a', 'b', 'c'})
        m.kernel(0, [&order, name](core& cpu) {
            for (int i = 0; i < 2; ++i) {
                order += name;
                cpu.spend(100);
                cpu.sync(); // does not give the core away
                order += name;
                cpu.sleep_for(in_cycles(1));
            }
        });
    m.user(0, [&order](core& cpu) {
        order += 'u';
        cpu.compute(cycles(10));
        order += 'u';
    });
    exec.run();
    CHECK(order == "aabbccaabbccuu");
}

TEST_CASE("a kernel thread that is woken takes the core from user code, at once and in the middle")
{
    in_both_modes([](time_sync sync) {
        for (const bool stores : {false, true}) {
            machine_options o = free_of_charge(2, sync);
            o.core.ipi_latency = 8 * period;
            o.cost.irq_entry = 4;
            o.cost.irq_exit = 3;
            o.cost.context_switch = 20;
            fiber_executor exec;
            machine m(exec, o);
            m.map_dirty(0);
            wait_queue queue;
            picoseconds woken;
            picoseconds ended;
            m.kernel(0, [&](core& cpu) {
                cpu.block_on(queue);
                woken = cpu.now();
                cpu.spend(100);
            });
            m.user(0, [&](core& cpu) {
                store64(cpu, page_address(0), 1);
                cpu.compute(cycles((start_time - cpu.now()).raw() / period));
                if (stores)
                    for (std::uint64_t i = 0; i < 50; ++i)
                        store64(cpu, page_address(0), i);
                else
                    cpu.compute(cycles(50));
                cpu.sync();
                ended = cpu.now();
            });
            m.kernel(1, [&](core& cpu) {
                wait_until(cpu, start_time + in_cycles(10));
                queue.wake_one();
            });
            exec.run();
            CHECK(since_start(woken) == 10 + 8 + 4 + 3 + 20);
            CHECK(since_start(ended) == 50 + 4 + 3 + 20 + 100 + 20);
        }
    });
}

TEST_CASE("a kernel thread that is woken does not take the core from code in the kernel")
{
    fiber_executor exec;
    machine m(exec, free_of_charge(2));
    wait_queue queue;
    picoseconds woken;
    m.kernel(0, [&](core& cpu) {
        cpu.block_on(queue);
        woken = cpu.now();
    });
    m.user(0, [&](core& cpu) {
        cpu.compute(cycles((start_time - cpu.now()).raw() / period));
        cpu.enter_kernel(5);
        cpu.spend(100);
        cpu.sync();
        CHECK(woken == picoseconds());
        cpu.exit_kernel(5);
        CHECK(since_start(woken) == 110); // at the border it is let in
    });
    m.kernel(1, [&](core& cpu) {
        wait_until(cpu, start_time + in_cycles(10));
        queue.wake_one();
    });
    exec.run();
}

TEST_CASE("user threads that never sleep share their core by timeslice")
{
    in_both_modes([](time_sync sync) {
        for (const bool stores : {false, true}) {
            CAPTURE(stores);
            machine_options o = free_of_charge(1, sync);
            o.core.timeslice = 1000 * period;
            fiber_executor exec;
            machine m(exec, o);
            m.map_dirty(0);
            std::map<int, std::uint64_t> ended;
            for (int i = 0; i < 3; ++i)
                m.user(0, [&m, &ended, stores, i](core& cpu) {
                    for (std::uint64_t n = 0; n < 9'990; ++n) {
                        if (stores)
                            store64(cpu, page_address(0), n);
                        else
                            cpu.compute(cycles(1));
                    }
                    ended[i] = cpu.now().raw() / period;
                });
            exec.run();
            // Nine rounds of three slices; then the first needs 990 cycles, the second has the ten
            // that are left of that slice, the third its 990, and the second the rest.
            CHECK(ended[0] == 27'990);
            CHECK(ended[1] == 29'970);
            CHECK(ended[2] == 28'990);
        }
    });
}

TEST_CASE("another thread's alarm does not end a timeslice")
{
    machine_options o = free_of_charge();
    o.core.timeslice = 1000 * period;
    fiber_executor exec;
    machine m(exec, o);
    m.kernel(0, [&](core& cpu) {
        for (int i = 0; i < 300; ++i)
            cpu.sleep_for(in_cycles(70));
    });
    for (int i = 0; i < 2; ++i)
        m.user(0, [&](core& cpu) { cpu.compute(cycles(10'000)); });
    exec.run();
    // 286 alarms in the 20 slices; each switches to the kernel thread and back, when it is not
    // idle that it switches to.
    CHECK(exec.now() == in_cycles(70 * 300));
    CHECK(m.cores[0]->stats().context_switches > 2 * 280);
    CHECK(m.cores[0]->stats().context_switches < 2 * 300 + 25);
}

TEST_CASE("a kernel thread that was woken while a new user thread was being switched to goes first")
{
    machine_options o = free_of_charge(2);
    o.cost.context_switch = 100;
    fiber_executor exec;
    machine m(exec, o);
    wait_queue queue;
    wait_queue nobody;
    picoseconds woken;
    m.kernel(0, [&](core& cpu) {
        cpu.block_on(queue);
        woken = cpu.now();
    });
    m.kernel(0, [&](core& cpu) {
        wait_until(cpu, start_time);
        cpu.block_on(nobody); // 100 cycles of switching to the user thread begin
    });
    m.user(0, [&](core& cpu) { cpu.compute(cycles(1'000'000)); });
    m.kernel(1, [&](core& cpu) {
        wait_until(cpu, start_time + in_cycles(50));
        queue.wake_one();
    });
    exec.run();
    CHECK(since_start(woken) == 200);
}

TEST_CASE("a switch to another address space forgets translations, kernel threads borrow")
{
    machine_options o = free_of_charge();
    o.address_spaces = 2;
    o.cost.context_switch = 10;
    fiber_executor exec;
    machine m(exec, o);
    for (unsigned space : {0U, 1U})
        m.map_dirty(0, space);
    const auto mask = [&](unsigned space) { return m.spaces[space]->context.cpu_mask.to_ulong(); };
    const auto& tlb = m.cores[0]->memory_unit().translations();
    std::uint64_t flushes = 0;
    m.user(0, [&](core& cpu) {
        store64(cpu, page_address(0), 1);
        flushes = tlb.stats().flushes;
        CHECK(mask(0) == 1);
        CHECK(mask(1) == 0);
        cpu.sleep_for(in_cycles(100)); // to the idle thread, which needs no address space
        store64(cpu, page_address(0), 2);
        CHECK(tlb.stats().flushes == flushes);
        CHECK(tlb.stats().misses == 1);
        cpu.sleep_for(in_cycles(2000)); // to the kernel thread, then to the other user
        CHECK(mask(0) == 1);
        CHECK(mask(1) == 0);
        CHECK(tlb.stats().flushes == flushes + 2);
        store64(cpu, page_address(0), 3);
        CHECK(tlb.stats().misses == 3);
    });
    m.kernel(0, [&](core& cpu) {
        cpu.sleep_for(in_cycles(500));
        CHECK(cpu.loaded() == &m.spaces[0]->context);
        CHECK(tlb.stats().flushes == flushes);
        CHECK(mask(0) == 1);
        const auto other = [&](core& same) {
            CHECK(mask(0) == 0);
            CHECK(mask(1) == 1);
            store64(same, page_address(0), 9);
        };
        m.user(0, other, 1);
    });
    exec.run();
}

TEST_CASE("who waits for a thread's end is woken by it")
{
    fiber_executor exec;
    machine m(exec, free_of_charge(2));
    thread& worker = m.kernel(0, [&](core& cpu) {
        wait_until(cpu, start_time);
        cpu.spend(100); // not synchronised by the time the body ends
    });
    picoseconds joined;
    m.kernel(1, [&](core& cpu) {
        cpu.block_until(worker.ended(), [&] { return worker.status() == thread::state::dead; });
        joined = cpu.now();
    });
    exec.run();
    CHECK(since_start(joined) == 110);
}

TEST_CASE("idle time is what no thread used")
{
    machine_options o = free_of_charge();
    o.cost.context_switch = 10;
    fiber_executor exec;
    machine m(exec, o);
    m.kernel(0, [&](core& cpu) {
        wait_until(cpu, start_time);
        const picoseconds before = cpu.stats().idle;
        cpu.sleep_for(in_cycles(1000));
        CHECK(cpu.stats().idle - before == in_cycles(1000));
        CHECK(since_start(cpu.now()) == 1010);
    });
    exec.run();
}

// ---- waiting ------------------------------------------------------------------------------------

TEST_CASE("a spinning core takes interrupts and goes on when the lock is free")
{
    machine_options o = free_of_charge(2);
    o.cost.irq_entry = 5;
    o.cost.irq_exit = 5;
    fiber_executor exec;
    machine m(exec, o);
    spinlock lock;
    std::vector<std::uint64_t> handled;
    m.on_interrupt = [&](core& cpu, interrupt) { handled.push_back(since_start(cpu.now())); };
    for (const std::uint64_t due : {30U, 95U}) {
        CAPTURE(due);
        m.cores[1]->post_interrupt(interrupt::disk, start_time + in_cycles(due));
    }
    m.kernel(0, [&](core& cpu) {
        wait_until(cpu, start_time);
        const lock_guard<spinlock> guard(cpu, lock);
        cpu.spend(100);
        cpu.sync();
    });
    m.kernel(1, [&](core& cpu) {
        wait_until(cpu, start_time + in_cycles(1));
        lock.lock(cpu);
        CHECK(since_start(cpu.now()) == 105); // it was free while the handler ran
        lock.unlock(cpu);
    });
    exec.run();
    CHECK(handled == std::vector<std::uint64_t>{35, 100});
}

TEST_CASE("an irq_spinlock keeps interrupts off from before it is wanted until it is given back")
{
    fiber_executor exec;
    machine m(exec, free_of_charge(2));
    irq_spinlock lock;
    std::vector<std::uint64_t> handled;
    m.on_interrupt = [&](core& cpu, interrupt) { handled.push_back(since_start(cpu.now())); };
    m.cores[1]->post_interrupt(interrupt::disk, start_time + in_cycles(30));
    m.cores[1]->post_interrupt(interrupt::disk, start_time + in_cycles(120));
    m.kernel(0, [&](core& cpu) {
        wait_until(cpu, start_time);
        const lock_guard<irq_spinlock> guard(cpu, lock);
        cpu.spend(100);
        cpu.sync();
    });
    m.kernel(1, [&](core& cpu) {
        wait_until(cpu, start_time + in_cycles(1));
        {
            const lock_guard<irq_spinlock> guard(cpu, lock);
            CHECK(since_start(cpu.now()) == 100);
            cpu.spend(50);
            cpu.sync();
            CHECK(handled.empty());
        }
        cpu.sync();
        CHECK(handled == std::vector<std::uint64_t>{150, 150});
    });
    exec.run();
}

TEST_CASE("a lock is held to the end of what its holder has spent")
{
    fiber_executor exec;
    machine m(exec, free_of_charge(2));
    spinlock spin;
    mutex sleep;
    rw_semaphore semaphore;
    m.kernel(0, [&](core& cpu) {
        wait_until(cpu, start_time);
        {
            const lock_guard<spinlock> guard(cpu, spin);
            cpu.spend(100); // no step, no sync: the guard's end is the end of it
        }
        {
            const lock_guard<mutex> guard(cpu, sleep);
            cpu.spend(100);
        }
        const write_guard guard(cpu, semaphore);
        cpu.spend(100);
    });
    m.kernel(1, [&](core& cpu) {
        wait_until(cpu, start_time + in_cycles(1));
        {
            const lock_guard<spinlock> guard(cpu, spin);
            CHECK(since_start(cpu.now()) == 100);
        }
        wait_until(cpu, start_time + in_cycles(101));
        {
            const lock_guard<mutex> guard(cpu, sleep);
            CHECK(since_start(cpu.now()) == 200 + 10); // it was asleep
        }
        wait_until(cpu, start_time + in_cycles(211));
        const read_guard guard(cpu, semaphore);
        CHECK(since_start(cpu.now()) == 300 + 10);
    });
    exec.run();
}

TEST_CASE("threads on cores lose no wake-up and never hold a lock together")
{
    for (std::uint64_t seed = 0; seed < 500; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random(seed);
        machine_options o = free_of_charge(1 + unsigned(random() % 3));
        o.cost.context_switch = random() % 5;
        o.cost.irq_entry = random() % 3;
        o.cost.lock = random() % 3;
        o.core.ipi_latency = period * (1 + random() % 8);
        fiber_executor exec;
        machine m(exec, o);
        wait_queue queue;
        mutex outer;
        irq_spinlock inner;
        unsigned wakes = 0;
        unsigned woken = 0;
        unsigned in_outer = 0;
        unsigned in_inner = 0;
        unsigned ended = 0;
        const unsigned threads = 2 + unsigned(random() % 5);
        const auto body = [&](core& cpu) {
            for (int i = 0; i < 15; ++i) {
                cpu.spend(random() % 6);
                cpu.sync();
                switch (random() % 4) {
                case 0:
                    woken += cpu.block_on(queue, in_cycles(random() % 20)) ? 1U : 0U;
                    break;
                case 1:
                    wakes += queue.empty() ? 0U : 1U;
                    queue.wake_one();
                    break;
                case 2: {
                    const lock_guard<mutex> guard(cpu, outer);
                    REQUIRE(in_outer++ == 0);
                    cpu.sleep_for(in_cycles(random() % 8));
                    --in_outer;
                    break;
                }
                case 3: {
                    const lock_guard<irq_spinlock> guard(cpu, inner);
                    REQUIRE(in_inner++ == 0);
                    cpu.spend(random() % 8);
                    cpu.sync();
                    --in_inner;
                    break;
                }
                }
            }
            ++ended;
        };
        for (unsigned i = 0; i < threads; ++i)
            m.kernel(unsigned(random() % o.cores), body);
        REQUIRE(exec.run() == executor::outcome::idle);
        REQUIRE(ended == threads);
        REQUIRE(woken == wakes);
    }
}

TEST_CASE("what is thrown under locks gives them back, whatever had been spent, and ends the run")
{
    fiber_executor exec;
    machine m(exec, free_of_charge(2));
    spinlock spin;
    irq_spinlock irq_spin;
    mutex sleep;
    rw_semaphore semaphore;
    bool others_turn = false;
    m.kernel(0, [&](core& cpu) {
        const lock_guard<spinlock> a(cpu, spin);
        const lock_guard<mutex> b(cpu, sleep);
        const write_guard c(cpu, semaphore);
        const lock_guard<irq_spinlock> d(cpu, irq_spin);
        cpu.spend(1000);
        throw std::runtime_error("out of the kernel");
    });
    m.kernel(1, [&](core& cpu) {
        wait_until(cpu, start_time);
        const lock_guard<spinlock> a(cpu, spin);
        const lock_guard<mutex> b(cpu, sleep);
        const read_guard c(cpu, semaphore);
        const lock_guard<irq_spinlock> d(cpu, irq_spin);
        others_turn = true;
    });
    CHECK_THROWS_WITH_AS(exec.run(), "out of the kernel", std::runtime_error);
    exec.run();
    CHECK(others_turn);
}
