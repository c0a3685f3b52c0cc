#pragma once

#include <array>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace mkclean
{

/// Where a piece of input was written. Without a file it came from the command line.
struct origin {
    std::string file;
    unsigned line = 0; ///< counted from 1; 0 is the file as a whole
};

/// "file:line", "file", or "command line".
inline std::string describe(const origin& where)
{
    if (where.file.empty())
        return "command line";
    return where.line == 0 ? where.file : where.file + ":" + std::to_string(where.line);
}

/// The size in bytes of the UTF-8 character that `text` begins with; 0 if it begins with a control
/// character other than a tab, or with bytes that are no UTF-8. `text` must not be empty.
inline std::size_t printable_character(std::string_view text)
{
    const auto byte = [text](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const unsigned lead = byte(0);
    if (lead < 0x80)
        return lead == '\t' || (lead >= 0x20 && lead != 0x7f) ? 1 : 0;
    if (lead < 0xc2 || lead > 0xf4)
        return 0;
    const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (text.size() < size)
        return 0;
    unsigned code = lead & (0x7fU >> size);
    for (std::size_t at = 1; at < size; ++at) {
        if ((byte(at) & 0xc0U) != 0x80)
            return 0;
        code = code << 6U | (byte(at) & 0x3fU);
    }
    // The second control block, overlong forms, surrogates and what lies beyond Unicode.
    constexpr std::array<unsigned, 5> smallest = {0, 0, 0xa0, 0x800, 0x10000};
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    return code < smallest[size] || surrogate || code > 0x10ffff ? 0 : size;
}

/// Whether every character of `text` is a printable one (a tab is, a line end is not).
inline bool is_printable(std::string_view text)
{
    while (!text.empty()) {
        const std::size_t size = printable_character(text);
        if (size == 0)
            return false;
        text.remove_prefix(size);
    }
    return true;
}

/// `text` as one printable line: whatever is not printable becomes \xNN.
inline std::string printable(std::string_view text)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::string line;
    while (!text.empty()) {
        const std::size_t size = printable_character(text);
        if (size == 0) {
            const auto byte = static_cast<unsigned char>(text.front());
            line += {'\\', 'x', digits[byte >> 4U], digits[byte & 0xfU]};
        }
        line += text.substr(0, size);
        text.remove_prefix(size == 0 ? 1 : size);
    }
    return line;
}

/// `text` between quotes, printable and cut when it is long, as error messages show what they
/// complain about.
inline std::string in_quotes(std::string_view text)
{
    constexpr std::size_t enough = 80;
    const std::string_view ending = text.size() <= enough ? "'" : "...'";
    return "'" + printable(text.substr(0, enough)) + std::string(ending);
}

/// Something the user wrote is wrong; the program ends with exit code 2. what() is one complete
/// line, whatever bytes went into it.
class input_error : public std::runtime_error
{
public:
    /// what() is "file:line: message", or the message alone for the command line.
    input_error(origin where, const std::string& message)
        : input_error(std::move(where), std::string(), message)
    {
    }

    /// A complaint about one option: "file:line: option: message", or "--option: message".
    input_error(origin where, const std::string& option, const std::string& message)
        : std::runtime_error(printable(prefix(where, option) + message)),
          m_message(printable(message)),
          m_option(option),
          m_where(std::move(where))
    {
    }

    /// The complaint without the place and the option.
    const std::string& message() const { return m_message; }
    /// The option that it is about, without dashes; or "".
    const std::string& option() const { return m_option; }
    const origin& where() const { return m_where; }

private:
    static std::string prefix(const origin& where, const std::string& option)
    {
        const bool on_command_line = where.file.empty();
        std::string place = on_command_line ? "" : describe(where) + ": ";
        if (option.empty())
            return place;
        return place + (on_command_line ? "--" : "") + option + ": ";
    }

    std::string m_message;
    std::string m_option;
    origin m_where;
};

} // namespace mkclean
