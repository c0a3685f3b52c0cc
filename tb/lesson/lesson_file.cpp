#include "tb/lesson/lesson_file.h"
#include "sim/option_set.h"
#include "tb/config.h"
#include "tb/output/glossary.h"
#include "tb/text_file.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include <fmt/format.h>

namespace mkclean
{

namespace
{

constexpr std::size_t fewest_choices = 2;
constexpr std::size_t most_choices = 6;
constexpr std::size_t digits_of_number = 2;

struct directive {
    std::string name;
    std::string rest; ///< paragraphs are separated by an empty line
    origin where;
};

std::string trimmed(std::string_view text)
{
    const std::size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
    const std::size_t end = text.find_last_not_of(" \t") + 1;
    return std::string(text.substr(begin, std::max(begin, end) - begin));
}

bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

// Lines that go on with a directive, put together.
std::vector<directive> directives_of(std::string_view content, const std::string& path)
{
    std::vector<directive> all;
    bool paragraph = false;
    content = without_byte_order_mark(content);
    for (unsigned number = 1; !content.empty(); ++number) {
        const std::string_view line = take_line(content);
        const origin where{path, number};
        if (!is_printable(line))
            throw input_error(where, "expected printable text in UTF-8, got " + in_quotes(line));
        const std::string words = trimmed(line);
        if (words.empty()) {
            paragraph = true;
        } else if (is_blank(line.front())) {
            if (all.empty())
                throw input_error(where, "expected a directive at the start of the line");
            std::string& rest = all.back().rest;
            rest += rest.empty() ? "" : paragraph ? "\n\n" : " ";
            rest += words;
            paragraph = false;
        } else if (line.front() != '#') {
            const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
            all.push_back({std::string(line.substr(0, end)), trimmed(line.substr(end)), where});
            paragraph = false;
        }
    }
    return all;
}

std::vector<std::string> words_of(const std::string& text)
{
    std::istringstream in(text);
    std::vector<std::string> words;
    for (std::string word; in >> word;)
        words.push_back(word);
    return words;
}

std::uint64_t number_of(const std::string& word, const std::string& what, const origin& where)
{
    try {
        return parse_whole_number(option_type::count, word);
    } catch (const bad_value&) {
        throw input_error(where, fmt::format("expected {}, got {}", what, in_quotes(word)));
    }
}

class lesson_reader
{
public:
    explicit lesson_reader(const std::string& path)
    {
        m_lesson.path = path;
        m_stage = &m_lesson.first;
        m_lesson.first.where = {path, 0};
        m_bound.declare(m_model);
        read_name();
    }

    lesson read()
    {
        const origin nobody;
        for (const directive& d :
             directives_of(read_text_file(m_lesson.path, nobody), m_lesson.path))
            apply(d);
        check_all();
        return std::move(m_lesson);
    }

private:
    struct verb {
        const char* name;
        void (lesson_reader::*apply)(const directive&);
        bool needs_words = true;
    };

    static const std::vector<verb>& verbs()
    {
        static const std::vector<verb> all = {
            {"title", &lesson_reader::read_title},
            {"level", &lesson_reader::read_level},
            {"minutes", &lesson_reader::read_minutes},
            {"config", &lesson_reader::read_config_name},
            {"page", &lesson_reader::read_page},
            {"since", &lesson_reader::read_since},
            {"show", &lesson_reader::read_show},
            {"figure", &lesson_reader::read_figure},
            {"vary", &lesson_reader::read_vary},
            {"text", &lesson_reader::read_stage_text},
            {"question", &lesson_reader::read_question},
            {"choice", &lesson_reader::read_choice},
            {"when", &lesson_reader::read_when},
            {"why", &lesson_reader::read_why},
            {"why_not", &lesson_reader::read_why_not},
            {"golden", &lesson_reader::read_golden, false},
            {"break", &lesson_reader::read_break},
            {"fix", &lesson_reader::read_fix},
            {"task", &lesson_reader::read_task},
            {"must", &lesson_reader::read_must},
            {"may_change", &lesson_reader::read_may_change},
            {"may_not_change", &lesson_reader::read_may_not_change},
            {"hint", &lesson_reader::read_hint},
            {"wrong_fix", &lesson_reader::read_wrong_fix},
            {"golden_fix", &lesson_reader::read_golden_fix},
            {"tip", &lesson_reader::read_tip},
            {"link", &lesson_reader::read_link},
        };
        return all;
    }

