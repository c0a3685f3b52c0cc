#include "tb/config_file.h"
#include "tb/text_file.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace mkclean
{
namespace
{

constexpr std::size_t deepest_nesting = 32;
// Without it, files that each use the next one twice would double the work at every level.
constexpr std::size_t most_files = 1000;

/// What tells two paths to the same file from two files.
std::string identity_of(const std::string& path)
{
    std::error_code error;
    const std::filesystem::path canonical = std::filesystem::canonical(path, error);
    return error ? path : canonical.string();
}

std::string_view trim(std::string_view text)
{
    constexpr std::string_view blanks = " \t";
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

bool is_name(std::string_view text)
{
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz"
                                         "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

/// The files being read, outermost first, and what they have said so far.
class config_reader
{
public:
    void read(const std::string& path, const origin& asked_by);
    void add(setting found) { m_settings.push_back(std::move(found)); }
    void extend(const std::string& name, std::string_view value);
    std::vector<setting> take() { return std::move(m_settings); }

private:
    struct open_file {
        std::string path;
        std::string identity;
    };

    void enter(const std::string& path, const origin& asked_by);
    std::string chain_to(const std::string& path) const;

    std::vector<open_file> m_open;
    std::vector<setting> m_settings;
    std::size_t m_files_read = 0;
};

/// One file: its section and the names it has set so far.
class file_parser
{
public:
    file_parser(config_reader& reader, const std::string& path) : m_reader(reader), m_here{path, 0}
    {
    }

    void parse(std::string_view content);

private:
    void parse_line(std::string_view line);
    void parse_section(std::string_view line);
    void parse_setting(std::string_view line);
    void use(std::string_view path);
    input_error error(const std::string& message) const { return input_error(m_here, message); }

    config_reader& m_reader;
    origin m_here;
    std::string m_section;
    std::map<std::string, unsigned> m_line_of_name;
};

void config_reader::read(const std::string& path, const origin& asked_by)
{
    const std::string content = read_text_file(path, asked_by);
    enter(path, asked_by);
    file_parser(*this, path).parse(content);
    m_open.pop_back();
}

void config_reader::enter(const std::string& path, const origin& asked_by)
{
    const std::string identity = identity_of(path);
    const bool circular = std::any_of(m_open.begin(), m_open.end(), [&](const open_file& outer) {
        return outer.identity == identity;
    });
    if (circular)
        throw input_error(asked_by, "files use each other in a circle: " + chain_to(path));
    if (m_open.size() == deepest_nesting)
        throw input_error(asked_by, fmt::format("files use each other more than {} deep: {}",
                                                deepest_nesting, chain_to(path)));
    if (++m_files_read > most_files)
        throw input_error(asked_by, fmt::format("more than {} files are used", most_files));
    m_open.push_back({path, identity});
}

void config_reader::extend(const std::string& name, std::string_view value)
{
    const auto latest = std::find_if(m_settings.rbegin(), m_settings.rend(),
                                     [&](const setting& one) { return one.name == name; });
    latest->value += (latest->value.empty() ? "" : " ") + std::string(value);
}

std::string config_reader::chain_to(const std::string& path) const
{
    std::string chain;
    for (const open_file& outer : m_open)
        chain += outer.path + " -> ";
    return chain + path;
}

void file_parser::parse(std::string_view content)
{
    content = without_byte_order_mark(content);
    while (!content.empty()) {
        ++m_here.line;
        parse_line(take_line(content));
    }
}

void file_parser::parse_line(std::string_view line)
{
    if (!is_printable(line))
        throw error("the line holds bytes that are not printable text");
    line = trim(without_comment(line));
    if (line.empty())
        return;
    if (line.front() == '[')
        parse_section(line);
    else
        parse_setting(line);
}

void file_parser::parse_section(std::string_view line)
{
    const std::string_view name = trim(line.substr(1, line.size() - 2));
    if (line.back() != ']' || !is_name(name))
        throw error("expected '[section]', got " + in_quotes(line));
    m_section = std::string(name) + ".";
}

void file_parser::parse_setting(std::string_view line)
{
    const std::size_t equals = line.find('=');
    std::string_view name = trim(line.substr(0, equals));
    const bool adds = equals > 0 && equals != std::string_view::npos && line[equals - 1] == '+';
    if (adds)
        name = trim(line.substr(0, equals - 1));
    if (equals == std::string_view::npos || !is_name(name))
        throw error("expected 'name = value', got " + in_quotes(line));
    const std::string_view value = trim(line.substr(equals + 1));
    if (name == "use" && !adds) {
        use(value);
        return;
    }
    const std::string full_name = m_section + std::string(name);
    if (adds) {
        if (m_line_of_name.count(full_name) == 0)
            throw error(in_quotes(full_name) +
                        " is not set yet in this file, so nothing can be added");
        m_reader.extend(full_name, value);
        return;
    }
    const auto [earlier, is_new] = m_line_of_name.emplace(full_name, m_here.line);
    if (!is_new)
        throw error(
            fmt::format("{} is already set in line {}", in_quotes(full_name), earlier->second));
    m_reader.add({full_name, std::string(value), m_here});
}

void file_parser::use(std::string_view path)
{
    if (!m_section.empty())
        throw error("'use' must stand before the first [section]");
    if (path.empty())
        throw error("'use' needs the path of a file");
    const std::filesystem::path here = std::filesystem::path(m_here.file).parent_path();
    m_reader.read((here / path).string(), m_here);
}

} // namespace

std::vector<setting> read_config(const std::string& path, const origin& asked_by)
{
    config_reader reader;
    reader.read(path, asked_by);
    return reader.take();
}

void apply_settings(const std::vector<setting>& settings, option_set& options)
{
    for (const setting& one : settings)
        options.set(one.name, one.value, one.where);
}

void configure(option_set& options, const std::vector<std::string>& config_paths,
               const std::vector<setting>& overrides)
{
    for (const std::string& path : config_paths)
        apply_settings(read_config(path, origin()), options);
    apply_settings(overrides, options);
}

} // namespace mkclean
