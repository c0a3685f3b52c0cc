#pragma once

#include "sim/input_error.h"
#include "tb/lesson/value.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mkclean
{

struct lesson_run;

/// What an expression is about.
struct lesson_evidence {
    const lesson_run* run = nullptr;           ///< null: nothing has been run yet
    const lesson_run* before = nullptr;        ///< what it is compared with; null: nothing
    std::map<std::string, std::string> chosen; ///< what `vary` has chosen, by name
};

/// A condition or a figure of a lesson, over what a run has come to:
///
///     /vm/pgfault == 1                   JSON pointers into the statistics of `run --stats`
///     steps("walker sets D") == 1        how often a step is in the life of the lesson's page
///     steps("set_pte", "PWD") > 1        the same of those whose change holds this
///     all_steps("invlpg")                in the whole run
///     all_steps("invlpg", "pdflush")     in the whole run, by that thread
///     most("nr_dirty")                   the highest value of a counter
///     stale("disk_in_cache")             bytes of the page that the disk has otherwise than
///     memory,
///                                        after the first such step
///     first("page_mkclean") < last("TestClearPageDirty")    the cycle of a step; none: not a
///     number /vm/pgfault > before /vm/pgfault   the run that this one is compared with stores * 2,
///     stores == 3            what `vary stores = ...` has chosen
///
/// with + - * /, == != < <= > >=, not, and, or, brackets, numbers and texts in double quotes.
/// Every comparison with what is no number is false, but for !=.
class lesson_expression
{
public:
    /// `variables` are the names that `vary` has given. Error: input_error for what is no
    /// expression, a name that nobody gave, a step that no log has.
    lesson_expression(std::string_view text, origin where,
                      const std::vector<std::string>& variables);

    /// Error: input_error for a figure that the statistics do not have, and for values that cannot
    /// be taken together.
    lesson_value value(const lesson_evidence& of) const;
    /// The same of a condition. Error: also if it is none.
    bool holds(const lesson_evidence& of) const;

    /// Whether it can be evaluated before anything has been run.
    bool needs_run() const;
    const std::string& text() const { return m_text; }
    const origin& where() const { return m_where; }

    struct node;

private:
    std::string m_text;
    origin m_where;
    std::shared_ptr<const node> m_root; // shared, for nobody changes it
};

} // namespace mkclean