    void apply(const directive& d)
    {
        std::vector<std::string> names;
        for (const verb& v : verbs()) {
            if (d.name == v.name) {
                if (v.needs_words == d.rest.empty())
                    throw input_error(d.where,
                                      fmt::format("{}: expected {} behind it", d.name,
                                                  v.needs_words ? "something" : "nothing"));
                return (this->*v.apply)(d);
            }
            names.emplace_back(v.name);
        }
        throw input_error(d.where, fmt::format("expected a directive, got {}{}", in_quotes(d.name),
                                               suggestion(d.name, names)));
    }

    void read_name()
    {
        const std::filesystem::path path(m_lesson.path);
        m_lesson.slug = path.stem().string();
        m_lesson.config = std::filesystem::path(path).replace_extension(".cfg").string();
        const std::string digits = m_lesson.slug.substr(0, digits_of_number);
        const bool numbered = digits.size() == digits_of_number &&
                              digits.find_first_not_of("0123456789") == std::string::npos;
        if (!numbered)
            throw input_error({m_lesson.path, 0},
                              "expected a name that begins with two digits, as 01-a-store.lesson");
        m_lesson.number = static_cast<unsigned>(std::stoul(digits));
    }

    // ---- what it is about -----------------------------------------------------------------------

    void read_title(const directive& d) { m_lesson.title = d.rest; }

    void read_level(const directive& d)
    {
        const std::vector<std::string> levels = {"easy", "moderate", "hard"};
        if (std::find(levels.begin(), levels.end(), d.rest) == levels.end())
            throw input_error(d.where, "expected easy, moderate or hard, got " + in_quotes(d.rest) +
                                           suggestion(d.rest, levels));
        m_lesson.level = d.rest;
    }

    void read_minutes(const directive& d)
    {
        m_lesson.minutes = static_cast<unsigned>(number_of(d.rest, "minutes", d.where));
    }

    void read_config_name(const directive& d)
    {
        m_lesson.config = std::filesystem::path(m_lesson.path).replace_filename(d.rest).string();
    }

    void read_page(const directive& d)
    {
        const std::vector<std::string> words = words_of(d.rest);
        if (words.size() != 2)
            throw input_error(d.where, "expected an inode and a page, got " + in_quotes(d.rest));
        m_lesson.page.ino = number_of(words[0], "an inode's number", d.where);
        m_lesson.page.page = number_of(words[1], "a page's number", d.where);
    }

    void read_since(const directive& d) { m_lesson.page.since = step_named(d.rest, d.where); }

    void read_show(const directive& d)
    {
        std::istringstream names(d.rest);
        for (std::string name; std::getline(names, name, ',');)
            m_lesson.shown.push_back(step_named(trimmed(name), d.where));
    }

    static std::string step_named(const std::string& name, const origin& where)
    {
        std::vector<std::string> known;
        for (const glossary_entry& entry : glossary_of_steps())
            known.emplace_back(entry.name);
        if (explain_step(name) == nullptr)
            throw input_error(where, fmt::format("no step is called {}{}", in_quotes(name),
                                                 suggestion(name, known)));
        return name;
    }

    void read_figure(const directive& d)
    {
        const std::size_t equals = d.rest.find('=');
        if (equals == std::string::npos)
            throw input_error(d.where, "expected NAME = EXPRESSION, got " + in_quotes(d.rest));
        m_lesson.figures.push_back(
            {trimmed(d.rest.substr(0, equals)),
             lesson_expression(trimmed(d.rest.substr(equals + 1)), d.where, m_variables)});
    }

    void read_vary(const directive& d)
    {
        std::vector<std::string> words = words_of(d.rest);
        if (words.size() < 6 || words[1] != "=" || words[3] != "from")
            throw input_error(d.where, "expected NAME = OPTION from two values or more, got " +
                                           in_quotes(d.rest));
        lesson_variable v;
        v.name = words[0];
        v.option = words[2];
        v.values.assign(words.begin() + 4, words.end());
        for (const std::string& value : v.values) {
            check_option(v.option, value, d.where);
            if (std::count(v.values.begin(), v.values.end(), value) > 1)
                throw input_error(d.where,
                                  "expected each value once, got twice " + in_quotes(value));
        }
        m_variables.push_back(v.name);
        m_lesson.variables.push_back(std::move(v));
    }

