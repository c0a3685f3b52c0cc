#pragma once

#include <string>

namespace mkclean
{

/// A manual page, written from its beginning to its end in the man macros (groff_man(7)). Text is
/// plain ASCII, and means what it says: nothing in it is a request. Error: std::logic_error for
/// text that is not ASCII.
class roff_page
{
public:
    /// The header. `section` is the manual's, such as 1; `source` names the program's version.
    roff_page(const std::string& name, int section, const std::string& source,
              const std::string& manual);

    void section(const std::string& title);
    void subsection(const std::string& title);
    void line(const std::string& text);
    /// Blank lines in it, and before it, begin paragraphs.
    void paragraph(const std::string& text);
    /// A command and its words.
    void synopsis(const std::string& command, const std::string& rest);
    /// A term in bold, what follows it on its line, and under both what they mean.
    void term(const std::string& bold, const std::string& rest, const std::string& meaning);
    /// Lines that are not filled, indented.
    void example(const std::string& lines);

    const std::string& text() const { return m_text; }

private:
    std::string m_text;
};

} // namespace mkclean
