#pragma once

#include "sim/number.h"

#include <cstdint>

namespace mkclean
{

enum class media_access { read, write };

/// When one sector passes under the head.
struct sector_window {
    picoseconds start;
    picoseconds end;                   ///< from here on a written sector is on the media
    std::uint64_t cylinders_moved = 0; ///< by the arm, to get there
};

/// How long a device takes to get at its sectors, and nothing else. It moves with what it is asked
/// (an arm is left where the latest access ended), so that one engine alone may ask it.
class access_timing
{
public:
    virtual ~access_timing() = default;

    /// Sectors that it can address.
    virtual std::uint64_t capacity() const = 0;

    /// A new access, decided at `now`: gets to `first` and says when that sector passes.
    virtual sector_window begin(picoseconds now, sector_number first, media_access kind) = 0;
    /// The sector after the latest one, in the same access. `now` is the end of the latest window
    /// for a transfer without a pause.
    virtual sector_window next(picoseconds now) = 0;

    /// The start that begin() would give; moves nothing. What a scheduler goes by.
    virtual picoseconds would_start(picoseconds now, sector_number first,
                                    media_access kind) const = 0;
};

} // namespace mkclean