    // ---- questions ------------------------------------------------------------------------------

    lesson_text text_of(const directive& d) const { return {d.rest, d.where, m_variables}; }

    lesson_text text_before_run(const directive& d) const
    {
        lesson_text text = text_of(d);
        if (text.needs_run())
            throw input_error(d.where, d.name + ": nothing has been run yet where this is read");
        return text;
    }

    void read_stage_text(const directive& d) { m_stage->text = text_before_run(d); }

    void read_question(const directive& d)
    {
        if (!m_stage->question.ask.empty())
            throw input_error(d.where, "question: there is one already");
        m_stage->question.ask = text_before_run(d);
        m_stage->question.where = d.where;
    }

    void read_choice(const directive& d)
    {
        if (m_stage->question.ask.empty())
            throw input_error(d.where, "choice: expected a question before it");
        lesson_choice& made = m_stage->question.choices.emplace_back();
        made.words = text_before_run(d);
        made.where = d.where;
    }

    lesson_choice& last_choice(const directive& d)
    {
        if (m_stage->question.choices.empty())
            throw input_error(d.where, d.name + ": expected a choice before it");
        return m_stage->question.choices.back();
    }

    void read_when(const directive& d)
    {
        last_choice(d).when = lesson_expression(d.rest, d.where, m_variables);
    }

    void read_why(const directive& d) { last_choice(d).why = text_of(d); }
    void read_why_not(const directive& d) { last_choice(d).why_not = text_of(d); }
    void read_golden(const directive& d) { last_choice(d).is_golden = true; }

    void read_break(const directive& d)
    {
        m_stage = &m_lesson.broken;
        m_stage->where = d.where;
        m_stage->changes = options_of(d);
    }

    // ---- the task -------------------------------------------------------------------------------

    void read_fix(const directive& d)
    {
        if (d.rest != "base" && d.rest != "broken")
            throw input_error(d.where, "expected base or broken, got " + in_quotes(d.rest) +
                                           suggestion(d.rest, {"base", "broken"}));
        m_lesson.task.where = d.where;
        m_lesson.task.of_broken = d.rest == "broken";
    }

    void read_task(const directive& d) { m_lesson.task.text = text_of(d); }

    void read_must(const directive& d)
    {
        add_condition(d).must = lesson_expression(d.rest, d.where, m_variables);
    }

    void read_may_change(const directive& d) { read_options(d, true); }
    void read_may_not_change(const directive& d) { read_options(d, false); }

    void read_options(const directive& d, bool allowed)
    {
        lesson_condition& made = add_condition(d);
        made.are_allowed = allowed;
        made.options = words_of(d.rest);
        take_most(d, made);
        for (const std::string& name : made.options)
            check_pattern(name, d.where);
    }

    static void take_most(const directive& d, lesson_condition& of)
    {
        if (of.options.front() != "at_most")
            return;
        if (of.options.size() < 3 || !of.are_allowed)
            throw input_error(d.where, "expected may_change at_most NUMBER OPTION...");
        of.most = number_of(of.options[1], "a number of options", d.where);
        of.options.erase(of.options.begin(), of.options.begin() + 2);
    }

    lesson_condition& add_condition(const directive& d)
    {
        lesson_condition& made = m_lesson.task.conditions.emplace_back();
        made.where = d.where;
        return made;
    }

    lesson_condition& last_condition(const directive& d)
    {
        if (m_lesson.task.conditions.empty())
            throw input_error(d.where,
                              d.name + ": expected must, may_change or may_not_change before it");
        return m_lesson.task.conditions.back();
    }

    void read_hint(const directive& d) { last_condition(d).hint = text_of(d); }

    void read_wrong_fix(const directive& d)
    {
        last_condition(d).wrong_fixes.push_back({options_of(d), d.where});
    }

    void read_golden_fix(const directive& d) { m_lesson.task.golden = {options_of(d), d.where}; }

    // ---- around it ------------------------------------------------------------------------------

    void read_tip(const directive& d) { m_lesson.tips.push_back(text_of(d)); }

