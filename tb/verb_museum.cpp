#include "tb/verb_museum.h"
#include "tb/configs_directory.h"
#include "tb/museum/catalogue.h"
#include "tb/output/progress.h"
#include "tb/sweep/processes.h"

#include <algorithm>
#include <optional>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace mkclean
{

namespace
{

int code_of(bool as_stated)
{
    return as_stated ? exit_code::as_expected : exit_code::not_as_expected;
}

const exhibit_card& find_card(const std::vector<exhibit_card>& cards, const std::string& name)
{
    std::vector<std::string> names;
    for (const exhibit_card& card : cards) {
        if (card.name == name)
            return card;
        names.push_back(card.name);
    }
    throw input_error(origin(), fmt::format("no exhibit is called {}{}", in_quotes(name),
                                            suggestion(name, names)));
}

std::string with_bug_text(const exhibit_card& card, const exhibit_verdict& v)
{
    const std::string what = card.text_of_fix(exhibit::state::broken);
    if (!v.broken.found.has(v.shows))
        return fmt::format("With the bug ({}): expected that {}, but in {} orders {}.\n", what,
                           name_of(v.shows), v.broken.orders, v.broken.found.text());
    return fmt::format("With the bug ({}): {}, in order {} of those that were tried:\n{}.\n", what,
                       name_of(v.shows), v.broken.orders, text_of_order(v.broken.first));
}

std::string with_fix_text(const exhibit_card& card, const exhibit_verdict& v)
{
    const std::string what = card.text_of_fix(exhibit::state::mended);
    if (v.mended.broken > 0)
        return fmt::format("With the fix ({}): in {} of {} orders {}; first when\n{}.\n", what,
                           v.mended.broken, v.mended.orders, v.mended.found.text(),
                           text_of_order(v.mended.first));
    return v.mended.orders == 1
               ? fmt::format("With the fix ({}): nothing is wrong.\n", what)
               : fmt::format("With the fix ({}): nothing goes wrong in any of {} orders.\n", what,
                             v.mended.orders);
}

exhibit_verdict judge(const exhibit_card& card, const museum_verb_options& options,
                      std::ostream& err)
{
    progress_line progress(err, options.quiet);
    return judge_exhibit(card.path, [&](std::uint64_t orders) {
        if (progress.is_seen())
            progress.show(fmt::format("{} orders", orders));
    });
}

int show_exhibit(const exhibit_card& card, const museum_verb_options& options, std::ostream& out,
                 std::ostream& err)
{
    std::optional<output_file> json;
    if (!options.json.empty())
        json.emplace(options.json, out);
    const exhibit_verdict v = judge(card, options, err);
    if (json) {
        nlohmann::ordered_json j = {{"name", card.name},
                                    {"title", card.about.title},
                                    {"year", card.about.year},
                                    {"commit", card.about.commit},
                                    {"fixed_by", card.about.fixed_by},
                                    {"verified", card.about.verified}};
        for (const exhibit_card::change& change : card.fix)
            j["fix"][change.option] = {{"broken", change.broken}, {"mended", change.mended}};
        j.update(v.json());
        json->write(j.dump(2) + '\n');
        json->commit();
    }
    if (options.json != "-" && !options.quiet) {
        out << card_text(card) << with_bug_text(card, v);
        const std::string story =
            v.broken.found.has(v.shows)
                ? story_of_order(exhibit(card.path, exhibit::state::broken).get(), v.broken.first)
                : "";
        out << (story.empty() ? "" : "\n" + story) << '\n' << with_fix_text(card, v);
    }
    return code_of(v.as_stated());
}

std::string line_of(const exhibit_card& card, std::size_t width, const sweep_result& result)
{
    const std::string begin = fmt::format("{:<{}}  ", card.name, width);
    if (result.stats.is_object())
        return begin + (result.code == exit_code::as_expected ? "" : "NOT AS STATED: ") +
               result.stats.at("text").get<std::string>() + '\n';
    const std::string why = result.complaint.substr(0, result.complaint.find('\n'));
    return begin + (result.code == exit_code::interrupted ? "was not run" : "FAILED: " + why) +
           '\n';
}

/// Every exhibit in a process of its own, the lines in the order of the catalogue.
int show_all(const std::vector<exhibit_card>& cards, const museum_verb_options& options,
             std::ostream& out, std::ostream& err)
{
    std::vector<std::vector<std::string>> commands;
    std::size_t width = 0;
    for (const exhibit_card& card : cards) {
        commands.push_back(
            {"museum", "--json=-", "--directory=" + options.directory, "--", card.name});
        width = std::max(width, card.name.size());
    }
    interrupt_watch watch;
    std::vector<sweep_result> results;
    {
        progress_line progress(err, options.quiet);
        const auto show = [&](std::size_t done) {
            progress.show(fmt::format("{} of {} exhibits", done, cards.size()));
        };
        show(0);
        results = run_commands("/proc/self/exe", commands, static_cast<std::size_t>(options.jobs),
                               watch, [&](std::size_t done, const sweep_result&) { show(done); });
    }
    int worst = exit_code::as_expected;
    for (std::size_t at = 0; at < cards.size(); ++at) {
        if (!options.quiet)
            out << line_of(cards[at], width, results[at]);
        worst = worse_code(worst, results[at].code);
    }
    return worst;
}

int run_museum(museum_verb_options options, const arguments& given, std::ostream& out,
               std::ostream& err)
{
    if (options.directory.empty())
        options.directory = configs_directory("museum");
    if (!given.operands.empty() && (options.all || options.markdown))
        throw input_error(origin(), "an exhibit's name, --all or --markdown: one of them");
    if (given.operands.empty() && !options.json.empty())
        throw input_error(origin(), "json", "is for one exhibit");
    const std::vector<exhibit_card> cards = read_catalogue(options.directory);
    if (!given.operands.empty())
        return show_exhibit(find_card(cards, given.operands.front()), options, out, err);
    if (options.all)
        return show_all(cards, options, out, err);
    out << (options.markdown ? catalogue_markdown(cards) : catalogue_table(cards));
    return exit_code::as_expected;
}

} // namespace

void museum_verb_options::declare(option_set& own)
{
    own.flag("all", all, "run every exhibit; the exit code is 1 if one does not behave as stated");
    own.flag("markdown", markdown, "print docs/museum.md");
    own.path("json", json, "write what was found out about NAME; - is the standard output");
    own.path("directory", directory, "where the exhibits are, if not in configs/museum/");
    own.flag("quiet", quiet, "print nothing but errors; the exit code says what was found");
    own.count("jobs", jobs, {1, 256}, "processes of --all at once");
}

verb museum_verb(museum_verb_options& options, std::ostream& out, std::ostream& err)
{
    verb v;
    v.name = "museum";
    v.operands = "NAME";
    v.kind = operand_kind::exhibit;
    v.help = "historical bugs: lists them, or runs one with the bug and with the fix";
    v.most_operands = 1;
    v.takes_model_options = false;
    options.declare(v.own);
    v.run = [&options, &out, &err](const arguments& given) {
        return run_museum(options, given, out, err);
    };
    return v;
}

} // namespace mkclean
