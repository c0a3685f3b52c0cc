#pragma once

#include "tb/workload/script_parser.h"

namespace mkclean
{

/// What can only be said of a script as a whole: that everybody who meets does so equally often,
/// that what is used can be mapped by then, and that it is long enough. Error: input_error.
void check_script(const script_program& script);

} // namespace mkclean
