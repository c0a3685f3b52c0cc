#include "tb/compare/run_file.h"
#include "sim/input_error.h"
#include "tb/command_line.h"

#include <cerrno>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>

namespace mkclean
{

namespace
{

using json = nlohmann::ordered_json;

std::string bytes_of(const std::string& path)
{
    std::ifstream file(path, std::ios::binary);
    if (!file)
        throw file_error("read", path, std::generic_category().message(errno));
    return {std::istreambuf_iterator<char>(file), {}};
}

// From <script ... id="NAME"> to </script>, with both; "" if there is none.
std::string_view script_of(std::string_view html, std::string_view name)
{
    constexpr std::string_view end_tag = "</script>";
    const std::string id = "id=\"" + std::string(name) + "\">";
    const std::size_t at = html.find(id);
    if (at == std::string_view::npos)
        return {};
    const std::size_t begin = html.rfind("<script", at);
    const std::size_t end = html.find(end_tag, at);
    if (begin == std::string_view::npos || end == std::string_view::npos)
        return {};
    return html.substr(begin, end + end_tag.size() - begin);
}

std::string_view inside(std::string_view script)
{
    const std::size_t begin = script.find('>') + 1;
    return script.substr(begin, script.rfind('<') - begin);
}

run_file from_report(const std::string& path, std::string_view html)
{
    run_file run;
    run.name = path;
    const std::string_view meta = script_of(html, "meta-0");
    const std::string_view events = script_of(html, "events-0");
    if (!script_of(html, "meta-1").empty())
        throw input_error({path, 0}, "expected the report of one run; it compares two already");
    if (meta.empty() || events.empty())
        throw input_error({path, 0}, "expected what --stats or --report has written");
    run.report_data = std::string(meta) + '\n' + std::string(events) + '\n';
    const json facts = json::parse(inside(meta));
    run.figures = facts.at("stats");
    for (const json& option : facts.at("config"))
        run.config[option.at("name").get<std::string>()] = option.at("value");
    return run;
}

run_file from_statistics(const std::string& path, const std::string& text)
{
    run_file run;
    run.name = path;
    run.figures = json::parse(text);
    if (!run.figures.is_object() || !run.figures.contains("verdict") ||
        !run.figures.contains("config"))
        throw input_error({path, 0}, "expected the statistics of a run, as --stats writes them");
    run.config = run.figures["config"];
    run.figures.erase("config");
    run.figures.erase("host");
    return run;
}

} // namespace

run_file read_run_file(const std::string& path)
{
    const std::string text = bytes_of(path);
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    try {
        return first != std::string::npos && text[first] == '<' ? from_report(path, text)
                                                                : from_statistics(path, text);
    } catch (const json::exception&) {
        throw input_error({path, 0}, "expected what --stats or --report has written");
    }
}

} // namespace mkclean
