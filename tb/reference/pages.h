#pragma once

#include "sim/option_set.h"

#include <string>

namespace mkclean
{

/// docs/reference/options.md: every option by family.
std::string options_page(const option_set& options);
/// docs/reference/exit-codes.md.
std::string exit_codes_page();
/// docs/reference/events.md: every step and every function of the log.
std::string events_page();
/// docs/reference/statistics.md: every figure of --stats.
std::string statistics_page();

} // namespace mkclean
