#pragma once

#include "sim/number.h"

#include <algorithm>
#include <vector>

namespace mkclean
{

/// When the stores of a core become visible to others: it is through with them at once, and they
/// leave in order, one after the other. Knows times only; what they store waits with the
/// deferred_stores.
class store_buffer
{
public:
    /// `depth` stores at a time; 0: stores are seen as they are made. `drain`: from the head of the
    /// buffer to the cache.
    store_buffer(std::uint64_t depth, picoseconds drain)
        : m_exists(depth > 0),
          m_leave(depth),
          m_drain(drain)
    {
    }

    bool exists() const { return m_exists; }
    /// Before that, there is no room for another one.
    picoseconds has_room_at() const { return exists() ? m_leave[m_oldest] : picoseconds(); }
    /// Before that, somebody may still not see what was stored.
    picoseconds empty_at() const { return m_last; }
    /// A store at `when`, for which there is room. Returns when others see it.
    picoseconds enter(picoseconds when)
    {
        m_last = std::max(m_last, when) + m_drain;
        m_leave[m_oldest] = m_last;
        m_oldest = m_oldest + 1 == m_leave.size() ? 0 : m_oldest + 1;
        return m_last;
    }

private:
    bool m_exists;                    // asked for every access
    std::vector<picoseconds> m_leave; ///< of the last `depth` stores, in a ring
    std::size_t m_oldest = 0;
    picoseconds m_drain;
    picoseconds m_last;
};

} // namespace mkclean
