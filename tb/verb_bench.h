#pragma once

#include "tb/command_line.h"

#include <iosfwd>

namespace mkclean
{

/// The own options of `bench`.
struct bench_options {
    std::uint64_t repetitions = 5;
    std::uint64_t percent = 100;                     ///< of every case's lengths
    std::uint64_t max_size = std::uint64_t{1} << 34; ///< bytes, of scale's files
    std::string json;
    bool list = false;

    /// Binds the options to this object, which must then stay where it is.
    void declare(option_set& own);
};

/// `mkclean bench [CASE...]`: what things cost on this host, beside what they would cost otherwise.
verb bench_verb(bench_options& options, std::ostream& out, std::ostream& err);

} // namespace mkclean
