#pragma once

#include "mmu/pte_format.h"

namespace mkclean
{

/// The layout as an architecture writes it that keeps dirtiness and age in storage keys: entries
/// for pages have neither A nor D, whatever the kernel asks for. Lives for ever.
const pte_format& format_with_keys(pte_layout layout);

} // namespace mkclean
