#include "tb/compare/comparison.h"
#include "sim/input_error.h"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace mkclean
{

namespace
{

using json = nlohmann::ordered_json;
using row = std::array<std::string, 4>;

std::string text_of(const json& value)
{
    return value.is_string() ? printable(value.get<std::string>()) : value.dump();
}

// "+12.5 %", or "" where that says nothing.
std::string growth(const json& a, const json& b)
{
    constexpr double percent = 100;
    if (!a.is_number() || !b.is_number() || a.get<double>() == 0)
        return "";
    return fmt::format("{:+.1f} %", (b.get<double>() / a.get<double>() - 1) * percent);
}

const json* find(const json& in, const std::string& pointer)
{
    const auto found = in.find(pointer);
    return found == in.end() || found->is_null() ? nullptr : &*found;
}

// By the pointers of both, in the order of the first.
std::vector<row> differences(const json& a, const json& b)
{
    std::vector<row> rows;
    const auto add = [&](const std::string& pointer) {
        const json* const mine = find(a, pointer);
        const json* const other = find(b, pointer);
        const bool neither = mine == nullptr && other == nullptr;
        if (neither || (mine != nullptr && other != nullptr && *mine == *other))
            return;
        rows.push_back({printable(pointer), mine == nullptr ? "-" : text_of(*mine),
                        other == nullptr ? "-" : text_of(*other),
                        mine == nullptr || other == nullptr ? "" : growth(*mine, *other)});
    };
    for (const auto& [pointer, value] : a.items())
        add(pointer);
    for (const auto& [pointer, value] : b.items())
        if (find(a, pointer) == nullptr)
            add(pointer);
    return rows;
}

std::string table(const std::vector<row>& rows)
{
    std::array<std::size_t, 3> widths = {};
    for (const row& r : rows)
        for (std::size_t i = 0; i < widths.size(); ++i)
            widths[i] = std::max(widths[i], r[i].size());
    std::string text;
    for (const row& r : rows) {
        std::string line = fmt::format("{:<{}}  {:>{}}  {:>{}}  {:>10}", r[0], widths[0], r[1],
                                       widths[1], r[2], widths[2], r[3]);
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + '\n';
    }
    return text;
}

} // namespace

std::string comparison_of(const run_file& a, const run_file& b)
{
    const std::vector<row> options = differences(a.config, b.config);
    const std::vector<row> figures = differences(a.figures.flatten(), b.figures.flatten());
    if (options.empty() && figures.empty())
        return "nothing differs\n";
    std::vector<row> all = {{"", a.name, b.name, ""}};
    all.insert(all.end(), options.begin(), options.end());
    const std::size_t headings = 1 + options.size();
    all.insert(all.end(), figures.begin(), figures.end());
    std::string text = table(all);
    if (!options.empty() && !figures.empty()) { // a blank line between what was asked and what came
        std::size_t at = 0;
        for (std::size_t line = 0; line < headings; ++line)
            at = text.find('\n', at) + 1;
        text.insert(at, "\n");
    }
    return text;
}

} // namespace mkclean
