#include "tb/lesson/rendering.h"
#include "sim/option_set.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

namespace mkclean
{

namespace
{

using row = std::vector<std::string>;

constexpr const char* margin = "  ";

// As wide as they have to be; the columns of `right` end where numbers do.
std::string table_of(const std::vector<row>& rows, const std::vector<bool>& right)
{
    std::vector<std::size_t> widths(right.size(), 0);
    for (const row& r : rows)
        for (std::size_t i = 0; i < r.size(); ++i)
            widths[i] = std::max(widths[i], r[i].size());
    std::string text;
    for (const row& r : rows) {
        std::string line = margin;
        for (std::size_t i = 0; i < r.size(); ++i)
            if (widths[i] > 0)
                line += right[i] ? fmt::format("{:>{}}  ", r[i], widths[i])
                                 : fmt::format("{:<{}}  ", r[i], widths[i]);
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + '\n';
    }
    return text;
}

// The first line behind the label, the others under it.
std::string with_label(const std::string& label, const std::string& text)
{
    const std::string indent(label.size(), ' ');
    std::string wrapped = wrapped_text(text, indent);
    wrapped.replace(0, label.size(), label);
    return wrapped;
}

} // namespace

std::string heading_of(const lesson& l)
{
    return fmt::format("Lesson {}. {} ({}, {} minutes)", l.number, l.title, l.level, l.minutes);
}

std::string question_text(const lesson_question& q, const lesson_evidence& of)
{
    std::string text = wrapped_text(q.ask.told(of), "") + '\n';
    for (std::size_t i = 0; i < q.choices.size(); ++i)
        text += with_label(fmt::format("  {}) ", letter_of(i)), q.choices[i].words.told(of));
    return text;
}

std::vector<const life_step*> shown_steps(const lesson& l, const run_record& of)
{
    std::vector<const life_step*> shown;
    for (const life_step& s : of.life)
        if (l.shown.empty() || std::find(l.shown.begin(), l.shown.end(), s.step) != l.shown.end())
            shown.push_back(&s);
    return shown;
}

std::string life_table(const lesson& l, const run_record& of)
{
    std::vector<row> rows = {{"cycle", "where", "who", "step", "", "change", ""}};
    for (const life_step* const s : shown_steps(l, of))
        rows.push_back({fmt::format("{}", s->cycle), s->where, s->who, s->step, s->block, s->change,
                        s->remark.empty() ? "" : "<- " + s->remark});
    return table_of(rows, {true, false, false, false, false, false, false});
}

std::string figures_table(const lesson& l, const std::vector<lesson_evidence>& runs,
                          const std::vector<std::string>& titles)
{
    std::vector<row> rows;
    if (!titles.empty()) {
        rows.push_back({""});
        rows.back().insert(rows.back().end(), titles.begin(), titles.end());
    }
    for (const lesson_figure& f : l.figures) {
        row& r = rows.emplace_back(row{f.name});
        for (const lesson_evidence& run : runs)
            r.push_back(text_of(f.value.value(run)));
    }
    std::vector<bool> right(runs.size() + 1, true);
    right.front() = false;
    return table_of(rows, right);
}

std::string changes_text(const lesson& l, const lesson_stage& stage, std::uint64_t seed)
{
    const lesson_machine before(l.settings_of_stage(l.first, seed));
    std::string text;
    for (const auto& [name, value] : stage.changes)
        text += fmt::format("{}{} = {}    (it was {})\n", margin, name, value,
                            before.options().info(name).text);
    return text;
}

std::string fix_text(const lesson_fix& fix)
{
    std::string text;
    for (const auto& [name, value] : fix.changes)
        text += fmt::format("{}{} = {}\n", margin, name, value);
    return text;
}

std::string verdict_text(const fix_verdict& v)
{
    std::string text;
    for (const fix_verdict::line& one : v.lines)
        text += fmt::format("{}{:<6} {}\n", margin, one.holds ? "holds" : "FAILS", one.text);
    return v.passed() ? text : text + '\n' + wrapped_text(v.hint, "");
}

std::string links_text(const lesson& l)
{
    std::vector<row> rows;
    rows.reserve(l.links.size());
    for (const lesson_link& link : l.links)
        rows.push_back({name_of(link.what), link.to});
    return table_of(rows, {false, false});
}

} // namespace mkclean
