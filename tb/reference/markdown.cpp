#include "tb/reference/markdown.h"

#include <algorithm>
#include <sstream>

namespace mkclean
{
namespace
{

std::string without_bars(const std::string& text)
{
    std::string escaped;
    for (const char letter : text)
        escaped += letter == '|' ? std::string("\\|") : std::string(1, letter);
    return escaped;
}

std::string row(const std::vector<std::string>& cells)
{
    std::string line = "|";
    for (const std::string& cell : cells)
        line += (cell.empty() ? "" : " ") + without_bars(cell) + " |";
    return line + '\n';
}

bool is_name(const std::string& word)
{
    return word.find('_') != std::string::npos || word.find("()") != std::string::npos ||
           word.find("->") != std::string::npos;
}

/// Where the name that begins at `begin` ends: before punctuation, and before a parenthesis that
/// was opened ahead of it.
std::size_t end_of_name(const std::string& word, std::size_t begin)
{
    const auto closes_another = [&](std::size_t last) {
        const std::string name = word.substr(begin, last + 1 - begin);
        return std::count(name.begin(), name.end(), '(') <
               std::count(name.begin(), name.end(), ')');
    };
    std::size_t last = word.find_last_not_of(".,;:\"");
    while (word[last] == ')' && closes_another(last))
        last = word.find_last_not_of(".,;:\"", last - 1);
    return last + 1;
}

} // namespace

std::string names_code_quoted(const std::string& text)
{
    std::istringstream words(text);
    std::string all;
    for (std::string word; words >> word;) {
        if (is_name(word)) {
            const std::size_t begin = word.find_first_not_of("(\"");
            word.insert(end_of_name(word, begin), "`");
            word.insert(begin, "`");
        }
        all += (all.empty() ? "" : " ") + word;
    }
    return all;
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
