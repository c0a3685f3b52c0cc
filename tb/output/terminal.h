#pragma once

#include <iosfwd>
#include <string>

namespace mkclean
{

/// Whether what is written to `stream` can be overwritten and coloured: std::cout or std::cerr, on
/// a terminal that is not TERM=dumb.
bool is_terminal(const std::ostream& stream);

/// Colours for a table on a terminal. Anywhere else, and where NO_COLOR is set to anything
/// (https://no-color.org), text stays as it is, to the byte.
class palette
{
public:
    /// Without colours.
    palette() = default;
    /// For what is written to `stream`.
    explicit palette(const std::ostream& stream);

    std::string title(const std::string& text) const;
    /// Something that must not be.
    std::string alarm(const std::string& text) const;

private:
    std::string with(const char* how, const std::string& text) const;

    bool m_has_colours = false;
};

} // namespace mkclean
