#pragma once

#include "tb/command_line.h"

#include <string>

namespace mkclean
{

/// A script for bash that completes `mkclean`: verbs, the options of each, the values of choices
/// and flags, and what operands name, configs of the program's own directory included.
std::string bash_completion(const program& about);

} // namespace mkclean
