#pragma once

#include "tb/lesson/lesson.h"
#include "tb/lesson/run.h"

#include <string>
#include <vector>

namespace mkclean
{

/// 'a' for the first choice.
char letter_of(std::size_t choice);

/// Which choice is true of what was run. Error: input_error, about the question, unless exactly one
/// is; as in lesson_expression::holds().
std::size_t right_choice(const lesson_question& q, const lesson_evidence& of);
/// Seed 1's, as the file says.
std::size_t golden_choice(const lesson_question& q);

/// Both runs of a lesson, as a seed makes them.
struct lesson_runs {
    lesson_run first, broken;

    lesson_evidence of_first(const lesson& l, std::uint64_t seed) const;
    /// Compared with the first.
    lesson_evidence of_broken(const lesson& l, std::uint64_t seed) const;
};
lesson_run run_stage(const lesson& l, const lesson_stage& stage, std::uint64_t seed);
lesson_runs run_both(const lesson& l, std::uint64_t seed);

/// What became of a fix.
struct fix_verdict {
    struct line {
        const lesson_condition* of;
        bool holds;
        std::string text; ///< the condition, for people
    };
    std::vector<line> lines; ///< up to where it could be told
    std::string hint;        ///< of the first condition that fails; "" if none does

    bool passed() const { return hint.empty(); }
    /// Null if none does.
    const lesson_condition* first_failed() const;
};

/// Decides about fixes of a lesson's machine. A fix has to hold in every variant of the lesson: one
/// that holds for some instants of a store and not for others was luck.
class fix_checker
{
public:
    /// Errors as in lesson_machine.
    explicit fix_checker(const lesson& l);

    /// `fix` is laid over the machine that is to be fixed. What it may change is looked at first;
    /// if it changes anything else, nothing is run. Errors as in lesson_machine, run_lesson() and
    /// lesson_expression.
    fix_verdict check(const std::vector<setting>& fix);
    fix_verdict check(const lesson_fix& fix) { return check(settings_of(fix.changes, fix.where)); }

    /// What is wrong with the lesson's own golden and wrong fixes; "" if nothing is.
    std::string complaint();

private:
    struct variant {
        std::map<std::string, std::string> chosen;
        std::vector<setting> given;
        std::optional<lesson_run> before; ///< once it was needed
    };
    class judgement;

    const lesson_run& run_before(variant& v) const;

    const lesson& m_lesson;
    std::vector<variant> m_variants;
};

} // namespace mkclean
