#include "tb/explain/log_line.h"
#include "tb/output/glossary.h"

#include <algorithm>
#include <charconv>

namespace mkclean
{

namespace
{

/// What is left of a line.
class rest_of_line
{
public:
    explicit rest_of_line(std::string_view text) : m_left(text) { skip_blanks(); }

    std::string_view left() const { return m_left; }
    std::string_view word()
    {
        const std::string_view found = m_left.substr(0, m_left.find(' '));
        drop(found.size());
        return found;
    }
    std::optional<std::uint64_t> number()
    {
        std::uint64_t value = 0;
        const auto [end, error] =
            std::from_chars(m_left.data(), m_left.data() + m_left.size(), value);
        if (error != std::errc())
            return std::nullopt;
        drop(static_cast<std::size_t>(end - m_left.data()));
        return value;
    }
    /// Whether the text follows, as whole words; takes it if so.
    bool take(std::string_view text)
    {
        if (m_left.substr(0, text.size()) != text ||
            (m_left.size() > text.size() && m_left[text.size()] != ' '))
            return false;
        drop(text.size());
        return true;
    }

private:
    void drop(std::size_t characters)
    {
        m_left.remove_prefix(characters);
        skip_blanks();
    }
    void skip_blanks()
    {
        m_left.remove_prefix(std::min(m_left.find_first_not_of(' '), m_left.size()));
    }

    std::string_view m_left;
};

// Names may have blanks in them, and may begin with another one's: the longest is meant.
std::string_view longest_name(const std::vector<glossary_entry>& in, const rest_of_line& rest,
                              std::string_view behind)
{
    std::string_view best;
    for (const glossary_entry& entry : in) {
        rest_of_line trial = rest;
        if (entry.name.size() > best.size() && trial.take(entry.name) &&
            (behind.empty() || trial.take(behind)))
            best = entry.name;
    }
    return best;
}

bool take_step(rest_of_line& rest, log_line& line)
{
    const std::pair<std::string_view, log_line::kind> marks[] = {{"begins", log_line::kind::begins},
                                                                 {"ends", log_line::kind::ends}};
    for (const auto& [word, kind] : marks)
        if (const auto name = longest_name(glossary_of_spans(), rest, word); !name.empty()) {
            line.step = name;
            line.what = kind;
            return rest.take(name) && rest.take(word);
        }
    line.step = longest_name(glossary_of_steps(), rest, "");
    return !line.step.empty() && rest.take(line.step);
}

// False: a number is missing, or none that there can be.
bool take_numbered(rest_of_line& rest, std::string_view name, std::optional<std::uint64_t>& number)
{
    if (!rest.take(name))
        return true;
    number = rest.number();
    return number.has_value();
}

bool take_subject(rest_of_line& rest, log_line& line)
{
    std::optional<std::uint64_t> ino;
    std::optional<std::uint64_t> page;
    std::optional<std::uint64_t> block;
    line.is_of_the_device = rest.take("device");
    if (!take_numbered(rest, "ino", ino) || !take_numbered(rest, "page", page) ||
        !take_numbered(rest, "block", block))
        return false;
    line.ino = inode_number(ino.value_or(0));
    line.is_of_a_page = page.has_value();
    line.page = page_index(page.value_or(0));
    if (block)
        line.block = static_cast<unsigned>(*block);
    if (rest.take("va")) {
        line.is_of_an_address = true;
        rest.word();
    }
    return true;
}

} // namespace

std::optional<log_line> parse_log_line(std::string_view text)
{
    rest_of_line rest(text);
    log_line line;
    const auto cycle = rest.number();
    if (!cycle)
        return std::nullopt;
    line.cycle = *cycle;
    line.where = rest.word();
    line.who = rest.word();
    if (!take_step(rest, line))
        return std::nullopt;
    if (!take_subject(rest, line))
        return std::nullopt;
    line.change = rest.left();
    return line;
}

} // namespace mkclean
