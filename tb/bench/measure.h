#pragma once

#include "tb/bench/cases.h"
#include "tb/bench/samples.h"
#include "tb/sweep/processes.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace mkclean
{

/// What one case came to; nanoseconds of this host an operation.
struct bench_result {
    bench_case what;
    samples window;
    samples every_access;
    samples native;               ///< empty if there is no such program
    std::uint64_t operations = 0; ///< of the longer run
    std::uint64_t peak_rss = 0;   ///< bytes, the most of any run
};

/// One run, as its statistics tell.
struct timed_run {
    double seconds = 0;
    double operations = 0;
    std::uint64_t peak_rss = 0; ///< bytes
};

/// The user had enough.
struct bench_interrupted {
};

/// Makes runs, each a process of its own, one at a time.
class bench_runner
{
public:
    /// `progress` is told what is about to be run.
    bench_runner(std::string executable, interrupt_watch& watch,
                 std::function<void(const std::string&)> progress)
        : m_executable(std::move(executable)),
          m_watch(watch),
          m_progress(std::move(progress))
    {
    }

    /// What `mkclean WORDS...` has to say with --stats=-. Error: std::runtime_error with what it
    /// said instead; bench_interrupted.
    nlohmann::ordered_json stats_of(const std::string& name, const std::vector<std::string>& words);

    /// `operations` is where its statistics say how much it did. Errors as above.
    timed_run run(const std::string& name, const run_settings& settings,
                  const std::string& operations);

    /// The fastest of some such runs.
    timed_run fastest(std::uint64_t repetitions, const std::string& name,
                      const run_settings& settings, const std::string& operations);

    /// `percent` of the case's lengths. The three programs take turns, so that each has the same
    /// share of whatever else this host does.
    bench_result measure(const bench_case& c, std::uint64_t repetitions, std::uint64_t percent);

private:
    double nanoseconds_an_operation(const bench_case& c, const run_settings& extra,
                                    std::uint64_t percent, bench_result& result);

    std::string m_executable;
    interrupt_watch& m_watch;
    std::function<void(const std::string&)> m_progress;
};

} // namespace mkclean
