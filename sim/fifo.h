#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace mkclean
{

/// A short queue: who came first goes first. Where it has nothing it holds nothing: two queues with
/// the same in them are the same bytes, whatever went through them before, as an explorer wants it.
///
/// pop_front: O(n).
template <class T>
class fifo
{
public:
    bool empty() const { return m_size == 0; }
    std::size_t size() const { return m_size; }
    const T& front() const { return m_slots.front(); }
    void push_back(const T& value)
    {
        if (m_size == m_slots.size())
            m_slots.resize(std::max<std::size_t>(4, m_size * 2));
        m_slots[m_size++] = value;
    }
    void pop_front()
    {
        std::move(m_slots.begin() + 1, m_slots.end(), m_slots.begin());
        m_slots[--m_size] = T();
        m_slots.back() = T();
    }
    void clear()
    {
        std::fill(m_slots.begin(), m_slots.end(), T());
        m_size = 0;
    }

private:
    std::vector<T> m_slots;
    std::size_t m_size = 0;
};

} // namespace mkclean
