#include "mmu/deferred_stores.h"
#include "mmu/core.h"

#include <cstring>

namespace mkclean
{

void deferred_stores::commit_before(picoseconds when, unsigned core)
{
    commit(when, m_queues[core].priority - 1);
}

void deferred_stores::commit_waiting(picoseconds when, unsigned priority)
{
    while (queue* const q = earliest()) {
        const picoseconds due = q->stores[q->next].when;
        if (due > when || (due == when && q->priority > priority))
            return;
        do_next(*q);
    }
}

// Of those at one instant, the first core's: they are in the order of their priorities.
deferred_stores::queue* deferred_stores::earliest()
{
    queue* first = nullptr;
    for (queue& q : m_queues)
        if (!q.empty() &&
            (first == nullptr || q.stores[q.next].when < first->stores[first->next].when))
            first = &q;
    return first;
}

void deferred_stores::do_next(queue& q)
{
    const store& s = q.stores[q.next++];
    --m_waiting;
    std::memcpy(s.to, s.bytes.data(), s.length);
    q.cpu->show_store(s.when, s.va, s.bytes.data(), s.length, s.part);
    if (q.empty()) {
        q.stores.clear();
        q.next = 0;
    }
}

} // namespace mkclean
