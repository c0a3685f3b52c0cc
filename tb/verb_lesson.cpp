#include "tb/verb_lesson.h"
#include "tb/configs_directory.h"
#include "tb/lesson/catalogue.h"
#include "tb/lesson/handout.h"
#include "tb/lesson/progress_file.h"
#include "tb/lesson/session.h"
#include "tb/text_file.h"

#include <algorithm>
#include <filesystem>
#include <ostream>
#include <sstream>

#include <fmt/format.h>

namespace mkclean
{

namespace
{

std::vector<std::string> answers_of(const std::string& text)
{
    std::vector<std::string> answers;
    std::istringstream in(text);
    for (std::string one; std::getline(in, one, ',');)
        answers.push_back(one);
    return answers;
}

/// What the words behind `lesson` ask for.
class lesson_desk
{
public:
    lesson_desk(const lesson_verb_options& options, std::istream& in, std::ostream& out)
        : m_options(options),
          m_in(in),
          m_out(out),
          m_lessons(read_lessons(options.directory.empty() ? configs_directory("lessons")
                                                           : options.directory)),
          m_progress(options.state.empty() ? default_progress_path() : options.state)
    {
    }

    int serve(const std::vector<std::string>& words)
    {
        if (words.empty())
            return list();
        if (words.front() == "next")
            return with(words, 0, [this] { return hold(next()); });
        if (words.front() == "reset")
            return with(words, 0, [this] { return reset(); });
        if (words.front() == "check")
            return with(words, 2, [&] { return check(find(words[1]), words[2]); });
        if (words.front() == "hint")
            return with(words, 1, [&] { return hint(find(words[1])); });
        if (words.front() == "export")
            return export_all({words.begin() + 1, words.end()});
        const lesson& meant = find(words.front());
        return with(words, 0, [&] { return hold(meant); });
    }

private:
    template <class Do>
    static int with(const std::vector<std::string>& words, std::size_t expected, Do what)
    {
        if (words.size() - 1 == expected)
            return what();
        static constexpr const char* operands[] = {"nothing", "a lesson", "a lesson and a config"};
        throw input_error(origin(), fmt::format("lesson {}: expected {} behind it", words.front(),
                                                operands[expected]));
    }

    const lesson& find(const std::string& name) const
    {
        const bool is_number = name.find_first_not_of("0123456789") == std::string::npos;
        if (const std::string meant =
                suggestion(name, {"next", "check", "hint", "reset", "export"});
            !is_number && !meant.empty())
            throw input_error(origin(),
                              fmt::format("lesson does not know {}{}", in_quotes(name), meant));
        return find_lesson(m_lessons, name);
    }

    const lesson& next() const
    {
        const auto found = std::find_if(m_lessons.begin(), m_lessons.end(),
                                        [this](const auto& l) { return !m_progress.is_done(l); });
        if (found == m_lessons.end())
            throw input_error(origin(),
                              "every lesson is done; 'mkclean lesson reset' forgets that");
        return *found;
    }

    int list() const
    {
        std::size_t width = 5;
        for (const lesson& l : m_lessons)
            width = std::max(width, l.title.size());
        m_out << fmt::format(" no  {:<{}}  {:<8}  {:>7}\n", "title", width, "level", "minutes");
        for (const lesson& l : m_lessons) {
            std::string line = fmt::format("{:>3}  {:<{}}  {:<8}  {:>7}  {}", l.number, l.title,
                                           width, l.level, l.minutes, m_progress.text_of(l));
            line.erase(line.find_last_not_of(' ') + 1);
            m_out << line << '\n';
        }
        m_out << "\n'mkclean lesson next' begins the first that is not done.\n";
        return exit_code::as_expected;
    }

    int hold(const lesson& l)
    {
        session_options how;
        how.seed = m_options.seed;
        how.asks = !m_options.no_ask;
        how.solves = m_options.solve;
        how.answers = answers_of(m_options.answers);
        if (how.asks)
            how.on_prediction = [&](const std::vector<prediction>& made) {
                m_progress.note_predictions(l, how.seed, made);
                m_progress.save();
            };
        const session_result result = hold_lesson(l, how, m_in, m_out);
        if (result.complaint.empty())
            return exit_code::as_expected;
        m_out << "\nNOT AS STATED: " << result.complaint << '\n';
        return exit_code::not_as_expected;
    }

    int check(const lesson& l, const std::string& config)
    {
        const fix_verdict v = fix_checker(l).check(read_config(config, origin()));
        m_out << heading_of(l) << "\n\n" << verdict_text(v);
        if (!v.passed())
            return exit_code::not_as_expected;
        m_progress.note_fixed(l);
        m_progress.save();
        m_out << "\nMended.\n";
        return exit_code::as_expected;
    }

