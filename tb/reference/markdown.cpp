#include "tb/reference/markdown.h"

#include <string_view>

namespace mkclean
{
namespace
{

std::string with_backslash_before(std::string_view marks, const std::string& text)
{
    std::string escaped;
    for (const char letter : text) {
        if (marks.find(letter) != std::string_view::npos)
            escaped += '\\';
        escaped += letter;
    }
    return escaped;
}

std::string row(const std::vector<std::string>& cells)
{
    std::string line = "|";
    for (const std::string& cell : cells)
        line += (cell.empty() ? "" : " ") + with_backslash_before("|", cell) + " |";
    return line + '\n';
}

} // namespace

std::string in_markdown(const std::string& text)
{
    return with_backslash_before("\\*_<", text);
}

std::string code_quoted(const std::string& text)
{
    return text.empty() ? "" : "`" + text + "`";
}

std::string markdown_table(const std::vector<std::vector<std::string>>& rows)
{
    std::string table;
    for (const std::vector<std::string>& cells : rows) {
        const bool are_titles = table.empty();
        table += row(cells);
        if (!are_titles)
            continue;
        for (std::size_t at = 0; at < cells.size(); ++at)
            table += "|---";
        table += "|\n";
    }
    return table;
}

} // namespace mkclean
