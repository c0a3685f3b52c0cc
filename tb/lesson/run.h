#pragma once

#include "tb/config_file.h"
#include "tb/lesson/run_record.h"

#include <nlohmann/json.hpp>

#include <vector>

namespace mkclean
{

/// A lesson's machine: its config, and what is laid over it.
class lesson_machine
{
public:
    /// Later settings over earlier ones. Error: as in apply_settings() and config::check().
    explicit lesson_machine(const std::vector<setting>& settings);
    lesson_machine(const lesson_machine&) = delete;
    lesson_machine& operator=(const lesson_machine&) = delete;

    const config& get() const { return m_config; }
    const option_set& options() const { return m_options; }

private:
    config m_config;
    option_set m_options;
};

/// What a lesson knows of a run.
struct lesson_run {
    nlohmann::ordered_json statistics; ///< as `run --stats` writes them, but for host figures
    run_record record;
};

/// Runs a machine on fibers. Error: input_error for a disk or a memory that is too small.
lesson_run run_lesson(const lesson_machine& machine, const page_name& page);

} // namespace mkclean
