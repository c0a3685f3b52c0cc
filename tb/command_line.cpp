#include "tb/command_line.h"
#include "tb/failure.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <ostream>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include <boost/program_options/errors.hpp>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/value_semantic.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace mkclean
{
namespace
{

constexpr std::uint64_t most_jobs = 256;

std::string system_says()
{
    return std::generic_category().message(errno);
}

const option_set* owner_of(std::string_view name, const option_set& own, const option_set& model)
{
    if (own.has(name))
        return &own;
    return model.has(name) ? &model : nullptr;
}

input_error unknown_option(const std::string& dashed, const option_set& own,
                           const option_set& model)
{
    std::vector<std::string> known = {"--help"};
    for (const option_set* options : {&own, &model})
        for (const std::string& name : options->names())
            known.push_back("--" + name);
    return input_error(
        origin(), fmt::format("unknown option {}{}", in_quotes(dashed), suggestion(dashed, known)));
}

/// Boost.Program_options has no way to say that a value is empty (`--name=`) or that a flag needs
/// none without guessing, so both are spelt out before it sees the words.
std::vector<std::string> spell_out(const std::vector<std::string>& words, const option_set& own,
                                   const option_set& model)
{
    std::vector<std::string> spelt;
    for (std::size_t at = 0; at < words.size(); ++at) {
        const std::string& word = words[at];
        if (begins_with(word, "--="))
            throw unknown_option("--", own, model); // Boost would make it an operand
        const std::string name = begins_with(word, "--") ? word.substr(2) : "";
        const option_set* owner = owner_of(name, own, model);
        if (owner != nullptr && owner->info(name).type == option_type::flag) {
            const bool takes_next = at + 1 < words.size() && is_flag_word(words[at + 1]);
            spelt.push_back(word + "=" + (takes_next ? words[++at] : "on"));
        } else if (name.size() > 1 && name.find('=') == name.size() - 1) {
            spelt.push_back(word.substr(0, word.size() - 1));
            spelt.emplace_back();
        } else {
            spelt.push_back(word);
        }
    }
    return spelt;
}

std::vector<boost::program_options::option> split(const std::vector<std::string>& words,
                                                  const option_set& own, const option_set& model)
{
    namespace po = boost::program_options;
    // Prefix guessing, on by default, would change the meaning of scripts with every new option.
    constexpr int style = po::command_line_style::allow_long |
                          po::command_line_style::long_allow_adjacent |
                          po::command_line_style::long_allow_next;
    po::options_description known;
    for (const option_set* options : {&own, &model})
        for (const std::string& name : options->names())
            known.add_options()(name.c_str(), po::value<std::string>());
    try {
        return po::command_line_parser(words)
            .options(known)
            .style(style)
            .allow_unregistered()
            .run()
            .options;
    } catch (const po::error_with_option_name& error) {
        const std::string dashed = error.get_option_name();
        const std::size_t name = std::min(dashed.find_first_not_of('-'), dashed.size());
        throw input_error(origin(), dashed.substr(name), "a value is missing");
    } catch (const po::error& error) {
        throw input_error(origin(), error.what());
    }
}

/// Sorts what Boost has split.
class argument_sorter
{
public:
    argument_sorter(const option_set& own, const option_set& model) : m_own(own), m_model(model) {}

    void sort(const boost::program_options::option& found)
    {
        if (found.string_key.empty() && found.position_key >= 0)
            add_operand(found.value.front());
        else
            add_option(found);
    }
    arguments take() { return std::move(m_sorted); }

private:
    void add_operand(const std::string& word)
    {
        if (word.size() > 1 && word.front() == '-')
            throw unknown_option(word, m_own, m_model);
        m_sorted.operands.push_back(word);
    }

    void add_option(const boost::program_options::option& found)
    {
        const std::string& name = found.string_key;
        const option_set* owner = owner_of(name, m_own, m_model);
        if (owner == nullptr) {
            const std::string& word = found.original_tokens.front();
            throw unknown_option(word.substr(0, word.find('=')), m_own, m_model);
        }
        // Boost takes the next word whatever it is, even the next option.
        if (found.original_tokens.size() > 1 && begins_with(found.original_tokens[1], "--"))
            throw input_error(origin(), name, "a value is missing");
        if (!m_seen.insert(name).second && !owner->info(name).repeatable)
            throw input_error(origin(), name, "is given twice");
        std::vector<setting>& settings = owner == &m_own ? m_sorted.own : m_sorted.model;
        settings.push_back({name, found.value.front(), origin()});
    }

    const option_set& m_own;
    const option_set& m_model;
    arguments m_sorted;
    std::set<std::string> m_seen;
};

std::string two_columns(const std::vector<std::pair<std::string, std::string>>& rows)
{
    std::size_t width = 0;
    for (const auto& row : rows)
        width = std::max(width, row.first.size());
    std::string text;
    for (const auto& [left, right] : rows)
        text += fmt::format("  {:<{}}  {}\n", left, width, right);
    return text;
}

verb& find_verb(const std::string& name, program& known)
{
    std::vector<std::string> names;
    for (verb& candidate : known.verbs) {
        if (candidate.name == name)
            return candidate;
        names.push_back(candidate.name);
    }
    if (begins_with(name, "-")) {
        const std::string meant = suggestion(name, {"--help", "--version"});
        throw input_error(origin(), meant.empty() ? "the verb comes before its options"
                                                  : "unknown option " + in_quotes(name) + meant);
    }
    throw input_error(origin(),
                      fmt::format("unknown verb {}{}", in_quotes(name), suggestion(name, names)));
}

void refuse_model_options(const std::vector<std::string>& words, const verb& asked,
                          const option_set& model)
{
    for (const std::string& word : words) {
        if (word == "--")
            return;
        const std::string name =
            word.substr(0, word.find('=')).substr(begins_with(word, "--") ? 2 : 0);
        if (begins_with(word, "--") && model.has(name) && !asked.own.has(name))
            throw input_error(
                origin(), name,
                fmt::format("is an option of the model, and {} takes none", asked.name));
    }
}

void check_operands(const arguments& given, const verb& asked)
{
    if (given.operands.size() < asked.least_operands)
        throw input_error(origin(), fmt::format("{} needs {}", asked.name, asked.operands));
    if (given.operands.size() > asked.most_operands)
        throw input_error(origin(), fmt::format("{} does not take {}", asked.name,
                                                in_quotes(given.operands[asked.most_operands])));
}

/// A name that both could mean would go to the verb, silently.
void check_no_option_twice(const option_set& own, const option_set& model)
{
    for (const std::string& name : own.names())
        if (name == "help" || model.has(name))
            throw std::logic_error("option " + in_quotes(name) + " belongs to two owners");
}

int run_verb(const std::vector<std::string>& words, program& known, std::ostream& out)
{
    verb& asked = find_verb(words.front(), known);
    const std::vector<std::string> rest(words.begin() + 1, words.end());
    const auto options_end = std::find(rest.begin(), rest.end(), "--");
    if (std::find(rest.begin(), options_end, "--help") != options_end) {
        out << help_text(asked);
        return exit_code::as_expected;
    }
    const option_set none;
    const option_set& model = asked.takes_model_options ? known.model : none;
    if (!asked.takes_model_options)
        refuse_model_options(rest, asked, known.model);
    check_no_option_twice(asked.own, model);
    arguments given = parse_arguments(rest, asked.own, model);
    given.verb = asked.name;
    check_operands(given, asked);
    apply_settings(given.own, asked.own);
    return asked.run(given);
}

int dispatch(const std::vector<std::string>& words, program& known, std::ostream& out)
{
    if (words.empty())
        throw input_error(origin(), "what shall be done? 'mkclean --help' lists the verbs");
    if (words.front() == "--help" || words.front() == "-h" || words.front() == "help") {
        out << help_text(known);
        return exit_code::as_expected;
    }
    if (words.front() == "--version") {
        out << "mkclean " << known.version << '\n';
        return exit_code::as_expected;
    }
    return run_verb(words, known, out);
}

using word_iterator = std::vector<std::string>::const_iterator;

/// Whether `word`, and the next if that is its value, sends JSON to the standard output.
bool is_json_asked_for(word_iterator word, word_iterator end, const option_set& own)
{
    const std::size_t equals = word->find('=');
    const std::string dashed = word->substr(0, equals);
    if (dashed != "--json" && dashed != "--stats")
        return false;
    const std::string name = dashed.substr(2);
    if (!own.has(name))
        return false;
    const std::string next = word + 1 == end ? "" : *(word + 1);
    const std::string value = equals == std::string::npos ? next : word->substr(equals + 1);
    if (own.info(name).type == option_type::path)
        return value == "-";
    return !is_flag_word(value) || own.canonical(name, value, origin()) == "on";
}

} // namespace

file_error::file_error(const std::string& action, const std::string& path,
                       const std::string& reason)
    : std::runtime_error(printable("cannot " + action + " " + in_quotes(path) + ": " + reason)),
      m_path(path)
{
}

output_file::output_file(const std::string& path, std::ostream& standard_output)
    : m_path(path),
      m_standard_output(&standard_output)
{
    if (m_path != "-")
        open();
}

void output_file::open()
{
    namespace fs = std::filesystem;
    std::error_code error;
    const fs::file_status status = fs::status(m_path, error);
    int descriptor = -1;
    if (fs::exists(status) && !fs::is_regular_file(status)) {
        // Renaming over it would replace the pipe or the device.
        descriptor = ::open(m_path.c_str(), O_WRONLY | O_CLOEXEC);
    } else {
        // Renaming over a symbolic link would replace the link.
        if (fs::exists(status))
            m_path = fs::canonical(m_path, error).string();
        m_temporary = fmt::format("{}.tmp-{}", m_path, ::getpid());
        descriptor = ::open(m_temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    }
    m_file = descriptor < 0 ? nullptr : ::fdopen(descriptor, "w");
    if (m_file == nullptr)
        throw file_error("write", m_path, system_says());
}

output_file::~output_file()
{
    if (m_file == nullptr)
        return;
    std::fclose(m_file);
    if (!m_temporary.empty())
        ::unlink(m_temporary.c_str());
}

void output_file::write(std::string_view text)
{
    if (m_path == "-")
        *m_standard_output << text;
    else if (std::fwrite(text.data(), 1, text.size(), m_file) != text.size())
        throw file_error("write", m_path, system_says());
}

void output_file::commit()
{
    if (m_path == "-")
        return;
    const bool written = std::fclose(std::exchange(m_file, nullptr)) == 0;
    const bool named =
        written && (m_temporary.empty() || std::rename(m_temporary.c_str(), m_path.c_str()) == 0);
    if (named)
        return;
    const std::string reason = system_says();
    if (!m_temporary.empty())
        ::unlink(m_temporary.c_str());
    throw file_error("write", m_path, reason);
}

arguments parse_arguments(const std::vector<std::string>& words, const option_set& own,
                          const option_set& model)
{
    const auto options_end = std::find(words.begin(), words.end(), "--");
    argument_sorter sorter(own, model);
    for (const auto& found : split(spell_out({words.begin(), options_end}, own, model), own, model))
        sorter.sort(found);
    arguments sorted = sorter.take();
    if (options_end != words.end())
        sorted.operands.insert(sorted.operands.end(), options_end + 1, words.end());
    return sorted;
}

std::string value_shown(const option_info& about)
{
    switch (about.type) {
    case option_type::flag:
        return "";
    case option_type::choice:
        return fmt::format(" {}", fmt::join(about.choices, "|"));
    case option_type::path:
        return " FILE";
    case option_type::count:
        return " N";
    default: {
        std::string shown = " " + std::string(name_of(about.type));
        std::transform(shown.begin(), shown.end(), shown.begin(), [](char letter) {
            return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
        });
        return shown;
    }
    }
}

std::string operands_shown(const verb& about)
{
    if (about.operands.empty())
        return "";
    return about.least_operands == 0 ? " [" + about.operands + "]" : " " + about.operands;
}

std::string help_of(const option_info& about)
{
    const bool has_default = about.type != option_type::flag && !about.default_text.empty();
    return about.help + (about.repeatable ? " (repeatable)" : "") +
           (has_default ? " (default " + about.default_text + ")" : "");
}

const std::vector<exit_code_meaning>& exit_code_meanings()
{
    static const std::vector<exit_code_meaning> meanings = {
        {exit_code::as_expected, "as the config expects",
         "The run kept its promises or broke them, as `expect.lost` and `expect.kernels` say; an "
         "exhibit behaves as its card states; what was asked for has been printed."},
        {exit_code::not_as_expected, "not as the config expects",
         "Bytes were lost, or a promise was broken, where none was to be, or none was where one "
         "was to be; explore has found what golden must not do, or has not come to its end."},
        {exit_code::bad_input, "wrong input",
         "An option, a config, a script or a trace; one line on the standard error says which "
         "file and line."},
        {exit_code::file_failed, "a file could not be read or written",
         "The same line names the file. A file that was to be written is left as it was."},
        {exit_code::internal, "an error of the emulator",
         "It has broken its own rules, nobody in a run could go on any more, or the host has no "
         "memory left."},
        {exit_code::interrupted, "interrupted",
         "By Ctrl-C or SIGTERM; what there was until then has been written."}};
    return meanings;
}

std::string help_text(const program& about)
{
    std::vector<std::pair<std::string, std::string>> verbs;
    for (const verb& one : about.verbs)
        verbs.emplace_back(one.name + operands_shown(one), one.help);
    std::vector<std::pair<std::string, std::string>> codes;
    for (const exit_code_meaning& one : exit_code_meanings())
        codes.emplace_back(std::to_string(one.code), one.meaning);
    return fmt::format("{}\n\nusage: mkclean VERB [CONFIG...] [--option value...]\n\n{}\n"
                       "'mkclean VERB --help' tells more. Exit codes:\n\n{}",
                       about.summary, two_columns(verbs), two_columns(codes));
}

std::string help_text(const verb& about)
{
    std::vector<std::pair<std::string, std::string>> rows;
    for (const option_info& option : about.own.all())
        rows.emplace_back("--" + option.name + value_shown(option), help_of(option));
    std::string text = fmt::format("usage: mkclean {}{} [--option value...]\n\n{}\n", about.name,
                                   operands_shown(about), about.help);
    if (!rows.empty())
        text += "\n" + two_columns(rows);
    if (about.takes_model_options)
        text += "\nEvery option that 'mkclean options' lists is accepted too.\n";
    return text + about.more;
}

bool asks_for_json(const std::vector<std::string>& words, const program& known)
{
    if (words.empty())
        return false;
    const auto asked = std::find_if(known.verbs.begin(), known.verbs.end(),
                                    [&](const verb& v) { return v.name == words.front(); });
    const auto end = std::find(words.begin(), words.end(), "--");
    for (auto word = words.begin() + 1; word < end; ++word) {
        if (asked == known.verbs.end() && *word == "--json")
            return true; // an unknown verb's
        if (asked != known.verbs.end() && is_json_asked_for(word, end, asked->own))
            return true;
    }
    return false;
}

int run_command_line(const std::vector<std::string>& words, program& known, std::ostream& out,
                     std::ostream& err)
{
    try {
        const int code = dispatch(words, known, out);
        if (!out.flush())
            throw file_error("write", "-", "the standard output does not take it");
        return code;
    } catch (...) {
        const failure why = failure_of(std::current_exception());
        err << why.line << '\n';
        if (asks_for_json(words, known))
            out << failure_json(why).dump() << '\n' << std::flush;
        return why.code;
    }
}

void let_json_be_stats(bool json, std::string& stats)
{
    if (json && !stats.empty())
        throw input_error(origin(), "json", "is --stats -; one of them");
    if (json)
        stats = "-";
}

void run_options::declare(option_set& own)
{
    own.path("stats", stats, "write the statistics as JSON; - is the standard output");
    own.flag("json", json, "print JSON: the statistics, as --stats - does, or the error");
    own.path("csv", csv, "write a sweep's table as CSV; - is the standard output");
    own.path("log", log, "write one line per event; - is the standard output");
    own.path("schedule", schedule,
             "follow a story that explore has found, move by move; what time says comes after it");
    own.path("vcd", vcd, "write waves: counters, cores, and the six places of dirtiness of a page");
    own.count("vcd-page", vcd_page, {}, "which page of the first file those are");
    own.path("trace", trace, "write a trace for ui.perfetto.dev: cores, threads, pages, causes");
    own.path("report", report,
             "write a page to look at: what happened to each page, step by step (opens offline)");
    own.count("report-events", report_events, {1000, 100'000'000},
              "how many events the report may hold: of the most interesting pages, all");
    own.flag("quiet", quiet, "do not print the table");
    own.flag("biography", biography, "print the life of the first page that went wrong");
    own.choice("executor", executor,
               {{"systemc", executor_choice::systemc}, {"fibers", executor_choice::fibers}},
               "what runs the model");
    own.repeated("vary", vary, "run once for each of name=a,b,c or name=lo..hi*2 or lo..hi+step");
    own.count("jobs", jobs, {1, most_jobs}, "how many runs of a sweep at once");
}

std::uint64_t run_options::processors()
{
    return std::clamp<std::uint64_t>(std::thread::hardware_concurrency(), 1, most_jobs);
}

} // namespace mkclean
