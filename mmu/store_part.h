#pragma once

#include <cstdint>

namespace mkclean
{

/// Which part of a program's store somebody is shown: pages and time may cut it.
enum class store_part : std::uint8_t {
    whole,     ///< all of it
    begins,    ///< more follows
    continues, ///< more follows still
    ends,      ///< the last of it
};

} // namespace mkclean
