#pragma once

#include "tb/explore/image.h"

#include <cstdint>
#include <vector>

namespace mkclean
{

/// Finds the number that was given to a state. O(1), 8 bytes for each slot and two slots for each
/// state.
class state_index
{
public:
    /// The number of `state`, or `otherwise`, which is its number from now on.
    std::uint32_t find_or_add(image::id state, std::uint32_t otherwise)
    {
        if ((m_used + 1) * 2 > m_slots.size())
            grow();
        slot& s = slot_of(m_slots, state);
        if (s.number_plus_1 == 0) {
            s = {static_cast<std::uint32_t>(state), otherwise + 1};
            ++m_used;
        }
        return s.number_plus_1 - 1;
    }
    std::size_t size() const { return m_used; }
    std::size_t bytes() const { return m_slots.size() * sizeof(slot); }

private:
    struct slot {
        std::uint32_t state = 0;
        std::uint32_t number_plus_1 = 0;
    };
    static_assert(sizeof(image::id) == sizeof(slot::state));

    static slot& slot_of(std::vector<slot>& slots, image::id state)
    {
        std::size_t at = state * 0x9e3779b97f4a7c15 >> 20 & (slots.size() - 1);
        while (slots[at].number_plus_1 != 0 && slots[at].state != state)
            at = (at + 1) & (slots.size() - 1);
        return slots[at];
    }
    void grow()
    {
        std::vector<slot> larger(m_slots.size() * 2);
        for (const slot& s : m_slots)
            if (s.number_plus_1 != 0)
                slot_of(larger, s.state) = s;
        m_slots = std::move(larger);
    }

    std::vector<slot> m_slots = std::vector<slot>(1024);
    std::size_t m_used = 0;
};

} // namespace mkclean
