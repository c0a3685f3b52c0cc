// What --vary says: the options that vary, their values, and every combination.

#include "tb/sweep/axes.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>

#include <fmt/format.h>

namespace mkclean
{

namespace
{

constexpr std::size_t most_points = 100000;

std::vector<std::string_view> split(std::string_view text, char separator)
{
    std::vector<std::string_view> items;
    for (;;) {
        const std::size_t end = text.find(separator);
        items.push_back(text.substr(0, end));
        if (end == std::string_view::npos)
            return items;
        text.remove_prefix(end + 1);
    }
}

/// lo..hi*step or lo..hi+step, still as text.
struct span_text {
    std::string_view lowest;
    std::string_view highest;
    char operation;
    std::string_view step;
};

/// Turns the items of one axis into values.
class axis_reader
{
public:
    axis_reader(const option_set& model, const option_info& about, const axes_source& source)
        : m_model(model),
          m_about(about),
          m_source(source)
    {
    }

    void read(std::string_view item)
    {
        const bool is_whole = is_whole_number(m_about.type);
        const bool has_numbers = is_whole || m_about.type == option_type::real;
        if (!has_numbers || item.find("..") == std::string_view::npos)
            add(item);
        else if (is_whole)
            add_whole_numbers(parse_span(item));
        else
            add_reals(parse_span(item));
    }
    std::vector<std::string> take() { return std::move(m_values); }

private:
    input_error error(const std::string& message) const
    {
        return input_error(m_source.where, m_source.option + " " + m_about.name, message);
    }

    std::string canonical(std::string_view item) const
    {
        try {
            return m_model.canonical(m_about.name, item, origin());
        } catch (const input_error& refusal) {
            throw error(refusal.message());
        }
    }

    void add(std::string_view item)
    {
        std::string value = canonical(item);
        if (!m_seen.insert(value).second)
            throw error(value + " is listed twice");
        if (m_values.size() == most_points)
            throw error(fmt::format("more than {} values", most_points));
        m_values.push_back(std::move(value));
    }

    span_text parse_span(std::string_view item) const
    {
        const std::size_t dots = item.find("..");
        const std::string_view rest = item.substr(dots + 2);
        std::size_t at = rest.find_first_of("*+");
        // 1e+3 is a number, not a step.
        if (m_about.type == option_type::real && at != std::string_view::npos && at > 0 &&
            rest[at] == '+' && (rest[at - 1] == 'e' || rest[at - 1] == 'E'))
            at = rest.find_first_of("*+", at + 1);
        if (at == std::string_view::npos)
            throw error(in_quotes(item) + " needs a step: lo..hi*2 or lo..hi+step");
        return {item.substr(0, dots), rest.substr(0, at), rest[at], rest.substr(at + 1)};
    }

    std::uint64_t whole_number(option_type type, std::string_view text) const
    {
        try {
            return parse_whole_number(type, text);
        } catch (const bad_value& bad) {
            throw error(bad.what());
        }
    }

    void add_whole_numbers(const span_text& span)
    {
        const bool geometric = span.operation == '*';
        const option_type step_type = geometric ? option_type::count : m_about.type;
        const std::uint64_t highest = whole_number(m_about.type, span.highest);
        const std::uint64_t step = whole_number(step_type, span.step);
        std::uint64_t value = whole_number(m_about.type, span.lowest);
        check_progress(value <= highest, geometric, value > 0, step > (geometric ? 1U : 0U));
        for (;;) {
            add(print_whole_number(m_about.type, value));
            if (geometric ? value > highest / step : highest - value < step)
                return;
            value = geometric ? value * step : value + step;
        }
    }

    double real(std::string_view text) const
    {
        double value = 0;
        const char* end = text.data() + text.size();
        const auto [stopped, problem] = std::from_chars(text.data(), end, value);
        if (problem != std::errc() || stopped != end || !std::isfinite(value))
            throw error("expected a finite number, got " + in_quotes(text));
        return value;
    }

