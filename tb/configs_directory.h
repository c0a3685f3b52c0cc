#pragma once

#include <string>

namespace mkclean
{

/// Where the configs are that belong to this program: configs/NAME, beside or above its file, or
/// installed, share/mkclean/configs/NAME.
/// Error: input_error, about the option `directory`, if there is none.
std::string configs_directory(const std::string& name);

} // namespace mkclean
