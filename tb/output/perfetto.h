#pragma once

#include "sim/event_log.h"
#include "tb/output/recording.h"

#include <functional>
#include <string_view>

namespace mkclean
{

/// --trace: the recording as a Perfetto trace (TrackEvent packets of perfetto_trace.proto, without
/// compression), handed to `write` piece by piece.
///
/// Who acts on each core; every actor with its functions as slices and its steps as instants; every
/// page with a track for each of its places, whose slices are named after what is set there; the
/// figures. A flow leads from each step to what it makes happen.
///
/// A nanosecond of the trace is one cycle of `period`, so that no two steps of a core fall
/// together: Perfetto knows nothing shorter. The trace says so in its first track's name.
void write_perfetto(const recording& r, const event_log& names, picoseconds period, picoseconds end,
                    const std::function<void(std::string_view)>& write);

} // namespace mkclean
