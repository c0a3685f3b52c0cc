// What is generated of the options and the verbs: docs/reference, the manual pages, and what bash
// completes.

#include "tb/config.h"
#include "tb/reference/families.h"
#include "tb/reference/markdown.h"
#include "tb/reference/roff.h"
#include "tb/tests/shell.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

using namespace mkclean;
using testing::shell;

namespace
{

std::string text_of(const std::string& path)
{
    std::ifstream file(MKCLEAN_SOURCE_DIR "/" + path);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> model_options()
{
    config c;
    option_set model;
    c.declare(model);
    return model.names();
}

/// The first words of the lines of a listing that are indented by two blanks.
std::vector<std::string> listed(const std::string& listing)
{
    std::vector<std::string> words;
    std::istringstream lines(listing);
    for (std::string line; std::getline(lines, line);)
        if (line.size() > 2 && line.substr(0, 2) == "  " && line[2] != ' ')
            words.push_back(line.substr(2, line.find_first_of(" \n", 2) - 2));
    return words;
}

std::vector<std::string> verbs()
{
    std::vector<std::string> all = listed(shell("$MKCLEAN --help").out);
    all.resize(all.size() - 6); // the exit codes
    return all;
}

std::vector<std::string> own_options(const std::string& verb)
{
    std::vector<std::string> all = listed(shell("$MKCLEAN " + verb + " --help").out);
    all.erase(std::remove_if(all.begin(), all.end(),
                             [](const std::string& word) { return word.substr(0, 2) != "--"; }),
              all.end());
    return all;
}

/// What bash would complete the last of `words` to, one a line and a line end before each.
std::string completed(const std::string& words)
{
    const std::string script = "source <($0 reference bash-completion) || exit; "
                               "COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _mkclean $0; "
                               "printf \"\\n%s\" \"${COMPREPLY[@]}\"; echo";
    const auto answer = shell("bash -c '" + script + "' $MKCLEAN mkclean " + words + " 2>&1");
    CHECK(answer.code == 0);
    return answer.out;
}

/// A manual page as a reader sees it, without what marks bold letters. groff must have nothing to
/// complain of.
std::string rendered(const std::string& page)
{
    const auto complaints =
        shell("$MKCLEAN reference " + page + " | groff -ww -man -Tutf8 2>&1 >/dev/null");
    CHECK(complaints.code == 0);
    CHECK(complaints.out == "");
    const auto text = shell("$MKCLEAN reference " + page + " | groff -man -Tutf8 -P-cbou");
    CHECK(text.code == 0);
    return text.out;
}

} // namespace

TEST_CASE("docs/reference is what the program prints")
{
    CHECK(shell("$MKCLEAN options --markdown").out == text_of("docs/reference/options.md"));
    CHECK(shell("$MKCLEAN reference exit-codes").out == text_of("docs/reference/exit-codes.md"));
    CHECK(shell("$MKCLEAN reference events").out == text_of("docs/reference/events.md"));
    CHECK(shell("$MKCLEAN reference statistics").out == text_of("docs/reference/statistics.md"));
}

TEST_CASE("docs/reference/options.md has every option, and says of each family what it is about")
{
    const std::string page = text_of("docs/reference/options.md");
    for (const std::string& name : model_options()) {
        CAPTURE(name);
        CHECK(page.find("| `" + name + "` |") != std::string::npos);
    }
    config c;
    option_set model;
    c.declare(model);
    for (const option_family& family : families_of(model)) {
        CAPTURE(family.name);
        CHECK_FALSE(family.about.empty());
    }
}

TEST_CASE("mkclean(1) has every verb, and every option of each")
{
    const std::string page = rendered("man");
    CHECK(verbs().size() >= 6);
    for (const std::string& verb : verbs()) {
        CAPTURE(verb);
        CHECK(page.find("   mkclean " + verb) != std::string::npos);
        for (const std::string& option : own_options(verb)) {
            CAPTURE(option);
            CHECK(page.find("       " + option) != std::string::npos);
        }
    }
    CHECK(page.find("130    interrupted") != std::string::npos);
}

TEST_CASE("mkclean.cfg(5) has every option of the model")
{
    const std::string page = rendered("man-config");
    for (const std::string& option : model_options()) {
        CAPTURE(option);
        CHECK(page.find("       " + option) != std::string::npos);
    }
}

TEST_CASE("reference says which pages there are")
{
    const auto answer = shell("$MKCLEAN reference men 2>&1");
    CHECK(answer.code == 2);
    CHECK(answer.out == "no page is called 'men'; did you mean 'man'?\n");
    CHECK(shell("$MKCLEAN options --markdown tlb 2>&1").code == 2);
}

TEST_CASE("bash completes every verb, and every option of each")
{
    const std::string all_verbs = completed("''");
    for (const std::string& verb : verbs()) {
        CAPTURE(verb);
        CHECK(all_verbs.find("\n" + verb + "\n") != std::string::npos);
        const std::string options = completed(verb + " --");
        for (const std::string& option : own_options(verb)) {
            CAPTURE(option);
            CHECK(options.find("\n" + option + "\n") != std::string::npos);
        }
        const bool takes_model_options = verb == "run" || verb == "explore" || verb == "options";
        const auto own = own_options(verb);
        for (const std::string& name : model_options()) {
            const bool is_own = std::find(own.begin(), own.end(), "--" + name) != own.end();
            CHECK((options.find("\n--" + name + "\n") != std::string::npos) ==
                  (takes_model_options || is_own)); // lesson has a --seed of its own
        }
    }
}

TEST_CASE("bash can load the completion from within a function, as bash-completion does")
{
    const auto answer = shell("bash -c 'load() { source <($0 reference bash-completion); }; load; "
                              "COMP_WORDS=(mkclean run --ker); COMP_CWORD=2; _mkclean $0; "
                              "echo ${COMPREPLY[@]}; complete -p mkclean' $MKCLEAN 2>&1");
    CHECK(answer.out == "--kernel\ncomplete -F _mkclean mkclean\n");
}

TEST_CASE("bash completes what begins so, and nothing else")
{
    CHECK(completed("ru") == "\nrun\n");
    CHECK(completed("run --ker") == "\n--kernel\n");
    CHECK(completed("museum --ker") == "\n\n");
    CHECK(completed("nothing --ker") == "\n\n");
    CHECK(completed("options tlb.entries_2") == "\ntlb.entries_2m\n");
    CHECK(completed("run --vary tlb.entries_2") == "\ntlb.entries_2m=\n");
    CHECK(completed("reference man-") == "\nman-config\n");
    CHECK(completed("bench sca") == "\nscale\n");
}

TEST_CASE("bash completes the values of choices and flags, with an equals sign or without")
{
    const std::string kernels = "\nlinux-2.6.18\nlinux-2.6.19\n";
    CHECK(completed("run --kernel linux-2.6.1") == kernels);
    CHECK(completed("run --kernel = linux-2.6.1") == kernels);
    CHECK(completed("run --executor s") == "\nsystemc\n");
    CHECK(completed("run --oracle = ''") == "\non\noff\n");
    CHECK(completed("run --oracle --ker") == "\n--kernel\n");
    CHECK(completed("run --cores 4") == "\n\n");
}

TEST_CASE("bash completes configs, here and of the program, and exhibits")
{
    const std::string configs = MKCLEAN_SOURCE_DIR "/configs/";
    CHECK(completed("run " + configs + "rtorr") == "\n" + configs + "rtorrent-2006.cfg\n");
    CHECK(completed("run rtorr") == "\n" + configs + "rtorrent-2006.cfg\n");
    CHECK(completed("run --quiet zen") == "\n" + configs + "hardware/zen4.cfg\n");
    CHECK(completed("explore hardware/zen") == "\n" + configs + "hardware/zen4.cfg\n");
    CHECK(completed("run --log " + configs + "rtorr") == "\n" + configs + "rtorrent-2006.cfg\n");
    CHECK(completed("museum fsyncg") == "\nfsyncgate\n");
}

TEST_CASE("a manual page says what is written, whatever it looks like to roff")
{
    roff_page page("X", 1, "x", "y");
    page.paragraph(".dot\n'quote\nback\\slash --dash");
    CHECK(page.text().find(".PP\n\\&.dot\n\\&\\(aqquote\nback\\eslash \\-\\-dash\n") !=
          std::string::npos);
    CHECK_THROWS_AS(page.line("\xc3\xa4"), std::logic_error);
}

TEST_CASE("a table in Markdown is one, whatever is in its cells")
{
    CHECK(markdown_table({{"a", "b"}, {"1|2", ""}}) == "| a | b |\n|---|---|\n| 1\\|2 | |\n");
    CHECK(names_code_quoted("(see vm.dirty_ratio), ->writepage (or msync()).") ==
          "(see `vm.dirty_ratio`), `->writepage` (or `msync()`).");
}
