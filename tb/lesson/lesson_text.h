#pragma once

#include "tb/lesson/expression.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mkclean
{

/// Text of a lesson, with expressions in braces: "{stores} stores take {/vm/pgfault} faults."
/// Paragraphs are separated by an empty line.
class lesson_text
{
public:
    lesson_text() = default;
    /// Error: input_error for a brace that is not closed, and as in lesson_expression.
    lesson_text(std::string_view text, const origin& where,
                const std::vector<std::string>& variables);

    bool empty() const { return m_pieces.empty(); }
    /// Whether all of it can be told before anything has been run.
    bool needs_run() const;
    /// Errors as in lesson_expression::value().
    std::string told(const lesson_evidence& of) const;

private:
    struct piece {
        std::string words;
        std::optional<lesson_expression> value; ///< behind the words
    };
    std::vector<piece> m_pieces;
};

/// `text` in lines of so many columns at most, each with `margin` before it; empty lines between
/// paragraphs.
std::string wrapped_text(const std::string& text, const std::string& margin);

} // namespace mkclean
