#pragma once

#include "tb/command_line.h"

#include <iosfwd>

namespace mkclean
{

/// The own options of `lesson`.
struct lesson_verb_options {
    bool no_ask = false;
    bool solve = false;
    std::string answers;
    std::uint64_t seed = 1;
    enum class form { html, markdown, wave };

    std::string out;
    form as = form::html;
    std::string state;
    std::string directory;

    /// Binds the options to this object, which must then stay where it is.
    void declare(option_set& own);
};

/// `mkclean lesson [N]`: predict, run, break, mend.
verb lesson_verb(lesson_verb_options& options, std::istream& in, std::ostream& out);

} // namespace mkclean
