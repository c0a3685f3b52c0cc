#include "tb/text_file.h"
#include "sim/option_set.h"
#include "tb/command_line.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <system_error>
#include <vector>

namespace mkclean
{
namespace
{

constexpr std::size_t largest_file = std::size_t{1} << 20U;

struct closes_file {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

/// What `path` is most likely a misspelling of, among the files beside it.
std::string nearest_file(const std::filesystem::path& path)
{
    namespace fs = std::filesystem;
    const fs::path directory = path.has_parent_path() ? path.parent_path() : fs::path(".");
    std::error_code error;
    std::vector<std::string> names;
    for (fs::directory_iterator at(directory, error); !error && at != fs::directory_iterator();
         at.increment(error))
        names.push_back(at->path().filename().string());
    std::sort(names.begin(), names.end()); // a directory has no order of its own
    const std::optional<std::string> meant = nearest(path.filename().string(), names);
    if (!meant)
        return "";
    return "; did you mean " + in_quotes((path.parent_path() / *meant).string()) + "?";
}

/// Throws what errno says of `path`.
[[noreturn]] void refuse(const std::string& path, const origin& asked_by)
{
    const int error = errno;
    const std::string why =
        std::generic_category().message(error) + (error == ENOENT ? nearest_file(path) : "");
    if (asked_by.file.empty())
        throw file_error("read", path, why);
    throw input_error(asked_by, "cannot read " + in_quotes(path) + ": " + why);
}

} // namespace

std::string read_text_file(const std::string& path, const origin& asked_by)
{
    const std::unique_ptr<std::FILE, closes_file> file(std::fopen(path.c_str(), "rbe"));
    if (!file)
        refuse(path, asked_by);
    std::string content;
    std::array<char, 4096> buffer;
    while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), file.get())) {
        content.append(buffer.data(), size);
        if (content.size() > largest_file)
            throw input_error(asked_by,
                              "cannot read " + in_quotes(path) + ": it is larger than 1 MiB");
    }
    if (std::ferror(file.get()) != 0)
        refuse(path, asked_by);
    return content;
}

std::string_view take_line(std::string_view& content)
{
    const std::size_t end = std::min(content.find('\n'), content.size());
    std::string_view line = content.substr(0, end);
    content.remove_prefix(std::min(end + 1, content.size()));
    if (!line.empty() && line.back() == '\r')
        line.remove_suffix(1);
    return line;
}

std::string_view without_byte_order_mark(std::string_view content)
{
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
    if (content.substr(0, byte_order_mark.size()) == byte_order_mark)
        content.remove_prefix(byte_order_mark.size());
    return content;
}

std::string_view without_comment(std::string_view line)
{
    for (std::size_t at = line.find('#'); at != std::string_view::npos; at = line.find('#', at + 1))
        if (at == 0 || line[at - 1] == ' ' || line[at - 1] == '\t')
            return line.substr(0, at);
    return line;
}

} // namespace mkclean
