// What a shootdown takes, against what its parts take: 1 to 64 other cores, and as many as there
// can be.

#include "vm/shootdown.h"
#include "vm/tests/vm_world.h"
#include "vm/tlb_flush.h"

#include <numeric>
#include <vector>

using namespace mkclean;

namespace
{

std::vector<unsigned> numbers_of_targets()
{
    std::vector<unsigned> all(64);
    std::iota(all.begin(), all.end(), 1U);
    all.push_back(most_cores - 1);
    return all;
}

struct measured_flush {
    double cycles = 0;
    std::uint64_t received = 0; ///< interrupts
};

/// One page is flushed by core 0, while `targets` other cores compute in the same address space.
measured_flush flush_with(unsigned targets, const tlb_flush_options& how, std::uint64_t ack,
                          std::uint64_t cluster = 1)
{
    vm_world_options o;
    o.core.ipi_cluster = cluster;
    o.cores = targets + 1;
    o.vm.tlb = how;
    vm_world w(o);
    w.cost.ipi_ack = ack;
    mm_struct& mm = w.new_process();
    measured_flush found;
    for (unsigned cpu = 1; cpu <= targets; ++cpu)
        w.start(cpu, mm, [](user_task& task) { task.compute(cycles(3'000'000)); });
    w.start(0, mm, [&](user_task& task) {
        task.compute(cycles(1'000'000));
        core& cpu = task.cpu();
        cpu.sync();
        const picoseconds begun = cpu.now();
        flush_tlb_page(*w.k, cpu, mm, virtual_address(0x7000'0000'0000));
        found.cycles = double((cpu.now() - begun).raw()) / double(cpu.period().raw());
    });
    CHECK(w.run());
    found.received = w.k->stats.nr_tlb_remote_flush_received;
    return found;
}

double in_cycles(std::uint64_t ps)
{
    return double(ps) / 1000; // at 1 GHz
}

/// The initiator sends one interrupt after the other; the targets work at the same time; what is
/// counted in one line is counted one after the other. The last acknowledgement ends it.
double expected_of_interrupts(unsigned targets, const costs& cost, double latency, double ack,
                              bool early, unsigned cluster = 1)
{
    const double handled =
        latency + double(cost.irq_entry + cost.ipi_handler) + (early ? 0 : double(cost.invlpg));
    double acknowledged = 0;
    for (unsigned i = 1; i <= targets; ++i) {
        const std::uint64_t sent =
            cluster == 1 ? i : i / cluster + 1; // the first is the initiator's
        acknowledged = std::max(acknowledged, double(sent * cost.ipi_send) + handled) + ack;
    }
    return double(cost.invlpg) + acknowledged; // its own TLB comes first
}

void check_close(double found, double expected)
{
    CAPTURE(found);
    CAPTURE(expected);
    CHECK(found > expected * 0.99);
    CHECK(found < expected * 1.01);
}

} // namespace

TEST_CASE(
    "analytic: a shootdown by interrupt takes sending, delivery, handler and acknowledgements")
{
    const costs cost;
    const double latency = in_cycles(core_options{}.ipi_latency);
    for (const shootdown_kind kind : {shootdown_kind::ipi, shootdown_kind::early_ack})
        for (const std::uint64_t ack :
             {0U, 100U, 700U}) // 700 is more than sending takes: they queue
            for (const unsigned targets : numbers_of_targets()) {
                CAPTURE(targets);
                CAPTURE(ack);
                tlb_flush_options how;
                how.kind = kind;
                const measured_flush found = flush_with(targets, how, ack);
                CHECK(found.received == targets);
                check_close(found.cycles,
                            expected_of_interrupts(targets, cost, latency, double(ack),
                                                   kind == shootdown_kind::early_ack));
            }
}

TEST_CASE("analytic: a core that flushes while the others do saves the shorter of the two")
{
    const costs cost;
    const double latency = in_cycles(core_options{}.ipi_latency);
    tlb_flush_options how;
    how.concurrent = true;
    for (const unsigned targets : numbers_of_targets())
        check_close(flush_with(targets, how, 0).cycles,
                    expected_of_interrupts(targets, cost, latency, 0, false) - double(cost.invlpg));
}

