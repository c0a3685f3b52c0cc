#pragma once

#include "sim/option_set.h"
#include "tb/config_file.h"
#include "tb/output/statistics.h"
#include "tb/run.h"

#include <functional>
#include <initializer_list>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

namespace mkclean::testing
{

using overrides = std::vector<std::pair<std::string, std::string>>;

/// A config as the command line would make it of a file in configs/ and some options.
class configured
{
public:
    explicit configured(const std::string& name, const overrides& with = {})
    {
        m_config.declare(m_options);
        std::vector<setting> settings;
        for (const auto& [option, value] : with)
            settings.push_back({option, value, origin()});
        std::vector<std::string> files;
        if (!name.empty())
            files.push_back(std::string(MKCLEAN_SOURCE_DIR) + "/configs/" + name);
        configure(m_options, files, settings);
        m_config.check(m_options);
    }
    configured(const configured&) = delete;
    configured& operator=(const configured&) = delete;

    const config& get() const { return m_config; }
    const option_set& options() const { return m_options; }

    void run(
        const std::function<void(world&)>& after,
        const std::function<void(world&)>& before = [](world&) {}) const
    {
        run_on_fibers(m_config, before, after);
    }

    nlohmann::ordered_json stats() const
    {
        nlohmann::ordered_json result;
        run([&](world& w) { result = statistics_of(w, m_options); });
        return result;
    }

private:
    config m_config;
    option_set m_options;
};

} // namespace mkclean::testing
