#pragma once

#include "tb/explain/page_life.h"

#include <cstddef>
#include <istream>
#include <ostream>
#include <string>

namespace mkclean
{

/// One step for people: what was done, in words, and how the page is in all its places now.
std::string step_text(const page_life& life, std::size_t number);
/// All of them, a line each.
std::string life_table(const page_life& life);

/// Shows a life step by step to whoever types: nothing or "n" is the next one, "b" the one before,
/// a number that one, "d" and "D" the next and the last change of something that says dirty, "q"
/// the end.
void step_through(const page_life& life, std::istream& in, std::ostream& out);

} // namespace mkclean
