#include "tb/lesson/catalogue.h"
#include "sim/option_set.h"
#include "tb/lesson/lesson_file.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

namespace mkclean
{

static std::vector<std::string> paths_in(const std::string& directory)
{
    std::vector<std::string> paths;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory, error))
        if (entry.path().extension() == ".lesson")
            paths.push_back(entry.path().string());
    if (paths.empty())
        throw input_error({directory, 0}, error ? error.message() : "there are no lessons");
    std::sort(paths.begin(), paths.end());
    return paths;
}

std::vector<lesson> read_lessons(const std::string& directory)
{
    std::vector<lesson> all;
    for (const std::string& path : paths_in(directory)) {
        all.push_back(read_lesson(path));
        if (all.size() > 1 && all[all.size() - 2].number == all.back().number)
            throw input_error({path, 0}, fmt::format("expected a number of its own, got that of {}",
                                                     all[all.size() - 2].slug));
    }
    return all;
}

static std::string without_zeros(const std::string& number)
{
    return number.substr(std::min(number.find_first_not_of('0'), number.size()));
}

const lesson& find_lesson(const std::vector<lesson>& all, const std::string& name)
{
    std::vector<std::string> names;
    for (const lesson& l : all) {
        if (l.slug == name || fmt::format("{}", l.number) == without_zeros(name))
            return l;
        names.push_back(l.slug);
    }
    throw input_error(origin(),
                      fmt::format("expected a lesson, {} to {}, got {}{}", all.front().number,
                                  all.back().number, in_quotes(name), suggestion(name, names)));
}

} // namespace mkclean
