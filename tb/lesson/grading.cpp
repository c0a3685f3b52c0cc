#include "tb/lesson/grading.h"
#include "sim/option_set.h"

#include <algorithm>

#include <fmt/format.h>

namespace mkclean
{

char letter_of(std::size_t choice)
{
    return static_cast<char>('a' + static_cast<int>(choice));
}

std::size_t right_choice(const lesson_question& q, const lesson_evidence& of)
{
    std::vector<std::size_t> right;
    std::string letters;
    for (std::size_t i = 0; i < q.choices.size(); ++i)
        if (q.choices[i].when->holds(of)) {
            right.push_back(i);
            letters += fmt::format("{}{}", letters.empty() ? "" : ", ", letter_of(i));
        }
    if (right.size() != 1)
        throw input_error(q.where, fmt::format("expected one right choice in this run, got {}",
                                               right.empty() ? "none" : letters));
    return right.front();
}

std::size_t golden_choice(const lesson_question& q)
{
    const auto found = std::find_if(q.choices.begin(), q.choices.end(),
                                    [](const lesson_choice& c) { return c.is_golden; });
    return static_cast<std::size_t>(found - q.choices.begin());
}

lesson_evidence lesson_runs::of_first(const lesson& l, std::uint64_t seed) const
{
    return {&first, nullptr, l.chosen_names(seed)};
}

lesson_evidence lesson_runs::of_broken(const lesson& l, std::uint64_t seed) const
{
    return {&broken, &first, l.chosen_names(seed)};
}

lesson_run run_stage(const lesson& l, const lesson_stage& stage, std::uint64_t seed)
{
    return run_lesson(lesson_machine(l.settings_of_stage(stage, seed)), l.page);
}

lesson_runs run_both(const lesson& l, std::uint64_t seed)
{
    return {run_stage(l, l.first, seed), run_stage(l, l.broken, seed)};
}

const lesson_condition* fix_verdict::first_failed() const
{
    const auto found =
        std::find_if(lines.begin(), lines.end(), [](const line& one) { return !one.holds; });
    return found == lines.end() ? nullptr : found->of;
}

namespace
{

bool is_meant(const std::string& name, const std::vector<std::string>& patterns)
{
    return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
        const std::size_t star = pattern.find('*');
        return star == std::string::npos ? name == pattern
                                         : begins_with(name, pattern.substr(0, star));
    });
}

std::vector<std::string> changed_options(const lesson_machine& from, const lesson_machine& to)
{
    std::vector<std::string> changed;
    for (const option_info& about : from.options().all())
        if (about.text != to.options().info(about.name).text)
            changed.push_back(about.name);
    return changed;
}

std::string text_of_condition(const lesson_condition& c)
{
    if (c.must)
        return c.must->text();
    const std::string names = fmt::format("{}", fmt::join(c.options, " "));
    if (!c.are_allowed)
        return "does not change " + names;
    return c.most ? fmt::format("changes at most {} of {}", *c.most, names)
                  : "changes nothing but " + names;
}

std::string text_of_fix(const lesson_fix& fix)
{
    std::string text;
    for (const auto& [name, value] : fix.changes)
        text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, value);
    return text;
}

} // namespace

/// Of one fix, condition by condition.
class fix_checker::judgement
{
public:
    explicit judgement(const lesson& l) : m_lesson(l) {}

    /// Whether the fix changes nothing else than it may.
    bool judge_changes(const variant& v, const std::vector<setting>& fix)
    {
        const std::vector<std::string> changed =
            changed_options(lesson_machine(v.given), lesson_machine(laid_over(v.given, fix)));
        for (const lesson_condition& c : m_lesson.task.conditions)
            if (!c.must)
                note(c, keeps(c, changed), {nullptr, nullptr, v.chosen});
        return m_verdict.passed();
    }

    void judge_run(const lesson_evidence& of)
    {
        for (const lesson_condition& c : m_lesson.task.conditions)
            if (c.must)
                note(c, c.must->holds(of), of);
    }

    fix_verdict take() { return std::move(m_verdict); }

    static std::vector<setting> laid_over(std::vector<setting> below,
                                          const std::vector<setting>& above)
    {
        below.insert(below.end(), above.begin(), above.end());
        return below;
    }

private:
    static bool keeps(const lesson_condition& c, const std::vector<std::string>& changed)
    {
        return (!c.most || changed.size() <= *c.most) &&
               std::all_of(changed.begin(), changed.end(), [&](const std::string& name) {
                   return is_meant(name, c.options) == c.are_allowed;
               });
    }

    void note(const lesson_condition& c, bool holds, const lesson_evidence& of)
    {
        fix_verdict::line& line = line_of(c);
        if (holds || !line.holds)
            return;
        line.holds = false;
        line.text += c.must ? text_of_variant(of.chosen) : "";
        if (m_verdict.passed())
            m_verdict.hint = c.hint.told(of);
    }

    fix_verdict::line& line_of(const lesson_condition& c)
    {
        auto& lines = m_verdict.lines;
        const auto known = std::find_if(lines.begin(), lines.end(),
                                        [&](const auto& line) { return line.of == &c; });
        return known != lines.end()
                   ? *known
                   : lines.emplace_back(fix_verdict::line{&c, true, text_of_condition(c)});
    }

    static std::string text_of_variant(const std::map<std::string, std::string>& chosen)
    {
        std::string text;
        for (const auto& [name, value] : chosen)
            text += fmt::format("{}{} = {}", text.empty() ? ", for " : ", ", name, value);
        return text;
    }

    const lesson& m_lesson;
    fix_verdict m_verdict;
};

fix_checker::fix_checker(const lesson& l) : m_lesson(l)
{
    for (const std::uint64_t seed : l.seeds_of_variants())
        m_variants.push_back(
            {l.chosen_names(seed), l.settings_of_stage(l.to_be_fixed(), seed), std::nullopt});
}

const lesson_run& fix_checker::run_before(variant& v) const
{
    if (!v.before)
        v.before = run_lesson(lesson_machine(v.given), m_lesson.page);
    return *v.before;
}

fix_verdict fix_checker::check(const std::vector<setting>& fix)
{
    judgement j(m_lesson);
    if (!j.judge_changes(m_variants.front(), fix))
        return j.take();
    for (variant& v : m_variants) {
        const lesson_machine mended(judgement::laid_over(v.given, fix));
        const lesson_run after = run_lesson(mended, m_lesson.page);
        j.judge_run({&after, &run_before(v), v.chosen});
    }
    return j.take();
}

std::string fix_checker::complaint()
{
    const fix_verdict golden = check(m_lesson.task.golden);
    if (!golden.passed())
        return fmt::format("{}: the golden fix {} fails: {}", describe(m_lesson.task.golden.where),
                           text_of_fix(m_lesson.task.golden), golden.hint);
    for (const lesson_condition& c : m_lesson.task.conditions)
        for (const lesson_fix& wrong : c.wrong_fixes) {
            const fix_verdict v = check(wrong);
            if (v.first_failed() != &c)
                return fmt::format("{}: the wrong fix {} {}", describe(wrong.where),
                                   text_of_fix(wrong),
                                   v.passed() ? "passes" : "fails otherwise: " + v.hint);
        }
    return "";
}

} // namespace mkclean
