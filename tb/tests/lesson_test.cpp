// The lessons of configs/lessons: what their files say is right is what the runs say, of every
// variant, and their fixes do what they are there for.

#include "tb/lesson/catalogue.h"
#include "tb/lesson/lesson_file.h"
#include "tb/lesson/progress_file.h"
#include "tb/lesson/wave.h"
#include "tb/tests/temporary_directory.h"
#include "tb/verb_lesson.h"

#include <doctest/doctest.h>

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

using namespace mkclean;

namespace
{

const std::string lessons = MKCLEAN_SOURCE_DIR "/configs/lessons";

struct said {
    int code;
    std::string out, err;
};

bool holds(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}

/// `mkclean lesson`, with a progress file of its own.
class reader
{
public:
    said run(std::vector<std::string> words, const std::string& typed = "") const
    {
        words.insert(words.begin(), "lesson");
        words.insert(words.end(), {"--directory", lessons, "--state", state()});
        config c;
        option_set model;
        c.declare(model);
        std::istringstream in(typed);
        std::ostringstream out;
        std::ostringstream err;
        lesson_verb_options options;
        program known{"", "", {lesson_verb(options, in, out)}, model};
        const int code = run_command_line(words, known, out, err);
        return {code, out.str(), err.str()};
    }
    std::string state() const { return m_here.path("state/lessons.json"); }
    std::string write(const std::string& name, const std::string& text) const
    {
        return m_here.write(name, text);
    }
    std::string read(const std::string& name) const { return m_here.read(name); }

private:
    temporary_directory m_here;
};

lesson lesson_of(const std::string& number)
{
    return find_lesson(read_lessons(lessons), number);
}

void check_questions(const lesson& l, std::uint64_t seed)
{
    CAPTURE(l.slug);
    CAPTURE(seed);
    const lesson_runs runs = run_both(l, seed);
    const std::size_t first = right_choice(l.first.question, runs.of_first(l, seed));
    const std::size_t broken = right_choice(l.broken.question, runs.of_broken(l, seed));
    if (seed == 1) {
        CHECK(first == golden_choice(l.first.question));
        CHECK(broken == golden_choice(l.broken.question));
    }
    for (const lesson_stage* const stage : {&l.first, &l.broken})
        for (const lesson_choice& c : stage->question.choices) {
            const bool is_first = stage == &l.first;
            const lesson_evidence of = is_first ? runs.of_first(l, seed) : runs.of_broken(l, seed);
            CHECK(!holds(c.why_as(c.when->holds(of)).told(of), "(never)"));
            CHECK(!holds(c.words.told(of), "{"));
        }
}

// What explains that a choice is right does not explain that it is wrong.
void check_explanations(const lesson& l, const lesson_question& q,
                        const std::vector<std::size_t>& right_ones)
{
    CAPTURE(l.slug);
    for (std::size_t i = 0; i < q.choices.size(); ++i) {
        const auto rights = std::count(right_ones.begin(), right_ones.end(), i);
        const bool is_always = rights == static_cast<std::ptrdiff_t>(right_ones.size());
        CAPTURE(std::string(1, letter_of(i)));
        CHECK(q.choices[i].why_not.empty() == (rights == 0 || is_always));
    }
}

void check_lesson(const std::string& number)
{
    const lesson l = lesson_of(number);
    std::vector<std::size_t> first;
    std::vector<std::size_t> broken;
    for (const std::uint64_t seed : l.seeds_of_variants()) {
        check_questions(l, seed);
        const lesson_runs runs = run_both(l, seed);
        first.push_back(right_choice(l.first.question, runs.of_first(l, seed)));
        broken.push_back(right_choice(l.broken.question, runs.of_broken(l, seed)));
    }
    check_explanations(l, l.first.question, first);
    check_explanations(l, l.broken.question, broken);
    CHECK(fix_checker(l).complaint() == "");
}

} // namespace

// ---- the lessons --------------------------------------------------------------------------------

TEST_CASE("lesson 1: the walker writes D once")
{
    check_lesson("1");
}

TEST_CASE("lesson 2: a read maps a clean page without W")
{
    check_lesson("2");
}

