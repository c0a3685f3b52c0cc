// What a sweep has found out, for people and for programs.

#include "tb/sweep/table.h"
#include "sim/input_error.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

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

using json = nlohmann::ordered_json;

std::string print_number(double value, int decimals)
{
    if (decimals != sweep_column::four_digits)
        return fmt::format("{:.{}f}", value, decimals);
    const double large = std::abs(value);
    return large >= 1000 || value == std::floor(value) ? fmt::format("{:.0f}", value)
                                                       : fmt::format("{:.4g}", value);
}

/// How a cell says what there is no value of, and what is no whole number.
struct cell_style {
    const char* nothing;
    std::string (*number)(double value, int decimals);
};

std::string print_unrounded(double value, int)
{
    return fmt::format("{}", value);
}

constexpr cell_style for_people{"-", print_number};
constexpr cell_style for_programs{"", print_unrounded};

// Nothing if there is nothing to divide by.
std::optional<double> quotient(const json& stats, const json& value, const sweep_column& column)
{
    double divisor = column.divisor;
    if (!column.per.empty()) {
        const json* const per = value_at(stats, column.per);
        if (per == nullptr || !per->is_number() || per->get<double>() == 0)
            return std::nullopt;
        divisor *= per->get<double>();
    }
    return value.get<double>() / divisor;
}

std::string print_cell(const json& stats, const sweep_column& column, const cell_style& style)
{
    const json* const value = value_at(stats, column.pointer);
    if (value == nullptr || value->is_null())
        return style.nothing;
    if (value->is_boolean())
        return value->get<bool>() ? "yes" : "no";
    if (value->is_string())
        return printable(value->get<std::string>());
    if (!value->is_number())
        return printable(value->dump());
    if (value->is_number_integer() && column.divisor == 1 && column.decimals <= 0 &&
        column.per.empty())
        return value->dump();
    const std::optional<double> number = quotient(stats, *value, column);
    return number ? style.number(*number, column.decimals) : style.nothing;
}

// A canonical value of an option in its base unit. What is no number (words, "default") stays.
std::string in_base_unit(option_type type, const std::string& value)
{
    if (!is_whole_number(type))
        return value;
    try {
        return std::to_string(parse_whole_number(type, value));
    } catch (const bad_value&) {
        return value;
    }
}

std::string_view base_unit(option_type type)
{
    switch (type) {
    case option_type::bytes:
        return "_bytes";
    case option_type::clock_cycles:
        return "_cycles";
    case option_type::duration:
        return "_ps";
    case option_type::frequency:
        return "_hz";
    case option_type::percent:
        return "_percent";
    default:
        return "";
    }
}

// Runs that differ only in what is summed over, as if they were one: numbers add up.
void add(json& sum, const json& stats, const std::string& pointer)
{
    const json* const value = pointer.empty() ? nullptr : value_at(stats, pointer);
    if (value == nullptr || !value->is_number())
        return;
    const json* const before = value_at(sum, pointer);
    sum[json::json_pointer(pointer)] =
        (before == nullptr ? 0 : before->get<double>()) + value->get<double>();
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

bool is_plain_number(std::string_view text)
{
    return is_numeric(text) && text.find_first_not_of("-.0123456789") == std::string_view::npos;
}

// A field with a comma, a quote or a line's end stands in quotes.
std::string in_csv(const std::string& cell)
{
    if (cell.find_first_of(",\"\r\n") == std::string::npos)
        return cell;
    std::string quoted = "\"";
    for (const char c : cell)
        quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + '"';
}

table_column make_column(std::vector<std::string> cells)
{
    const bool numbers = std::all_of(cells.begin() + 1, cells.end(), is_numeric);
    return {numbers, std::move(cells)};
}

} // namespace

const json* value_at(const json& stats, const std::string& pointer)
{
    try {
        const json::json_pointer at(pointer);
        return stats.is_object() && stats.contains(at) ? &stats.at(at) : nullptr;
    } catch (const json::exception&) { // of an index that is no number, or is out of all bounds
        return nullptr;
    }
}

bool has_stats(const sweep_result& result)
{
    return result.code == exit_code::as_expected || result.code == exit_code::not_as_expected;
}

