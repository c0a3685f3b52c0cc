#pragma once

#include "tb/lesson/grading.h"

#include <string>
#include <vector>

namespace mkclean
{

// What a terminal and a handout show of a lesson, as text. Columns are of characters.

/// "Lesson 1. A store and one bit (easy, 10 minutes)".
std::string heading_of(const lesson& l);
/// The question with its choices, a), b), ...
std::string question_text(const lesson_question& q, const lesson_evidence& of);

/// A step that the lesson shows, and how often it is taken in a row without a difference.
struct shown_step {
    const life_step* step;
    std::size_t times;
};
std::vector<shown_step> shown_steps(const lesson& l, const run_record& of);
/// The same as a table: cycle, where, who, step, block, change, and what became of it.
std::string life_table(const lesson& l, const run_record& of);
/// The same with the number of each step before it, by which figures call it.
std::string numbered_life_table(const lesson& l, const run_record& of);

/// The lesson's figures, a column a run.
std::string figures_table(const lesson& l, const std::vector<lesson_evidence>& runs,
                          const std::vector<std::string>& titles);

/// "tlb.caches_dirty = off (it was on)", a line an option.
std::string changes_text(const lesson& l, const lesson_stage& stage, std::uint64_t seed);
/// The same of a fix, without what it was: as a config has it.
std::string fix_text(const lesson_fix& fix);
/// What a fix has come to: a line a condition, and the hint if one fails.
std::string verdict_text(const fix_verdict& v);
std::string links_text(const lesson& l);

} // namespace mkclean
