#include "tb/reference/man_pages.h"
#include "tb/reference/families.h"
#include "tb/reference/roff.h"
#include "tb/verb_options.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace mkclean
{
namespace
{

constexpr const char* introduction =
    "A virtual MMU, the page cache, the kernel's writeback, a filesystem and a disk, from a store "
    "into a shared mapping to the byte on the disk, cycle by cycle. A config says what machine, "
    "what kernel and what program; a run says what became of every byte that was stored.\n\n"
    "An experiment is one config or several, each laid over those before it, and options, which "
    "have the last word. Every option of the model, in mkclean.cfg(5), can stand in a config and, "
    "with two dashes before it, on the command line. With equal options two runs are equal to the "
    "byte.";

constexpr const char* how_words_are_read =
    "An option and its value are two words, or one with an equals sign between. A flag alone is "
    "on. Behind a lone \"--\" nothing is an option. Names cannot be shortened. \"mkclean VERB "
    "--help\" lists the options of a verb.";

using words = std::pair<const char*, const char*>;

constexpr std::array<words, 2> environment = {{
    {"NO_COLOR", "If it is not empty, tables have no colours. They have some only on a terminal."},
    {"TERM", "If it is \"dumb\", there are no colours and no progress line."},
}};

constexpr std::array<words, 2> files = {{
    {"/usr/share/mkclean/configs/",
     "The configs that belong to the program: experiments, and kernels, hardware and disks to lay "
     "over them. They are found from where the program is."},
    {"/usr/share/mkclean/configs/museum/", "The exhibits of \"mkclean museum\"."},
}};

constexpr std::array<words, 7> examples = {{
    {"mkclean run rtorrent-2006.cfg", "Linux 2.6.19 loses bytes."},
    {"mkclean run rtorrent-2006.cfg --kernel linux-2.6.20", "The fix."},
    {"mkclean run rtorrent-2006.cfg --json", "All figures, for a program to read."},
    {"mkclean run rtorrent-2006.cfg --vary cores=1..8*2",
     "A sweep: a row for 1, 2, 4 and 8 cores."},
    {"mkclean explore explore/lost-store.cfg", "Every order of a small program's steps."},
    {"mkclean museum zap-before-flush", "A bug that there has been, with it and without."},
    {"mkclean options tlb", "What can be set about the TLB."},
}};

std::string source_of(const program& about)
{
    return "mkclean " + about.version;
}

void add_own_options(roff_page& page, const verb& one)
{
    for (option_info option : one.own.all()) {
        if (option.name == "jobs") // of the host that the page is made on
            option.default_text = "one a processor";
        page.term("--" + option.name, value_shown(option), help_of(option));
    }
}

void add_verb(roff_page& page, const verb& one)
{
    page.subsection("mkclean " + one.name + operands_shown(one));
    page.paragraph(one.help);
    add_own_options(page, one);
    if (one.takes_model_options)
        page.paragraph("Every option of mkclean.cfg(5) is accepted too.");
    if (!one.more.empty())
        page.paragraph(one.more);
}

template <std::size_t n>
void add_terms(roff_page& page, const std::string& title, const std::array<words, n>& terms)
{
    page.section(title);
    for (const auto& [term, meaning] : terms)
        page.term(term, "", meaning);
}

void add_exit_codes(roff_page& page)
{
    page.section("EXIT STATUS");
    for (const exit_code_meaning& one : exit_code_meanings())
        page.term(std::to_string(one.code), "", fmt::format("{}. {}", one.meaning, one.more));
}

void add_examples(roff_page& page)
{
    page.section("EXAMPLES");
    page.paragraph("In the directory of the configs:");
    for (const auto& [command, meaning] : examples) {
        page.paragraph(meaning);
        page.example(command);
    }
}

constexpr const char* how_a_config_is_written =
    "A line is blank, a comment, a setting, a section or a use. A comment begins with # at the "
    "start of a line or behind a blank. A section puts its name and a dot before the names of the "
    "settings below it. A setting with += goes on where the last one of that name has ended, "
    "behind "
    "a blank. \"use\" stands before the first section and applies another file there, which is "
    "looked for beside this one. No name is set twice in a file; what later files and the command "
    "line say replaces what earlier ones said.";

constexpr const char* a_config = "# The race of 2006, on a small machine.\n"
                                 "use = kernel/linux-2.6.19.cfg\n"
                                 "cores = 2\n"
                                 "tlb.entries = 64\n"
                                 "[workload]\n"
                                 "kind = rtorrent     # workload.kind\n"
                                 "size = 4MiB";

std::string allowed(const option_info& option)
{
    return option.choices.empty() ? option.range_text
                                  : fmt::format("{}", fmt::join(option.choices, "|"));
}

std::string type_and_range(const option_info& option)
{
    std::string text = fmt::format(" ({}", name_of(option.type));
    if (!allowed(option).empty())
        text += ": " + allowed(option);
    if (!option.default_text.empty() && option.default_text != "default")
        text += "; default " + option.default_text;
    return text + ")";
}

std::string without_code_quotes(std::string text)
{
    text.erase(std::remove(text.begin(), text.end(), '`'), text.end());
    return text;
}

void add_family(roff_page& page, const option_family& family)
{
    page.subsection(family.name);
    page.paragraph(without_code_quotes(family.about) + ".");
    for (const option_info& option : family.options)
        page.term(option.name, "", option.help + type_and_range(option));
}

} // namespace

std::string program_man_page(const program& about)
{
    roff_page page("MKCLEAN", 1, source_of(about), "User Commands");
    page.section("NAME");
    page.line("mkclean - " + about.summary);
    page.section("SYNOPSIS");
    page.synopsis("mkclean", "VERB [CONFIG...] [--option value...]");
    page.synopsis("mkclean", "VERB --help");
    page.synopsis("mkclean", "--help | --version");
    page.section("DESCRIPTION");
    page.paragraph(introduction);
    page.paragraph(how_words_are_read);
    page.section("VERBS");
    for (const verb& one : about.verbs)
        add_verb(page, one);
    add_exit_codes(page);
    add_terms(page, "ENVIRONMENT", environment);
    add_terms(page, "FILES", files);
    add_examples(page);
    page.section("SEE ALSO");
    page.line("mkclean.cfg(5)");
    return page.text();
}

std::string config_man_page(const program& about)
{
    roff_page page("MKCLEAN.CFG", 5, source_of(about), "File Formats");
    page.section("NAME");
    page.line("mkclean.cfg - configs of mkclean(1), and every option of its model");
    page.section("DESCRIPTION");
    page.paragraph(how_a_config_is_written);
    page.example(a_config);
    page.section("VALUES");
    for (const auto& [type, written] : how_values_are_written())
        page.term(type, "", written);
    page.section("OPTIONS");
    for (const option_family& family : families_of(about.model))
        add_family(page, family);
    page.section("SEE ALSO");
    page.line("mkclean(1)");
    return page.text();
}

} // namespace mkclean
