#include "tb/lesson/value.h"

#include <cmath>
#include <cstdint>

#include <fmt/format.h>

namespace mkclean
{

namespace
{

constexpr double needs_no_fraction = 1000;
constexpr double largest_exact = 9007199254740992.0; // 2^53: beyond, a double is no count

std::string with_commas(std::uint64_t number)
{
    std::string text = fmt::format("{}", number);
    for (std::size_t at = text.size(); at > 3; at -= 3)
        text.insert(at - 3, ",");
    return text;
}

std::string text_of_number(double number)
{
    if (std::isnan(number))
        return "(never)";
    const double size = std::fabs(number);
    const bool shows_fraction = size != std::floor(size) && size < needs_no_fraction;
    if (shows_fraction || size >= largest_exact)
        return fmt::format("{:.4g}", number);
    return (number < 0 ? "-" : "") + with_commas(static_cast<std::uint64_t>(std::round(size)));
}

} // namespace

std::string text_of(const lesson_value& v)
{
    if (const auto* const number = std::get_if<double>(&v))
        return text_of_number(*number);
    if (const auto* const flag = std::get_if<bool>(&v))
        return *flag ? "yes" : "no";
    return std::get<std::string>(v);
}

const char* kind_of(const lesson_value& v)
{
    if (std::holds_alternative<double>(v))
        return "a number";
    return std::holds_alternative<bool>(v) ? "yes or no" : "a text";
}

} // namespace mkclean
