#pragma once

#include "sim/costs.h"
#include "sim/event_log.h"
#include "sim/number.h"
#include "sim/predicate_ref.h"
#include "sim/wait_queue.h"

#include <type_traits>
#include <utility>

namespace mkclean
{

/// Whoever executes model code: a thread on a core, the interrupt handler on top of it, a device.
///
/// An actor has its own clock, which may be ahead of everybody's: spend() only moves that. Before
/// it touches what others may see, it waits in sync() until the world has caught up with it.
class actor
{
public:
    actor(event_log& log, const costs& cost) : m_log(log), m_cost(cost) {}
    actor(const actor&) = delete;
    actor& operator=(const actor&) = delete;
    virtual ~actor() = default;

    /// Computation that nobody else can observe.
    virtual void spend(cycles duration) = 0;
    virtual void elapse(picoseconds duration) = 0;
    /// Returns when the world's time is the actor's own, interrupts that came before then taken.
    virtual void sync() = 0;
    /// The same for what nobody can tell from having been done earlier, such as giving a lock back:
    /// no reason to let others go first.
    virtual void settle() { sync(); }
    /// The same before a lock is taken. Under an arbiter, what comes before the first look at
    /// anything else is one with it: nobody can tell when in between the lock was taken.
    virtual void sync_to_lock() { sync(); }
    /// Sleeps until woken from `queue`; a core runs other threads meanwhile.
    virtual void block_on(wait_queue& queue) = 0;
    /// The same, but for no longer than `timeout`. True if it was woken.
    virtual bool block_on(wait_queue& queue, picoseconds timeout) = 0;
    /// Waits for `queue` without giving its processor away (interrupts are taken).
    virtual void spin_on(wait_queue& queue) = 0;
    /// Under an arbiter: waits until `ready()` as nobody can who has to be woken, so that it is the
    /// same wait however often it would have been woken in vain. False: it cannot.
    virtual bool wait_until_ready(predicate_ref ready)
    {
        static_cast<void>(ready);
        return false;
    }
    /// The same, spinning.
    virtual bool spin_until_ready(predicate_ref ready) { return wait_until_ready(ready); }
    /// Holds interrupts off on the actor's processor; nests. Nothing to a device.
    virtual void interrupts_off() {}
    virtual void interrupts_on() {}
    virtual picoseconds now() const = 0;
    virtual actor_id id() const = 0;

    const costs& cost() const { return m_cost; }
    event_log& log() const { return m_log; }
    void spend(std::uint64_t duration) { spend(cycles(duration)); }

    /// One atomic step: time is synchronised, `action` is done in one piece, the log says what it
    /// changed. `word` is what it changes, read through raw() before and after. Every access to
    /// state that another actor may change goes through here, which is where an explorer may let
    /// somebody else go first.
    template <class Word, class Action>
    auto step(const step_site& site, const subject& what, const Word& word, Action&& action)
        -> std::invoke_result_t<Action>
    {
        spend(m_cost.of_step(site.touches));
        sync();
        const std::uint64_t before = word.raw();
        if constexpr (std::is_void_v<std::invoke_result_t<Action>>) {
            std::forward<Action>(action)();
            note(site, what, before, word.raw());
        } else {
            auto result = std::forward<Action>(action)();
            note(site, what, before, word.raw());
            return result;
        }
    }

    /// Writes the log for a step whose place is elsewhere (a register, a function entered).
    void note(const step_site& site, const subject& what, std::uint64_t before = 0,
              std::uint64_t after = 0)
    {
        if (m_log.listening())
            tell(site, what, before, after);
    }

    /// Sleeps on `queue` until `ready()`; the test and the sleep are one step.
    template <class Predicate>
    void block_until(wait_queue& queue, Predicate&& ready)
    {
        sync();
        if (ready() || wait_until_ready(ready))
            return;
        do
            block_on(queue);
        while (!ready());
    }
    template <class Predicate>
    void spin_until(wait_queue& queue, Predicate&& ready)
    {
        sync();
        spin_until_free(queue, ready);
    }
    /// The same, for one whose time the world's is already.
    template <class Predicate>
    void spin_until_free(wait_queue& queue, Predicate&& ready)
    {
        if (ready() || spin_until_ready(ready))
            return;
        do
            spin_on(queue);
        while (!ready());
    }

private:
    void tell(const step_site& site, const subject& what, std::uint64_t before,
              std::uint64_t after);
    void emit(const step_site& site, const subject& what, std::uint64_t before,
              std::uint64_t after);

    event_log& m_log;
    const costs& m_cost;
};

} // namespace mkclean
