#pragma once

#include "mmu/store_part.h"
#include "sim/number.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mkclean
{

class core;

/// What cores have stored and others are still to see: what was stored ahead of the world's time to
/// frames that other cores can see, and what is in store buffers. One access each, kept until the
/// world's time has come to it and then done in the order of time, and at one instant in that of
/// the cores' priorities, which is the order that waiting for every access gives.
///
/// O(cores) a store.
class deferred_stores
{
public:
    struct store {
        picoseconds when;
        std::byte* to;
        virtual_address va;
        std::uint64_t bytes;
        std::uint32_t length; ///< bytes
        store_part part;
    };

    /// Cores are numbered in the order in which they are added, and act in that at one instant.
    void add_core(core& cpu, unsigned priority)
    {
        m_queues.push_back({picoseconds::max(), &cpu, priority, {}, 0});
    }
    /// `s.when` is not before that of the core's last one.
    void defer(unsigned core, const store& s)
    {
        queue& q = m_queues[core];
        if (q.stores.empty())
            q.due = s.when;
        q.stores.push_back(s);
        ++m_waiting;
    }
    /// Does all those before `when`, and at `when` those of cores up to that priority.
    void commit(picoseconds when, unsigned priority)
    {
        if (m_waiting > 0)
            commit_waiting(when, priority);
    }
    /// Does all those that come before what the core of that number does at `when`.
    void commit_before(picoseconds when, unsigned core);
    bool empty() const { return m_waiting == 0; }
    /// Lays over `length` bytes at `at`, as read from memory, what the core itself has stored there
    /// and others are still to see. Returns which of the (up to 64) bytes that were.
    std::uint64_t forward(unsigned core, const std::byte* at, std::byte* bytes,
                          std::size_t length) const;

private:
    struct queue {
        picoseconds due; // of the next of them
        core* cpu;
        unsigned priority;
        std::vector<store> stores; // some may have been done; empty when all have
        std::size_t next;
    };

    void commit_waiting(picoseconds when, unsigned priority);
    queue& earliest();
    void do_next(queue& q);

    std::vector<queue> m_queues;
    std::size_t m_waiting = 0;
};

} // namespace mkclean
