#pragma once

#include "tb/lesson/rendering.h"

#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

namespace mkclean
{

/// What somebody has said will happen.
struct prediction {
    static constexpr char not_run = '?';

    std::string stage; ///< "base" or "broken"
    char chosen = 'a';
    char right = not_run;
};

/// How a lesson is gone through.
struct session_options {
    std::uint64_t seed = 1;
    bool asks = true;    ///< else nobody is asked, and the lesson's own answers are verified
    bool solves = false; ///< the right answers and the fix are told
    std::vector<std::string> answers; ///< predictions that are given already, in order: "a", ...
    /// Told of all predictions so far, each before its run and again after it.
    std::function<void(const std::vector<prediction>&)> on_prediction;
};

struct session_result {
    std::vector<prediction> predictions;
    std::string complaint; ///< what the lesson itself says wrongly; "" if nothing
};

/// Goes through a lesson: its question, a prediction, the run, the comparison; the same with the
/// option that breaks it; the task. Predictions that are not given are read from `in`, a line each.
/// Errors: input_error for a prediction that is no choice, or is missing; as in run_stage().
session_result hold_lesson(const lesson& l, const session_options& how, std::istream& in,
                           std::ostream& out);

} // namespace mkclean
