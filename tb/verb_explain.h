#pragma once

#include "tb/command_line.h"

#include <cstdint>
#include <iosfwd>
#include <string>

namespace mkclean
{

/// The own options of `explain`.
struct explain_options {
    std::uint64_t page = 0;
    std::uint64_t ino = 1;
    bool table = false;

    /// Binds the options to this object, which must then stay where it is.
    void declare(option_set& own);
};

/// The table entry of `mkclean explain FILE.log --page N`: one page's life, from what --log has
/// written. On a terminal it is stepped through; elsewhere, or with --table, it is a table. All
/// must outlive it. `asks` is whether somebody can be asked on `in`.
verb explain_verb(explain_options& options, std::istream& in, bool asks, std::ostream& out);

} // namespace mkclean
