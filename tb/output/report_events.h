#pragma once

#include "tb/output/event_selection.h"

#include <string>

namespace mkclean
{

/// The events of a selection in the report's format (docs/reference/report.md): unsigned LEB128
/// numbers, one column after the other, because what is alike packs well.
std::string encode_events(const recording& r, const event_selection& selected);

} // namespace mkclean
