#pragma once

#include "tb/command_line.h"

#include <iosfwd>

namespace mkclean
{

/// `mkclean reference PAGE`: what is generated of the options, the verbs and the statistics, for
/// docs/ and for the build. `about` and `out` must outlive it; `about` may still grow.
verb reference_verb(const program& about, std::ostream& out);

} // namespace mkclean
