#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace mkclean
{

/// What is left of a run: the statistics that --stats has written, or a report.
struct run_file {
    std::string name;               ///< as messages call it
    nlohmann::ordered_json figures; ///< its statistics, without `config` and `host`
    nlohmann::ordered_json config;  ///< option to text
    std::string report_data;        ///< the two scripts of a report's run; "" if it is none

    bool is_report() const { return !report_data.empty(); }
};

/// Error: file_error if it cannot be read, input_error if it is neither.
run_file read_run_file(const std::string& path);

} // namespace mkclean
