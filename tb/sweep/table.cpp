// What a sweep has found out, for people and for programs.

#include "tb/sweep/table.h"
#include "sim/input_error.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace mkclean
{

namespace
{

/// "1234567.25" as "1,234,567.25".
std::string with_thousands(std::string digits)
{
    const std::size_t first = digits.front() == '-' ? 1 : 0;
    std::size_t at = std::min(digits.find('.'), digits.size());
    while (at > first + 3) {
        at -= 3;
        digits.insert(at, ",");
    }
    return digits;
}

std::string print_cell(const nlohmann::ordered_json& stats, const sweep_column& column)
{
    const nlohmann::ordered_json::json_pointer pointer(column.pointer);
    if (!stats.is_object() || !stats.contains(pointer))
        return "-";
    const nlohmann::ordered_json& value = stats.at(pointer);
    if (value.is_null())
        return "-";
    if (value.is_boolean())
        return value.get<bool>() ? "yes" : "no";
    if (value.is_string())
        return printable(value.get<std::string>());
    const bool as_it_is = value.is_number_integer() && column.divisor == 1 && column.decimals == 0;
    if (value.is_number() && !as_it_is)
        return with_thousands(
            fmt::format("{:.{}f}", value.get<double>() / column.divisor, column.decimals));
    return value.is_number() ? with_thousands(value.dump()) : printable(value.dump());
}

/// How many places a text takes on a terminal, if every character takes one.
std::size_t width_of(std::string_view text)
{
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
        return (static_cast<unsigned char>(byte) & 0xc0U) != 0x80;
    }));
}

struct table_column {
    bool to_the_right;
    std::vector<std::string> cells; // the title first
};

std::string print_table(const std::vector<table_column>& columns)
{
    std::string table;
    for (std::size_t row = 0; row < columns.front().cells.size(); ++row) {
        std::string line;
        for (const table_column& column : columns) {
            std::size_t width = 0;
            for (const std::string& cell : column.cells)
                width = std::max(width, width_of(cell));
            const std::string& cell = column.cells[row];
            const std::string filling(width - width_of(cell), ' ');
            line += line.empty() ? "" : "  ";
            line += column.to_the_right ? filling + cell : cell + filling;
        }
        line.erase(line.find_last_not_of(' ') + 1);
        table += line + "\n";
    }
    return table;
}

bool is_numeric(std::string_view text)
{
    return !text.empty() && (text.front() == '-' || (text.front() >= '0' && text.front() <= '9'));
}

table_column make_column(std::vector<std::string> cells)
{
    const bool numbers = std::all_of(cells.begin() + 1, cells.end(), is_numeric);
    return {numbers, std::move(cells)};
}

} // namespace

bool has_stats(const sweep_result& result)
{
    return result.code == exit_code::as_expected || result.code == exit_code::not_as_expected;
}

std::string sweep_table(const std::vector<sweep_axis>& axes, const std::vector<sweep_column>& shown,
                        const std::vector<sweep_point>& points,
                        const std::vector<sweep_result>& results)
{
    std::vector<table_column> columns;
    for (std::size_t axis = 0; axis < axes.size(); ++axis) {
        std::vector<std::string> cells = {axes[axis].name};
        for (const sweep_point& point : points)
            cells.push_back(point[axis].second);
        columns.push_back(make_column(std::move(cells)));
    }
    for (const sweep_column& column : shown) {
        std::vector<std::string> cells = {column.title};
        for (const sweep_result& result : results)
            cells.push_back(print_cell(result.stats, column));
        columns.push_back(make_column(std::move(cells)));
    }
    std::vector<std::string> codes = {"exit"};
    for (const sweep_result& result : results)
        codes.push_back(std::to_string(result.code));
    if (std::any_of(results.begin(), results.end(),
                    [](const sweep_result& result) { return result.code != 0; }))
        columns.push_back(make_column(std::move(codes)));
    return print_table(columns);
}

nlohmann::ordered_json sweep_json(const std::vector<sweep_point>& points,
                                  const std::vector<sweep_result>& results)
{
    auto all = nlohmann::ordered_json::array();
    for (std::size_t at = 0; at < points.size(); ++at) {
        nlohmann::ordered_json one;
        one["vary"] = nlohmann::ordered_json::object();
        for (const auto& [name, value] : points[at])
            one["vary"][name] = value;
        if (has_stats(results[at]))
            one.update(results[at].stats);
        else
            one["error"] = {{"exit", results[at].code}, {"stderr", results[at].complaint}};
        all.push_back(std::move(one));
    }
    return all;
}

} // namespace mkclean