TEST_CASE("lesson 3: on 2.6.18 fsync does not look at PTEs")
{
    check_lesson("3");
}

TEST_CASE("lesson 4: a fault for each time that a page is cleaned")
{
    check_lesson("4");
}

TEST_CASE("lesson 5: 2.6.19 loses a store")
{
    check_lesson("5");
}

TEST_CASE("lesson 6: set_page_dirty dirties the buffers again")
{
    check_lesson("6");
}

TEST_CASE("lesson 7: a store through a TLB that nobody has flushed")
{
    check_lesson("7");
}

TEST_CASE("lesson 8: a shootdown is waited for")
{
    check_lesson("8");
}

TEST_CASE("lesson 9: a write to one block saves the store beside it")
{
    check_lesson("9");
}

TEST_CASE("lesson 10: above the limit whoever dirties writes")
{
    check_lesson("10");
}

TEST_CASE("lesson 11: a disk that says done too early")
{
    check_lesson("11");
}

TEST_CASE("lesson 12: a store between the zap and the flush")
{
    check_lesson("12");
}

TEST_CASE("lesson 13: a fault between page_mkclean and TestClearPageDirty")
{
    check_lesson("13");
}

TEST_CASE("lesson 14: a store while the disk reads")
{
    check_lesson("14");
}

TEST_CASE("lesson 15: where the walker sets no D there is a fault")
{
    check_lesson("15");
}

TEST_CASE("lesson 16: one of seven options forgets D")
{
    check_lesson("16");
}

TEST_CASE("lesson: each has a test and they are numbered without gaps")
{
    unsigned number = 0;
    for (const lesson& l : read_lessons(lessons))
        CHECK(l.number == ++number);
    CHECK(number == 16);
}

TEST_CASE("lesson: the museum and the configs that they point to are there")
{
    for (const lesson& l : read_lessons(lessons))
        for (const lesson_link& link : l.links) {
            CAPTURE(l.slug);
            CAPTURE(link.to);
            const std::string file =
                link.what == lesson_link::kind::museum   ? "configs/museum/" + link.to + ".cfg"
                : link.what == lesson_link::kind::config ? link.to
                : link.what == lesson_link::kind::docs   ? link.to.substr(0, link.to.find(','))
                                                         : "";
            CHECK(std::filesystem::exists(MKCLEAN_SOURCE_DIR "/" + file));
        }
}

// ---- holding one --------------------------------------------------------------------------------

TEST_CASE("lesson --no-ask takes the golden answers and verifies them")
{
    const reader r;
    const said one = r.run({"1", "--no-ask"});
    CHECK(one.code == exit_code::as_expected);
    CHECK(one.err == "");
    CHECK(holds(one.out, "b is right. "));
    CHECK(holds(one.out, "walker sets D  PTE PW- -> PWD\n"));
    CHECK(!std::filesystem::exists(r.state())); // nobody has learnt anything
}

TEST_CASE("lesson asks and says that a wrong prediction is wrong and why")
{
    const reader r;
    const said one = r.run({"1"}, "a\nx\n\nb\n");
    CHECK(one.code == exit_code::as_expected);
    CHECK(holds(one.out, "a is wrong. A store looks at its TLB entry."));
    CHECK(holds(one.out, "b is right. The read put the PTE into the TLB"));
    CHECK(holds(one.out, "expected a letter from a to c, got 'x'"));
    CHECK(holds(r.run({}).out, "1 of 2 predicted rightly"));
}

TEST_CASE("lesson shows nothing of the run before the prediction")
{
    const reader r;
    const said ended = r.run({"1"});
    CHECK(ended.code == exit_code::bad_input);
    CHECK(!holds(ended.out, "walker sets D"));
    CHECK(holds(ended.err, "no prediction was given, and nothing is kept of this"));
    CHECK(r.run({"1"}, "a\n").code == exit_code::bad_input); // the second question
    CHECK(holds(r.run({}).out, "0 of 1 predicted rightly"));
}

TEST_CASE("lesson --answers gives the predictions")
{
    const reader r;
    const said one = r.run({"1", "--answers", "b,b"});
    CHECK(one.code == exit_code::as_expected);
    CHECK(!holds(one.out, "wrong"));
    CHECK(r.run({"1", "--answers", "b,d"}).err ==
          "--answers: expected a letter from a to c, got 'd'\n");
}

