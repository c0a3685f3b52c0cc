#include "sim/actor.h"
#include "sim/dead_stack.h"

namespace mkclean
{

__attribute__((noinline)) void actor::emit(const step_site& site, const subject& what,
                                           std::uint64_t before, std::uint64_t after)
{
    m_log.emit({now(), id(), &site, what, before, after});
}

void actor::tell(const step_site& site, const subject& what, std::uint64_t before,
                 std::uint64_t after)
{
    emit(site, what, before, after);
    if (m_log.sweeps_stacks())
        sweep_dead_stack();
}

} // namespace mkclean
