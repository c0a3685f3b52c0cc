#include "tb/lesson/session.h"

#include <istream>
#include <ostream>

#include <fmt/format.h>

namespace mkclean
{

namespace
{

constexpr std::size_t no_choice = ~std::size_t{0};

class session
{
public:
    session(const lesson& l, const session_options& how, std::istream& in, std::ostream& out)
        : m_lesson(l),
          m_how(how),
          m_in(in),
          m_out(out)
    {
    }

    session_result hold()
    {
        m_out << heading_of(m_lesson) << "\n\n";
        hold_first();
        hold_broken();
        give_task();
        m_out << "\nRead on:\n" << links_text(m_lesson);
        return m_result;
    }

private:
    void hold_first()
    {
        const std::size_t chosen = ask(m_lesson.first, "base");
        m_runs.first = run_stage(m_lesson, m_lesson.first, m_how.seed);
        const lesson_evidence of = m_runs.of_first(m_lesson, m_how.seed);
        m_out << "\nThe run: the life of " << page_text() << ".\n\n"
              << life_table(m_lesson, m_runs.first.record) << '\n'
              << figures_table(m_lesson, {of}, {}) << '\n';
        compare(m_lesson.first, chosen, of);
    }

    void hold_broken()
    {
        m_out << "\nNow change it:\n\n"
              << changes_text(m_lesson, m_lesson.broken, m_how.seed) << '\n';
        const std::size_t chosen = ask(m_lesson.broken, "broken");
        m_runs.broken = run_stage(m_lesson, m_lesson.broken, m_how.seed);
        const lesson_evidence of = m_runs.of_broken(m_lesson, m_how.seed);
        m_out << "\nThe run, before and after.\n\n"
              << life_table(m_lesson, m_runs.broken.record) << '\n'
              << figures_table(m_lesson, {m_runs.of_first(m_lesson, m_how.seed), of},
                               {"before", "after"})
              << '\n';
        compare(m_lesson.broken, chosen, of);
    }

    std::string page_text() const
    {
        return fmt::format("page {} of inode {}", m_lesson.page.page, m_lesson.page.ino);
    }

    // ---- predictions ----------------------------------------------------------------------------

    std::size_t ask(const lesson_stage& stage, const char* name)
    {
        const lesson_evidence nothing{nullptr, nullptr, m_lesson.chosen_names(m_how.seed)};
        m_out << wrapped_text(stage.text.told(nothing), "") << '\n'
              << question_text(stage.question, nothing) << '\n';
        const std::size_t chosen = prediction_of(stage.question);
        if (chosen == no_choice)
            return chosen;
        m_result.predictions.push_back({name, letter_of(chosen)});
        tell_predictions();
        if (!m_was_asked)
            m_out << fmt::format("{}: {}\n",
                                 m_how.asks ? "Your prediction" : "The lesson's own answer",
                                 letter_of(chosen));
        return chosen;
    }

    void tell_predictions() const
    {
        if (m_how.on_prediction)
            m_how.on_prediction(m_result.predictions);
    }

    // Given, golden, asked for, or none because the run shall say.
    std::size_t prediction_of(const lesson_question& q)
    {
        m_was_asked = false;
        if (m_next_answer < m_how.answers.size())
            return choice_of(m_how.answers[m_next_answer++], q);
        if (!m_how.asks)
            return m_how.seed == 1 ? golden_choice(q) : no_choice;
        if (m_how.solves)
            return no_choice;
        m_was_asked = true;
        return ask_reader(q);
    }

    std::size_t ask_reader(const lesson_question& q)
    {
        for (;;) {
            m_out << fmt::format("Your prediction, a to {}: ", letter_of(q.choices.size() - 1))
                  << std::flush;
            std::string line;
            if (!std::getline(m_in, line))
                throw input_error(origin(), "no prediction was given, and nothing is kept of this; "
                                            "--no-ask takes the lesson's own");
            try {
                return choice_of(line, q);
            } catch (const input_error& error) {
                m_out << error.message() << '\n';
            }
        }
    }

    static std::size_t choice_of(const std::string& word, const lesson_question& q)
    {
        const std::size_t choice = word.size() == 1 ? std::size_t(word.front() - 'a') : no_choice;
        if (choice < q.choices.size())
            return choice;
        throw input_error(origin(), "answers",
                          fmt::format("expected a letter from a to {}, got {}",
                                      letter_of(q.choices.size() - 1), in_quotes(word)));
    }

    void compare(const lesson_stage& stage, std::size_t chosen, const lesson_evidence& of)
    {
        const std::vector<lesson_choice>& choices = stage.question.choices;
        const std::size_t right = right_choice(stage.question, of);
        const std::string why = choices[right].why_as(true).told(of);
        if (chosen == no_choice) {
            m_out << wrapped_text(fmt::format("The answer is {}. {}", letter_of(right), why), "");
            return;
        }
        m_result.predictions.back().right = letter_of(right);
        tell_predictions();
        if (chosen == right) {
            m_out << wrapped_text(fmt::format("{} is right. {}", letter_of(right), why), "");
            return;
        }
        m_out << wrapped_text(fmt::format("{} is wrong. {}", letter_of(chosen),
                                          choices[chosen].why_as(false).told(of)),
                              "")
              << wrapped_text(fmt::format("{} is right. {}", letter_of(right), why), "");
        if (!m_how.asks)
            complain(fmt::format("{}: the golden choice is {}, but {} is right",
                                 describe(stage.question.where), letter_of(chosen),
                                 letter_of(right)));
    }

    void complain(const std::string& complaint)
    {
        m_result.complaint += (m_result.complaint.empty() ? "" : "; ") + complaint;
    }

    // ---- the task -------------------------------------------------------------------------------

    void give_task()
    {
        const lesson_task& task = m_lesson.task;
        const lesson_evidence of = task.of_broken ? m_runs.of_broken(m_lesson, m_how.seed)
                                                  : m_runs.of_first(m_lesson, m_how.seed);
        m_out << "\nMend it: "
              << (task.of_broken ? "the changed machine" : "the machine as it first was") << ".\n\n"
              << wrapped_text(task.text.told(of), "")
              << fmt::format("\nWrite the options that you change into a file of your own, a line "
                             "each, then:\n\n  mkclean lesson check {} MY.cfg\n",
                             m_lesson.number);
        if (m_how.solves || !m_how.asks)
            solve();
    }

    void solve()
    {
        fix_checker checker(m_lesson);
        m_out << "\nA fix:\n\n"
              << fix_text(m_lesson.task.golden) << '\n'
              << verdict_text(checker.check(m_lesson.task.golden));
        const std::string wrong = m_how.asks ? "" : checker.complaint();
        if (!wrong.empty())
            complain(wrong);
    }

    const lesson& m_lesson;
    const session_options& m_how;
    std::istream& m_in;
    std::ostream& m_out;
    lesson_runs m_runs;
    std::size_t m_next_answer = 0;
    bool m_was_asked = false;
    session_result m_result;
};

} // namespace

session_result hold_lesson(const lesson& l, const session_options& how, std::istream& in,
                           std::ostream& out)
{
    return session(l, how, in, out).hold();
}

} // namespace mkclean