TEST_CASE("lesson --seed is another variant and --solve tells its answers")
{
    const reader r;
    const said variant = r.run({"1", "--seed", "2", "--solve"});
    CHECK(variant.code == exit_code::as_expected);
    CHECK(holds(variant.out, "The answer is b. "));
    CHECK(holds(variant.out, "tlb.caches_dirty = on"));
    CHECK(variant.out != r.run({"1", "--seed", "1", "--solve"}).out);
}

// ---- check, list, next --------------------------------------------------------------------------

TEST_CASE("lesson check decides by the run and gives the hint of what fails")
{
    const reader r;
    const said wrong = r.run({"check", "7", r.write("local.cfg", "vm.mkclean_flush = local\n")});
    CHECK(wrong.code == exit_code::not_as_expected);
    CHECK(holds(wrong.out, "FAILS  /verdict/lost_bytes == 0, for delay = 10ms\n"));
    CHECK(holds(wrong.out, "8 bytes are lost. Whose TLB holds the old translation?"));

    const said other = r.run({"check", "7", r.write("late.cfg", "workload.delay = 1s\n")});
    CHECK(other.code == exit_code::not_as_expected);
    CHECK(holds(other.out, "FAILS  does not change workload.* cores oracle\n"));

    const said right = r.run({"check", "7", r.write("all.cfg", "vm.mkclean_flush = everyone\n")});
    CHECK(right.code == exit_code::as_expected);
    CHECK(holds(right.out, "\nMended.\n"));
}

TEST_CASE("lesson: a fix that another kernel has by itself passes as well")
{
    const reader r;
    CHECK(r.run({"check", "5", r.write("my.cfg", "kernel = golden\n")}).code ==
          exit_code::as_expected);
}

TEST_CASE("lesson next is the first that is not done and the list says which are")
{
    const reader r;
    CHECK(holds(r.run({}).out, "  1  A store and one bit"));
    CHECK(r.run({"1", "--answers", "b,b"}).code == exit_code::as_expected);
    CHECK(holds(r.run({"next", "--no-ask"}).out, "Lesson 1. "));
    r.run({"check", "1", r.write("my.cfg", "tlb.caches_dirty = on\n")});
    CHECK(holds(r.run({"next", "--no-ask"}).out, "Lesson 2. "));
    CHECK(holds(r.run({}).out, "10  done\n"));
    CHECK(r.run({"reset"}).code == exit_code::as_expected);
    CHECK(holds(r.run({"next", "--no-ask"}).out, "Lesson 1. "));
}

TEST_CASE("lesson hint gives one more each time")
{
    const reader r;
    CHECK(holds(r.run({"hint", "1"}).out, "Hint 1 of 2."));
    CHECK(holds(r.run({"hint", "1"}).out, "Hint 2 of 2."));
    CHECK(holds(r.run({"hint", "1"}).out, "There is no further hint"));
}

TEST_CASE("lesson says in one line what it cannot do")
{
    const reader r;
    CHECK(r.run({"17"}).err == "expected a lesson, 1 to 16, got '17'\n");
    CHECK(r.run({"chekc", "1", "x"}).err ==
          "lesson does not know 'chekc'; did you mean 'check'?\n");
    CHECK(r.run({"check", "1"}).err == "lesson check: expected a lesson and a config behind it\n");
    CHECK(r.run({"check", "1", "/nowhere.cfg"}).code == exit_code::file_failed);
    const said typo = r.run({"check", "1", r.write("my.cfg", "tlb.cache_dirty = on\n")});
    CHECK(typo.code == exit_code::bad_input);
    CHECK(holds(typo.err, "my.cfg:1: "));
    CHECK(holds(typo.err, "did you mean 'tlb.caches_dirty'?"));
}

// ---- the progress file --------------------------------------------------------------------------

