#pragma once

#include <boost/intrusive/list.hpp>

namespace mkclean
{

/// Somebody who can be asleep on a wait queue: a thread, a device's engine.
class waiter : public boost::intrusive::list_base_hook<
                   boost::intrusive::link_mode<boost::intrusive::auto_unlink>>
{
public:
    waiter() = default;
    waiter(const waiter&) = delete;
    waiter& operator=(const waiter&) = delete;
    virtual ~waiter() = default;

    /// Called once when it is taken off the queue; must not wait.
    virtual void woken() = 0;
};

/// Who waits for something, in the order in which they came. O(1) for every operation but wake_all.
class wait_queue
{
public:
    bool empty() const { return m_waiters.empty(); }
    void add(waiter& w) { m_waiters.push_back(w); }

    void wake_one()
    {
        if (m_waiters.empty())
            return;
        waiter& first = m_waiters.front();
        m_waiters.pop_front();
        first.woken();
    }
    void wake_all()
    {
        while (!m_waiters.empty())
            wake_one();
    }

private:
    boost::intrusive::list<waiter, boost::intrusive::constant_time_size<false>> m_waiters;
};

} // namespace mkclean
