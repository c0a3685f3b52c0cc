#include "tb/verb_reference.h"
#include "tb/reference/bash_completion.h"
#include "tb/reference/man_pages.h"
#include "tb/reference/pages.h"

#include <array>
#include <ostream>

#include <fmt/format.h>

namespace mkclean
{
namespace
{

struct reference_page {
    const char* name;
    const char* about;
    std::string (*print)(const program&);
};

constexpr std::array<reference_page, 6> pages = {{
    {"man", "mkclean(1)", program_man_page},
    {"man-config", "mkclean.cfg(5)", config_man_page},
    {"bash-completion", "a script for bash to source", bash_completion},
    {"events", "docs/reference/events.md", [](const program&) { return events_page(); }},
    {"exit-codes", "docs/reference/exit-codes.md",
     [](const program&) { return exit_codes_page(); }},
    {"statistics", "docs/reference/statistics.md",
     [](const program&) { return statistics_page(); }},
}};

std::vector<std::string> page_names()
{
    std::vector<std::string> names;
    names.reserve(pages.size());
    for (const reference_page& page : pages)
        names.emplace_back(page.name);
    return names;
}

const reference_page& find_page(const std::string& name)
{
    for (const reference_page& page : pages)
        if (name == page.name)
            return page;
    throw input_error(origin(), fmt::format("no page is called {}{}", in_quotes(name),
                                            suggestion(name, page_names())));
}

std::string list_of_pages()
{
    std::string list = "\n";
    for (const reference_page& page : pages)
        list += fmt::format("  {:<15}  {}\n", page.name, page.about);
    return list;
}

} // namespace

verb reference_verb(const program& about, std::ostream& out)
{
    verb v;
    v.name = "reference";
    v.operands = "PAGE";
    v.kind = operand_kind::listed;
    v.listed = page_names();
    v.help = "prints a manual page, a page of docs/reference, or what completes words in bash";
    v.more = list_of_pages();
    v.least_operands = 1;
    v.most_operands = 1;
    v.takes_model_options = false;
    v.run = [&about, &out](const arguments& given) {
        out << find_page(given.operands.front()).print(about);
        return exit_code::as_expected;
    };
    return v;
}

} // namespace mkclean
