#include "tb/reference/roff.h"

#include <sstream>
#include <stdexcept>

#include <fmt/format.h>

namespace mkclean
{
namespace
{

// Letters that roff would replace by something nicer, or take for itself. Options are copied from
// the page, so a dash has to stay one.
std::string escaped(char letter)
{
    switch (letter) {
    case '\\':
        return "\\e";
    case '-':
        return "\\-";
    case '\'':
        return "\\(aq";
    case '"':
        return "\\(dq";
    case '`':
        return "\\(ga";
    case '^':
        return "\\(ha";
    case '~':
        return "\\(ti";
    case '|':
        return "|\\:"; // a line may end behind it
    default:
        break;
    }
    if (static_cast<unsigned char>(letter) >= 0x80)
        throw std::logic_error("a manual page is ASCII");
    return {letter};
}

std::string escaped(const std::string& text)
{
    std::string all;
    for (const char letter : text)
        all += escaped(letter);
    return all;
}

/// A line of text that is no request, whatever it begins with.
std::string line_of(const std::string& text)
{
    return (text.find_first_of(".'") == 0 ? "\\&" : "") + escaped(text) + '\n';
}

} // namespace

roff_page::roff_page(const std::string& name, int section, const std::string& source,
                     const std::string& manual)
    : m_text(fmt::format(".TH {} {} \"\" \"{}\" \"{}\"\n.ad l\n.nh\n", escaped(name), section,
                         escaped(source), escaped(manual)))
{
}

void roff_page::section(const std::string& title)
{
    m_text += ".SH " + escaped(title) + '\n';
}

void roff_page::subsection(const std::string& title)
{
    m_text += ".SS " + escaped(title) + '\n';
}

void roff_page::line(const std::string& text)
{
    m_text += line_of(text);
}

void roff_page::synopsis(const std::string& command, const std::string& rest)
{
    m_text += "\\fB" + escaped(command) + "\\fR " + escaped(rest) + "\n.br\n";
}

void roff_page::paragraph(const std::string& text)
{
    std::istringstream lines("\n" + text);
    bool begins = false;
    for (std::string line; std::getline(lines, line); begins = line.empty())
        m_text += line.empty() ? "" : (begins ? ".PP\n" : "") + line_of(line);
}

void roff_page::term(const std::string& bold, const std::string& rest, const std::string& meaning)
{
    m_text += ".TP\n\\fB" + escaped(bold) + "\\fR" + escaped(rest) + '\n' + line_of(meaning);
}

void roff_page::example(const std::string& lines)
{
    m_text += ".PP\n.RS 4\n.nf\n";
    std::istringstream each(lines);
    for (std::string line; std::getline(each, line);)
        m_text += line_of(line);
    m_text += ".fi\n.RE\n";
}

} // namespace mkclean
