#include "sim/option_set.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <system_error>

#include <fmt/format.h>

namespace mkclean
{
namespace
{

struct unit {
    std::string_view name;
    std::uint64_t scale = 0; // in base units
};

/// How the numbers of one type are written.
struct notation {
    option_type type;
    std::string_view base;
    bool bare; // a number without a unit means base units
    std::string_view expected;
    std::array<unit, 9> units; // the rest is empty
};

constexpr const char* suggestion_begins = "; did you mean ";

constexpr std::uint64_t thousand = 1000;
constexpr std::uint64_t million = thousand * thousand;
constexpr std::uint64_t billion = thousand * million;
constexpr std::uint64_t trillion = thousand * billion;

constexpr std::array<notation, 6> notations = {{
    {option_type::count, "", true, "a whole number such as 64 or 0x40", {}},
    {option_type::bytes,
     "B",
     true,
     "bytes such as 64, 4KiB or 1460B (units: B, KiB to TiB, kB to TB)",
     {{{"B", 1},
       {"kB", thousand},
       {"KiB", std::uint64_t{1} << 10U},
       {"MB", million},
       {"MiB", std::uint64_t{1} << 20U},
       {"GB", billion},
       {"GiB", std::uint64_t{1} << 30U},
       {"TB", trillion},
       {"TiB", std::uint64_t{1} << 40U}}}},
    {option_type::clock_cycles,
     "cycles",
     true,
     "cycles such as 300 or 300cycles",
     {{{"cycles", 1}}}},
    {option_type::duration,
     "ps",
     false,
     "a time and its unit such as 333ps or 10us (units: ps, ns, us, ms, s)",
     {{{"ps", 1}, {"ns", thousand}, {"us", million}, {"ms", billion}, {"s", trillion}}}},
    {option_type::frequency,
     "Hz",
     false,
     "a frequency and its unit such as 150MHz or 3GHz (units: Hz, kHz, MHz, GHz)",
     {{{"Hz", 1}, {"kHz", thousand}, {"MHz", million}, {"GHz", billion}}}},
    {option_type::percent, "%", true, "a percentage such as 40 or 40%", {{{"%", 1}}}},
}};

const notation* find_notation(option_type type)
{
    const auto* found = std::find_if(notations.begin(), notations.end(),
                                     [type](const notation& known) { return known.type == type; });
    return found == notations.end() ? nullptr : found;
}

const notation& notation_of(option_type type)
{
    if (const notation* found = find_notation(type))
        return *found;
    throw std::logic_error("not a type of whole numbers");
}

bad_value not_understood(std::string_view expected, std::string_view text)
{
    return bad_value(fmt::format("expected {}, got {}", expected, in_quotes(text)));
}

bad_value too_large(std::string_view text)
{
    return bad_value(in_quotes(text) + " is too large for 64 bits");
}

std::uint64_t multiply(std::uint64_t a, std::uint64_t b, std::string_view text)
{
    if (b != 0 && a > std::numeric_limits<std::uint64_t>::max() / b)
        throw too_large(text);
    return a * b;
}

std::uint64_t add(std::uint64_t a, std::uint64_t b, std::string_view text)
{
    if (a > std::numeric_limits<std::uint64_t>::max() - b)
        throw too_large(text);
    return a + b;
}

/// All of `digits` as a number; `text` is what a complaint shows.
std::uint64_t parse_digits(std::string_view digits, int base, std::string_view expected,
                           std::string_view text)
{
    std::uint64_t value = 0;
    const char* end = digits.data() + digits.size();
    const auto [stopped, error] = std::from_chars(digits.data(), end, value, base);
    if (error == std::errc::result_out_of_range)
        throw too_large(text);
    if (error != std::errc() || stopped != end)
        throw not_understood(expected, text);
    return value;
}

/// What the digits behind the decimal point are worth in base units. Exact: 0.5KiB is 512 bytes,
/// 0.3KiB is an error, and nothing is ever rounded.
std::uint64_t parse_fraction(std::string_view digits, std::uint64_t scale, const notation& how,
                             std::string_view text)
{
    constexpr std::size_t most_digits = 18; // 10^18 fits 64 bits
    if (digits.empty() || digits.size() > most_digits)
        throw not_understood(how.expected, text);
    std::uint64_t denominator = 1;
    for (std::size_t digit = 0; digit < digits.size(); ++digit)
        denominator *= 10;
    const std::uint64_t numerator = parse_digits(digits, 10, how.expected, text);
    const std::uint64_t common = std::gcd(scale, denominator);
    denominator /= common;
    if (numerator % denominator != 0)
        throw bad_value(fmt::format("{} is not a whole number{}{}", in_quotes(text),
                                    how.base.empty() ? "" : " of ", how.base));
    return numerator / denominator * (scale / common);
}

/// The scale of a unit; 0 if there is no such unit.
std::uint64_t scale_of(std::string_view suffix, const notation& how)
{
    if (suffix.empty())
        return how.bare ? 1 : 0;
    for (const unit& known : how.units)
        if (suffix == known.name)
            return known.scale;
    return 0;
}

bool is_blank(char character)
{
    return character == ' ' || character == '\t';
}

/// Refuses what a line of a config file cannot hold, so that every value can be written back.
std::string parse_text(std::string_view text)
{
    if (!is_printable(text))
        throw bad_value(in_quotes(text) + " holds a byte that is not printable text");
    if (!text.empty() && (is_blank(text.front()) || is_blank(text.back())))
        throw bad_value(in_quotes(text) + " begins or ends with a blank");
    for (std::size_t at = text.find('#'); at != std::string_view::npos; at = text.find('#', at + 1))
        if (at == 0 || is_blank(text[at - 1]))
            throw bad_value(in_quotes(text) + " has a '#' that would begin a comment");
    return std::string(text);
}

std::string parse_path(std::string_view text, const origin& where)
{
    const std::filesystem::path written(parse_text(text));
    if (written.empty() || where.file.empty())
        return written.string();
    const std::filesystem::path from_here = std::filesystem::path(where.file).parent_path();
    return parse_text((from_here / written).string());
}

bool parse_flag(std::string_view text)
{
    for (const std::string_view word : {"on", "yes", "true", "1"})
        if (text == word)
            return true;
    for (const std::string_view word : {"off", "no", "false", "0"})
        if (text == word)
            return false;
    throw not_understood("on or off", text);
}

double parse_real(std::string_view text)
{
    double value = 0;
    const char* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stopped != end || !std::isfinite(value))
        throw not_understood("a finite number such as 0.25 or 1e-3", text);
    return value;
}

std::string print_real(double value)
{
    return fmt::format("{}", value);
}

template <class T, class Print>
std::string print_range(const range<T>& allowed, T lowest_of_all, Print print)
{
    const bool bounded_below = allowed.lowest > lowest_of_all;
    const bool bounded_above = allowed.highest < std::numeric_limits<T>::max();
    if (bounded_above && (bounded_below || lowest_of_all == T()))
        return print(allowed.lowest) + ".." + print(allowed.highest);
    if (bounded_above)
        return print(allowed.highest) + " or less";
    return bounded_below ? print(allowed.lowest) + " or more" : "";
}

template <class T>
void check_range(T value, const range<T>& allowed, const std::string& range_text,
                 std::string_view text)
{
    if (value < allowed.lowest || value > allowed.highest)
        throw bad_value(fmt::format("must be {}, got {}", range_text, in_quotes(text)));
}

bool is_option_name(std::string_view name)
{
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789_-.";
    return !name.empty() && name.find_first_not_of(allowed) == std::string_view::npos &&
           name.front() != '-' && name.front() != '.' && name.back() != '.';
}

/// Damerau-Levenshtein distance, swaps of neighbours only ("optimal string alignment").
std::size_t distance(std::string_view from, std::string_view to)
{
    std::vector<std::size_t> before_last(to.size() + 1);
    std::vector<std::size_t> last(to.size() + 1);
    std::vector<std::size_t> present(to.size() + 1);
    std::iota(last.begin(), last.end(), std::size_t{0});
    for (std::size_t i = 1; i <= from.size(); ++i) {
        present[0] = i;
        for (std::size_t j = 1; j <= to.size(); ++j) {
            const std::size_t changed = from[i - 1] == to[j - 1] ? 0 : 1;
            present[j] = std::min({last[j] + 1, present[j - 1] + 1, last[j - 1] + changed});
            const bool swapped =
                i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
            if (swapped)
                present[j] = std::min(present[j], before_last[j - 2] + 1);
        }
        std::swap(before_last, last);
        std::swap(last, present);
    }
    return last[to.size()];
}

} // namespace

