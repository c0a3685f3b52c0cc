#pragma once

#include <string>
#include <vector>

namespace mkclean
{

/// `text` with the names of functions and options in code quotes, or their underscores would be
/// emphasis.
std::string names_code_quoted(const std::string& text);
/// `text` in code quotes; "" remains so.
std::string code_quoted(const std::string& text);

/// A table row by row, the first being its titles. The cells are Markdown; a bar in them is none
/// of the table's.
std::string markdown_table(const std::vector<std::vector<std::string>>& rows);

} // namespace mkclean
