#include "tb/output/report.h"
#include "tb/output/event_selection.h"
#include "tb/output/glossary.h"
#include "tb/output/packing.h"
#include "tb/output/report_events.h"
#include "tb/output/report_page.h"
#include "tb/output/statistics.h"

#include <cmath>
#include <numeric>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace mkclean
{

namespace
{

using json = nlohmann::ordered_json;

const char* name_of(place touched)
{
    static constexpr const char* names[] = {"tlb",   "pte",  "page",   "buffer", "tag",
                                            "inode", "disk", "memory", "key",    "none"};
    return names[static_cast<std::size_t>(touched)];
}

std::string ending_of(const world& w)
{
    switch (w.how_it_ended()) {
    case world::ending::finished:
        return "finished";
    case world::ending::power_cut:
        return "power cut";
    case world::ending::out_of_time:
        return "out of time";
    case world::ending::interrupted:
        return "interrupted";
    case world::ending::deadlock:
        break;
    }
    return "deadlock";
}

json actors_json(const event_log& log)
{
    json all = json::array();
    for (std::size_t id = 0; id < log.actors(); ++id) {
        const event_log::actor_name& name = log.name_of(static_cast<actor_id>(id));
        all.push_back({{"where", name.where}, {"who", name.who}});
    }
    return all;
}

json sites_json(const recording& r)
{
    json all = json::array();
    for (const recorded_site& site : r.sites) {
        const glossary_entry* const entry =
            site.is_span ? explain_span(site.name) : explain_step(site.name);
        const glossary_entry said = entry == nullptr ? glossary_entry{} : *entry;
        all.push_back({{"name", site.name},
                       {"place", name_of(site.touches)},
                       {"function", said.function},
                       {"source", said.source},
                       {"words", said.words},
                       {"stores", site.stores}});
    }
    return all;
}

json files_json(const recording& r)
{
    json all = json::array();
    for (const recorded_file& file : r.files)
        all.push_back({{"ino", file.ino.raw()}, {"name", ""}, {"size", file.size}});
    return all;
}

std::string why(const recorded_page& p)
{
    if (p.lost > 0)
        return fmt::format("{} byte{} lost", p.lost, p.lost == 1 ? "" : "s");
    if (p.lied > 0)
        return fmt::format("{} byte{} promised, not durable", p.lied, p.lied == 1 ? "" : "s");
    return p.ino == device_inode_number ? "metadata" : "";
}

json pages_json(const recording& r, const event_selection& selected)
{
    json all = json::array();
    for (const std::uint32_t number : selected.pages) {
        const recorded_page& p = r.pages[number];
        json one = {{"ino", p.ino.raw()}, {"page", p.index.raw()}, {"steps", p.steps},
                    {"lost", p.lost},     {"lied", p.lied},        {"why", why(p)}};
        one["ptes"] = json::array();
        for (const recorded_page::mapping& m : p.mappings)
            one["ptes"].push_back(
                {{"process", m.process}, {"va", fmt::format("{:#x}", m.va.raw())}});
        all.push_back(std::move(one));
    }
    if (selected.cut > 0)
        all.front()["cut"] = selected.cut;
    return all;
}

json findings_json(const recording& r, const event_selection& selected)
{
    const auto event = [&](std::uint64_t number) {
        const bool known = number != recorded_finding::no_event &&
                           selected.number_of[number] != event_selection::left_out;
        return known ? json(selected.number_of[number]) : json();
    };
    const auto hex = [](std::byte b) {
        return fmt::format("{:02x}", std::to_integer<unsigned>(b));
    };
    json all = json::array();
    for (const recorded_finding& f : r.findings) {
        if (selected.rank_of[f.page] == event_selection::left_out)
            continue;
        all.push_back({{"kind", f.is_lie ? "lie" : "lost"},
                       {"page", selected.rank_of[f.page]},
                       {"offset", f.offset},
                       {"length", f.length},
                       {"expected", hex(f.expected)},
                       {"found", hex(f.found)},
                       {"stored_by", f.stored_by},
                       {"stored_ps", f.stored_at.raw()},
                       {"stored_event", event(f.stored)},
                       {"dropped_event", event(f.dropped)},
                       {"found_ps", f.when.raw()}});
    }
    return all;
}

json counters_json(const recording& r)
{
    json all = json::array();
    for (const recorded_counter& c : r.counters) {
        json one = {{"name", c.name}, {"group", c.group}, {"unit", c.unit}, {"words", c.words}};
        if (c.is_limit)
            one["limit"] = true;
        json times = json::array();
        json values = json::array();
        for (const recorded_counter::point& p : c.points) {
            times.push_back(p.time.raw());
            values.push_back(p.value);
        }
        one["t"] = std::move(times);
        one["v"] = std::move(values);
        all.push_back(std::move(one));
    }
    return all;
}

// Four to the octave.
std::uint64_t edge_of_bucket(unsigned number)
{
    constexpr double per_octave = 4;
    return number == 0 ? 0 : static_cast<std::uint64_t>(std::exp2(number / per_octave));
}

json buckets_json(const std::vector<std::uint64_t>& sorted)
{
    json all = json::array();
    std::size_t at = 0;
    for (unsigned bucket = 0; at < sorted.size(); ++bucket) {
        const std::uint64_t end = edge_of_bucket(bucket + 1);
        const std::size_t first = at;
        while (at < sorted.size() && sorted[at] < end)
            ++at;
        if (at > first)
            all.push_back({edge_of_bucket(bucket), end, at - first});
    }
    return all;
}

json latencies_json(const recording& r)
{
    json all = json::array();
    for (const recorded_latency& of : r.latencies) {
        const std::vector<std::uint64_t>& d = of.durations;
        const auto quantile = [&](std::uint64_t percent) {
            return d[(d.size() - 1) * percent / 100];
        };
        const std::uint64_t sum = std::accumulate(d.begin(), d.end(), std::uint64_t{0});
        all.push_back({{"name", of.name},
                       {"words", of.words},
                       {"count", d.size()},
                       {"min_ps", d.front()},
                       {"mean_ps", sum / d.size()},
                       {"max_ps", d.back()},
                       {"p50_ps", quantile(50)},
                       {"p99_ps", quantile(99)},
                       {"buckets", buckets_json(d)}});
    }
    return all;
}

json config_json_of(const option_set& options)
{
    json all = json::array();
    for (const option_info& about : options.all())
        all.push_back({{"name", about.name},
                       {"value", about.text},
                       {"set", about.was_set ? printable(describe(about.where)) : ""},
                       {"help", about.help}});
    return all;
}

json meta_json(const recording& r, const event_selection& selected, const world& w,
               const option_set& options, const report_heading& heading)
{
    json stats = statistics_of(w, options);
    stats.erase("config");
    json meta;
    meta["format"] = 1;
    meta["tool"] = heading.tool;
    meta["title"] = heading.title;
    meta["subtitle"] = heading.subtitle;
    meta["command"] = heading.command;
    meta["period_ps"] = w.cores().front()->period().raw();
    meta["end_ps"] = w.ended_at().raw();
    meta["ended"] = ending_of(w);
    meta["as_expected"] = as_expected(w);
    meta["verdict"] = stats["verdict"];
    meta["cores"] = w.cores().size();
    meta["block_size"] = w.files().block_size();
    meta["page_size"] = page_size;
    meta["actors"] = actors_json(w.log());
    meta["sites"] = sites_json(r);
    meta["files"] = files_json(r);
    meta["pages"] = pages_json(r, selected);
    meta["findings"] = findings_json(r, selected);
    meta["events"] = selected.events.size();
    meta["events_total"] = r.events.size();
    meta["pages_total"] = r.pages.size();
    meta["counters"] = counters_json(r);
    meta["latencies"] = latencies_json(r);
    meta["config"] = config_json_of(options);
    meta["stats"] = std::move(stats);
    return meta;
}

// Nothing in it may end the script that it is in.
std::string safe_in_html(std::string text)
{
    for (std::size_t at = 0; (at = text.find('<', at)) != std::string::npos;)
        text.replace(at, 1, "\\u003c");
    return text;
}

} // namespace

std::string report_data(const recording& r, const world& w, const option_set& options,
                        const report_heading& heading, std::uint64_t most_events, unsigned nth)
{
    const event_selection selected = select_events(r, most_events);
    const std::string meta = meta_json(r, selected, w, options, heading)
                                 .dump(-1, ' ', true, json::error_handler_t::replace);
    return fmt::format("<script type=\"application/json\" id=\"meta-{0}\">{1}</script>\n"
                       "<script type=\"application/octet-stream\" id=\"events-{0}\">{2}</script>\n",
                       nth, safe_in_html(meta), base64(gzip(encode_events(r, selected))));
}

std::string report_html(const std::vector<std::string>& data)
{
    const std::string_view page = report_page();
    const std::size_t mark = page.find(report_data_mark);
    std::string html(page.substr(0, mark));
    for (const std::string& run : data)
        html += run;
    if (mark != std::string_view::npos)
        html += page.substr(mark + report_data_mark.size());
    return html;
}

} // namespace mkclean
