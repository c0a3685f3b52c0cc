#pragma once

#include "tb/command_line.h"

#include <string>

namespace mkclean
{

/// mkclean(1): the verbs with their own options, exit codes, environment, files, examples.
std::string program_man_page(const program& about);
/// mkclean.cfg(5): how a config is written, and every option of the model.
std::string config_man_page(const program& about);

} // namespace mkclean
