#pragma once

#include "tb/command_line.h"

#include <iosfwd>
#include <string>

namespace mkclean
{

/// The own options of `compare`.
struct compare_options {
    std::string report;

    /// Binds the options to this object, which must then stay where it is.
    void declare(option_set& own);
};

/// The table entry of `mkclean compare A B`: two runs' statistics or reports. Both must outlive it.
verb compare_verb(compare_options& options, std::ostream& out);

} // namespace mkclean
