#pragma once

#include "tb/bench/measure.h"

#include <cstdint>
#include <vector>

namespace mkclean
{

/// Runs of the same kind and growing size, the fastest of some of each, and how their costs grow.
struct growth {
    std::string of_what;
    bool in_bytes = false;
    struct point {
        std::uint64_t size; ///< in_bytes or not
        timed_run run;
    };
    std::vector<point> points;

    double time_exponent() const;   ///< of the seconds
    double memory_exponent() const; ///< of the peak resident set
};

// Each fills `g` as it goes, so that it has what there is when the user has had enough.

/// A file of 16 MiB, 64 MiB, ... up to `most_bytes`, one page in 16 stored to, then synced; judged.
void grow_file(growth& g, bench_runner& runner, std::uint64_t repetitions,
               std::uint64_t most_bytes);
/// More and more pages in the page cache, most of them dirty, up to a quarter of `most_bytes`;
/// judged. The size is how many were cached in the end.
void grow_page_cache(growth& g, bench_runner& runner, std::uint64_t repetitions,
                     std::uint64_t most_bytes);
/// A queue in which the requests of a whole file wait for a slow disk, up to a
/// quarter of `most_bytes`; not judged. The size is how
/// many requests were queued at once.
void grow_request_queue(growth& g, bench_runner& runner, std::uint64_t repetitions,
                        std::uint64_t most_bytes);
/// 1, 2, 4, ... 64 cores that store as much each, to as many pages in all; judged.
void grow_cores(growth& g, bench_runner& runner, std::uint64_t repetitions);

} // namespace mkclean