std::string_view name_of(option_type type)
{
    switch (type) {
    case option_type::count:
        return "count";
    case option_type::bytes:
        return "bytes";
    case option_type::clock_cycles:
        return "cycles";
    case option_type::duration:
        return "duration";
    case option_type::frequency:
        return "frequency";
    case option_type::percent:
        return "percent";
    case option_type::real:
        return "real";
    case option_type::flag:
        return "flag";
    case option_type::choice:
        return "choice";
    case option_type::text:
        return "text";
    case option_type::path:
        return "path";
    }
    throw std::logic_error("an option type without a name");
}

bool is_whole_number(option_type type)
{
    return find_notation(type) != nullptr;
}

std::uint64_t parse_whole_number(option_type type, std::string_view text)
{
    const notation& how = notation_of(type);
    if (how.bare && text.substr(0, 2) == "0x")
        return parse_digits(text.substr(2), 16, how.expected, text);
    const std::size_t end = std::min(text.find_first_not_of("0123456789."), text.size());
    const std::string_view digits = text.substr(0, end);
    const std::size_t point = std::min(digits.find('.'), digits.size());
    const std::uint64_t scale = text == "0" ? 1 : scale_of(text.substr(end), how);
    if (scale == 0)
        throw not_understood(how.expected, text);
    const std::uint64_t whole = parse_digits(digits.substr(0, point), 10, how.expected, text);
    const std::uint64_t value = multiply(whole, scale, text);
    if (point == digits.size())
        return value;
    return add(value, parse_fraction(digits.substr(point + 1), scale, how, text), text);
}

