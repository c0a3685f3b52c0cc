#pragma once

#include "sim/number.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace mkclean
{

/// A binary heap of what is due, by time and then by order; entries know where they are in it, so
/// that they can be taken out from anywhere. What is compared lies side by side: whoever looks
/// ahead or hands over to the next in line follows no pointers.
///
/// push, replace_top, erase: O(log n). `Entry` has a member `heap_slot`, not_in_heap at first.
template <class Entry>
class event_heap
{
public:
    static constexpr std::size_t not_in_heap = ~std::size_t{0};

    struct item {
        picoseconds due;
        std::uint64_t order = 0;
        picoseconds felt; ///< when what it does can be felt, not before `due`
        Entry* entry = nullptr;

        bool is_before(const item& other) const
        {
            return due < other.due || (due == other.due && order < other.order);
        }
    };

    bool empty() const { return m_items.empty(); }
    const item& top() const { return m_items.front(); }

    void push(const item& i)
    {
        m_items.push_back(i);
        rise(m_items.size() - 1, i);
    }
    /// Takes the first one out and puts another in.
    void replace_top(const item& i)
    {
        m_items.front().entry->heap_slot = not_in_heap;
        sink(0, i);
    }
    void erase(Entry& e)
    {
        const std::size_t slot = e.heap_slot;
        e.heap_slot = not_in_heap;
        const item last = m_items.back();
        m_items.pop_back();
        if (slot == m_items.size())
            return;
        if (slot > 0 && last.is_before(m_items[parent_of(slot)]))
            rise(slot, last);
        else
            sink(slot, last);
    }
    void clear()
    {
        for (const item& i : m_items)
            i.entry->heap_slot = not_in_heap;
        m_items.clear();
    }

    /// The earliest instant, if it is before `limit`, at which anything can be felt.
    /// O(number of those who are due before then).
    picoseconds earliest_felt(picoseconds limit) const
    {
        if (m_items.size() > few)
            return earliest_felt(limit, 0);
        for (const item& i : m_items)
            limit = std::min(limit, i.felt);
        return limit;
    }

private:
    static constexpr std::size_t few = 8; // it is quicker to look at all than to look for some

    static std::size_t parent_of(std::size_t slot) { return (slot - 1) / 2; }

    void put(std::size_t slot, const item& i)
    {
        m_items[slot] = i;
        i.entry->heap_slot = slot;
    }
    void rise(std::size_t slot, item i)
    {
        while (slot > 0 && i.is_before(m_items[parent_of(slot)])) {
            put(slot, m_items[parent_of(slot)]);
            slot = parent_of(slot);
        }
        put(slot, i);
    }
    void sink(std::size_t slot, item i)
    {
        for (;;) {
            std::size_t child = 2 * slot + 1;
            if (child >= m_items.size())
                break;
            if (child + 1 < m_items.size() && m_items[child + 1].is_before(m_items[child]))
                ++child;
            if (!m_items[child].is_before(i))
                break;
            put(slot, m_items[child]);
            slot = child;
        }
        put(slot, i);
    }
    picoseconds earliest_felt(picoseconds limit, std::size_t slot) const
    {
        if (slot >= m_items.size() || m_items[slot].due >= limit)
            return limit;
        limit = std::min(limit, m_items[slot].felt);
        limit = earliest_felt(limit, 2 * slot + 1);
        return earliest_felt(limit, 2 * slot + 2);
    }

    std::vector<item> m_items;
};

} // namespace mkclean
