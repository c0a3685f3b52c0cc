#include "tb/reference/families.h"

#include <algorithm>
#include <array>
#include <utility>

namespace mkclean
{
namespace
{

constexpr const char* general = "general"; // of names without a dot

constexpr std::array<std::pair<const char*, const char*>, 19> about_families = {{
    {general, "The kernel, and how large the machine is"},
    {"vm", "The kernel's memory management: policies, of which an era is a choice, and its knobs"},
    {"fs", "The filesystem and its journal"},
    {"memory", "The bus to memory"},
    {"time", "How the simulation keeps time"},
    {"power", "Power cuts"},
    {"expect", "What a run is for, and so its exit code"},
    {"workload", "The program that runs"},
    {"sweep", "A config that is a sweep"},
    {"explore", "What `mkclean explore` looks at, and how"},
    {"museum", "The card of an exhibit, for `mkclean museum`"},
    {"core", "The processors"},
    {"tlb", "The TLB of each processor"},
    {"walker", "The page-table walker and its caches"},
    {"mmu", "Page tables, and who sets the dirty bit"},
    {"shootdown", "How one processor has others forget translations"},
    {"cost", "What steps of the kernel cost"},
    {"block", "The request queue"},
    {"disk", "The disk"},
}};

std::string family_of(const std::string& name)
{
    const std::size_t dot = name.find('.');
    return dot == std::string::npos ? general : name.substr(0, dot);
}

std::string about(const std::string& family)
{
    for (const auto& [name, words] : about_families)
        if (name == family)
            return words;
    return "";
}

} // namespace

std::vector<option_family> families_of(const option_set& options)
{
    std::vector<option_family> families;
    for (option_info& option : options.all()) {
        const std::string name = family_of(option.name);
        auto found = std::find_if(families.begin(), families.end(),
                                  [&](const option_family& one) { return one.name == name; });
        if (found == families.end())
            found = families.insert(found, {name, about(name), {}});
        found->options.push_back(std::move(option));
    }
    return families;
}

} // namespace mkclean