    int hint(const lesson& l)
    {
        const std::size_t number = m_progress.next_tip(l);
        if (number >= l.tips.size()) {
            m_out << fmt::format("There is no further hint; 'mkclean lesson {} --solve' tells the "
                                 "answers.\n",
                                 l.number);
            return exit_code::as_expected;
        }
        m_progress.save();
        const lesson_evidence of{nullptr, nullptr, l.chosen_names(m_options.seed)};
        m_out << fmt::format("Hint {} of {}.\n", number + 1, l.tips.size())
              << wrapped_text(l.tips[number].told(of), "");
        return exit_code::as_expected;
    }

    int export_all(const std::vector<std::string>& names) const
    {
        if (m_options.out.empty())
            throw input_error(origin(), "out", "expected the directory to write to");
        std::filesystem::create_directories(m_options.out);
        for (const std::string& name : names)
            export_one(find(name));
        if (names.empty())
            std::for_each(m_lessons.begin(), m_lessons.end(),
                          [this](const lesson& l) { export_one(l); });
        return exit_code::as_expected;
    }

    void export_one(const lesson& l) const
    {
        const handout paper(l);
        using form = lesson_verb_options::form;
        if (m_options.as == form::markdown)
            return write(l, ".md", paper.markdown());
        if (m_options.as == form::wave)
            return write(l, ".wave.json", paper.wave_json());
        write(l, ".html", paper.html(figure_of(l)));
        write(l, "-key.html", paper.key_html());
    }

    void write(const lesson& l, const std::string& ending, const std::string& text) const
    {
        output_file file((std::filesystem::path(m_options.out) / (l.slug + ending)).string(),
                         m_out);
        file.write(text);
        file.commit();
    }

    // It was drawn when the lesson was written: nobody needs WaveDrom to print a handout.
    static std::string figure_of(const lesson& l)
    {
        const std::filesystem::path house =
            std::filesystem::absolute(l.path).parent_path().parent_path().parent_path();
        const std::filesystem::path figure = house / "docs" / "lessons" / (l.slug + ".svg");
        return std::filesystem::exists(figure) ? read_text_file(figure.string(), origin()) : "";
    }

    int reset()
    {
        m_progress.forget_all();
        m_progress.save();
        m_out << "No lesson is done.\n";
        return exit_code::as_expected;
    }

    const lesson_verb_options& m_options;
    std::istream& m_in;
    std::ostream& m_out;
    const std::vector<lesson> m_lessons;
    lesson_progress m_progress;
};

} // namespace

void lesson_verb_options::declare(option_set& own)
{
    own.flag("no-ask", no_ask,
             "ask nothing: the lesson's own answers and fixes are taken, and verified; the exit "
             "code is 1 if one is wrong");
    own.flag("solve", solve, "tell the answers and a fix");
    own.text("answers", answers, "predictions, as a,b: what is not given is asked for");
    own.count("seed", seed, {1, 1'000'000}, "which variant of the lesson");
    own.path("out", out, "export: the directory to write to");
    own.choice("as", as, {{"html", form::html}, {"markdown", form::markdown}, {"wave", form::wave}},
               "export: handouts to print and their keys; docs/lessons/; or WaveJSON, to draw");
    own.path("state", state,
             "where progress is kept, if not in $XDG_STATE_HOME/mkclean/lessons.json");
    own.path("directory", directory, "where the lessons are, if not in configs/lessons/");
}

verb lesson_verb(lesson_verb_options& options, std::istream& in, std::ostream& out)
{
    verb v;
    v.name = "lesson";
    v.operands = "N";
    v.kind = operand_kind::listed;
    v.listed = {"next", "check", "hint", "reset", "export"};
    v.help = "lessons: lists them, or holds one: predict, run, break, mend";
    v.more =
        "\nmkclean lesson                  the lessons, and which are done\n"
        "mkclean lesson next             the first that is not done\n"
        "mkclean lesson N                lesson N\n"
        "mkclean lesson check N MY.cfg   whether MY.cfg, laid over lesson N's machine, mends it\n"
        "mkclean lesson hint N           one hint more\n"
        "mkclean lesson reset            forgets what is done\n"
        "mkclean lesson export N... --out DIR    handouts, and a key for the teacher\n";
    v.takes_model_options = false;
    options.declare(v.own);
    v.run = [&options, &in, &out](const arguments& given) {
        return lesson_desk(options, in, out).serve(given.operands);
    };
    return v;
}

} // namespace mkclean
