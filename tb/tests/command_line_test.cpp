#include "tb/command_line.h"
#include "tb/tests/temporary_directory.h"
#include "tb/verb_options.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <sstream>

#include <sys/stat.h>

using namespace mkclean;

namespace
{

using word_list = std::vector<std::string>;

/// A program with two verbs, which remembers what `run` was asked.
struct small_program {
    std::uint64_t entries = 64;
    bool barrier = false;
    std::string title;
    option_set model;
    run_options options;
    listing_options listing;
    arguments given;
    std::function<int()> action = [] { return 0; };
    std::ostringstream out;
    std::ostringstream err;
    std::unique_ptr<program> known;

    small_program()
    {
        model.count("tlb.entries", entries, {1, 1024}, "entries");
        model.flag("fs.barrier", barrier, "barriers");
        model.text("workload.title", title, "title");
        verb run;
        run.name = "run";
        run.operands = "CONFIG...";
        run.help = "one run";
        options.declare(run.own);
        run.run = [this](const arguments& asked) {
            given = asked;
            configure(model, {}, asked.model);
            return action();
        };
        verb lesson;
        lesson.name = "lesson";
        lesson.operands = "N";
        lesson.help = "a lesson";
        lesson.least_operands = 1;
        lesson.most_operands = 1;
        lesson.takes_model_options = false;
        lesson.run = [](const arguments&) { return 0; };
        known.reset(new program{"An emulator.", "1.2", {}, model});
        known->verbs = {run, lesson, options_verb(listing, model, out)};
    }
    small_program(const small_program&) = delete;
    small_program& operator=(const small_program&) = delete;

    int run(const word_list& words) { return run_command_line(words, *known, out, err); }

    /// The line on stderr of words that are a mistake.
    std::string complaint(const word_list& words)
    {
        err.str("");
        const int code = run(words);
        CHECK(code == exit_code::bad_input);
        const std::string line = err.str();
        CHECK(std::count(line.begin(), line.end(), '\n') == 1);
        return line.substr(0, line.find('\n'));
    }
};

std::string settings_of(const std::vector<setting>& settings)
{
    std::string all;
    for (const setting& one : settings)
        all += (all.empty() ? "" : " ") + one.name + "=" + one.value;
    return all;
}

std::string model_settings(const word_list& words)
{
    small_program mkclean;
    const int code = mkclean.run(words);
    CHECK(mkclean.err.str() == "");
    CHECK(code == 0);
    return settings_of(mkclean.given.model);
}

std::string content_of(const std::string& path)
{
    std::ostringstream content;
    content << std::ifstream(path).rdbuf();
    return content.str();
}

} // namespace

TEST_CASE("options and operands mix, and a value follows its option or an equals sign")
{
    small_program mkclean;
    CHECK(mkclean.run({"run", "a.cfg", "--tlb.entries", "128", "b.cfg", "--workload.title=x=y",
                       "--quiet", "c.cfg", "--jobs", "3"}) == 0);
    CHECK(mkclean.given.verb == "run");
    CHECK(mkclean.given.operands == word_list{"a.cfg", "b.cfg", "c.cfg"});
    CHECK(settings_of(mkclean.given.model) == "tlb.entries=128 workload.title=x=y");
    CHECK(mkclean.entries == 128);
    CHECK(mkclean.options.quiet);
    CHECK(mkclean.options.jobs == 3);
}

TEST_CASE("a flag alone is on, and takes only a flag's word as its value")
{
    CHECK(model_settings({"run", "--fs.barrier"}) == "fs.barrier=on");
    CHECK(model_settings({"run", "--fs.barrier", "a.cfg"}) == "fs.barrier=on");
    CHECK(model_settings({"run", "--fs.barrier", "off", "a.cfg"}) == "fs.barrier=off");
    CHECK(model_settings({"run", "--fs.barrier=no"}) == "fs.barrier=no");
    CHECK(model_settings({"run", "--fs.barrier", "--tlb.entries", "1"}) ==
          "fs.barrier=on tlb.entries=1");
}

TEST_CASE("an empty value can be given, and a value may begin with a dash")
{
    CHECK(model_settings({"run", "--workload.title="}) == "workload.title=");
    CHECK(model_settings({"run", "--workload.title", ""}) == "workload.title=");
    CHECK(model_settings({"run", "--workload.title", "-5"}) == "workload.title=-5");
    CHECK(model_settings({"run", "--workload.title=--x"}) == "workload.title=--x");
}