    void add_reals(const span_text& span)
    {
        const bool geometric = span.operation == '*';
        const double lowest = real(span.lowest);
        const double highest = real(span.highest);
        const double step = real(span.step);
        check_progress(lowest <= highest, geometric, lowest > 0, step > (geometric ? 1 : 0));
        // 0..1+0.1 must reach 1 although ten times the nearest double to 0.1 is not quite 1.
        const double almost = 1e-9 * (geometric ? highest : step);
        for (std::size_t taken = 0; taken <= most_points; ++taken) {
            const auto count = static_cast<double>(taken);
            const double value = geometric ? lowest * std::pow(step, count) : lowest + count * step;
            if (value > highest + almost)
                return;
            add(fmt::format("{:.12g}", value));
        }
    }

    void check_progress(bool ordered, bool geometric, bool starts_above_zero, bool advances) const
    {
        if (!ordered)
            throw error("the range is empty");
        if (!advances || (geometric && !starts_above_zero))
            throw error("the range never ends");
    }

    const option_set& m_model;
    const option_info& m_about;
    const axes_source& m_source;
    std::vector<std::string> m_values;
    std::set<std::string> m_seen;
};

} // namespace

sweep_axis parse_axis(std::string_view text, const option_set& model, const axes_source& source)
{
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos)
        throw input_error(source.where, source.option,
                          "expected name=a,b,c or name=lo..hi*2, got " + in_quotes(text));
    const std::string name(text.substr(0, equals));
    if (!model.has(name))
        throw input_error(source.where, source.option, model.unknown(name, origin()).message());
    const option_info about = model.info(name);
    axis_reader reader(model, about, source);
    for (const std::string_view item : split(text.substr(equals + 1), ','))
        reader.read(item);
    return {name, reader.take(), about.type};
}

std::vector<sweep_axis> parse_axes(const std::vector<std::string>& vary, const arguments& given,
                                   const option_set& model, const axes_source& source)
{
    std::vector<sweep_axis> axes;
    for (const std::string& text : vary) {
        sweep_axis axis = parse_axis(text, model, source);
        const auto same = [&axis](const auto& other) { return other.name == axis.name; };
        if (std::any_of(axes.begin(), axes.end(), same))
            throw input_error(source.where, source.option, in_quotes(axis.name) + " varies twice");
        if (std::any_of(given.model.begin(), given.model.end(), same))
            throw input_error(source.where, source.option,
                              in_quotes(axis.name) + " varies, but is given as well" +
                                  (source.where.file.empty() ? "" : "; --vary can narrow it"));
        axes.push_back(std::move(axis));
    }
    return axes;
}

std::vector<sweep_axis> with_changes(std::vector<sweep_axis> axes,
                                     const std::vector<sweep_axis>& changes)
{
    for (const sweep_axis& change : changes) {
        const auto found = std::find_if(axes.begin(), axes.end(), [&](const sweep_axis& axis) {
            return axis.name == change.name;
        });
        if (found == axes.end())
            axes.push_back(change);
        else
            *found = change;
    }
    return axes;
}

void check_size(const std::vector<sweep_axis>& axes, const axes_source& source)
{
    std::size_t points = 1;
    for (const sweep_axis& axis : axes) {
        points *= axis.values.size();
        if (points > most_points)
            throw input_error(source.where, source.option,
                              fmt::format("more than {} points", most_points));
    }
}

std::vector<sweep_point> sweep_points(const std::vector<sweep_axis>& axes)
{
    std::vector<sweep_point> points = {{}};
    for (const sweep_axis& axis : axes) {
        std::vector<sweep_point> longer;
        for (const sweep_point& point : points)
            for (const std::string& value : axis.values) {
                longer.push_back(point);
                longer.back().emplace_back(axis.name, value);
            }
        points = std::move(longer);
    }
    return points;
}

} // namespace mkclean
