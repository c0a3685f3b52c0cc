#pragma once

#include "tb/config_file.h"
#include "tb/lesson/lesson_text.h"
#include "tb/lesson/run_record.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mkclean
{

/// OPTION and value.
using option_values = std::vector<std::pair<std::string, std::string>>;

/// The same as settings that somebody wrote at `where`.
std::vector<setting> settings_of(const option_values& values, const origin& where);

/// An option that a seed chooses the value of.
struct lesson_variable {
    std::string name;                ///< as the texts call it
    std::string option;              ///< of the model
    std::vector<std::string> values; ///< the first is seed 1's
};

struct lesson_choice {
    lesson_text words;
    std::optional<lesson_expression> when; ///< it is the right one
    lesson_text why;                       ///< it is right; or wrong, if there is no why_not
    lesson_text why_not;                   ///< it is wrong, where another variant has it right
    bool is_golden = false;                ///< the right one of seed 1
    origin where;

    const lesson_text& why_as(bool is_right) const
    {
        return is_right || why_not.empty() ? why : why_not;
    }
};

/// What is to be predicted.
struct lesson_question {
    lesson_text ask;
    std::vector<lesson_choice> choices;
    origin where;
};

/// A figure to look at.
struct lesson_figure {
    std::string name;
    lesson_expression value;
};

/// A run, and what is to be predicted of it.
struct lesson_stage {
    lesson_text text;
    lesson_question question;
    option_values changes; ///< of the config; none in the first stage
    origin where;
};

/// Option settings, as an answer to a task.
struct lesson_fix {
    option_values changes;
    origin where;
};

/// What a fix has to satisfy: an expression over its run, or, without one, which options it may
/// change.
struct lesson_condition {
    std::optional<lesson_expression> must; ///< `before` is the run that is to be fixed
    std::vector<std::string> options;      ///< names, or "group.*"
    bool are_allowed = false;              ///< those options and no others; else all but those
    std::optional<std::uint64_t> most;     ///< of the allowed options, at a time
    lesson_text hint;                      ///< for when it fails
    std::vector<lesson_fix> wrong_fixes;   ///< for which this is the first that fails
    origin where;
};

/// A machine to repair.
struct lesson_task {
    lesson_text text;
    bool of_broken = false; ///< the second stage's machine; else the first one's
    std::vector<lesson_condition> conditions;
    lesson_fix golden;
    origin where;
};

/// Where to read on.
struct lesson_link {
    enum class kind { kernel, commit, museum, docs, config };

    kind what = kind::docs;
    std::string to;
};
const char* name_of(lesson_link::kind what);

struct lesson {
    std::string path; ///< of the file
    std::string slug; ///< "01-a-store-and-one-bit"
    unsigned number = 0;
    std::string config; ///< path
    std::string title;
    std::string level;
    unsigned minutes = 0;
    page_name page;
    std::vector<std::string> shown; ///< steps in the table; none: all
    std::vector<lesson_figure> figures;
    std::vector<lesson_variable> variables;
    lesson_stage first, broken;
    lesson_task task;
    std::vector<lesson_text> tips;
    std::vector<lesson_link> links;

    /// What the texts call the values that a seed chooses: seed 1 the first of every list.
    std::map<std::string, std::string> chosen_names(std::uint64_t seed) const;
    /// A stage's machine: the config, what the seed chooses, what the stage changes.
    /// Error: input_error if the config cannot be read.
    std::vector<setting> settings_of_stage(const lesson_stage& stage, std::uint64_t seed) const;
    /// A seed for every variant that there is, 1 first.
    std::vector<std::uint64_t> seeds_of_variants() const;
    const lesson_stage& to_be_fixed() const { return task.of_broken ? broken : first; }
};

} // namespace mkclean
