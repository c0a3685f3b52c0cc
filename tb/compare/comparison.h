#pragma once

#include "tb/compare/run_file.h"

#include <string>

namespace mkclean
{

/// What two runs differ in, for people: first the options, then the figures, with by how much.
std::string comparison_of(const run_file& a, const run_file& b);

} // namespace mkclean
