#pragma once

#include "tb/bench/measure.h"

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace mkclean
{

/// One way to look at the orders of a small program, and how fast it goes.
struct exploring_rate {
    std::string way;
    double seconds = 0;         ///< of the fastest of some runs
    std::uint64_t states = 0;   ///< that were told apart
    std::uint64_t moves = 0;    ///< that were made
    std::uint64_t walks = 0;    ///< whole schedules, from the start to an end; 0 for a search
    std::uint64_t peak_rss = 0; ///< bytes

    double moves_per_second() const { return static_cast<double>(moves) / seconds; }
};

/// Searches and walks of configs/explore/fixme-race.cfg on golden, the fastest of some runs each;
/// `percent` of their lengths. The first is what the others are compared with. Fills `rates` as it
/// goes, so that it has what there is when the user has had enough.
void measure_exploring(std::vector<exploring_rate>& rates, bench_runner& runner,
                       std::uint64_t repetitions, std::uint64_t percent);

/// For people: the rates, and the moves as a ratio to those of the first.
std::string exploring_table(const std::vector<exploring_rate>& rates);
nlohmann::ordered_json exploring_json(const std::vector<exploring_rate>& rates);

} // namespace mkclean