    void read_link(const directive& d)
    {
        const std::size_t end = std::min(d.rest.find(' '), d.rest.size());
        const std::string what = d.rest.substr(0, end);
        std::vector<std::string> names;
        for (const auto one :
             {lesson_link::kind::kernel, lesson_link::kind::commit, lesson_link::kind::museum,
              lesson_link::kind::docs, lesson_link::kind::config}) {
            if (what == name_of(one)) {
                m_lesson.links.push_back({one, trimmed(d.rest.substr(end))});
                return;
            }
            names.emplace_back(name_of(one));
        }
        throw input_error(d.where, fmt::format("expected {}, got {}{}", fmt::join(names, ", "),
                                               in_quotes(what), suggestion(what, names)));
    }

    // ---- options --------------------------------------------------------------------------------

    option_values options_of(const directive& d) const
    {
        option_values values = parse_option_values(d.rest, d.where);
        for (const auto& [name, value] : values)
            check_option(name, value, d.where);
        return values;
    }

    void check_option(const std::string& name, const std::string& value, const origin& where) const
    {
        m_model.canonical(name, value, where);
    }

    void check_pattern(const std::string& pattern, const origin& where) const
    {
        const std::size_t star = pattern.find('*');
        const std::vector<std::string> names = m_model.names();
        const bool known = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
            return star == std::string::npos ? name == pattern
                                             : begins_with(name, pattern.substr(0, star));
        });
        if (!known)
            throw input_error(where, fmt::format("no option is called {}{}", in_quotes(pattern),
                                                 suggestion(pattern, names)));
    }

    // ---- whether all is there -------------------------------------------------------------------

    void need(bool there, const char* what, const origin& where) const
    {
        if (!there)
            throw input_error(where, fmt::format("expected {} in this lesson", what));
    }

    void check_all() const
    {
        const origin file{m_lesson.path, 0};
        need(!m_lesson.title.empty(), "a title", file);
        need(!m_lesson.level.empty(), "a level", file);
        need(m_lesson.minutes > 0, "minutes", file);
        need(!m_lesson.figures.empty(), "a figure", file);
        need(!m_lesson.broken.changes.empty(), "break", file);
        need(!m_lesson.tips.empty(), "a tip", file);
        need(!m_lesson.links.empty(), "a link", file);
        check_stage(m_lesson.first);
        check_stage(m_lesson.broken);
        check_task(file);
    }

    void check_stage(const lesson_stage& stage) const
    {
        need(!stage.text.empty(), "a text", stage.where);
        const lesson_question& q = stage.question;
        need(!q.ask.empty(), "a question", stage.where);
        need(q.choices.size() >= fewest_choices && q.choices.size() <= most_choices,
             "two to six choices", q.where);
        for (const lesson_choice& c : q.choices) {
            need(c.when.has_value(), "when, behind this choice", c.where);
            need(!c.why.empty(), "why, behind this choice", c.where);
        }
        const auto golden = std::count_if(q.choices.begin(), q.choices.end(),
                                          [](const lesson_choice& c) { return c.is_golden; });
        need(golden == 1, "one golden choice", q.where);
    }

    void check_task(const origin& file) const
    {
        const lesson_task& task = m_lesson.task;
        need(task.where.line > 0, "fix", file);
        need(!task.text.empty(), "a task", task.where);
        need(!task.golden.changes.empty(), "a golden_fix", task.where);
        const auto& all = task.conditions;
        need(std::any_of(all.begin(), all.end(),
                         [](const lesson_condition& c) { return c.must.has_value(); }),
             "must", task.where);
        need(std::any_of(all.begin(), all.end(),
                         [](const lesson_condition& c) { return !c.wrong_fixes.empty(); }),
             "a wrong_fix", task.where);
        for (const lesson_condition& c : all)
            need(!c.hint.empty(), "a hint, behind this condition", c.where);
    }

    lesson m_lesson;
    lesson_stage* m_stage;
    std::vector<std::string> m_variables;
    config m_bound; // what the options of m_model write to
    option_set m_model;
};

} // namespace

option_values parse_option_values(std::string_view text, const origin& where)
{
    option_values values;
    for (const std::string& word : words_of(std::string(text))) {
        const std::size_t equals = word.find('=');
        if (equals == std::string::npos || equals == 0 || equals + 1 == word.size())
            throw input_error(where, "expected OPTION=VALUE, got " + in_quotes(word));
        values.emplace_back(word.substr(0, equals), word.substr(equals + 1));
    }
    return values;
}

lesson read_lesson(const std::string& path)
{
    return lesson_reader(path).read();
}

} // namespace mkclean
