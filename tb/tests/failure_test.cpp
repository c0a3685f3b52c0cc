// Who asks for JSON is told what went wrong in JSON.

#include "tb/command_line.h"
#include "tb/failure.h"
#include "tb/tests/temporary_directory.h"
#include "tb/verb_options.h"

#include <doctest/doctest.h>

#include <functional>
#include <sstream>

#include <nlohmann/json.hpp>

using namespace mkclean;
using nlohmann::ordered_json;

namespace
{

struct said {
    int code;
    std::string out, err;
};

/// What a program of two verbs, `options` and a `run` that does `action`, says to `words`.
said run(const std::vector<std::string>& words, const std::function<int(std::ostream&)>& action)
{
    std::uint64_t entries = 64;
    option_set model;
    model.count("tlb.entries", entries, {1, 1024}, "entries");
    run_options options;
    listing_options listing;
    std::ostringstream out;
    std::ostringstream err;
    verb entry;
    entry.name = "run";
    options.declare(entry.own);
    entry.run = [&](const arguments& given) {
        let_json_be_stats(options.json, options.stats);
        configure(model, given.operands, given.model);
        if (!options.stats.empty())
            output_file(options.stats, out).commit();
        return action(out);
    };
    program known{"", "", {entry, options_verb(listing, model, out)}, model};
    const int code = run_command_line(words, known, out, err);
    return {code, out.str(), err.str()};
}

said run(const std::vector<std::string>& words)
{
    return run(words, [](std::ostream&) { return 0; });
}

ordered_json error_of(const said& answer)
{
    CHECK(answer.out.find('\n') + 1 == answer.out.size());
    return ordered_json::parse(answer.out).at("error");
}

} // namespace

TEST_CASE("a JSON error: an unknown option, and what was meant")
{
    for (const char* const verb : {"run", "options"}) {
        const said answer = run({verb, "--json", "--tlb.entires=4"});
        CHECK(answer.code == exit_code::bad_input);
        CHECK(answer.err == "unknown option '--tlb.entires'; did you mean '--tlb.entries'?\n");
        CHECK(error_of(answer) == ordered_json{{"code", 2},
                                               {"message", "unknown option '--tlb.entires'"},
                                               {"where", "command line"},
                                               {"hint", "did you mean '--tlb.entries'?"}});
    }
}

TEST_CASE("a JSON error: a bad value of a config, by file and line")
{
    const temporary_directory directory;
    const std::string path = directory.write("a.cfg", "# small\ntlb.entries = 9000\n");
    const said answer = run({"run", path, "--json"});
    CHECK(answer.code == exit_code::bad_input);
    CHECK(error_of(answer) == ordered_json{{"code", 2},
                                           {"message", "must be 1..1024, got '9000'"},
                                           {"option", "tlb.entries"},
                                           {"where", path + ":2"}});
}

TEST_CASE("a JSON error: a file that cannot be written or read")
{
    const auto writes = [](std::ostream& out) {
        output_file("/nowhere/log", out).commit();
        return 0;
    };
    const said answer = run({"run", "--stats", "-"}, writes);
    CHECK(answer.code == exit_code::file_failed);
    CHECK(error_of(answer) ==
          ordered_json{{"code", 3},
                       {"message", "cannot write '/nowhere/log': No such file or directory"},
                       {"where", "/nowhere/log"}});
    const said unread = run({"options", "--config", "nowhere.cfg", "--json"});
    CHECK(unread.code == exit_code::file_failed);
    CHECK(error_of(unread).at("where") == "nowhere.cfg");
}

TEST_CASE("a JSON error: the emulator's own")
{
    const auto breaks = [](std::ostream&) -> int { throw std::logic_error("a\nline"); };
    const said answer = run({"run", "--json"}, breaks);
    CHECK(answer.code == exit_code::internal);
    CHECK(error_of(answer) ==
          ordered_json{{"code", 70}, {"message", "internal error: a\\x0aline"}});
}

TEST_CASE("an error is JSON only where the standard output was to be")
{
    CHECK(run({"run", "--unknown"}).out.empty());
    CHECK(run({"run", "--unknown", "--json=off"}).out.empty());
    CHECK(run({"run", "--unknown", "--stats", "file"}).out.empty());
    CHECK(run({"run", "--unknown", "--", "--json"}).out.empty());
    CHECK(run({"options", "--json", "off", "nothing"}).out.empty());
    CHECK_FALSE(run({"run", "--json=maybe"}).out.empty());
    CHECK_FALSE(run({"run", "--stats=-", "--unknown"}).out.empty());
    CHECK_FALSE(run({"options", "--json", "nothing"}).out.empty());
    CHECK_FALSE(run({"unknown", "--json"}).out.empty());
    CHECK(run({"run", "--json", "--stats=x"}).err == "--json: is --stats -; one of them\n");
}
