#pragma once

#include "tb/command_line.h"
#include "tb/config.h"

#include <iosfwd>

namespace mkclean
{

/// The own options of `explore`.
struct explore_verb_options {
    std::string schedule;
    std::string stats;
    bool json = false; ///< stats to the standard output
    std::string save;
    std::string resume;
    bool quiet = false;
    std::uint64_t jobs = run_options::processors();

    /// Binds the options to this object, which must then stay where it is.
    void declare(option_set& own);
};

/// `mkclean explore CONFIG...`: looks at every order in which a small program's actors can take
/// their steps.
verb explore_verb(explore_verb_options& options, option_set& model, config& c, std::ostream& out,
                  std::ostream& err);

} // namespace mkclean