std::string print_whole_number(option_type type, std::uint64_t value)
{
    unit best = {"", 1};
    for (const unit& candidate : notation_of(type).units)
        if (candidate.scale >= best.scale && value != 0 && value % candidate.scale == 0)
            best = candidate;
    return fmt::format("{}{}", value / best.scale, best.name);
}

bool is_flag_word(std::string_view text)
{
    try {
        parse_flag(text);
        return true;
    } catch (const bad_value&) {
        return false;
    }
}

std::optional<std::string> nearest(std::string_view name,
                                   const std::vector<std::string>& candidates)
{
    std::optional<std::string> best;
    std::size_t best_distance = std::numeric_limits<std::size_t>::max();
    for (const std::string& candidate : candidates) {
        const std::size_t close = std::max<std::size_t>(1, candidate.size() / 3);
        // Also spares the comparison with a name of megabytes.
        if (name.size() > candidate.size() + close)
            continue;
        const std::size_t apart = distance(name, candidate);
        if (apart <= close && apart < best_distance) {
            best = candidate;
            best_distance = apart;
        }
    }
    return best;
}

bool begins_with(std::string_view text, std::string_view beginning)
{
    return text.substr(0, beginning.size()) == beginning;
}

std::string suggestion(std::string_view name, const std::vector<std::string>& candidates)
{
    const std::optional<std::string> meant = nearest(name, candidates);
    return meant ? fmt::format("{}{}?", suggestion_begins, in_quotes(*meant)) : "";
}

std::string without_suggestion(const std::string& complaint)
{
    const std::size_t at = complaint.rfind(suggestion_begins);
    return at == std::string::npos || complaint.back() != '?' ? complaint : complaint.substr(0, at);
}

option_info option_set::describe_option(const std::string& name, option_type type,
                                        const std::string& help)
{
    option_info about;
    about.name = name;
    about.type = type;
    about.help = help;
    return about;
}

bad_value option_set::not_among(const std::vector<std::string>& names, std::string_view text)
{
    return bad_value(fmt::format("expected one of {}; got {}{}", fmt::join(names, ", "),
                                 in_quotes(text), suggestion(text, names)));
}

