#include "tb/output/event_selection.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace mkclean
{

namespace
{

bool is_of_no_page(const recorded_event& e)
{
    return e.page == recorded_event::no_page;
}

// Metadata is what journals are about, not what people look for.
bool is_of_a_file(const recorded_page& p, const recording& r)
{
    return std::any_of(r.files.begin(), r.files.end(),
                       [&](const recorded_file& f) { return f.ino == p.ino; });
}

std::vector<std::uint32_t> by_interest(const recording& r)
{
    std::vector<std::uint64_t> eventful(r.pages.size());
    for (const recorded_event& e : r.events)
        if (!is_of_no_page(e) && !r.sites[e.site].stores)
            ++eventful[e.page];
    std::vector<std::uint32_t> order(r.pages.size());
    std::iota(order.begin(), order.end(), 0);
    const auto interest = [&](std::uint32_t number) {
        const recorded_page& p = r.pages[number];
        const bool is_first = !r.findings.empty() && r.findings.front().page == number;
        return std::make_tuple(is_first, p.lost, p.lied, is_of_a_file(p, r), eventful[number]);
    };
    std::stable_sort(order.begin(), order.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return interest(a) > interest(b); });
    return order;
}

} // namespace

event_selection select_events(const recording& r, std::uint64_t most)
{
    event_selection s;
    s.rank_of.assign(r.pages.size(), event_selection::left_out);
    s.number_of.assign(r.events.size(), event_selection::left_out);
    const auto of_no_page =
        static_cast<std::uint64_t>(std::count_if(r.events.begin(), r.events.end(), is_of_no_page));
    const bool with_those = of_no_page <= most / 4;
    std::uint64_t room = most - (with_those ? of_no_page : 0);
    for (const std::uint32_t number : by_interest(r)) {
        const std::uint64_t steps = r.pages[number].steps;
        if (steps > room && !s.pages.empty())
            break;
        s.cut = steps > room ? steps - room : s.cut;
        room -= std::min(steps, room);
        s.rank_of[number] = static_cast<std::uint32_t>(s.pages.size());
        s.pages.push_back(number);
    }
    std::uint64_t to_cut = s.cut;
    for (std::uint32_t at = 0; at < r.events.size(); ++at) {
        const recorded_event& e = r.events[at];
        if (is_of_no_page(e) ? !with_those : s.rank_of[e.page] == event_selection::left_out)
            continue;
        if (!is_of_no_page(e) && to_cut > 0) {
            --to_cut;
            continue;
        }
        s.number_of[at] = static_cast<std::uint32_t>(s.events.size());
        s.events.push_back(at);
    }
    return s;
}

} // namespace mkclean
