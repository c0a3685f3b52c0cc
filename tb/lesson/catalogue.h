#pragma once

#include "tb/lesson/lesson.h"

#include <string>
#include <vector>

namespace mkclean
{

/// The lessons of a directory, by number. Error: as in read_lesson(); input_error for a directory
/// without any, and for two of one number.
std::vector<lesson> read_lessons(const std::string& directory);

/// The lesson that somebody means by its number or its name. Error: input_error.
const lesson& find_lesson(const std::vector<lesson>& all, const std::string& name);

} // namespace mkclean
