#include "sim/dead_stack.h"

#include <cstddef>

namespace mkclean
{

__attribute__((noinline)) void sweep_dead_stack()
{
    constexpr std::size_t deepest_call = 3072;                     // bytes
    volatile std::size_t dead[deepest_call / sizeof(std::size_t)]; // NOLINT: it is never read
    for (volatile std::size_t& word : dead)
        word = 0;
}

} // namespace mkclean
