#include "tb/lesson/lesson.h"

#include <array>
#include <set>

namespace mkclean
{

std::vector<setting> settings_of(const option_values& values, const origin& where)
{
    std::vector<setting> settings;
    settings.reserve(values.size());
    for (const auto& [name, value] : values)
        settings.push_back({name, value, where});
    return settings;
}

// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): neighbouring seeds have nothing in common.
static std::uint64_t scrambled(std::uint64_t seed)
{
    seed += 0x9e3779b97f4a7c15U;
    seed = (seed ^ (seed >> 30U)) * 0xbf58476d1ce4e5b9U;
    seed = (seed ^ (seed >> 27U)) * 0x94d049bb133111ebU;
    return seed ^ (seed >> 31U);
}

static const std::string& value_of(const lesson_variable& v, std::size_t which, std::uint64_t seed)
{
    return seed == 1 ? v.values.front()
                     : v.values[scrambled(seed ^ scrambled(which)) % v.values.size()];
}

std::map<std::string, std::string> lesson::chosen_names(std::uint64_t seed) const
{
    std::map<std::string, std::string> chosen;
    for (std::size_t i = 0; i < variables.size(); ++i)
        chosen[variables[i].name] = value_of(variables[i], i, seed);
    return chosen;
}

std::vector<std::uint64_t> lesson::seeds_of_variants() const
{
    std::size_t variants = 1;
    for (const lesson_variable& v : variables)
        variants *= v.values.size();
    std::set<std::map<std::string, std::string>> seen;
    std::vector<std::uint64_t> seeds;
    for (std::uint64_t seed = 1; seeds.size() < variants; ++seed)
        if (seen.insert(chosen_names(seed)).second)
            seeds.push_back(seed);
    return seeds;
}

std::vector<setting> lesson::settings_of_stage(const lesson_stage& stage, std::uint64_t seed) const
{
    const origin here{path, 0};
    std::vector<setting> settings = read_config(config, here);
    for (std::size_t i = 0; i < variables.size(); ++i)
        settings.push_back({variables[i].option, value_of(variables[i], i, seed), here});
    for (const setting& s : settings_of(stage.changes, stage.where))
        settings.push_back(s);
    return settings;
}

const char* name_of(lesson_link::kind what)
{
    static constexpr std::array<const char*, 5> names{"kernel", "commit", "museum", "docs",
                                                      "config"};
    return names[static_cast<std::size_t>(what)];
}

} // namespace mkclean
