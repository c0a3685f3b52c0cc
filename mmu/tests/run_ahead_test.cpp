// How far a core gets before the others, and what they see of it. That nobody can tell is
// exactness_test.cpp's affair; here it is that there is anything to tell.

#include "mmu/tests/machine.h"
#include "sim/fiber_executor.h"

#include <doctest/doctest.h>

#include <atomic>
#include <map>
#include <vector>

using namespace mkclean;

namespace
{

constexpr std::uint64_t period = 1000; // ps: 1 GHz
constexpr std::uint64_t transaction = 20;

machine_options two_cores()
{
    machine_options o;
    o.cores = 2;
    o.core.frequency = 1'000'000'000;
    o.bus_latency = picoseconds(transaction * period);
    return o;
}

/// How often who ran changed, and what each core told, in the order in which it told it.
struct witness final : access_observer {
    void on_store(const core& cpu, picoseconds when, virtual_address, const std::byte* bytes,
                  std::size_t length, store_part) override
    {
        switches += last != cpu.index() ? 1U : 0U;
        last = cpu.index();
        std::uint64_t value = 0;
        std::memcpy(&value, bytes, length);
        stores.push_back({when, cpu.index(), value});
    }
    void on_load(const core&, virtual_address, const std::byte*, std::size_t) override {}

    struct seen {
        picoseconds when;
        unsigned core;
        std::uint64_t value;
    };
    std::vector<seen> stores;
    unsigned last = 0;
    std::uint64_t switches = 0;
};

constexpr std::uint64_t stores_each = 2000;

// Both cores store, each to the page of that number.
void store_to(machine& m, witness& observer, std::uint64_t first_page, std::uint64_t second_page)
{
    for (unsigned i = 0; i < 2; ++i) {
        m.cores[i]->set_observer(&observer);
        const std::uint64_t page = i == 0 ? first_page : second_page;
        m.user(i, [page](core& cpu) {
            for (std::uint64_t n = 0; n < stores_each; ++n)
                cpu.store(machine::base + page * page_size, &n, sizeof n);
        });
    }
    m.exec.run();
    CHECK(observer.stores.size() == 2 * stores_each);
}

} // namespace

TEST_CASE("on a frame of its own a core gets a transaction's time ahead of the others")
{
    fiber_executor exec;
    machine m(exec, two_cores());
    witness observer;
    store_to(m, observer, 1, 2);
    // Each may be ahead of the other by that much, so that a turn is twice as long.
    CHECK(observer.switches < stores_each / transaction * 3 / 2);
}

TEST_CASE("waiting for every access, cores take turns at each")
{
    fiber_executor exec;
    machine_options o = two_cores();
    o.core.sync = time_sync::every_access;
    machine m(exec, o);
    witness observer;
    store_to(m, observer, 1, 2);
    CHECK(observer.switches > stores_each);
}

TEST_CASE("stores to a shared frame are told in the order of time, however far ahead they are made")
{
    fiber_executor exec;
    machine m(exec, two_cores());
    witness observer;
    store_to(m, observer, 1, 1);
    bool in_order = true;
    for (std::size_t i = 1; i < observer.stores.size(); ++i) {
        const witness::seen& a = observer.stores[i - 1];
        const witness::seen& b = observer.stores[i];
        in_order = in_order && (a.when < b.when || (a.when == b.when && a.core < b.core));
    }
    // Until the second core's TLB holds the frame, the first may tell what it does early.
    CHECK(observer.stores.size() == 2 * stores_each);
    CHECK(observer.switches > stores_each);
    CHECK(in_order);
}

TEST_CASE("a run can be ended from outside while a core stores and nobody else is due")
{
    fiber_executor exec;
    machine_options o = two_cores();
    o.cores = 1;
    machine m(exec, o);
    std::atomic<bool> enough{false};
    exec.watch(enough, [] { return true; });
    std::uint64_t stored = 0;
    m.user(0, [&](core& cpu) {
        for (;; ++stored) {
            cpu.store(machine::base, &stored, sizeof stored);
            enough = stored >= 1000;
        }
    });
    CHECK(exec.run() == executor::outcome::interrupted);
    CHECK(stored > 1000);
}

TEST_CASE("who loads from a shared frame sees what had been stored by then, and nothing later")
{
    for (const time_sync sync : {time_sync::window, time_sync::every_access}) {
        fiber_executor exec;
        machine_options o = two_cores();
        o.core.sync = sync;
        machine m(exec, o);
        std::map<std::uint64_t, std::uint64_t> seen; // by the cycle of the load
        std::uint64_t began = 0;
        m.user(0, [&](core& cpu) {
            std::uint64_t n = 0;
            cpu.store(machine::base, &n, sizeof n);
            cpu.compute_until(picoseconds(100'000 * period));
            began = cpu.now().raw() / period;
            for (n = 1; n < 500; ++n)
                cpu.store(machine::base, &n, sizeof n);
        });
        m.user(1, [&](core& cpu) {
            std::uint64_t n = 0;
            cpu.load(machine::base, &n, sizeof n);
            cpu.compute_until(picoseconds(100'000 * period));
            for (unsigned i = 0; i < 100; ++i) {
                const std::uint64_t when = cpu.now().raw() / period;
                cpu.load(machine::base, &n, sizeof n);
                seen[when] = n;
            }
        });
        m.exec.run();
        CHECK(seen.size() == 100);
        for (const auto& [when, value] : seen)
            CHECK(value == when - began + 1); // the first core's access comes first
    }
}
