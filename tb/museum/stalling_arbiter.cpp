#include "tb/museum/stalling_arbiter.h"
#include "sim/input_error.h"

#include <algorithm>
#include <tuple>

namespace mkclean
{

stalling_arbiter::thread& stalling_arbiter::thread_of(const executor::entry& e)
{
    const auto known = std::find_if(m_threads.begin(), m_threads.end(),
                                    [&](const thread& t) { return t.number == e.number(); });
    if (known != m_threads.end())
        return *known;
    const std::string& name = static_cast<const executor::task&>(e).name();
    thread& t = m_threads.emplace_back();
    t.number = e.number();
    const std::size_t slash = name.rfind('/');
    t.name = name.substr(slash + 1);
    for (const auto& cpu : m_world->cores())
        if (slash != std::string::npos && name.compare(0, slash, cpu->name()) == 0)
            t.cpu = cpu.get();
    return t;
}

// Nobody's clock is behind the world's when he goes on, whatever he has waited for.
static void bring_up_to(core* cpu, picoseconds now)
{
    if (cpu != nullptr && cpu->now() < now)
        cpu->elapse(now - cpu->now());
}

// Once it has taken an interrupt its core itself says when it goes on: the handler at once, and
// what was interrupted when its time has come.
picoseconds stalling_arbiter::due_of(const executor::entry& e)
{
    if (!e.is_task())
        return e.due();
    thread& t = thread_of(e);
    if (t.cpu != nullptr && t.cpu->stats().interrupts != t.interrupts)
        t.stalled_until = picoseconds();
    return std::max(e.due(), t.stalled_until);
}

// In the order that an executor without an arbiter has.
executor::entry* stalling_arbiter::earliest(const executor& exec)
{
    executor::entry* first = nullptr;
    std::tuple<picoseconds, unsigned, std::uint32_t> its_rank;
    exec.for_each_ready([&](executor::entry& e) {
        const std::tuple rank(due_of(e), e.priority(), e.number());
        if (first == nullptr || rank < its_rank) {
            first = &e;
            its_rank = rank;
        }
    });
    return first;
}

bool stalling_arbiter::begins_to_stall(thread& t, picoseconds now)
{
    if (!m_world->program().begun())
        return false;
    const std::uint64_t turn = t.turns++;
    for (const stall& s : m_stalls)
        if (s.turn == turn && s.thread == t.name) {
            t.stalled_until = now + s.duration;
            t.interrupts = t.cpu != nullptr ? t.cpu->stats().interrupts : 0;
            bring_up_to(t.cpu, t.stalled_until);
            return true;
        }
    return false;
}

executor::entry* stalling_arbiter::choose(const executor& exec)
{
    for (;;) {
        executor::entry* const first = earliest(exec);
        if (!first->is_task())
            return first;
        thread& t = thread_of(*first);
        const picoseconds now = std::max(exec.now(), first->due());
        const bool has_stood_still = t.stalled_until > picoseconds(); // the turn has been counted
        if (!has_stood_still && begins_to_stall(t, now))
            continue;
        t.stalled_until = picoseconds();
        bring_up_to(t.cpu, now);
        return first;
    }
}

std::uint64_t stalling_arbiter::turns_of(const std::string& name) const
{
    std::uint64_t turns = 0;
    bool known = false;
    for (const auto& t : m_threads)
        if (t.name == name) {
            turns += t.turns;
            known = true;
        }
    if (!known)
        throw input_error(origin(), "museum.stall",
                          "no thread is called " + in_quotes(name) + " in this run");
    return turns;
}

} // namespace mkclean
