#pragma once

#include "tb/command_line.h"

#include <iosfwd>

namespace mkclean
{

/// The own options of `museum`.
struct museum_verb_options {
    bool all = false;
    bool markdown = false;
    bool quiet = false;
    std::string json;
    std::string directory;
    std::uint64_t jobs = run_options::processors();

    /// Binds the options to this object, which must then stay where it is.
    void declare(option_set& own);
};

/// `mkclean museum [NAME]`: historical bugs, with and without their fix.
verb museum_verb(museum_verb_options& options, std::ostream& out, std::ostream& err);

} // namespace mkclean
