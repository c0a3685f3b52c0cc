#include "tb/output/terminal.h"

#include <cstdlib>
#include <iostream>
#include <string_view>

#include <unistd.h>

namespace mkclean
{

namespace
{

// ECMA-48, "select graphic rendition".
constexpr const char* bold = "\x1b[1m";
constexpr const char* red = "\x1b[31m";
constexpr const char* plain = "\x1b[0m";

std::string_view environment(const char* name)
{
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}

int descriptor_of(const std::ostream& stream)
{
    if (&stream == &std::cout)
        return STDOUT_FILENO;
    return &stream == &std::cerr ? STDERR_FILENO : -1;
}

} // namespace

bool is_terminal(const std::ostream& stream)
{
    return ::isatty(descriptor_of(stream)) == 1 && environment("TERM") != "dumb";
}

palette::palette(const std::ostream& stream)
    : m_has_colours(is_terminal(stream) && environment("NO_COLOR").empty())
{
}

std::string palette::title(const std::string& text) const
{
    return with(bold, text);
}

std::string palette::alarm(const std::string& text) const
{
    return with(red, text);
}

std::string palette::with(const char* how, const std::string& text) const
{
    return m_has_colours ? how + text + plain : text;
}

} // namespace mkclean
