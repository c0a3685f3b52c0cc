#include "tb/reference/pages.h"
#include "tb/command_line.h"
#include "tb/output/glossary.h"
#include "tb/output/statistics_words.h"
#include "tb/reference/families.h"
#include "tb/reference/markdown.h"
#include "tb/verb_options.h"

#include <fmt/format.h>

namespace mkclean
{
namespace
{

std::string families_table(const std::vector<option_family>& families)
{
    std::vector<std::vector<std::string>> rows = {{"family", "options", "about"}};
    for (const option_family& family : families)
        rows.push_back({fmt::format("[{0}](#{0})", family.name),
                        std::to_string(family.options.size()), family.about});
    return markdown_table(rows);
}

std::string values_table()
{
    std::vector<std::vector<std::string>> rows = {{"type", "is written"}};
    for (const auto& [type, examples] : how_values_are_written())
        rows.push_back({type, code_quoted(examples)});
    return markdown_table(rows);
}

std::string allowed(const option_info& option)
{
    std::string all;
    for (const std::string& choice : option.choices)
        all += (all.empty() ? "" : ", ") + code_quoted(choice);
    return all.empty() ? option.range_text : all;
}

std::string family_table(const option_family& family)
{
    std::vector<std::vector<std::string>> rows = {
        {"option", "type", "unit", "default", "allowed", "meaning"}};
    for (const option_info& option : family.options)
        rows.push_back({code_quoted(option.name), std::string(name_of(option.type)), option.unit,
                        code_quoted(option.default_text), allowed(option),
                        names_code_quoted(option.help)});
    return markdown_table(rows);
}

} // namespace

std::string options_page(const option_set& options)
{
    const std::vector<option_family> families = families_of(options);
    std::string page =
        "# Options\n\n"
        "Printed by `mkclean options --markdown`; each stands where its struct is declared "
        "(`*/options.cpp`).\n\n"
        "A config sets them as `tlb.entries = 64`, the command line as `--tlb.entries 64`; the "
        "command line has the last\nword. `mkclean options --config CONFIG...` prints what all of "
        "them come to. The unit is the one\nin which `--csv` writes it.\n\n" +
        families_table(families) + '\n' + values_table();
    for (const option_family& family : families)
        page += fmt::format("\n## {}\n\n{}.\n\n", family.name, family.about) + family_table(family);
    return page;
}

std::string exit_codes_page()
{
    std::vector<std::vector<std::string>> rows = {{"code", "means", "in particular"}};
    for (const exit_code_meaning& one : exit_code_meanings())
        rows.push_back({std::to_string(one.code), one.meaning, one.more});
    return "# Exit codes\n\nPrinted by `mkclean reference exit-codes`.\n\n" + markdown_table(rows) +
           "\nA sweep, and `museum --all`, end with the worst code that one of their runs has "
           "ended "
           "with: 130 is worse than\n70, 3, 2, 1 and 0.\n";
}

static std::string glossary_table(const char* of, const std::vector<glossary_entry>& entries)
{
    std::vector<std::vector<std::string>> rows = {
        {of, "means", "whose code it is", "to be read in"}};
    for (const glossary_entry& entry : entries)
        rows.push_back({code_quoted(std::string(entry.name)), std::string(entry.words),
                        std::string(entry.function), std::string(entry.source)});
    return markdown_table(rows);
}

std::string events_page()
{
    return "# Events\n\n"
           "Printed by `mkclean reference events`; the words stand in `tb/output/glossary.cpp`.\n\n"
           "What `--log` writes a line of, `--trace` an instant, and the report a step: everything "
           "that anybody could have seen.\nThe versions of Linux are those that have the function "
           "by that name in that file; which kernel a run models, its\noptions say.\n\n"
           "## Steps\n\n" +
           glossary_table("step", glossary_of_steps()) +
           "\n## Functions\n\nThey begin and end (`do_fsync begins`, `do_fsync ends`); in between "
           "are the steps that they take.\n\n" +
           glossary_table("function", glossary_of_spans());
}

/// "vm" of "/vm/pgfault".
static std::string group_of(const figure_words& figure)
{
    return figure.pointer.substr(1, figure.pointer.find('/', 1) - 1);
}

static std::string group_table(const std::string& group)
{
    std::vector<std::vector<std::string>> rows = {{"figure", "unit", "what it is"}};
    for (const figure_words& figure : figures())
        if (group_of(figure) == group)
            rows.push_back({code_quoted(figure.pointer), figure.unit, figure.meaning});
    return markdown_table(rows);
}

std::string statistics_page()
{
    std::string page =
        "# Statistics\n\n"
        "Printed by `mkclean reference statistics`; the words stand in "
        "`tb/output/statistics_words.cpp`.\n\n"
        "What `mkclean run --stats FILE` writes, and `--json` prints, is one JSON object. A figure "
        "is named by its pointer\n(RFC 6901), which is what `sweep.columns` takes as well; `*` is "
        "any element of an array, counted from 0, or any\noption. A sweep's is an array of such "
        "objects, each with what varied under `vary`; of a point that failed it has `error`\n"
        "instead, with the exit code and what was said. Where there is no unit a figure is a "
        "count, "
        "a name or yes or no. All but\n`host` is equal, to the byte, whenever the same config is "
        "run.\n";
    std::string group;
    for (const figure_words& figure : figures()) {
        if (group_of(figure) == group)
            continue;
        group = group_of(figure);
        page += "\n## " + group + "\n\n" + group_table(group);
    }
    return page;
}

} // namespace mkclean