TEST_CASE("analytic: where one write reaches a cluster, there are as many as clusters")
{
    const costs cost;
    const double latency = in_cycles(core_options{}.ipi_latency);
    for (const unsigned cluster : {4U, 16U, 128U})
        for (const unsigned targets : numbers_of_targets()) {
            CAPTURE(cluster);
            CAPTURE(targets);
            const measured_flush found = flush_with(targets, {}, 100, cluster);
            CHECK(found.received == targets);
            check_close(found.cycles,
                        expected_of_interrupts(targets, cost, latency, 100, false, cluster));
        }
}

TEST_CASE("A core that is about to look at its queue is not interrupted again")
{
    vm_world_options o;
    o.cores = 3;
    vm_world w(o);
    mm_struct& mm = w.new_process();
    for (unsigned cpu = 0; cpu < 2; ++cpu)
        w.start(cpu, mm, [&](user_task& task) {
            task.cpu().compute_until(picoseconds(ms));
            flush_tlb_page(*w.k, task.cpu(), mm, virtual_address(0x7000'0000'0000));
        });
    w.start(2, mm, [](user_task& task) { task.compute(cycles(3'000'000)); });
    CHECK(w.run());
    CHECK(w.k->stats.nr_tlb_remote_flush == 2);
    CHECK(w.k->stats.nr_tlb_remote_flush_received == 4);
    CHECK(w.cores[0]->stats().ipis_sent + w.cores[1]->stats().ipis_sent == 3);
}

TEST_CASE("analytic: a broadcast takes the same for any number of cores, and interrupts none")
{
    const costs cost;
    tlb_flush_options how;
    how.kind = shootdown_kind::broadcast;
    for (const unsigned targets : numbers_of_targets()) {
        const measured_flush found = flush_with(targets, how, 100);
        CHECK(found.received == 0);
        check_close(found.cycles, double(cost.tlbi) + in_cycles(how.latency));
    }
}

TEST_CASE("analytic: a remote action request takes sending to each, and one completion")
{
    const costs cost;
    for (const bool concurrent : {false, true}) {
        tlb_flush_options how;
        how.kind = shootdown_kind::rar;
        how.concurrent = concurrent;
        for (const unsigned targets : numbers_of_targets()) {
            const measured_flush found = flush_with(targets, how, 100);
            CHECK(found.received == 0);
            const double own = concurrent ? 0 : double(cost.invlpg); // or it is done by then
            check_close(found.cycles,
                        own + double(targets * cost.ipi_send) + in_cycles(how.latency));
        }
    }
}

TEST_CASE("Cores that have gone idle are interrupted once, or never, or always, as the kernel is")
{
    for (const auto& [lazy, interrupts] :
         {std::pair{lazy_tlb_policy::flush, 6U}, std::pair{lazy_tlb_policy::leave, 3U},
          std::pair{lazy_tlb_policy::skip, 0U}}) {
        vm_world_options o;
        o.cores = 4;
        o.vm.tlb.lazy = lazy;
        vm_world w(o);
        mm_struct& mm = w.new_process();
        for (unsigned cpu = 1; cpu <= 3; ++cpu)
            w.start(cpu, mm, [](user_task& task) { task.compute(cycles(1'000)); });
        w.start(0, mm, [&](user_task& task) {
            task.compute(cycles(1'000'000)); // the others have ended, and nothing else is loaded
            for (int i = 0; i < 2; ++i)
                flush_tlb_page(*w.k, task.cpu(), mm, virtual_address(0x7000'0000'0000));
        });
        CHECK(w.run());
        CHECK(w.k->stats.nr_tlb_remote_flush_received == interrupts);
    }
}

TEST_CASE("A core that was not asked because it was idle flushes before it runs the program again")
{
    for (const bool flushed : {false, true}) {
        vm_world_options o;
        o.cores = 2;
        o.vm.tlb.lazy = lazy_tlb_policy::skip;
        vm_world w(o);
        mm_struct& mm = w.new_process();
        w.start(1, mm, [&](user_task& task) {
            task.sleep(picoseconds(100 * us));
            task.compute(cycles(1'000));
        });
        w.start(0, mm, [&](user_task& task) {
            task.compute(cycles(50'000));
            if (flushed)
                flush_tlb_page(*w.k, task.cpu(), mm, virtual_address(0x7000'0000'0000));
            task.compute(cycles(200'000));
        });
        CHECK(w.run());
        CHECK(w.k->stats.nr_tlb_lazy_catchup == (flushed ? 1U : 0U));
        CHECK(w.k->stats.nr_tlb_remote_flush == 0);
    }
}
