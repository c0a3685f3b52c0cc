#pragma once

#include "sim/actor.h"

namespace mkclean
{

/// Adds to a sum what time an actor spends in a scope, its waiting included.
class time_spent
{
public:
    time_spent(const actor& self, std::uint64_t& sum)
        : m_self(self),
          m_sum(sum),
          m_begun(self.now())
    {
    }
    ~time_spent() { m_sum += (m_self.now() - m_begun).raw(); }
    time_spent(const time_spent&) = delete;
    time_spent& operator=(const time_spent&) = delete;

private:
    const actor& m_self;
    std::uint64_t& m_sum; ///< ps
    picoseconds m_begun;
};

} // namespace mkclean
