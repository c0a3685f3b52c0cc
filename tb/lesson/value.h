#pragma once

#include <string>
#include <variant>

namespace mkclean
{

/// What an expression of a lesson comes to.
using lesson_value = std::variant<double, bool, std::string>;

/// As people read it: "11,264", "0.5714", "yes", or the text itself; "(never)" for what is no
/// number.
std::string text_of(const lesson_value& v);
/// "a number", "yes or no", "a text".
const char* kind_of(const lesson_value& v);

} // namespace mkclean
