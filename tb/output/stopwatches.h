#pragma once

#include "tb/output/recording.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace mkclean
{

/// Measures how long things take that have a beginning and an end in the stream of events.
class stopwatches
{
public:
    stopwatches();

    void on_span(const span_mark& mark);
    void on_event(const event& e);
    /// Those that were measured at least once.
    std::vector<recorded_latency> results() const;

private:
    enum watch : std::size_t { fault, mkclean, shootdown, sync, request, command, watches };
    struct open_span {
        const span_site* site;
        picoseconds begun;
    };
    struct open_flush {
        virtual_address va;
        picoseconds begun;
    };

    void on_acknowledgement(const event& e);
    void add(watch which, picoseconds begun, picoseconds ended);

    std::vector<recorded_latency> m_of;
    std::map<actor_id, std::vector<open_span>> m_spans;
    std::vector<open_flush> m_flushes;
    std::map<std::pair<std::uint64_t, std::uint64_t>, picoseconds> m_requests; ///< by frame, block
    std::map<std::uint64_t, picoseconds> m_commands;                           ///< by first sector
};

} // namespace mkclean