TEST_CASE("lesson: a progress file that is none is left as it is")
{
    for (const std::string text :
         {"", "{", "[]", "{\"schema\": \"mkclean-lessons-2\"}",
          "{\"schema\": \"mkclean-lessons-1\", \"lessons\": {\"x\": 1}}"}) {
        CAPTURE(text);
        const reader r;
        r.write("state/lessons.json", text);
        const said list = r.run({"reset"});
        CHECK(list.code == exit_code::bad_input);
        CHECK(list.err == r.state() + ": expected the progress of lessons, got something else; "
                                      "move it away\n");
        CHECK(r.read("state/lessons.json") == text);
    }
}

// ---- the format ---------------------------------------------------------------------------------

namespace
{

/// Lesson 1 with one text replaced by another, as an error message about it.
std::string complaint(const std::string& text, const std::string& by)
{
    const temporary_directory here;
    const std::string path = here.write("01-x.lesson", [&] {
        std::ifstream file(lessons + "/01-a-store-and-one-bit.lesson");
        std::string all{std::istreambuf_iterator<char>(file), {}};
        const std::size_t at = all.find(text);
        REQUIRE(at != std::string::npos);
        return all.replace(at, text.size(), by);
    }());
    try {
        read_lesson(path);
    } catch (const input_error& error) {
        const std::string what = error.what();
        return what.substr(what.find("01-x.lesson") + 11);
    }
    return "";
}

} // namespace

TEST_CASE("lesson: a malformed file is told with its line and what was expected")
{
    CHECK(complaint("title ", "title ") == "");
    CHECK(complaint("title ", "tilte ") ==
          ":1: expected a directive, got 'tilte'; did you mean 'title'?");
    CHECK(complaint("title    A store and one bit", "# none") ==
          ": expected a title in this lesson");
    CHECK(complaint("level    easy", "level    eazy") ==
          ":2: expected easy, moderate or hard, got 'eazy'; did you mean 'easy'?");
    CHECK(complaint("minutes  10", "minutes  ten") == ":3: expected minutes, got 'ten'");
    CHECK(complaint("walker sets A", "walker set A") ==
          ":5: no step is called 'walker set A'; did you mean 'walker sets A'?");
    CHECK(complaint("from 3 5 8", "from 3") ==
          ":6: expected NAME = OPTION from two values or more, got 'stores = workload.value from "
          "3'");
    CHECK(complaint("from 3 5 8", "from 3 5 3") == ":6: expected each value once, got twice '3'");
    CHECK(complaint("workload.value from", "workload.valeu from") ==
          ":6: unknown option 'workload.valeu'; did you mean 'workload.value'?");
    CHECK(complaint("to it {stores}", "to it {storse}") ==
          ":16: nothing is called 'storse'; did you mean 'stores'?");
    CHECK(complaint("tip      Look", "hint     Look") == "");
    CHECK(complaint("golden\n", "# golden\n") == ":16: expected one golden choice in this lesson");
}

TEST_CASE("lesson: an expression that is none is told with its line")
{
    CHECK(complaint("steps(\"walker sets D\") == stores", "steps(\"walker sets D\") == storse") ==
          ":20: nothing is called 'storse'; did you mean 'stores'?");
    CHECK(complaint("steps(\"walker sets D\") == stores", "steps(\"walker set D\") == stores") ==
          ":20: no step is called 'walker set D'; did you mean 'walker sets D'?");
    CHECK(complaint("steps(\"walker sets D\") == stores", "steps(\"walker sets D\" == stores") ==
          ":20: expected ')', got '== stores'");
    CHECK(complaint("steps(\"walker sets D\") == stores", "steps(\"walker sets D\") ==") ==
          ":20: expected a value, got the end");
}

