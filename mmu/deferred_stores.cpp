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
    while (m_waiting > 0) {
        queue& q = earliest();
        if (q.due > when || (q.due == when && q.priority > priority))
            return;
        do_next(q);
    }
}

// Of those at one instant, the first core's: they are in the order of their priorities.
deferred_stores::queue& deferred_stores::earliest()
{
    queue* first = m_queues.data();
    for (queue& q : m_queues)
        if (q.due < first->due)
            first = &q;
    return *first;
}

void deferred_stores::do_next(queue& q)
{
    const store& s = q.stores[q.next++];
    --m_waiting;
    if (s.length == sizeof s.bytes)
        std::memcpy(s.to, &s.bytes, sizeof s.bytes);
    else
        std::memcpy(s.to, &s.bytes, s.length);
    q.cpu->show_store(s.when, s.va, reinterpret_cast<const std::byte*>(&s.bytes), s.length, s.part);
    constexpr std::size_t many = 4096; // a store buffer may never be empty
    if (q.next == many) {
        q.stores.erase(q.stores.begin(), q.stores.begin() + many);
        q.next = 0;
    }
    if (q.next < q.stores.size()) {
        q.due = q.stores[q.next].when;
        return;
    }
    q.due = picoseconds::max();
    q.stores.clear();
    q.next = 0;
}

std::uint64_t deferred_stores::forward(unsigned core, const std::byte* at, std::byte* bytes,
                                       std::size_t length) const
{
    const queue& q = m_queues[core];
    std::uint64_t forwarded = 0;
    for (std::size_t i = q.next; i < q.stores.size(); ++i) {
        const store& s = q.stores[i];
        const auto* const stored = reinterpret_cast<const std::byte*>(&s.bytes);
        for (std::size_t b = 0; b < length; ++b) {
            if (at + b < s.to || at + b >= s.to + s.length)
                continue;
            bytes[b] = stored[at + b - s.to];
            forwarded |= std::uint64_t{1} << b;
        }
    }
    return forwarded;
}

} // namespace mkclean
