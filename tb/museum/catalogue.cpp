#include "tb/museum/catalogue.h"
#include "sim/input_error.h"
#include "tb/output/wrapping.h"
#include "tb/reference/markdown.h"

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <system_error>
#include <tuple>

#include <fmt/format.h>

namespace mkclean
{

namespace
{

constexpr std::size_t commit_digits = 12;

constexpr const char* not_verified = "The commits are from memory: nobody has looked them up yet.";

std::string wrapped(const std::string& text, const std::string& margin)
{
    constexpr std::size_t columns = 100;
    return mkclean::wrapped(text, margin, columns);
}

} // namespace

std::vector<exhibit_card> read_catalogue(const std::string& directory)
{
    std::vector<std::string> paths;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory, error))
        if (entry.path().extension() == ".cfg")
            paths.push_back(entry.path().string());
    if (paths.empty())
        throw input_error({directory, 0}, error ? error.message() : "there are no exhibits");
    std::sort(paths.begin(), paths.end());
    std::vector<exhibit_card> cards;
    cards.reserve(paths.size());
    for (const std::string& path : paths)
        cards.push_back(read_card(path));
    std::sort(cards.begin(), cards.end(), [](const exhibit_card& a, const exhibit_card& b) {
        return std::tie(a.about.year, a.name) < std::tie(b.about.year, b.name);
    });
    return cards;
}

// The first commit of the fix, or that there is none.
static std::string commit_of(const exhibit_card& card)
{
    const std::string first = card.about.fixed_by.substr(0, commit_digits);
    const bool is_commit = first.find_first_not_of("0123456789abcdef") == std::string::npos;
    return is_commit && first.size() == commit_digits ? first : "-";
}

std::string catalogue_table(const std::vector<exhibit_card>& cards)
{
    std::size_t name = 4;
    std::size_t shows = 5;
    for (const exhibit_card& card : cards) {
        name = std::max(name, card.name.size());
        shows = std::max(shows, std::string(name_of(card.about.shows)).size());
    }
    const auto line = [&](const std::string& what, const std::string& year,
                          const std::string& commit, const std::string& shown,
                          const std::string& title) {
        return fmt::format("{:<{}}  {:<5} {:<{}}  {:<{}}  {}\n", what, name, year, commit,
                           commit_digits, shown, shows, title);
    };
    std::string table = line("name", "year", "fix", "shows", "title");
    bool from_memory = false;
    for (const exhibit_card& card : cards) {
        from_memory = from_memory || !card.about.verified;
        table +=
            line(card.name, fmt::format("{}{}", card.about.year, card.about.verified ? "" : "?"),
                 commit_of(card), name_of(card.about.shows), card.about.title);
    }
    return table + (from_memory ? "\n?: the commits are from memory, not looked up.\n" : "");
}

std::string card_text(const exhibit_card& card)
{
    std::string text = fmt::format("{}\n\n", card.about.title);
    text += fmt::format("  {}, {}\n  bug  {}\n  fix  {}\n", card.about.year, card.name,
                        card.about.commit, card.about.fixed_by);
    if (!card.about.verified)
        text += wrapped(not_verified, "  ");
    return text + '\n' + wrapped(card.about.story, "  ") + '\n';
}

std::string catalogue_markdown(const std::vector<exhibit_card>& cards)
{
    std::string page =
        "# The museum\n\n"
        "Printed by `mkclean museum --markdown`; what it says stands in `configs/museum/`.\n\n"
        "Bugs of page writeback that there have been, a config each: a machine and a kernel with "
        "the "
        "bug, a script of a\nfew operations, and what a kernel with the fix does otherwise. "
        "`mkclean "
        "museum NAME` looks for an order of the\nscript's steps that shows the bug, and tries "
        "all of them with the fix. `mkclean museum --all` does so for each.\n\n"
        "| exhibit | year | what can be seen | with the bug | with the fix "
        "|\n|---|---|---|---|---|\n";
    for (const exhibit_card& card : cards)
        page +=
            fmt::format("| [{0}](#{0}) | {1} | {2} | `{3}` | `{4}` |\n", card.name, card.about.year,
                        name_of(card.about.shows), card.text_of_fix(exhibit::state::broken),
                        card.text_of_fix(exhibit::state::mended));
    for (const exhibit_card& card : cards) {
        page +=
            fmt::format("\n## {}\n\n**{}** ({}). Bug: {}. Fix: {}.{}\n\n", card.name,
                        card.about.title, card.about.year, card.about.commit, card.about.fixed_by,
                        card.about.verified ? "" : std::string(" ") + not_verified);
        page += wrapped(names_code_quoted(card.about.story), "");
    }
    return page;
}

} // namespace mkclean