std::vector<std::string_view> option_set::words_of(std::string_view text)
{
    constexpr std::string_view blanks = " \t";
    std::vector<std::string_view> words;
    for (std::size_t at = text.find_first_not_of(blanks); at != std::string_view::npos;
         at = text.find_first_not_of(blanks, at)) {
        const std::size_t end = std::min(text.find_first_of(blanks, at), text.size());
        words.push_back(text.substr(at, end - at));
        at = end;
    }
    if (words.empty())
        throw bad_value("expected at least one name; got nothing");
    return words;
}

void option_set::declare_whole_number(const std::string& name, option_type type,
                                      whole_number target, whole_numbers allowed,
                                      const std::string& help)
{
    option_info about = describe_option(name, type, help);
    about.unit = notation_of(type).base;
    about.range_text = print_range(allowed, std::uint64_t{0}, [type](std::uint64_t bound) {
        return print_whole_number(type, bound);
    });
    const form<std::uint64_t> how = {
        [type, allowed, limits = about.range_text](std::string_view text, const origin&) {
            const std::uint64_t value = parse_whole_number(type, text);
            check_range(value, allowed, limits, text);
            return value;
        },
        [type](const std::uint64_t& value) { return print_whole_number(type, value); }};
    if (auto* plain = std::get_if<std::reference_wrapper<std::uint64_t>>(&target))
        declare(std::move(about), plain->get(), how);
    else
        declare(std::move(about), std::get<1>(target).get(), or_unset(how));
}

void option_set::count(const std::string& name, whole_number target, whole_numbers allowed,
                       const std::string& help)
{
    declare_whole_number(name, option_type::count, target, allowed, help);
}

void option_set::bytes(const std::string& name, whole_number target, whole_numbers allowed,
                       const std::string& help)
{
    declare_whole_number(name, option_type::bytes, target, allowed, help);
}

void option_set::clock_cycles(const std::string& name, whole_number target, whole_numbers allowed,
                              const std::string& help)
{
    declare_whole_number(name, option_type::clock_cycles, target, allowed, help);
}

void option_set::duration(const std::string& name, whole_number target, whole_numbers allowed,
                          const std::string& help)
{
    declare_whole_number(name, option_type::duration, target, allowed, help);
}

void option_set::frequency(const std::string& name, whole_number target, whole_numbers allowed,
                           const std::string& help)
{
    declare_whole_number(name, option_type::frequency, target, allowed, help);
}

void option_set::percent(const std::string& name, whole_number target, whole_numbers allowed,
                         const std::string& help)
{
    allowed.highest = std::min<std::uint64_t>(allowed.highest, 100);
    declare_whole_number(name, option_type::percent, target, allowed, help);
}

void option_set::percent(const std::string& name, whole_number target, const std::string& help)
{
    percent(name, target, whole_numbers(), help);
}

void option_set::real(const std::string& name, double& target, range<double> allowed,
                      const std::string& help)
{
    option_info about = describe_option(name, option_type::real, help);
    about.range_text = print_range(allowed, std::numeric_limits<double>::lowest(), print_real);
    const form<double> how = {
        [allowed, limits = about.range_text](std::string_view text, const origin&) {
            const double value = parse_real(text);
            check_range(value, allowed, limits, text);
            return value;
        },
        print_real};
    declare(std::move(about), target, how);
}

void option_set::flag(const std::string& name, bool& target, const std::string& help)
{
    const form<bool> how = {[](std::string_view text, const origin&) { return parse_flag(text); },
                            [](const bool& value) { return std::string(value ? "on" : "off"); }};
    declare(describe_option(name, option_type::flag, help), target, how);
}

void option_set::text(const std::string& name, std::string& target, const std::string& help)
{
    const form<std::string> how = {
        [](std::string_view text, const origin&) { return parse_text(text); },
        [](const std::string& value) { return value; }};
    declare(describe_option(name, option_type::text, help), target, how);
}

void option_set::path(const std::string& name, std::string& target, const std::string& help)
{
    const form<std::string> how = {parse_path, [](const std::string& value) { return value; }};
    declare(describe_option(name, option_type::path, help), target, how);
}

void option_set::repeated(const std::string& name, std::vector<std::string>& target,
                          const std::string& help)
{
    option made;
    made.about = describe_option(name, option_type::text, help);
    made.about.repeatable = true;
    made.assign = [&target](std::string_view text, const origin&) {
        target.push_back(parse_text(text));
    };
    made.normalise = [](std::string_view text, const origin&) { return parse_text(text); };
    made.print = [&target] { return fmt::format("{}", fmt::join(target, " ")); };
    add(std::move(made));
}

