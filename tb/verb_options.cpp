#include "tb/verb_options.h"
#include "tb/reference/pages.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <ostream>
#include <set>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace mkclean
{
namespace
{

/// "tlb" of "tlb.entries", which groups options in a listing.
std::string family_of(const std::string& name)
{
    return name.substr(0, name.find('.'));
}

/// What `prefix` could have been meant to be: names, and their beginnings up to a dot.
std::vector<std::string> prefixes_of(const option_set& options)
{
    std::set<std::string> prefixes;
    for (const std::string& name : options.names()) {
        prefixes.insert(name);
        for (std::size_t dot = name.find('.'); dot != std::string::npos;
             dot = name.find('.', dot + 1))
            prefixes.insert(name.substr(0, dot));
    }
    return {prefixes.begin(), prefixes.end()};
}

void check_prefix(const option_set& options, const std::string& prefix)
{
    for (const std::string& name : options.names())
        if (begins_with(name, prefix))
            return;
    throw input_error(origin(), fmt::format("no option begins with {}{}", in_quotes(prefix),
                                            suggestion(prefix, prefixes_of(options))));
}

std::vector<option_info> select(const option_set& options, const std::vector<std::string>& prefixes)
{
    for (const std::string& prefix : prefixes)
        check_prefix(options, prefix);
    std::vector<option_info> selected;
    for (option_info& about : options.all()) {
        const auto asked_for = [&](const std::string& prefix) {
            return begins_with(about.name, prefix);
        };
        if (prefixes.empty() || std::any_of(prefixes.begin(), prefixes.end(), asked_for))
            selected.push_back(std::move(about));
    }
    return selected;
}

std::string allowed_text(const option_info& about)
{
    if (about.type == option_type::flag)
        return "on|off";
    return about.choices.empty() ? about.range_text
                                 : fmt::format("{}", fmt::join(about.choices, "|"));
}

using row = std::array<std::string, 4>;

row row_of(const option_info& about)
{
    return {about.name, std::string(name_of(about.type)), about.default_text, allowed_text(about)};
}

std::string print_row(const row& cells, const std::array<std::size_t, 4>& widths)
{
    std::string line;
    for (std::size_t at = 0; at < cells.size(); ++at)
        line += fmt::format("{:<{}}  ", cells[at], widths[at]);
    line.erase(line.find_last_not_of(' ') + 1);
    return line + "\n";
}

std::string how_to_write()
{
    std::string text;
    for (const auto& [type, examples] : how_values_are_written())
        text += fmt::format("  {:<9}  {}\n", type, examples);
    return "\nvalues are written\n" + text;
}

/// A path that means the same file wherever the config is saved.
std::string portable_text(const option_info& about)
{
    if (about.type != option_type::path || about.text.empty())
        return about.text;
    return std::filesystem::absolute(about.text).string();
}

} // namespace

void listing_options::declare(option_set& own)
{
    own.flag("config", config, "print the values that CONFIG... and the options make, as a config");
    own.flag("json", json, "print JSON");
    own.flag("markdown", markdown, "print docs/reference/options.md");
}

const std::vector<std::pair<std::string, std::string>>& how_values_are_written()
{
    const auto named = [](option_type type, const char* examples) {
        return std::pair<std::string, std::string>(name_of(type), examples);
    };
    static const std::vector<std::pair<std::string, std::string>> all = {
        named(option_type::count, "64, 0x40"),
        named(option_type::bytes, "64, 4KiB, 1.5MiB, 1460B, 500GB"),
        named(option_type::clock_cycles, "300, 300cycles"),
        named(option_type::duration, "333ps, 10us, 2.5ms, 5s"),
        named(option_type::frequency, "150MHz, 2.8GHz"),
        named(option_type::percent, "40, 40%"),
        named(option_type::real, "0.25, 1e-3"),
        named(option_type::flag, "on, off, yes, no, true, false, 1, 0")};
    return all;
}

std::string list_options(const option_set& options, const std::vector<std::string>& prefixes)
{
    const std::vector<option_info> selected = select(options, prefixes);
    const row titles = {"option", "type", "default", "allowed"};
    std::array<std::size_t, 4> widths = {};
    const auto widen = [&widths](const row& cells) {
        for (std::size_t at = 0; at < cells.size(); ++at)
            widths[at] = std::max(widths[at], cells[at].size());
    };
    widen(titles);
    for (const option_info& about : selected)
        widen(row_of(about));
    std::string listing = print_row(titles, widths);
    std::string family;
    for (const option_info& about : selected) {
        listing += family_of(about.name) == family ? "" : "\n";
        family = family_of(about.name);
        listing += print_row(row_of(about), widths) + "    " + about.help + "\n";
    }
    return listing + how_to_write();
}

nlohmann::ordered_json options_json(const option_set& options,
                                    const std::vector<std::string>& prefixes)
{
    auto listing = nlohmann::ordered_json::array();
    for (const option_info& about : select(options, prefixes))
        listing.push_back({{"name", about.name},
                           {"type", name_of(about.type)},
                           {"unit", about.unit},
                           {"default", about.default_text},
                           {"value", about.text},
                           {"range", about.range_text},
                           {"choices", about.choices},
                           {"help", about.help}});
    return listing;
}

std::string write_config(const option_set& options)
{
    std::string config;
    std::string family;
    for (const option_info& about : options.all()) {
        const std::string next_family = family_of(about.name);
        config += config.empty() || next_family == family ? "" : "\n";
        family = next_family;
        config += fmt::format("{} = {}", about.name, portable_text(about));
        if (about.was_set)
            config += "  # " + printable(describe(about.where));
        config += "\n";
    }
    return config;
}

nlohmann::ordered_json config_json(const option_set& options)
{
    auto config = nlohmann::ordered_json::object();
    for (const option_info& about : options.all())
        config[about.name] = about.text;
    return config;
}

int show_options(const listing_options& asked, const arguments& given, option_set& model,
                 std::ostream& out)
{
    const std::vector<std::string> none;
    if (asked.markdown) {
        if (asked.config || asked.json || !given.operands.empty() || !given.model.empty())
            throw input_error(origin(), "markdown", "is of all options as they are, and alone");
        out << options_page(model);
        return exit_code::as_expected;
    }
    configure(model, asked.config ? given.operands : none, given.model);
    const std::vector<std::string>& prefixes = asked.config ? none : given.operands;
    if (asked.json)
        out << options_json(model, prefixes).dump(2) << '\n';
    else
        out << (asked.config ? write_config(model) : list_options(model, prefixes));
    return exit_code::as_expected;
}

verb options_verb(listing_options& asked, option_set& model, std::ostream& out)
{
    verb entry;
    entry.name = "options";
    entry.operands = "PREFIX..., or --config CONFIG...";
    entry.kind = operand_kind::option;
    entry.help = "every option: its type, default, range and meaning";
    asked.declare(entry.own);
    entry.run = [&asked, &model, &out](const arguments& given) {
        return show_options(asked, given, model, out);
    };
    return entry;
}

} // namespace mkclean