namespace
{

/// A line of the table: one point, or all that differ in what is summed over.
struct group {
    std::vector<std::string> values; ///< of what varies, but for that
    json stats;
    int code = exit_code::as_expected;
};

std::vector<std::string> values_but(const sweep_point& point, const std::string& sum)
{
    std::vector<std::string> values;
    for (const auto& [name, value] : point)
        if (name != sum)
            values.push_back(value);
    return values;
}

std::vector<group> groups_of(const std::vector<sweep_column>& shown,
                             const std::vector<sweep_point>& points,
                             const std::vector<sweep_result>& results, const std::string& sum)
{
    std::vector<group> groups;
    for (std::size_t at = 0; at < points.size(); ++at) {
        const std::vector<std::string> values = values_but(points[at], sum);
        const auto same = [&](const group& g) { return g.values == values; };
        auto found = std::find_if(groups.begin(), groups.end(), same);
        if (sum.empty() || found == groups.end()) {
            groups.push_back({values, sum.empty() ? results[at].stats : json::object()});
            found = std::prev(groups.end());
        }
        found->code = worse_code(found->code, results[at].code);
        if (sum.empty())
            continue;
        std::vector<std::string> added; // two columns may show one value
        for (const sweep_column& column : shown)
            for (const std::string& pointer : {column.pointer, column.per})
                if (std::find(added.begin(), added.end(), pointer) == added.end()) {
                    add(found->stats, results[at].stats, pointer);
                    added.push_back(pointer);
                }
    }
    return groups;
}

std::vector<sweep_axis> axes_but(std::vector<sweep_axis> axes, const std::string& sum)
{
    const auto summed = [&](const sweep_axis& axis) { return axis.name == sum; };
    axes.erase(std::remove_if(axes.begin(), axes.end(), summed), axes.end());
    return axes;
}

// `varied` are the axes but for what is summed over.
sweep_lines print_groups(const std::vector<sweep_axis>& varied,
                         const std::vector<sweep_column>& shown, const std::vector<group>& groups,
                         const cell_style& style)
{
    const bool failed =
        std::any_of(groups.begin(), groups.end(), [](const group& g) { return g.code != 0; });
    sweep_lines all;
    all.axes = varied.size();
    for (const sweep_axis& axis : varied)
        all.titles.push_back(axis.name);
    for (const sweep_column& column : shown)
        all.titles.push_back(column.title);
    if (failed)
        all.titles.emplace_back("exit");
    for (const group& g : groups) {
        std::vector<std::string> line = g.values;
        for (const sweep_column& column : shown)
            line.push_back(print_cell(g.stats, column, style));
        if (failed)
            line.push_back(std::to_string(g.code));
        all.lines.push_back(std::move(line));
    }
    return all;
}

std::vector<sweep_column> columns_for_programs(const std::vector<sweep_column>& shown)
{
    std::vector<sweep_column> columns;
    for (sweep_column column : shown) {
        column.title = column.csv_title;
        if (!column.title.empty())
            columns.push_back(std::move(column));
    }
    return columns;
}

} // namespace

sweep_lines lines_of(const std::vector<sweep_axis>& axes, const std::vector<sweep_column>& shown,
                     const std::vector<sweep_point>& points,
                     const std::vector<sweep_result>& results, const std::string& sum)
{
    return print_groups(axes_but(axes, sum), shown, groups_of(shown, points, results, sum),
                        for_people);
}

sweep_lines csv_lines_of(const std::vector<sweep_axis>& axes,
                         const std::vector<sweep_column>& shown,
                         const std::vector<sweep_point>& points,
                         const std::vector<sweep_result>& results, const std::string& sum)
{
    std::vector<sweep_axis> varied = axes_but(axes, sum);
    for (sweep_axis& axis : varied)
        axis.name += base_unit(axis.type);
    const std::vector<sweep_column> columns = columns_for_programs(shown);
    sweep_lines all =
        print_groups(varied, columns, groups_of(columns, points, results, sum), for_programs);
    for (std::vector<std::string>& line : all.lines)
        for (std::size_t at = 0; at < varied.size(); ++at)
            line[at] = in_base_unit(varied[at].type, line[at]);
    return all;
}

std::string sweep_table(const sweep_lines& lines)
{
    std::vector<table_column> columns;
    for (std::size_t at = 0; at < lines.titles.size(); ++at) {
        std::vector<std::string> cells = {lines.titles[at]};
        for (const std::vector<std::string>& line : lines.lines) {
            const bool number = at >= lines.axes && is_plain_number(line[at]);
            cells.push_back(number ? with_thousands(line[at]) : line[at]);
        }
        columns.push_back(make_column(std::move(cells)));
    }
    return print_table(columns);
}

std::string sweep_csv(const sweep_lines& lines)
{
    std::string text;
    const auto add_line = [&](const std::vector<std::string>& cells) {
        for (std::size_t at = 0; at < cells.size(); ++at)
            text += (at == 0 ? "" : ",") + in_csv(cells[at]);
        text += "\r\n";
    };
    add_line(lines.titles);
    for (const std::vector<std::string>& line : lines.lines)
        add_line(line);
    return text;
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
