#pragma once

#include "sim/actor.h"

#include <exception>
#include <utility>

namespace mkclean
{

// A lock is given back at its holder's own time: what was spent under it was spent holding it.
// release() is for a stack that is being unwound, where nobody can wait.

/// A lock held for a short time: who wants it keeps its processor and spins.
class spinlock
{
public:
    void lock(actor& self)
    {
        self.spend(self.cost().lock);
        self.sync_to_lock();
        lock_now(self);
    }
    /// For one whose time the world's is already.
    void lock_now(actor& self)
    {
        self.spin_until_free(m_waiters, [this] { return !m_held; });
        m_held = true;
    }
    void unlock(actor& self)
    {
        self.settle();
        release(self);
    }
    void release(actor&)
    {
        m_held = false;
        m_waiters.wake_all();
    }
    bool held() const { return m_held; }

private:
    bool m_held = false;
    wait_queue m_waiters;
};

/// A spinlock that interrupt handlers take too: interrupts are off while it is held.
class irq_spinlock
{
public:
    void lock(actor& self)
    {
        self.spend(self.cost().lock);
        self.sync_to_lock(); // an interrupt that comes before is taken before
        self.interrupts_off();
        m_lock.lock_now(self);
    }
    void unlock(actor& self)
    {
        m_lock.unlock(self);
        self.interrupts_on();
    }
    void release(actor& self)
    {
        m_lock.release(self);
        self.interrupts_on();
    }
    bool held() const { return m_lock.held(); }

private:
    spinlock m_lock;
};

/// A lock that is slept on.
class mutex
{
public:
    void lock(actor& self)
    {
        self.spend(self.cost().lock);
        self.sync_to_lock();
        while (m_held)
            self.block_on(m_waiters);
        m_held = true;
    }
    void unlock(actor& self)
    {
        self.settle();
        release(self);
    }
    void release(actor&)
    {
        m_held = false;
        m_waiters.wake_all();
    }

protected:
    bool m_held = false;

private:
    wait_queue m_waiters;
};

/// One that is tried, too: whoever does can tell when it was taken, and whether it has been given
/// back by then.
class tried_mutex : public mutex
{
public:
    void lock(actor& self)
    {
        mutex::lock(self);
        self.sync(); // others may come before what is done under it
    }
    /// False if somebody else has it.
    bool trylock(actor& self)
    {
        self.spend(self.cost().lock);
        self.sync();
        return !std::exchange(m_held, true);
    }
    void unlock(actor& self)
    {
        self.sync();
        release(self);
    }
};

/// Many readers or one writer, slept on; a waiting writer keeps new readers out.
class rw_semaphore
{
public:
    void down_read(actor& self)
    {
        self.spend(self.cost().lock);
        self.sync_to_lock();
        while (m_writer || m_writers_waiting > 0)
            self.block_on(m_waiters);
        ++m_readers;
    }
    void up_read(actor& self)
    {
        self.settle();
        release_read(self);
    }
    void release_read(actor&)
    {
        if (--m_readers == 0)
            m_waiters.wake_all();
    }
    void down_write(actor& self)
    {
        self.spend(self.cost().lock);
        self.sync_to_lock();
        ++m_writers_waiting;
        while (m_writer || m_readers > 0)
            self.block_on(m_waiters);
        --m_writers_waiting;
        m_writer = true;
    }
    void up_write(actor& self)
    {
        self.settle();
        release_write(self);
    }
    void release_write(actor&)
    {
        m_writer = false;
        m_waiters.wake_all();
    }

private:
    unsigned m_readers = 0;
    unsigned m_writers_waiting = 0;
    bool m_writer = false;
    wait_queue m_waiters;
};

/// Knows whether the scope it was made in is being left by an exception.
class unwinding_test
{
public:
    bool unwinding() const { return std::uncaught_exceptions() > m_before; }

private:
    int m_before = std::uncaught_exceptions();
};

/// Reads under an rw_semaphore for a scope.
class read_guard
{
public:
    read_guard(actor& self, rw_semaphore& lock) : m_self(self), m_lock(lock)
    {
        m_lock.down_read(m_self);
    }
    ~read_guard() noexcept(false)
    {
        if (m_scope.unwinding())
            m_lock.release_read(m_self);
        else
            m_lock.up_read(m_self);
    }
    read_guard(const read_guard&) = delete;
    read_guard& operator=(const read_guard&) = delete;

private:
    unwinding_test m_scope;
    actor& m_self;
    rw_semaphore& m_lock;
};

/// Writes under an rw_semaphore for a scope.
class write_guard
{
public:
    write_guard(actor& self, rw_semaphore& lock) : m_self(self), m_lock(lock)
    {
        m_lock.down_write(m_self);
    }
    ~write_guard() noexcept(false)
    {
        if (m_scope.unwinding())
            m_lock.release_write(m_self);
        else
            m_lock.up_write(m_self);
    }
    write_guard(const write_guard&) = delete;
    write_guard& operator=(const write_guard&) = delete;

private:
    unwinding_test m_scope;
    actor& m_self;
    rw_semaphore& m_lock;
};

/// Holds a lock for a scope, on behalf of one actor.
template <class Lock>
class lock_guard
{
public:
    lock_guard(actor& self, Lock& lock) : m_self(self), m_lock(lock) { m_lock.lock(m_self); }
    ~lock_guard() noexcept(false)
    {
        if (m_scope.unwinding())
            m_lock.release(m_self);
        else
            m_lock.unlock(m_self);
    }
    lock_guard(const lock_guard&) = delete;
    lock_guard& operator=(const lock_guard&) = delete;

private:
    unwinding_test m_scope;
    actor& m_self;
    Lock& m_lock;
};

/// The same, if it can be had at once.
template <class Lock>
class try_lock_guard
{
public:
    try_lock_guard(actor& self, Lock& lock) : m_self(self), m_lock(lock), m_owns(lock.trylock(self))
    {
    }
    ~try_lock_guard() noexcept(false)
    {
        if (!m_owns)
            return;
        if (m_scope.unwinding())
            m_lock.release(m_self);
        else
            m_lock.unlock(m_self);
    }
    try_lock_guard(const try_lock_guard&) = delete;
    try_lock_guard& operator=(const try_lock_guard&) = delete;

    bool owns() const { return m_owns; }

private:
    unwinding_test m_scope;
    actor& m_self;
    Lock& m_lock;
    bool m_owns;
};

} // namespace mkclean
