#pragma once

#include "sim/actor.h"
#include "sim/executor.h"

#include <functional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>

namespace mkclean
{

/// An interrupt that is waiting for somebody to take it.
class pending_interrupt
{
public:
    virtual ~pending_interrupt() = default;
    virtual bool pending() const = 0;
    /// Runs the handler, on top of whatever `self` was doing.
    virtual void take(actor& self) = 0;
};

/// How kernel_threads are held up: a seed is an interleaving.
struct temper {
    std::uint64_t seed = 0;
    std::uint64_t longest = 0;        ///< ps at an atomic step; 0: never
    unsigned one_in = 4;              ///< of how many steps is held up
    pending_interrupt* irq = nullptr; ///< taken on top of the thread, where that is allowed
};

/// A thread of the kernel on a processor of its own. Wherever the code that it runs lets others act
/// (before each atomic step), it may be held up for a while.
class kernel_thread final : public actor, private waiter
{
public:
    kernel_thread(executor& exec, event_log& log, const costs& cost, const std::string& name,
                  const temper& t, std::function<void(kernel_thread&)> body)
        : actor(log, cost),
          random(t.seed),
          m_executor(exec),
          m_temper(t),
          m_id(log.add_actor("cpu", name)),
          m_task(exec.spawn(name, 1000, [this, body = std::move(body)] {
              body(*this);
              m_ended = true;
          }))
    {
    }

    std::mt19937_64 random; ///< for its body
    std::uint64_t below(std::uint64_t n) { return random() % n; }
    bool ended() const { return m_ended; }

    void spend(cycles) override {}
    using actor::spend;
    void elapse(picoseconds duration) override { pause(duration.raw()); }
    void sync() override
    {
        take_interrupts();
        if (m_temper.longest > 0 && random() % m_temper.one_in == 0) {
            pause(random() % m_temper.longest);
            take_interrupts();
        }
    }
    void block_on(wait_queue& queue) override
    {
        if (m_in_interrupt)
            throw std::logic_error("an interrupt handler sleeps");
        spin_on(queue);
    }
    bool block_on(wait_queue& queue, picoseconds timeout) override
    {
        const picoseconds give_up = m_executor.now() + timeout;
        m_woken = false;
        queue.add(*this);
        while (!m_woken && m_executor.now() < give_up)
            m_executor.sleep_until(give_up);
        if (!m_woken)
            unlink();
        return m_woken;
    }
    void spin_on(wait_queue& queue) override
    {
        m_woken = false;
        queue.add(*this);
        while (!m_woken)
            m_executor.suspend();
    }
    void interrupts_off() override { ++m_interrupts_off; }
    void interrupts_on() override { --m_interrupts_off; }
    picoseconds now() const override { return m_executor.now(); }
    actor_id id() const override { return m_id; }

    void pause(std::uint64_t ps)
    {
        const picoseconds when = m_executor.now() + ps;
        while (m_executor.now() < when)
            m_executor.sleep_until(when);
    }

private:
    void woken() override
    {
        m_woken = true;
        m_executor.resume_at(m_task, m_executor.now());
    }
    void take_interrupts()
    {
        while (m_temper.irq != nullptr && m_interrupts_off == 0 && m_temper.irq->pending()) {
            ++m_interrupts_off;
            m_in_interrupt = true;
            m_temper.irq->take(*this);
            m_in_interrupt = false;
            --m_interrupts_off;
        }
    }

    executor& m_executor;
    temper m_temper;
    actor_id m_id;
    unsigned m_interrupts_off = 0;
    bool m_in_interrupt = false;
    bool m_woken = false;
    bool m_ended = false;
    executor::task& m_task;
};

} // namespace mkclean
