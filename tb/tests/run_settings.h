#pragma once

#include "tb/output/statistics.h"
#include "tb/run.h"

#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace mkclean
{

using json = nlohmann::ordered_json;
/// Options by name, as the command line would have them.
using settings = std::vector<std::pair<std::string, std::string>>;

inline settings with(settings given, const std::string& name, const std::string& value)
{
    given.emplace_back(name, value);
    return given;
}

/// The statistics of a run on fibers, without the host's. Errors as of the run.
inline json run(const settings& given)
{
    config c;
    option_set model;
    c.declare(model);
    for (const auto& [name, value] : given)
        model.set(name, value, origin());
    c.check(model);
    json stats;
    run_on_fibers(
        c, [](world&) {}, [&](world& w) { stats = statistics_of(w, model); });
    return stats;
}

} // namespace mkclean
