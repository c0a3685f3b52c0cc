#pragma once

#include "tb/lesson/grading.h"

#include <string>

namespace mkclean
{

/// A lesson of seed 1 on paper. Its runs are made once.
class handout
{
public:
    explicit handout(const lesson& l);

    /// docs/lessons/SLUG.md: all of the lesson, its answers folded away.
    std::string markdown() const;
    /// A page to print and hand out: question, room for a prediction, and, behind a page break, the
    /// runs and the task. `figure` is an SVG, or "". Nothing else has to be loaded for it.
    std::string html(const std::string& figure) const;
    /// The same for the teacher: answers and fixes.
    std::string key_html() const;
    /// For `scripts/lesson-figures`, which has WaveDrom draw it.
    std::string wave_json() const;

private:
    const lesson& m_lesson;
    lesson_runs m_runs;
    lesson_evidence m_first, m_broken;
};

} // namespace mkclean
