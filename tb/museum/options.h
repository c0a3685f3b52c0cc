#pragma once

#include "sim/input_error.h"

#include <string>
#include <utility>
#include <vector>

namespace mkclean
{

class option_set;

/// What a run can be seen to do wrong.
enum class symptom { lost, lie, stale, livelock, expect, invariant, metric, signal };
constexpr std::size_t symptom_count = 8;
/// "bytes are lost", "fsync lies", ...
const char* name_of(symptom s);

/// museum.*: what an exhibit of configs/museum/ is about. The rest of its config is the machine
/// with the bug; what a kernel with the fix does otherwise is said here, in `fixed`.
struct museum_options {
    std::string title;
    std::uint64_t year = 0;
    std::string commit;   ///< that brought the bug, or the first release that had it
    std::string fixed_by; ///< the same of the fix
    bool verified = true; ///< whether somebody has looked the commits up
    std::string story;
    symptom shows = symptom::lost;
    std::string fixed; ///< OPTION=VALUE..., with blanks between
    std::string stall; ///< threads, with blanks between: see orders.h

    void declare(option_set& options);
    bool is_exhibit() const { return !title.empty(); }
    /// Error: input_error for an exhibit without what every one has, or with a fix that cannot be.
    void check(const option_set& options) const;
    std::vector<std::pair<std::string, std::string>> fixes() const;
    std::vector<std::string> stalled() const;
};

} // namespace mkclean