TEST_CASE("behind a lone double dash everything is an operand")
{
    small_program mkclean;
    CHECK(mkclean.run({"run", "--quiet", "--", "--tlb.entries", "-x", "--help"}) == 0);
    CHECK(mkclean.given.operands == word_list{"--tlb.entries", "-x", "--help"});
}

TEST_CASE("a mistake on the command line is one line and exit code 2")
{
    small_program mkclean;
    CHECK(mkclean.complaint({}) == "what shall be done? 'mkclean --help' lists the verbs");
    CHECK(mkclean.complaint({"rnu"}) == "unknown verb 'rnu'; did you mean 'run'?");
    CHECK(mkclean.complaint({"fly"}) == "unknown verb 'fly'");
    CHECK(mkclean.complaint({"--hepl"}) == "unknown option '--hepl'; did you mean '--help'?");
    CHECK(mkclean.complaint({"--quiet", "run"}) == "the verb comes before its options");
    CHECK(mkclean.complaint({"run", "--tlb.entires", "9"}) ==
          "unknown option '--tlb.entires'; did you mean '--tlb.entries'?");
    CHECK(mkclean.complaint({"run", "--tlb.entires=9"}) ==
          "unknown option '--tlb.entires'; did you mean '--tlb.entries'?");
    CHECK(mkclean.complaint({"run", "--qiuet"}) ==
          "unknown option '--qiuet'; did you mean '--quiet'?");
    CHECK(mkclean.complaint({"run", "-q"}) == "unknown option '-q'");
    CHECK(mkclean.complaint({"run", "--=3"}) == "unknown option '--'");
    CHECK(mkclean.complaint({"run", "--tlb.entries"}) == "--tlb.entries: a value is missing");
    CHECK(mkclean.complaint({"run", "--tlb.entries", "--quiet"}) ==
          "--tlb.entries: a value is missing");
    CHECK(mkclean.complaint({"run", "--tlb.entries="}) ==
          "--tlb.entries: expected a whole number such as 64 or 0x40, got ''");
    CHECK(mkclean.complaint({"run", "--tlb.entries", "1", "--tlb.entries=1"}) ==
          "--tlb.entries: is given twice");
    CHECK(mkclean.complaint({"run", "--tlb.entries", "-1"}) ==
          "--tlb.entries: expected a whole number such as 64 or 0x40, got '-1'");
    CHECK(mkclean.complaint({"run", "--jobs", "0"}) == "--jobs: must be 1..256, got '0'");
    CHECK(mkclean.complaint({"lesson"}) == "lesson needs N");
    CHECK(mkclean.complaint({"lesson", "1", "2"}) == "lesson does not take '2'");
    CHECK(mkclean.complaint({"lesson", "1", "--tlb.entries", "4"}) ==
          "--tlb.entries: is an option of the model, and lesson takes none");
}

TEST_CASE("a config that is not there is a file that cannot be read")
{
    small_program mkclean;
    CHECK(mkclean.run({"options", "--config", "nowhere.cfg"}) == exit_code::file_failed);
    CHECK(mkclean.err.str() == "cannot read 'nowhere.cfg': No such file or directory\n");
}

TEST_CASE("options lists all that it is given the beginnings of, once, and complains of each")
{
    small_program mkclean;
    CHECK(mkclean.run({"options", "workload.title", "fs", "fs.barrier"}) == 0);
    const std::string listing = mkclean.out.str();
    CHECK(listing.find("tlb.entries") == std::string::npos);
    CHECK(listing.find("workload.title") != std::string::npos);
    const std::size_t barrier = listing.find("fs.barrier");
    CHECK(barrier != std::string::npos);
    CHECK(listing.find("fs.barrier", barrier + 1) == std::string::npos);
    CHECK(mkclean.complaint({"options", "fs", "workload.titel"}) ==
          "no option begins with 'workload.titel'; did you mean 'workload.title'?");
}

TEST_CASE("the beginning of a name is not the name")
{
    small_program mkclean;
    CHECK(mkclean.complaint({"run", "--tlb=9"}) == "unknown option '--tlb'");
    CHECK(mkclean.complaint({"run", "--tlb.entrie=9"}) ==
          "unknown option '--tlb.entrie'; did you mean '--tlb.entries'?");
}

TEST_CASE("an option that may be repeated may be repeated")
{
    small_program mkclean;
    CHECK(mkclean.run({"run", "--vary", "a=1,2", "--vary=b=3"}) == 0);
    CHECK(mkclean.options.vary == word_list{"a=1,2", "b=3"});
}

