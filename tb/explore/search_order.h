#pragma once

#include <cstdint>

namespace mkclean
{

/// What makes a story short.
enum class search_order : std::uint8_t {
    moves,    ///< few moves
    switches, ///< few moves of somebody else while the last one to move could have gone on; then
              ///< few moves
    random,   ///< none: walks, see walks.h
    pct
};

} // namespace mkclean
