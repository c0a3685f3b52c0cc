#include "tb/lesson/handout.h"
#include "tb/lesson/rendering.h"
#include "tb/lesson/wave.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace mkclean
{

namespace
{

constexpr std::uint64_t seed = 1;

constexpr const char* style =
    "body{font:11pt/1.4 serif;max-width:42em;margin:2em auto;padding:0 1em}"
    "h1{font-size:1.5em}h2{font-size:1.15em;margin-top:1.6em}"
    "pre{font:7.5pt/1.35 monospace;overflow-x:auto;border:1px solid #999;padding:.6em}"
    "ul.choices{list-style:none;padding-left:.5em}ul.choices li{margin:.4em 0}"
    ".box{display:inline-block;width:.8em;height:.8em;border:1px solid #000;margin-right:.6em}"
    ".room{border-bottom:1px solid #999;height:1.8em}"
    "svg{max-width:100%;height:auto}"
    "@page{margin:18mm}@media print{body{margin:0;max-width:none}.next{break-before:page}"
    "pre{white-space:pre;overflow:visible}h2{break-after:avoid}figure,pre{break-inside:avoid}}";

std::string escaped(const std::string& text)
{
    std::string all;
    for (const char c : text) {
        if (c == '&')
            all += "&amp;";
        else if (c == '<')
            all += "&lt;";
        else if (c == '>')
            all += "&gt;";
        else
            all += c;
    }
    return all;
}

std::string paragraphs(const std::string& text)
{
    std::string all;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find("\n\n", begin), text.size());
        all += fmt::format("<p>{}</p>\n", escaped(text.substr(begin, end - begin)));
        begin = end + 2;
    }
    return all;
}

std::string preformatted(const std::string& text)
{
    return fmt::format("<pre>{}</pre>\n", escaped(text));
}

std::string choices_html(const lesson_question& q, const lesson_evidence& of)
{
    std::string all = "<ul class=\"choices\">\n";
    for (std::size_t i = 0; i < q.choices.size(); ++i)
        all += fmt::format("<li><span class=\"box\"></span>{}) {}</li>\n", letter_of(i),
                           escaped(q.choices[i].words.told(of)));
    return all + "</ul>\n";
}

std::string question_html(const lesson_stage& stage, const lesson_evidence& of)
{
    return paragraphs(stage.text.told(of)) + "<p><b>" + escaped(stage.question.ask.told(of)) +
           "</b></p>\n" + choices_html(stage.question, of) +
           "<p>My prediction, and why:</p>\n<div class=\"room\"></div>\n<div "
           "class=\"room\"></div>\n";
}

std::string page_html(const std::string& title, const std::string& body)
{
    return fmt::format("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                       "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                       "<title>{}</title>\n<style>{}</style></head>\n<body>\n{}</body></html>\n",
                       escaped(title), style, body);
}

std::string answers_html(const lesson_question& q, const lesson_evidence& of)
{
    const std::size_t right = right_choice(q, of);
    std::string all = fmt::format("<p><b>{}</b></p>\n", escaped(q.ask.told(of)));
    for (std::size_t i = 0; i < q.choices.size(); ++i)
        all += fmt::format("<p>{}) {} <b>{}</b> {}</p>\n", letter_of(i),
                           escaped(q.choices[i].words.told(of)), i == right ? "Right." : "Wrong.",
                           escaped(q.choices[i].why_as(i == right).told(of)));
    return all;
}

std::string fixes_html(const lesson& l)
{
    fix_checker checker(l);
    std::string all = "<p>One that passes:</p>\n" + preformatted(fix_text(l.task.golden));
    for (const lesson_condition& c : l.task.conditions)
        for (const lesson_fix& wrong : c.wrong_fixes)
            all += "<p>One that does not pass:</p>\n" + preformatted(fix_text(wrong)) +
                   paragraphs(checker.check(wrong).hint);
    return all;
}

// ---- Markdown -----------------------------------------------------------------------------------

// Underscores of names and stars of comments would be emphasis.
std::string in_markdown(const std::string& text)
{
    std::string all;
    for (const char c : text) {
        if (c == '_' || c == '*' || c == '<')
            all += '\\';
        all += c;
    }
    return all;
}

std::string block(const std::string& text)
{
    return "```\n" + text + "```\n\n";
}

