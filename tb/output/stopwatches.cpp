#include "tb/output/stopwatches.h"

#include <algorithm>
#include <string_view>

namespace mkclean
{

stopwatches::stopwatches() : m_of(watches)
{
    const auto name = [this](watch which, const char* called, const char* words) {
        m_of[which].name = called;
        m_of[which].words = words;
    };
    name(fault, "page fault", "handle_pte_fault(), what it waits for included");
    name(mkclean, "page_mkclean", "PTEs and their flushes, for one page");
    name(shootdown, "TLB shootdown",
         "from the request to other cores to their last acknowledgement");
    name(sync, "fsync, msync", "the system call, on the way in to on the way out");
    name(request, "write or read", "from submit_bh to end_io, for one block");
    name(command, "disk command", "from the fetch of the command to its completion");
}

void stopwatches::on_span(const span_mark& mark)
{
    std::vector<open_span>& open = m_spans[mark.actor];
    if (mark.begins) {
        open.push_back({mark.site, mark.time});
        return;
    }
    if (open.empty() || open.back().site != mark.site)
        return; // it began before anybody listened
    const picoseconds begun = open.back().begun;
    open.pop_back();
    const std::string_view name = mark.site->name;
    if (name == "handle_pte_fault")
        add(fault, begun, mark.time);
    else if (name == "page_mkclean")
        add(mkclean, begun, mark.time);
    else if (name == "do_fsync" || name == "do_msync")
        add(sync, begun, mark.time);
}

void stopwatches::on_event(const event& e)
{
    const std::string_view name = e.site->name;
    const auto buffer = std::make_pair(e.what.frame.raw(), e.what.block);
    if (name == "flush_tlb_others")
        m_flushes.push_back({e.what.va, e.time});
    else if (name == "flush_tlb_func ack")
        on_acknowledgement(e);
    else if (name == "submit_bh")
        m_requests[buffer] = e.time;
    else if (name == "disk_fetched")
        m_commands[e.before] = e.time;
    else if (name == "end_io") {
        if (const auto begun = m_requests.find(buffer); begun != m_requests.end()) {
            add(request, begun->second, e.time);
            m_requests.erase(begun);
        }
    } else if (name == "disk_done") {
        if (const auto begun = m_commands.find(e.before); begun != m_commands.end()) {
            add(command, begun->second, e.time);
            m_commands.erase(begun);
        }
    }
}

// Two cores may flush the same address: the one that began first is taken to be done first.
void stopwatches::on_acknowledgement(const event& e)
{
    if (e.after != 0)
        return;
    const auto of = std::find_if(m_flushes.begin(), m_flushes.end(),
                                 [&](const open_flush& f) { return f.va == e.what.va; });
    if (of == m_flushes.end())
        return;
    add(shootdown, of->begun, e.time);
    m_flushes.erase(of);
}

void stopwatches::add(watch which, picoseconds begun, picoseconds ended)
{
    m_of[which].durations.push_back((ended - begun).raw());
}

std::vector<recorded_latency> stopwatches::results() const
{
    std::vector<recorded_latency> measured;
    for (const recorded_latency& of : m_of) {
        if (of.durations.empty())
            continue;
        measured.push_back(of);
        std::sort(measured.back().durations.begin(), measured.back().durations.end());
    }
    return measured;
}

} // namespace mkclean
