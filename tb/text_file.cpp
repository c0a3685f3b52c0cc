#include "tb/text_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

namespace mkclean
{
namespace
{

constexpr std::size_t largest_file = std::size_t{1} << 20U;

struct closes_file {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

} // namespace

std::string read_text_file(const std::string& path, const origin& asked_by)
{
    const auto refuse = [&](const std::string& why) {
        return input_error(asked_by, "cannot read " + in_quotes(path) + ": " + why);
    };
    const auto system_says = [] { return std::generic_category().message(errno); };
    const std::unique_ptr<std::FILE, closes_file> file(std::fopen(path.c_str(), "rbe"));
    if (!file)
        throw refuse(system_says());
    std::string content;
    std::array<char, 4096> buffer;
    while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), file.get())) {
        content.append(buffer.data(), size);
        if (content.size() > largest_file)
            throw refuse("it is larger than 1 MiB");
    }
    if (std::ferror(file.get()) != 0)
        throw refuse(system_says());
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
