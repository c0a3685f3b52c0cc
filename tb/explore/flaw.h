#pragma once

#include <cstddef>
#include <cstdint>

namespace mkclean
{

/// What an explorer can find. In the order in which it matters.
enum class flaw : std::uint8_t {
    lost,      ///< bytes that nobody will ever see again
    lie,       ///< fsync, msync: returned 0, and a power cut would show what it promised missing
    stale,     ///< a load of something else than was stored
    expect,    ///< a script's `expect` is not met
    deadlock,  ///< nobody can go on
    livelock,  ///< somebody can go on for ever, and there is no way to an end
    assertion, ///< the model or the kernel has caught itself in something
    invariant_1,
    invariant_2,
    invariant_3,
    invariant_4,
    invariant_5,
    invariant_6,
    invariant_7
};
constexpr std::size_t flaws = 14;
/// As people and options call it: "lost", "lie", "I5".
const char* name_of(flaw f);

using flaw_set = std::uint32_t; ///< bit n: flaw n
constexpr flaw_set bit(flaw f)
{
    return flaw_set{1} << static_cast<unsigned>(f);
}
constexpr bool has(flaw_set set, flaw f)
{
    return (set & bit(f)) != 0;
}

} // namespace mkclean
