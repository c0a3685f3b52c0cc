#include "tb/museum/orders.h"
#include "sim/fiber_executor.h"
#include "tb/platform/plain_interconnect.h"
#include "tb/run.h"

#include <algorithm>

namespace mkclean
{

namespace
{

// Longer than anything takes that the others might be about, the disk and pdflush included.
constexpr picoseconds a_while(50'000'000'000);
constexpr picoseconds a_long_while(150'000'000'000);

/// The orders of one config, one after the other.
class order_search
{
public:
    order_search(const config& c, const order_limits& limits)
        : m_config(c),
          m_stalled(c.museum.stalled()),
          m_limits(limits)
    {
    }

    exhibit_result run()
    {
        try_one({});
        for (std::size_t first = 0; first < m_stalled.size(); ++first)
            stall_first(first);
        return m_result;
    }

private:
    bool enough() const { return m_limits.stops_at && m_result.found.has(*m_limits.stops_at); }

    std::vector<std::uint64_t> try_one(const std::vector<stall>& stalls)
    {
        return run_in_order(
            m_config, stalls, [](world&) {}, [&](world& w) { note(symptoms_of(w), stalls); });
    }

    void note(const symptom_set& found, const std::vector<stall>& stalls)
    {
        m_limits.tell(++m_result.orders);
        if (found.none())
            return;
        const bool is_it = !m_limits.stops_at || found.has(*m_limits.stops_at);
        if (m_result.broken++ == 0 || (is_it && !enough()))
            m_result.first = stalls;
        m_result.found.add(found);
    }

    // How many turns a thread has depends on where the others stand still.
    void stall_first(std::size_t who)
    {
        std::uint64_t turns = 1;
        for (std::uint64_t i = 0; i < turns && !enough(); ++i) {
            const stall first{m_stalled[who], i, a_while};
            const std::vector<std::uint64_t> had = try_one({first});
            turns = std::max(turns, had[who]);
            for (std::size_t other = 0; other < m_stalled.size(); ++other)
                for (std::uint64_t j = 0; other != who && j < had[other] && !enough(); ++j)
                    try_one({first, {m_stalled[other], j, a_long_while}});
        }
    }

    const config& m_config;
    std::vector<std::string> m_stalled;
    const order_limits& m_limits;
    exhibit_result m_result;
};

} // namespace

bool symptom_set::none() const
{
    return !hung && std::none_of(seen.begin(), seen.end(), [](bool one) { return one; });
}

void symptom_set::add(const symptom_set& other)
{
    hung = hung || other.hung;
    for (std::size_t i = 0; i < seen.size(); ++i)
        seen[i] = seen[i] || other.seen[i];
}

std::string symptom_set::text() const
{
    std::string all;
    const auto say = [&all](const char* what) {
        all += (all.empty() ? "" : ", ") + std::string(what);
    };
    for (std::size_t i = 0; i < seen.size(); ++i)
        if (seen[i])
            say(name_of(static_cast<symptom>(i)));
    if (hung)
        say("it does not come to its end");
    return all.empty() ? "nothing is wrong" : all;
}

symptom_set symptoms_of(const world& w)
{
    const verdict v = w.judge() != nullptr ? w.judge()->result() : verdict();
    const bool finished = w.how_it_ended() == world::ending::finished;
    // The older kernels promise no invariants; an exhibit may be about one all the same.
    const bool promised =
        w.options().museum.shows == symptom::invariant || w.options().era.era == kernel_era::golden;
    symptom_set found;
    const auto set = [&found](symptom what, bool is) {
        found.seen[static_cast<std::size_t>(what)] = is;
    };
    set(symptom::lost, v.lost_bytes + v.invented_bytes > 0);
    set(symptom::lie, v.fsync_lies > 0);
    set(symptom::stale, v.stale_reads > 0);
    set(symptom::livelock, v.livelocks > 0 || w.how_it_ended() == world::ending::out_of_time);
    set(symptom::expect, w.program().failed_expectations() > 0);
    set(symptom::invariant, promised && !w.invariants().all_hold());
    set(symptom::metric, finished && w.invariants().accounting_skew() > 0);
    // A store behind a file's new end is one, too, and nobody's bug.
    set(symptom::signal, w.options().museum.shows == symptom::signal && w.signals() > 0);
    found.hung = !finished;
    return found;
}

exhibit_result try_orders(const config& c, const order_limits& limits)
{
    return order_search(c, limits).run();
}

std::vector<std::uint64_t> run_in_order(const config& c, const std::vector<stall>& stalls,
                                        const std::function<void(world&)>& before,
                                        const std::function<void(world&)>& after)
{
    const std::vector<std::string> stalled = c.museum.stalled();
    if (stalled.empty()) {
        run_on_fibers(c, before, after);
        return {};
    }
    config in_steps = c;
    in_steps.core.sync = time_sync::every_access;
    stalling_arbiter order(stalls);
    physical_memory memory(c.memory);
    plain_interconnect bus(memory, picoseconds(c.memory_latency));
    const std::unique_ptr<workload> program = make_workload(in_steps);
    fiber_executor exec;
    exec.obey(order, false);
    world w(in_steps, exec, memory, bus, *program);
    order.drive(w);
    before(w);
    w.run();
    after(w);
    std::vector<std::uint64_t> turns;
    turns.reserve(stalled.size());
    for (const std::string& thread : stalled)
        turns.push_back(order.turns_of(thread));
    return turns;
}

} // namespace mkclean
