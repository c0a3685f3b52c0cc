#pragma once

#include "tb/bench/measure.h"

#include <cstdint>
#include <vector>

namespace mkclean
{

/// Runs of the same kind and growing size, and how their costs grow.
struct growth {
    std::string of_what;
    struct point {
        std::uint64_t size; ///< bytes, or cores
        timed_run run;
    };
    std::vector<point> points;

    double time_exponent() const;   ///< of the seconds
    double memory_exponent() const; ///< of the peak resident set
};

/// A file of 16 MiB, 64 MiB, ... up to `most_bytes`, one page in 16 stored to, then synced; judged.
growth grow_file(bench_runner& runner, std::uint64_t most_bytes);
/// 1, 2, 4, ... 64 cores that store as much each, to pages of their own; judged.
growth grow_cores(bench_runner& runner);

} // namespace mkclean
