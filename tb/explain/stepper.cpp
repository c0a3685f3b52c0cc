#include "tb/explain/stepper.h"
#include "tb/output/glossary.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace mkclean
{

namespace
{

std::string or_dashes(const std::string& text, const char* dashes)
{
    return text.empty() ? dashes : text;
}

std::string tlbs_text(const known_state& s)
{
    std::string text;
    for (const auto& [core, entry] : s.tlb)
        if (entry != "---")
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ", core, entry);
    return or_dashes(text, "---");
}

std::string buffers_text(const known_state& s)
{
    std::string text;
    for (const auto& [block, state] : s.buffers)
        text += (text.empty() ? "" : " ") + state;
    return or_dashes(text, "--");
}

std::string state_text(const known_state& s)
{
    return fmt::format("PTE {}  TLB {}  PG {}  TAG {}  BH {}  memory v{}", or_dashes(s.pte, "---"),
                       tlbs_text(s), or_dashes(s.flags, "---"), or_dashes(s.tags, "---"),
                       buffers_text(s), s.stores);
}

// What a page's dirtiness can be read from, so that two states can be compared.
std::string dirtiness(const known_state& s)
{
    const auto has = [](const std::string& text, std::size_t at, char letter) {
        return at < text.size() && text[at] == letter ? 'D' : '-';
    };
    std::string d = {has(s.pte, 2, 'D'), has(s.flags, 1, 'D'), has(s.tags, 0, 'D')};
    for (const auto& [block, state] : s.buffers)
        d += has(state, 0, 'D');
    return d;
}

std::string name_of(const log_line& line)
{
    switch (line.what) {
    case log_line::kind::begins:
        return line.step + " begins";
    case log_line::kind::ends:
        return line.step + " ends";
    case log_line::kind::step:
        break;
    }
    return line.block ? fmt::format("{} (block {})", line.step, *line.block) : line.step;
}

const glossary_entry* entry_of(const log_line& line)
{
    return line.what == log_line::kind::step ? explain_step(line.step) : explain_span(line.step);
}

std::size_t next_dirty_change(const page_life& life, std::size_t from)
{
    for (std::size_t at = from + 1; at < life.steps.size(); ++at)
        if (dirtiness(life.steps[at].after) != dirtiness(life.steps[at - 1].after))
            return at;
    return life.steps.size() - 1;
}

std::size_t last_dirty_change(const page_life& life, std::size_t from)
{
    for (std::size_t at = from; at-- > 1;)
        if (dirtiness(life.steps[at].after) != dirtiness(life.steps[at - 1].after))
            return at;
    return 0;
}

/// Where what was typed leads to; the same place if it is nothing that is known.
std::size_t follow(const page_life& life, std::size_t at, const std::string& typed,
                   std::ostream& out)
{
    const std::size_t last = life.steps.size() - 1;
    if (typed.empty() || typed == "n")
        return std::min(at + 1, last);
    if (typed == "b")
        return at == 0 ? 0 : at - 1;
    if (typed == "d")
        return next_dirty_change(life, at);
    if (typed == "D")
        return last_dirty_change(life, at);
    std::size_t number = 0;
    const char* const end = typed.data() + typed.size();
    if (const auto parsed = std::from_chars(typed.data(), end, number);
        parsed.ec == std::errc() && parsed.ptr == end && number >= 1 && number <= last + 1)
        return number - 1;
    out << fmt::format("Enter or n: next, b: back, 1..{}: that step, d and D: next and last change "
                       "of dirtiness, q: quit\n",
                       last + 1);
    return at;
}

} // namespace

std::string step_text(const page_life& life, std::size_t number)
{
    const page_life::step& s = life.steps.at(number);
    std::string text =
        fmt::format("{} of {}   cycle {}   {} {}\n  {}", number + 1, life.steps.size(),
                    s.line.cycle, s.line.where, s.line.who, name_of(s.line));
    if (!s.line.change.empty())
        text += "   " + s.line.change;
    text += '\n';
    if (const glossary_entry* const entry = entry_of(s.line)) {
        text += fmt::format("  {}\n", entry->words);
        text += fmt::format("  in {}{}{}\n", entry->function, entry->source.empty() ? "" : ": ",
                            entry->source);
    }
    return text + "  " + state_text(s.after) + '\n';
}

std::string life_table(const page_life& life)
{
    std::string text;
    for (std::size_t at = 0; at < life.steps.size(); ++at) {
        const page_life::step& s = life.steps[at];
        text += fmt::format("{:>5} {:>14}  {:<6} {:<10} {:<34} {}\n", at + 1, s.line.cycle,
                            s.line.where, s.line.who, name_of(s.line), state_text(s.after));
    }
    return text;
}

void step_through(const page_life& life, std::istream& in, std::ostream& out)
{
    std::size_t at = 0;
    out << step_text(life, at) << "> " << std::flush;
    for (std::string typed; std::getline(in, typed) && typed != "q";) {
        const std::size_t next = follow(life, at, typed, out);
        if (next != at || typed.empty())
            out << step_text(life, next);
        at = next;
        out << "> " << std::flush;
    }
    out << '\n';
}

} // namespace mkclean
