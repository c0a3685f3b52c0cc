#include "tb/lesson/rendering.h"
#include "sim/option_set.h"

#include <algorithm>
#include <filesystem>
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

static bool look_the_same(const life_step& a, const life_step& b)
{
    return a.where == b.where && a.who == b.who && a.step == b.step && a.block == b.block &&
           a.change == b.change && a.remark == b.remark && a.state == b.state;
}

std::vector<shown_step> shown_steps(const lesson& l, const run_record& of)
{
    std::vector<shown_step> shown;
    for (const life_step& s : of.life) {
        if (!l.shown.empty() && std::find(l.shown.begin(), l.shown.end(), s.step) == l.shown.end())
            continue;
        if (!shown.empty() && look_the_same(*shown.back().step, s))
            ++shown.back().times;
        else
            shown.push_back({&s, 1});
    }
    return shown;
}

static row row_of(const shown_step& shown)
{
    const life_step& s = *shown.step;
    const std::string change =
        shown.times == 1 ? s.change : fmt::format("{}, {} times", s.change, shown.times);
    return {"",      fmt::format("{}", s.cycle),
            s.where, s.who,
            s.step,  s.block,
            change,  s.remark.empty() ? "" : "<- " + s.remark};
}

static std::vector<row> rows_of_life(const lesson& l, const run_record& of)
{
    std::vector<row> rows = {{"", "cycle", "where", "who", "step", "", "change", ""}};
    for (const shown_step& s : shown_steps(l, of))
        rows.push_back(row_of(s));
    return rows;
}

// What the letters of the changes mean.
static std::string legend_of(const std::vector<row>& life)
{
    static const std::vector<std::pair<std::string, std::string>> meanings = {
        {"PTE ", "PTE and TLB: P present, W writable, D dirty."},
        {"PG ", "PG: L locked, D dirty, W under writeback."},
        {"BH ", "BH, a block's buffer: D dirty, L locked."},
        {"TAG ", "TAG: D dirty, W under writeback, T to be written by this sync."}};
    std::string text;
    for (const auto& [beginning, meaning] : meanings)
        if (std::any_of(life.begin(), life.end(), [begins = beginning](const row& r) {
                return begins_with(r[r.size() - 2], begins);
            }))
            text += (text.empty() ? "" : " ") + meaning;
    return text.empty() ? "" : '\n' + wrapped_text(text, margin);
}

static const std::vector<bool> numbers_of_life = {true,  true,  false, false,
                                                  false, false, false, false};

std::string life_table(const lesson& l, const run_record& of)
{
    const std::vector<row> rows = rows_of_life(l, of);
    return table_of(rows, numbers_of_life) + legend_of(rows);
}

std::string numbered_life_table(const lesson& l, const run_record& of)
{
    std::vector<row> rows = rows_of_life(l, of);
    for (std::size_t i = 1; i < rows.size(); ++i)
        rows[i].front() = fmt::format("{}", i);
    return table_of(rows, numbers_of_life) + legend_of(rows);
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

// Where a file is depends on the machine that this runs on.
static std::string text_before(const option_info& was)
{
    if (was.type == option_type::path)
        return std::filesystem::path(was.text).filename().string();
    return was.text == "default" ? "as the kernel has it" : was.text;
}

std::string changes_text(const lesson& l, const lesson_stage& stage, std::uint64_t seed)
{
    const lesson_machine before(l.settings_of_stage(l.first, seed));
    std::string text;
    for (const auto& [name, value] : stage.changes)
        text += fmt::format("{}{} = {}    (it was {})\n", margin, name, value,
                            text_before(before.options().info(name)));
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
