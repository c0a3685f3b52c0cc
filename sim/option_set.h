#pragma once

#include "sim/input_error.h"

#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace mkclean
{

/// The values an option accepts, both ends included, in the option's base unit.
/// `{}` accepts everything, `{1}` everything from 1 up.
template <class T>
struct range {
    T lowest = std::numeric_limits<T>::lowest();
    T highest = std::numeric_limits<T>::max();
};

/// What an option's value is, and so which units it may be written in.
enum class option_type {
    count,        ///< 64, 0x40
    bytes,        ///< 64, 0x40, 4KiB, 1.5MiB, 1460B, 500GB
    clock_cycles, ///< 300, 300cycles
    duration,     ///< 333ps, 10us, 2.5ms, 5s; the unit may be left out of 0 only
    frequency,    ///< 150MHz, 2.8GHz; the unit may be left out of 0 only
    percent,      ///< 40, 40%
    real,         ///< 0.25, 1e-3; finite
    flag,         ///< on, off (also yes, no, true, false, 1, 0)
    choice,       ///< one of the option's names
    text,
    path
};

/// The type's name as users read it: "count", "bytes", ...
std::string_view name_of(option_type type);

/// Whether values of the type are whole numbers of a base unit (count to percent).
bool is_whole_number(option_type type);

/// A value that cannot be had from the text; says what was expected, but not by whom or where.
struct bad_value : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Reads a whole number of the base unit (1, B, cycles, ps, Hz, %). `type` is a whole number's.
/// Error: bad_value if the text is no such number, not whole, or beyond 64 bits.
std::uint64_t parse_whole_number(option_type type, std::string_view text);

/// The canonical text of a number: the unit that makes it the smallest whole number, so that it
/// parses back to the same value.
std::string print_whole_number(option_type type, std::uint64_t value);

/// Whether `text` is a word that a flag understands.
bool is_flag_word(std::string_view text);

/// The candidate that `name` is most likely a misspelling of, if any is close: at most one slip
/// (a letter wrong, missing, extra, or swapped with its neighbour) in three letters.
std::optional<std::string> nearest(std::string_view name,
                                   const std::vector<std::string>& candidates);

bool begins_with(std::string_view text, std::string_view beginning);

/// "; did you mean 'X'?" with the nearest candidate, or nothing.
std::string suggestion(std::string_view name, const std::vector<std::string>& candidates);
/// A complaint without the suggestion that it ends with, if it does.
std::string without_suggestion(const std::string& complaint);

/// All there is to know about an option at one moment.
struct option_info {
    std::string name;
    option_type type = option_type::text;
    std::string unit;                 ///< the base unit: "", "B", "cycles", "ps", "Hz", "%"
    std::string default_text;         ///< canonical
    std::string text;                 ///< the present value, canonical
    std::string range_text;           ///< "1..64KiB", "1 or more", or "" if anything goes
    std::vector<std::string> choices; ///< of a choice; with "default" last if it may be unset
    std::string help;
    bool repeatable = false;
    bool was_set = false;
    origin where; ///< who set it last, if anybody did
};

/// The options of one part of the program, or of all of it.
///
/// An option is bound to a field of a plain struct: the field's value at declaration is the
/// default, and set() writes to it. So the struct must live, and stay where it is, as long as the
/// set is used. Declaring a name twice, a malformed name or a default outside its own range is a
/// mistake in the program: std::logic_error.
class option_set
{
public:
    /// A field for a whole number. An unset std::optional reads and prints as "default".
    using whole_number = std::variant<std::reference_wrapper<std::uint64_t>,
                                      std::reference_wrapper<std::optional<std::uint64_t>>>;
    using whole_numbers = range<std::uint64_t>;

    void count(const std::string& name, whole_number target, whole_numbers allowed,
               const std::string& help);
    /// The field is in bytes.
    void bytes(const std::string& name, whole_number target, whole_numbers allowed,
               const std::string& help);
    /// The field is in clock cycles.
    void clock_cycles(const std::string& name, whole_number target, whole_numbers allowed,
                      const std::string& help);
    /// The field is in picoseconds.
    void duration(const std::string& name, whole_number target, whole_numbers allowed,
                  const std::string& help);
    /// The field is in hertz.
    void frequency(const std::string& name, whole_number target, whole_numbers allowed,
                   const std::string& help);
    /// The field is in percent; what is allowed never exceeds 0..100.
    void percent(const std::string& name, whole_number target, whole_numbers allowed,
                 const std::string& help);
    void percent(const std::string& name, whole_number target, const std::string& help);

    void real(const std::string& name, double& target, range<double> allowed,
              const std::string& help);
    void flag(const std::string& name, bool& target, const std::string& help);

    /// One value of a set of names.
    template <class Enum>
    void choice(const std::string& name, Enum& target,
                std::vector<std::pair<const char*, Enum>> values, const std::string& help)
    {
        declare_choice(name, field_of(target), numbered(values), names_of(values), help);
    }
    /// The same for a field that may be unset, which reads and prints as "default".
    template <class Enum>
    void optional_choice(const std::string& name, std::optional<Enum>& target,
                         std::vector<std::pair<const char*, Enum>> values, const std::string& help)
    {
        std::vector<std::string> names = names_of(values);
        names.emplace_back(unset);
        declare_choice(name, field_of(target), numbered(values), names, help);
    }

    /// Some of a set of names, with blanks between them; none of them prints
    /// as "default" and reads from it.
    template <class Enum>
    void choices(const std::string& name, std::vector<Enum>& target,
                 std::vector<std::pair<const char*, Enum>> values, const std::string& help)
    {
        std::vector<std::string> names = names_of(values);
        names.emplace_back(unset);
        option_info about = describe_option(name, option_type::choice, help);
        about.choices = names;
        declare(std::move(about), target, each_of(choice_form(values), names));
    }

    /// One line of text that a config file can hold: no control characters, no blanks at the ends,
    /// no `#` where it would begin a comment.
    void text(const std::string& name, std::string& target, const std::string& help);
    /// Like text; a relative path that a file sets is relative to that file.
    void path(const std::string& name, std::string& target, const std::string& help);
    /// A text that may be set many times, each adding one (for options of the command line; it has
    /// no canonical text that one set() could read back).
    void repeated(const std::string& name, std::vector<std::string>& target,
                  const std::string& help);

    /// Gives an option a value; on error the field keeps what it had.
    /// Error: input_error if there is no such option or the value does not fit it.
    void set(std::string_view name, std::string_view value, const origin& where);

    /// The canonical form of `value`, without setting anything. Errors as in set().
    std::string canonical(std::string_view name, std::string_view value, const origin& where) const;

    /// Whether the set has an option of that very name.
    bool has(std::string_view name) const;
    /// Whether set() gave the option its value. Error: std::logic_error if there is no such option.
    bool was_set(std::string_view name) const;
    /// Error: std::logic_error if there is no such option.
    option_info info(std::string_view name) const;
    /// Every option, in the order of declaration.
    std::vector<option_info> all() const;
    std::vector<std::string> names() const;

    /// An error that blames whoever gave the option its present value, for rules that take more
    /// than one option to check. Error: std::logic_error if there is no such option.
    input_error complaint(std::string_view name, const std::string& message) const;
    /// The error for a name that nobody declared, with the nearest that somebody did.
    input_error unknown(std::string_view name, const origin& where) const;

private:
    /// How values of a type are written: parse throws bad_value.
    template <class T>
    struct form {
        std::function<T(std::string_view, const origin&)> parse;
        std::function<std::string(const T&)> print;
    };

    struct option {
        option_info about; // all but `text`, which `print` makes
        std::function<void(std::string_view, const origin&)> assign;
        std::function<std::string(std::string_view, const origin&)> normalise;
        std::function<std::string()> print;
    };

    static constexpr const char* unset = "default";

    template <class T>
    static form<std::optional<T>> or_unset(form<T> plain)
    {
        return {[plain](std::string_view text, const origin& where) {
                    return text == unset ? std::nullopt
                                         : std::optional<T>(plain.parse(text, where));
                },
                [plain](const std::optional<T>& value) {
                    return value ? plain.print(*value) : std::string(unset);
                }};
    }

    template <class Enum>
    static form<Enum> choice_form(const std::vector<std::pair<const char*, Enum>>& values)
    {
        return {[values](std::string_view text, const origin&) {
                    for (const auto& [name, value] : values)
                        if (text == name)
                            return value;
                    throw bad_value("not among the choices");
                },
                [values](const Enum& chosen) {
                    for (const auto& [name, value] : values)
                        if (chosen == value)
                            return std::string(name);
                    throw std::logic_error("a value without a name");
                }};
    }

    template <class Enum>
    static form<std::vector<Enum>> each_of(form<Enum> one, const std::vector<std::string>& names)
    {
        return {[one, names](std::string_view text, const origin& where) {
                    std::vector<Enum> chosen;
                    if (text == unset)
                        return chosen;
                    for (const std::string_view word : words_of(text)) {
                        try {
                            chosen.push_back(one.parse(word, where));
                        } catch (const bad_value&) {
                            throw not_among(names, word);
                        }
                    }
                    return chosen;
                },
                [one](const std::vector<Enum>& chosen) {
                    std::string text;
                    for (const Enum value : chosen)
                        text += (text.empty() ? "" : " ") + one.print(value);
                    return text.empty() ? std::string(unset) : text;
                }};
    }

    template <class Enum>
    static std::vector<std::string>
    names_of(const std::vector<std::pair<const char*, Enum>>& values)
    {
        std::vector<std::string> names;
        names.reserve(values.size());
        for (const auto& [name, value] : values)
            names.emplace_back(name);
        return names;
    }

    // What a choice is bound to, its type forgotten: there are many enumerations, and all that is
    // done with them need be compiled only once.
    using number_of_choice = std::optional<std::uint64_t>; // unset, or the value's bytes
    template <class T>
    struct boxed { // as some choices are pointers, of which nobody takes the size by mistake here
        T value;
    };
    template <class T>
    static std::uint64_t number_of(T value)
    {
        static_assert(std::is_trivially_copyable_v<T>);
        static_assert(sizeof(boxed<T>) <= sizeof(std::uint64_t));
        const boxed<T> box{value};
        std::uint64_t number = 0;
        std::memcpy(&number, &box, sizeof box);
        return number;
    }
    template <class T>
    static T with_number(std::uint64_t number)
    {
        boxed<T> box{};
        std::memcpy(&box, &number, sizeof box);
        return box.value;
    }
    struct choice_field {
        void* at;
        void (*assign)(void* at, number_of_choice value);
        number_of_choice (*read)(const void* at);
    };
    template <class Enum>
    static choice_field field_of(Enum& target)
    {
        return {&target,
                [](void* at, number_of_choice value) {
                    *static_cast<Enum*>(at) = with_number<Enum>(value.value());
                },
                [](const void* at) {
                    return number_of_choice(number_of(*static_cast<const Enum*>(at)));
                }};
    }
    template <class Enum>
    static choice_field field_of(std::optional<Enum>& target)
    {
        return {&target,
                [](void* at, number_of_choice value) {
                    auto& field = *static_cast<std::optional<Enum>*>(at);
                    field.reset();
                    if (value)
                        field = with_number<Enum>(*value);
                },
                [](const void* at) {
                    const auto& field = *static_cast<const std::optional<Enum>*>(at);
                    return field ? number_of_choice(number_of(*field)) : std::nullopt;
                }};
    }
    template <class Enum>
    static std::vector<std::uint64_t>
    numbered(const std::vector<std::pair<const char*, Enum>>& values)
    {
        std::vector<std::uint64_t> numbers;
        numbers.reserve(values.size());
        for (const auto& [name, value] : values)
            numbers.push_back(number_of(value));
        return numbers;
    }

    /// `names` has one more than `numbers`, the last, if the field may be unset.
    void declare_choice(const std::string& name, choice_field field,
                        const std::vector<std::uint64_t>& numbers,
                        const std::vector<std::string>& names, const std::string& help);

    template <class T>
    void declare(option_info about, T& target, form<T> how)
    {
        option made;
        made.about = std::move(about);
        made.assign = [&target, how](std::string_view text, const origin& where) {
            target = how.parse(text, where);
        };
        made.normalise = [how](std::string_view text, const origin& where) {
            return how.print(how.parse(text, where));
        };
        made.print = [&target, how] { return how.print(target); };
        add(std::move(made));
    }

    static option_info describe_option(const std::string& name, option_type type,
                                       const std::string& help);
    static bad_value not_among(const std::vector<std::string>& names, std::string_view text);
    /// Error: bad_value if there is none.
    static std::vector<std::string_view> words_of(std::string_view text);

    void declare_whole_number(const std::string& name, option_type type, whole_number target,
                              whole_numbers allowed, const std::string& help);
    void add(option made);
    const option* find(std::string_view name) const;
    const option& get(std::string_view name) const;

    std::vector<option> m_options;
};

} // namespace mkclean
