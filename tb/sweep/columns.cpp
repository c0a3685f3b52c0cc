// A misspelt pointer is found when the first run has said what figures there are.

#include "tb/sweep/columns.h"
#include "sim/option_set.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace mkclean
{

namespace
{

using json = nlohmann::ordered_json;

// A run that lost nothing has no first loss, whatever its options.
bool is_left_to_chance(const std::string& pointer)
{
    return begins_with(pointer, "/verdict/first_loss/") ||
           begins_with(pointer, "/verdict/first_lie/") ||
           begins_with(pointer, "/invariants/first/");
}

std::vector<std::string> numbers_of(const json& stats)
{
    std::vector<std::string> pointers;
    const json flat = stats.flatten();
    for (const auto& [pointer, value] : flat.items())
        if (value.is_number())
            pointers.push_back(pointer);
    return pointers;
}

std::string no_number(const std::string& pointer, const json& stats)
{
    const std::vector<std::string> numbers = numbers_of(stats);
    const auto is_inside = [&](const std::string& other) {
        return begins_with(other, pointer + "/");
    };
    const auto inside = std::find_if(numbers.begin(), numbers.end(), is_inside);
    const std::string hint = inside == numbers.end() ? suggestion(pointer, numbers)
                                                     : "; below it is " + in_quotes(*inside);
    return fmt::format("no number {} in the statistics{}", in_quotes(pointer), hint);
}

} // namespace

column_check::column_check(const std::vector<sweep_column>& columns,
                           const std::vector<sweep_axis>& axes, bool summed)
    : m_axes(axes)
{
    for (const sweep_column& column : columns) {
        const bool divided = column.divisor != 1 || !column.per.empty();
        m_figures.push_back({column.pointer, divided || summed});
        if (!column.per.empty())
            m_figures.push_back({column.per, true});
    }
}

bool column_check::is_there(const figure& wanted, const json& stats) const
{
    const json* const value = value_at(stats, wanted.pointer);
    if (value == nullptr || value->is_structured() || value->is_null())
        return false;
    return value->is_number() || !wanted.has_to_be_number;
}

// These have one figure for one kind of filesystem or program, and for one number of cores, that
// they have not for another.
bool column_check::may_come(const figure& wanted) const
{
    for (const std::string family : {"fs", "workload", "cores"}) {
        const auto is_of_it = [&](const sweep_axis& axis) {
            return axis.name == family || begins_with(axis.name, family + ".");
        };
        if (begins_with(wanted.pointer, "/" + family + "/") &&
            std::any_of(m_axes.begin(), m_axes.end(), is_of_it))
            return true;
    }
    return is_left_to_chance(wanted.pointer);
}

std::string column_check::complaint(const json& stats) const
{
    for (const figure& wanted : m_figures)
        if (!is_there(wanted, stats) && !may_come(wanted))
            return no_number(wanted.pointer, stats);
    return "";
}

std::string column_check::complaint(const std::vector<sweep_result>& results) const
{
    if (std::none_of(results.begin(), results.end(), has_stats))
        return ""; // which says nothing of the columns
    for (const figure& wanted : m_figures) {
        const auto has_it = [&](const sweep_result& result) {
            return has_stats(result) && is_there(wanted, result.stats);
        };
        if (is_left_to_chance(wanted.pointer) ||
            std::any_of(results.begin(), results.end(), has_it))
            continue;
        json all = json::object();
        for (const sweep_result& result : results)
            if (has_stats(result))
                all.merge_patch(result.stats);
        return no_number(wanted.pointer, all);
    }
    return "";
}

} // namespace mkclean
