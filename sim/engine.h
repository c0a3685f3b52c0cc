#pragma once

#include "sim/actor.h"
#include "sim/executor.h"

namespace mkclean
{

/// A device's own thread of control: the part of a controller that does one thing after another.
/// Its clock is never ahead of the world's.
class engine final : public actor, private waiter
{
public:
    /// `body` runs from time 0 on; it waits in delay() and block_until() and usually never ends.
    engine(executor& exec, event_log& log, const costs& cost, std::string device, std::string name,
           unsigned priority, std::function<void(engine&)> body)
        : actor(log, cost),
          m_executor(exec),
          m_id(log.add_actor(std::move(device), name)),
          m_task(exec.spawn(std::move(name), priority,
                            [this, body = std::move(body)] { body(*this); }))
    {
    }

    void delay(picoseconds duration)
    {
        if (duration > picoseconds(0) || m_executor.arbitrated())
            wait_until(m_executor.now() + duration);
    }
    void wait_until(picoseconds when)
    {
        if (m_executor.arbitrated()) {
            pass_time(when);
            return;
        }
        while (m_executor.now() < when)
            m_executor.sleep_until(when);
    }
    /// Under an arbiter, whether what comes is too small for anybody to come between its parts.
    void set_undivided(bool undivided) { m_undivided = undivided; }

    void spend(cycles) override {} // a device counts no cycles
    void elapse(picoseconds duration) override { delay(duration); }
    using actor::spend;
    void sync() override {}
    void block_on(wait_queue& queue) override
    {
        m_woken = false;
        queue.add(*this);
        while (!m_woken)
            m_executor.suspend();
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
    void spin_on(wait_queue& queue) override { block_on(queue); }
    bool wait_until_ready(predicate_ref ready) override
    {
        if (m_executor.arbitrated())
            m_executor.give_way_until(m_executor.now(), ready);
        return m_executor.arbitrated();
    }
    picoseconds now() const override { return m_executor.now(); }
    actor_id id() const override { return m_id; }

private:
    void pass_time(picoseconds when)
    {
        if (m_undivided)
            m_executor.move_on_to(when);
        else
            m_executor.give_way(when);
    }
    void woken() override
    {
        m_woken = true;
        m_executor.resume_at(m_task, m_executor.now());
    }

    executor& m_executor;
    actor_id m_id;
    bool m_woken = false;
    bool m_undivided = false;
    executor::task& m_task;
};

/// Nobody comes between what an engine does in this scope; see engine::set_undivided().
class undivided
{
public:
    explicit undivided(engine& self) : m_self(self) { m_self.set_undivided(true); }
    ~undivided() { m_self.set_undivided(false); }
    undivided(const undivided&) = delete;
    undivided& operator=(const undivided&) = delete;

private:
    engine& m_self;
};

} // namespace mkclean