TEST_CASE("help names every verb, and a verb's help its options")
{
    small_program mkclean;
    CHECK(mkclean.run({"--help"}) == 0);
    CHECK(mkclean.out.str().find("run [CONFIG...]") != std::string::npos);
    mkclean.out.str("");
    CHECK(mkclean.run({"run", "a.cfg", "--tlb.entires", "--help"}) == 0);
    CHECK(mkclean.out.str().find("usage: mkclean run [CONFIG...]") == 0);
    CHECK(mkclean.out.str().find("--executor systemc|fibers") != std::string::npos);
    mkclean.out.str("");
    CHECK(mkclean.run({"--version"}) == 0);
    CHECK(mkclean.out.str() == "mkclean 1.2\n");
}

TEST_CASE("what goes wrong inside a verb becomes its exit code")
{
    small_program mkclean;
    mkclean.action = [] { return 1; };
    CHECK(mkclean.run({"run"}) == 1);
    mkclean.action = []() -> int { throw file_error("read", "x", "no space"); };
    CHECK(mkclean.run({"run"}) == 3);
    mkclean.action = []() -> int { throw std::logic_error("broken\ninvariant"); };
    CHECK(mkclean.run({"run"}) == 70);
    CHECK(mkclean.err.str() == "cannot read 'x': no space\ninternal error: broken\\x0ainvariant\n");
    mkclean.out.setstate(std::ios::badbit);
    mkclean.action = [] { return 0; };
    CHECK(mkclean.run({"run"}) == 3);
}

TEST_CASE("an output file appears complete or not at all")
{
    const temporary_directory there;
    const std::string directory = there.path("");
    const std::string path = there.path("stats.json");
    std::ostringstream standard_output;
    const auto files_there = [&] {
        const std::filesystem::directory_iterator every(directory);
        return std::distance(begin(every), end(every));
    };
    {
        output_file abandoned(path, standard_output);
        abandoned.write("half");
        CHECK_FALSE(std::filesystem::exists(path));
    }
    CHECK(files_there() == 0);
    {
        output_file finished(path, standard_output);
        finished.write("whole");
        finished.commit();
    }
    CHECK(content_of(path) == "whole");
    std::filesystem::create_symlink("stats.json", directory + "/link");
    {
        output_file through_link(directory + "/link", standard_output);
        through_link.write("anew");
        through_link.commit();
    }
    CHECK(std::filesystem::is_symlink(directory + "/link"));
    CHECK(content_of(path) == "anew");
    CHECK(files_there() == 2);
    output_file standard("-", standard_output);
    standard.write("said");
    standard.commit();
    CHECK(standard_output.str() == "said");
    CHECK_THROWS_AS(output_file(directory + "/no/such", standard_output), file_error);
    CHECK_THROWS_AS(output_file(directory, standard_output), file_error);
}

TEST_CASE("a device is written to, not replaced")
{
    std::ostringstream standard_output;
    output_file nothing("/dev/null", standard_output);
    nothing.write("x");
    nothing.commit();
    CHECK(std::filesystem::is_character_file("/dev/null"));
    output_file full("/dev/full", standard_output);
    full.write("x");
    CHECK_THROWS_AS(full.commit(), file_error);
}

TEST_CASE("whatever the words, the command line is obeyed or is a mistake of one line")
{
    const word_list likely = {
        "run",      "lesson",        "options", "--help",         "--",     "-",   "--fs.barrier",
        "on",       "--tlb.entries", "64",      "--tlb.entries=", "--vary", "a=1", "--quiet",
        "--config", "--json",        "",        "x\ny",           "--=",    "---", "\xff"};
    std::mt19937_64 random(6);
    for (int round = 0; round < 2'000; ++round) {
        small_program mkclean;
        word_list words(random() % 6);
        for (std::string& word : words) {
            word = likely[random() % likely.size()];
            if (random() % 8 == 0)
                word.insert(random() % (word.size() + 1), 1, static_cast<char>(random() % 256));
        }
        const int code = mkclean.run(words);
        const std::string said = mkclean.err.str();
        CAPTURE(said);
        const bool no_such_config = code == exit_code::file_failed && words.front() == "options";
        REQUIRE((code == 0 || code == 2 || no_such_config));
        REQUIRE(std::count(said.begin(), said.end(), '\n') == (code == 0 ? 0 : 1));
    }
}
