#pragma once

#include "sim/actor.h"

namespace mkclean
{

/// Tells the log that an actor is in a function, from here to the end of the scope. It is no step:
/// it takes no time, waits for nobody, and an explorer does not see it.
class span
{
public:
    span(const actor& self, const span_site& site, const subject& what)
        : m_self(self),
          m_site(site),
          m_what(what)
    {
        mark(true);
    }
    ~span() { mark(false); }
    span(const span&) = delete;
    span& operator=(const span&) = delete;

    /// What the function returns: 0 or a negative errno.
    int returns(int result)
    {
        m_result = result;
        return result;
    }

private:
    void mark(bool begins) const
    {
        if (m_self.log().follows_spans())
            m_self.log().emit(span_mark{m_self.now(), m_self.id(), &m_site, m_what, begins,
                                        static_cast<int>(m_result)});
    }

    const actor& m_self;
    const span_site& m_site;
    const subject m_what;
    std::int64_t m_result = 0; // no padding, which explorers would compare
};

} // namespace mkclean