TEST_CASE("lesson: an expression is what it says")
{
    lesson_run run;
    run.statistics = {{"vm", {{"pgfault", 7}, {"name", "x"}, {"ok", true}}}};
    lesson_run before;
    before.statistics = {{"vm", {{"pgfault", 2}}}};
    const lesson_evidence of{&run, &before, {{"n", "3"}, {"time", "2ms"}}};
    const auto value = [&](const char* text) {
        return text_of(lesson_expression(text, origin(), {"n", "time"}).value(of));
    };
    CHECK(value("1 + 2 * 3 - 4 / 2") == "5");
    CHECK(value("-(1 + n) * 1000000") == "-4,000,000");
    CHECK(value("/vm/pgfault / 2") == "3.5");
    CHECK(value("/vm/pgfault - before /vm/pgfault == 5") == "yes");
    CHECK(value("not /vm/ok or n == 3 and time == \"2ms\"") == "yes");
    CHECK(value("/vm/name == \"y\"") == "no");
    CHECK(value("steps(\"store\") + all_steps(\"invlpg\", \"x\")") == "0");
    CHECK(value("first(\"store\") < 1 or first(\"store\") >= 1") == "no"); // there is none
    CHECK_THROWS_WITH_AS(value("/vm/nothing"),
                         "'/vm/nothing': the statistics have no '/vm/nothing'", input_error);
    CHECK_THROWS_WITH_AS(value("/vm/pgfalut"),
                         "'/vm/pgfalut': the statistics have no '/vm/pgfalut'; did you mean "
                         "'/vm/pgfault'?",
                         input_error);
    CHECK_THROWS_WITH_AS(value("n == time"), "'n == time': a number cannot be compared with a text",
                         input_error);
    CHECK_THROWS_WITH_AS(value("n and n"), "'n and n': expected a condition, got a number, 3",
                         input_error);
}

TEST_CASE("lesson: a question of which two choices are right is an error")
{
    const temporary_directory here;
    lesson l = lesson_of("1");
    l.first.question.choices[0].when = l.first.question.choices[1].when;
    const lesson_runs runs = run_both(l, 1);
    CHECK_THROWS_WITH_AS(
        right_choice(l.first.question, runs.of_first(l, 1)),
        (describe(l.first.question.where) + ": expected one right choice in this run, got a, b")
            .c_str(),
        input_error);
}

// ---- paper --------------------------------------------------------------------------------------

namespace
{

std::string text_of_file(const std::string& path)
{
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

TEST_CASE("lesson: docs/lessons is what export prints and has a figure for each")
{
    const temporary_directory out;
    const reader r;
    REQUIRE(r.run({"export", "--as", "markdown", "--out", out.path("pages")}).code ==
            exit_code::as_expected);
    const std::string pages = MKCLEAN_SOURCE_DIR "/docs/lessons/";
    const std::string index = text_of_file(pages + "README.md");
    for (const lesson& l : read_lessons(lessons)) {
        CAPTURE(l.slug);
        CHECK(holds(index, fmt::format("| {} | [{}]({}.md) | {} | {} |\n", l.number, l.title,
                                       l.slug, l.level, l.minutes)));
        CHECK(out.read("pages/" + l.slug + ".md") == text_of_file(pages + l.slug + ".md"));
        CHECK(holds(text_of_file(pages + l.slug + ".svg"), "Lesson " + std::to_string(l.number)));
    }
}

TEST_CASE("lesson export writes a handout without the answers and a key with them")
{
    const temporary_directory out;
    const reader r;
    CHECK(r.run({"export", "1", "05-the-lost-store", "--out", out.path(".")}).code ==
          exit_code::as_expected);
    CHECK(!std::filesystem::exists(out.path("02-read-then-write.html")));
    const std::string paper = out.read("05-the-lost-store.html");
    CHECK(holds(paper, "<svg"));
    CHECK(holds(paper, "Both stores."));
    CHECK(!holds(paper, "Right."));
    CHECK(!holds(paper, "<script"));
    CHECK(!holds(paper, "href=\"http"));
    CHECK(!holds(paper, "src="));
    const std::string key = out.read("05-the-lost-store-key.html");
    CHECK(holds(key, "b) The first store alone. <b>Right.</b> The journal cleared"));
    CHECK(holds(key, "kernel = linux-2.6.20"));
    CHECK(r.run({"export", "1"}).err == "--out: expected the directory to write to\n");
}

TEST_CASE("lesson: the figures are WaveJSON of at most forty steps")
{
    for (const lesson& l : read_lessons(lessons)) {
        CAPTURE(l.slug);
        const auto wave = wave_of(l, run_stage(l, l.first, 1).record);
        const std::size_t steps = wave["signal"][0]["wave"].get<std::string>().size();
        CHECK(steps >= 4);
        CHECK(steps <= 40);
        for (const auto& signal : wave["signal"])
            CHECK(signal["wave"].get<std::string>().size() == steps);
    }
}