std::string question_markdown(const lesson_stage& stage, const lesson_evidence& of)
{
    std::string all = wrapped_text(in_markdown(stage.text.told(of)), "") + "\n**" +
                      in_markdown(stage.question.ask.told(of)) + "**\n\n";
    for (std::size_t i = 0; i < stage.question.choices.size(); ++i)
        all += fmt::format("- {}) {}\n", letter_of(i),
                           in_markdown(stage.question.choices[i].words.told(of)));
    return all + '\n';
}

std::string answer_markdown(const lesson_question& q, const lesson_evidence& of)
{
    const std::size_t right = right_choice(q, of);
    std::string all;
    for (std::size_t i = 0; i < q.choices.size(); ++i)
        all += fmt::format("- {}) {}. {}\n", letter_of(i), i == right ? "**Right**" : "Wrong",
                           in_markdown(q.choices[i].why_as(i == right).told(of)));
    return all + '\n';
}

std::string folded(const std::string& title, const std::string& text)
{
    return fmt::format("<details><summary>{}</summary>\n\n{}</details>\n\n", title, text);
}

} // namespace

handout::handout(const lesson& l)
    : m_lesson(l),
      m_runs(run_both(l, seed)),
      m_first(m_runs.of_first(l, seed)),
      m_broken(m_runs.of_broken(l, seed))
{
}

std::string handout::markdown() const
{
    const lesson& l = m_lesson;
    const std::string first =
        block(numbered_life_table(l, m_runs.first.record)) +
        fmt::format("![The places of the page, step by step]({}.svg)\n\n", l.slug) +
        block(figures_table(l, {m_first}, {})) + answer_markdown(l.first.question, m_first);
    const std::string second = block(numbered_life_table(l, m_runs.broken.record)) +
                               block(figures_table(l, {m_first, m_broken}, {"before", "after"})) +
                               answer_markdown(l.broken.question, m_broken);
    return fmt::format(
               "# {}. {}\n\n{}, {} minutes. Printed by `mkclean lesson export`; hold it with "
               "`mkclean lesson {}`.\n\n",
               l.number, l.title, l.level, l.minutes, l.number) +
           question_markdown(l.first, m_first) + folded("The run, and the answer", first) +
           "## Break it\n\n" + block(changes_text(l, l.broken, seed)) +
           question_markdown(l.broken, m_broken) + folded("The run, and the answer", second) +
           "## Mend it\n\n" +
           in_markdown(wrapped_text(l.task.text.told(l.task.of_broken ? m_broken : m_first), "")) +
           '\n' + folded("A fix", block(fix_text(l.task.golden))) + "## Read on\n\n" +
           block(links_text(l));
}

std::string handout::html(const std::string& figure) const
{
    const lesson& l = m_lesson;
    const std::string drawn = figure.empty() ? "" : "<figure>\n" + figure + "\n</figure>\n";
    return page_html(heading_of(l),
                     "<h1>" + escaped(heading_of(l)) + "</h1>\n" + question_html(l.first, m_first) +
                         "<h2 class=\"next\">The run</h2>\n" +
                         preformatted(numbered_life_table(l, m_runs.first.record)) + drawn +
                         preformatted(figures_table(l, {m_first}, {})) + "<h2>Break it</h2>\n" +
                         preformatted(changes_text(l, l.broken, seed)) +
                         question_html(l.broken, m_broken) +
                         "<h2 class=\"next\">The run, before and after</h2>\n" +
                         preformatted(numbered_life_table(l, m_runs.broken.record)) +
                         preformatted(figures_table(l, {m_first, m_broken}, {"before", "after"})) +
                         "<h2>Mend it</h2>\n" +
                         paragraphs(l.task.text.told(l.task.of_broken ? m_broken : m_first)) +
                         preformatted(fmt::format("mkclean lesson check {} MY.cfg\n", l.number)) +
                         "<h2>Read on</h2>\n" + preformatted(links_text(l)));
}

std::string handout::key_html() const
{
    const lesson& l = m_lesson;
    return page_html("Key: " + heading_of(l), "<h1>Key: " + escaped(heading_of(l)) + "</h1>\n" +
                                                  answers_html(l.first.question, m_first) +
                                                  "<h2>Break it</h2>\n" +
                                                  answers_html(l.broken.question, m_broken) +
                                                  "<h2>Mend it</h2>\n" + fixes_html(l));
}

std::string handout::wave_json() const
{
    return wave_of(m_lesson, m_runs.first.record).dump(1) + '\n';
}

} // namespace mkclean
