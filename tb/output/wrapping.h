#pragma once

#include <cstddef>
#include <sstream>
#include <string>

namespace mkclean
{

/// The words of `text` in lines of `columns` at most, each with `margin` before it.
inline std::string wrapped(const std::string& text, const std::string& margin, std::size_t columns)
{
    std::istringstream words(text);
    std::string all;
    std::string line;
    for (std::string word; words >> word;) {
        if (!line.empty() && margin.size() + line.size() + 1 + word.size() > columns) {
            all += margin + line + '\n';
            line.clear();
        }
        line += (line.empty() ? "" : " ") + word;
    }
    return line.empty() ? all : all + margin + line + '\n';
}

} // namespace mkclean