void option_set::declare_choice(const std::string& name, choice_field field,
                                const std::vector<std::uint64_t>& numbers,
                                const std::vector<std::string>& names, const std::string& help)
{
    const form<number_of_choice> how = {
        [numbers, names](std::string_view text, const origin&) {
            const auto found = std::find(names.begin(), names.end(), text);
            if (found == names.end())
                throw not_among(names, text);
            const auto at = static_cast<std::size_t>(found - names.begin());
            return at < numbers.size() ? number_of_choice(numbers[at]) : std::nullopt;
        },
        [numbers, names](const number_of_choice& chosen) {
            if (!chosen)
                return std::string(unset);
            const auto found = std::find(numbers.begin(), numbers.end(), *chosen);
            if (found == numbers.end())
                throw std::logic_error("a value without a name");
            return names[static_cast<std::size_t>(found - numbers.begin())];
        }};
    option made;
    made.about = describe_option(name, option_type::choice, help);
    made.about.choices = names;
    made.assign = [field, how](std::string_view text, const origin& where) {
        field.assign(field.at, how.parse(text, where));
    };
    made.normalise = [how](std::string_view text, const origin& where) {
        return how.print(how.parse(text, where));
    };
    made.print = [field, how] { return how.print(field.read(field.at)); };
    add(std::move(made));
}

void option_set::add(option made)
{
    const std::string& name = made.about.name;
    if (!is_option_name(name) || has(name))
        throw std::logic_error("option " + in_quotes(name) + " is malformed or declared twice");
    try {
        made.about.default_text = made.print();
        made.normalise(made.about.default_text, origin());
    } catch (const std::exception& error) {
        throw std::logic_error("the default of option " + name + ": " + error.what());
    }
    m_options.push_back(std::move(made));
}

const option_set::option* option_set::find(std::string_view name) const
{
    const auto found = std::find_if(m_options.begin(), m_options.end(),
                                    [name](const option& one) { return one.about.name == name; });
    return found == m_options.end() ? nullptr : &*found;
}

const option_set::option& option_set::get(std::string_view name) const
{
    if (const option* found = find(name))
        return *found;
    throw std::logic_error("no option is named " + in_quotes(name));
}

void option_set::set(std::string_view name, std::string_view value, const origin& where)
{
    const auto found = std::find_if(m_options.begin(), m_options.end(),
                                    [name](const option& one) { return one.about.name == name; });
    if (found == m_options.end())
        throw unknown(name, where);
    try {
        found->assign(value, where);
    } catch (const bad_value& error) {
        throw input_error(where, found->about.name, error.what());
    }
    found->about.was_set = true;
    found->about.where = where;
}

std::string option_set::canonical(std::string_view name, std::string_view value,
                                  const origin& where) const
{
    const option* found = find(name);
    if (found == nullptr)
        throw unknown(name, where);
    try {
        return found->normalise(value, where);
    } catch (const bad_value& error) {
        throw input_error(where, found->about.name, error.what());
    }
}

bool option_set::has(std::string_view name) const
{
    return find(name) != nullptr;
}

bool option_set::was_set(std::string_view name) const
{
    return get(name).about.was_set;
}

option_info option_set::info(std::string_view name) const
{
    const option& one = get(name);
    option_info about = one.about;
    about.text = one.print();
    return about;
}

std::vector<option_info> option_set::all() const
{
    std::vector<option_info> every;
    for (const option& one : m_options)
        every.push_back(info(one.about.name));
    return every;
}

std::vector<std::string> option_set::names() const
{
    std::vector<std::string> every;
    for (const option& one : m_options)
        every.push_back(one.about.name);
    return every;
}

input_error option_set::complaint(std::string_view name, const std::string& message) const
{
    const option& one = get(name);
    return input_error(one.about.where, one.about.name, message);
}

input_error option_set::unknown(std::string_view name, const origin& where) const
{
    return input_error(
        where, fmt::format("unknown option {}{}", in_quotes(name), suggestion(name, names())));
}

} // namespace mkclean
