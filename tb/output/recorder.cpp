#include "tb/output/recorder.h"
#include "tb/oracle/page_state.h"
#include "tb/output/causes.h"
#include "tb/output/event_text.h"
#include "tb/output/glossary.h"
#include "vm/page_writeback.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>

namespace mkclean
{

namespace
{

constexpr std::uint32_t uptodate = 8; // of lane::flags

constexpr std::array<std::string_view, 3> sites_that_change_the_disk = {
    "disk_last_beat", "disk_in_cache", "disk_on_media"};

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& names, std::string_view name)
{
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool moves_bytes(place touched)
{
    return touched == place::memory || touched == place::disk || touched == place::buffer ||
           touched == place::tag;
}

} // namespace

recorder::recorder(world& w)
    : m_world(w),
      m_painter(w),
      m_huge(w.options().vm.huge_pages != page_order::small),
      m_tlbs(w.cores().size()),
      m_scratch(m_painter.lanes())
{
    w.log().attach(*this);
}

// ---- names --------------------------------------------------------------------------------------

recorder::site_facts& recorder::facts_of(const step_site& site)
{
    const auto [found, is_new] = m_sites.try_emplace(&site);
    site_facts& facts = found->second;
    if (!is_new)
        return facts;
    facts.number = static_cast<std::uint16_t>(m_recording.sites.size());
    facts.stores = puts_bytes_into_memory(site.name);
    facts.moves_bytes = facts.stores || moves_bytes(site.touches);
    facts.of_disk = site.touches == place::disk;
    facts.changes_disk = is_one_of(sites_that_change_the_disk, site.name);
    facts.rule = cause_rule_of(site.name);
    m_recording.sites.push_back({site.name, site.touches, false, facts.stores});
    return facts;
}

std::uint16_t recorder::number_of(const span_site& site)
{
    const auto [found, is_new] =
        m_spans.try_emplace(&site, static_cast<std::uint16_t>(m_recording.sites.size()));
    if (is_new)
        m_recording.sites.push_back({site.name, place::none, true, false});
    return found->second;
}

std::uint32_t recorder::number_of_page(inode_number ino, page_index index)
{
    const auto [found, is_new] = m_numbers.try_emplace(
        page_key(ino, index), static_cast<std::uint32_t>(m_recording.pages.size()));
    if (is_new) {
        recorded_page about;
        about.ino = ino;
        about.index = index;
        m_recording.pages.push_back(about);
        m_lives.emplace_back().now.assign(m_painter.lanes(), 0);
    }
    return found->second;
}

// ---- whom it is about ---------------------------------------------------------------------------

std::uint8_t recorder::block_of(const event& e) const
{
    return e.what.block == subject::no_block ? recorded_event::no_block
                                             : static_cast<std::uint8_t>(e.what.block);
}

std::vector<recorder::target> recorder::targets_of(const event& e, const site_facts& site)
{
    std::vector<target> found;
    kernel& k = m_world.the_kernel();
    if (const page* const pg = page_of_event(k, e))
        m_files.try_emplace(pg->mapping->host().ino, &pg->mapping->host());
    if (is_change_of_pmd(e)) {
        for_each_page_of_event(k, e, [&](const page& pg) {
            const std::uint32_t number = number_of_page(pg.mapping->host().ino, pg.index);
            found.push_back({number, &pg, recorded_event::no_block});
        });
        return found;
    }
    inode_number ino;
    page_index index;
    if (page_of_event(e, k, ino, index)) {
        const bool of_the_file =
            e.what.is_page() && e.what.frame == frame_number() && e.what.va == virtual_address();
        if (of_the_file) { // set_page_dirty() goes on to the inode
            const auto last = m_last_page.find(e.actor);
            if (last != m_last_page.end() && m_recording.pages[last->second].ino == ino)
                found.push_back({last->second, cached_page(last->second), block_of(e)});
            return found;
        }
        const std::uint32_t number = number_of_page(ino, index);
        found.push_back({number, cached_page(number), block_of(e)});
        m_last_page[e.actor] = number;
        if (site.of_disk && e.what.block != subject::no_block &&
            std::string_view(e.site->name) == "submit_bh")
            m_by_sector[e.before] = {number, block_of(e)};
    } else if (site.of_disk) {
        add_targets_of_sectors(e, found);
    }
    return found;
}

// The disk knows sectors.
void recorder::add_targets_of_sectors(const event& e, std::vector<target>& found) const
{
    const std::uint64_t per_block = m_world.the_kernel().fs.block_size() / sector_size;
    const std::uint64_t first = e.before / per_block * per_block;
    for (auto at = m_by_sector.lower_bound(first);
         at != m_by_sector.end() && at->first < e.before + e.after; ++at)
        found.push_back({at->second.page, cached_page(at->second.page), at->second.block});
}

const page* recorder::cached_page(std::uint32_t number) const
{
    const recorded_page& about = m_recording.pages[number];
    const auto file = m_files.find(about.ino);
    return file == m_files.end() ? nullptr : file->second->mapping.pages.lookup(about.index);
}

// ---- what it did --------------------------------------------------------------------------------

void recorder::on_event(const event& e)
{
    sample_counters(e.time);
    m_stopwatches.on_event(e);
    site_facts& site = facts_of(*e.site);
    if (e.site->touches == place::tlb)
        note_fill(e);
    const std::vector<target> told = targets_of(e, site);
    if (told.empty())
        record(e, site, nullptr, false);
    for (std::size_t i = 0; i < told.size(); ++i)
        record(e, site, &told[i], i > 0);
    follow_tlbs(e, site, told);
}

void recorder::on_span(const span_mark& mark)
{
    m_stopwatches.on_span(mark);
    recorded_event r;
    r.time = mark.time;
    r.actor = mark.actor;
    r.site = number_of(*mark.site);
    r.what = mark.begins ? recorded_event::kind::begin : recorded_event::kind::end;
    r.before = mark.begins ? 0 : static_cast<std::uint64_t>(-mark.result);
    r.first_change = static_cast<std::uint32_t>(m_recording.changes.size());
    const bool of_a_page = mark.what.is_page() &&
                           (mark.what.frame != frame_number() || mark.what.va != virtual_address());
    if (of_a_page) {
        r.page = number_of_page(mark.what.ino, mark.what.page);
        ++m_recording.pages[r.page].steps;
    }
    m_recording.events.push_back(r);
}

void recorder::record(const event& e, site_facts& site, const target* about, bool again)
{
    recorded_event r;
    r.time = e.time;
    r.actor = e.actor;
    r.site = site.number;
    r.what = again ? recorded_event::kind::again : recorded_event::kind::step;
    r.before = e.before;
    r.after = e.after;
    r.first_change = static_cast<std::uint32_t>(m_recording.changes.size());
    if (about != nullptr) {
        r.page = about->number;
        r.block = about->block;
        ++m_recording.pages[r.page].steps;
        look_at(*about, site, r);
        r.cause = cause_of(r, site, m_lives[r.page]);
        remember(m_lives[r.page], r);
    }
    m_recording.events.push_back(r);
}

void recorder::look_at(const target& about, const site_facts& site, recorded_event& r)
{
    life& of = m_lives[about.number];
    if (of.landing != nothing && !site.changes_disk)
        land(of, about.cached);
    of.landing = site.stores ? static_cast<std::uint32_t>(m_recording.events.size()) : nothing;
    m_scratch = of.now;
    m_painter.paint(about.cached, m_recording.pages[about.number], of.spaces, m_scratch);
    if (site.stores)
        ++m_scratch[lane::version];
    const bool was_filled = (m_scratch[lane::flags] & ~of.now[lane::flags] & uptodate) != 0;
    if (site.moves_bytes || was_filled || about.cached == nullptr)
        m_painter.compare_bytes(about.cached, m_scratch);
    if (about.cached != nullptr)
        m_painter.paint_tlbs(
            about.cached->frame,
            [&](std::size_t core) { return may_have(core, about.cached->frame); }, m_scratch);
    r.first_change = static_cast<std::uint32_t>(m_recording.changes.size());
    keep_difference(of, m_scratch, r);
}

// A store is told of when its first byte lands; what it has changed is seen when the last one has,
// at the latest by who looks at the page next.
void recorder::land(life& of, const page* cached)
{
    m_scratch = of.now;
    m_painter.compare_bytes(cached, m_scratch);
    recorded_event& store = m_recording.events[of.landing];
    std::vector<lane_change>& changes = m_recording.changes;
    const std::vector<lane_change> known(changes.begin() + store.first_change,
                                         changes.begin() + store.first_change + store.changes);
    store.first_change = static_cast<std::uint32_t>(changes.size());
    changes.insert(changes.end(), known.begin(), known.end());
    keep_difference(of, m_scratch, store);
}

void recorder::keep_difference(life& of, const portrait& now, recorded_event& r)
{
    for (std::size_t i = 0; i < now.size(); ++i)
        if (now[i] != of.now[i])
            m_recording.changes.push_back({static_cast<std::uint16_t>(i), now[i]});
    r.changes = static_cast<std::uint16_t>(m_recording.changes.size() - r.first_change);
    of.now = now;
}

// ---- why ----------------------------------------------------------------------------------------

void recorder::remember(life& of, const recorded_event& r)
{
    const auto event = static_cast<std::uint32_t>(m_recording.events.size());
    const auto known = std::find_if(of.last.begin(), of.last.end(), [&](const latest& l) {
        return l.site == r.site && l.block == r.block;
    });
    if (known == of.last.end())
        of.last.push_back({r.site, r.block, event});
    else
        known->event = event;
}

std::uint32_t recorder::cause_of(const recorded_event& r, site_facts& site, const life& of)
{
    if (site.rule == nullptr)
        return 0;
    for (; site.causes_as_of < m_recording.sites.size(); ++site.causes_as_of) {
        const recorded_site& met = m_recording.sites[site.causes_as_of];
        const auto& names = site.rule->causes;
        if (!met.is_span && std::find(names.begin(), names.end(), met.name) != names.end())
            site.causes.push_back(static_cast<std::uint16_t>(site.causes_as_of));
    }
    std::int64_t best = -1;
    std::int64_t since = -1;
    for (const latest& l : of.last) {
        if (l.block != r.block && l.block != recorded_event::no_block &&
            r.block != recorded_event::no_block)
            continue;
        if (m_recording.sites[l.site].name == site.rule->since)
            since = l.event;
        const bool is_cause =
            std::find(site.causes.begin(), site.causes.end(), l.site) != site.causes.end();
        if (is_cause && (!site.rule->same_actor || m_recording.events[l.event].actor == r.actor))
            best = std::max(best, std::int64_t{l.event});
    }
    if (best < 0 || best < since)
        return 0;
    return static_cast<std::uint32_t>(static_cast<std::int64_t>(m_recording.events.size()) - best);
}

// ---- TLBs ---------------------------------------------------------------------------------------

void recorder::note_fill(const event& e)
{
    if (m_core_of_actor.size() <= e.actor)
        for (std::size_t id = m_core_of_actor.size(); id < m_world.log().actors(); ++id) {
            const std::string& where = m_world.log().name_of(static_cast<actor_id>(id)).where;
            const bool on_core = where.rfind("core", 0) == 0;
            m_core_of_actor.push_back(on_core ? std::stoul(where.substr(4)) : m_tlbs.size());
        }
    const std::size_t core = m_core_of_actor[e.actor];
    if (core >= m_tlbs.size() || e.what.frame == frame_number())
        return;
    m_tlbs[core].frames.insert(e.what.frame);
}

bool recorder::may_have(std::size_t core, frame_number frame) const
{
    return m_huge || m_tlbs[core].frames.count(frame) > 0;
}

// What a flush has dropped is part of the lives of all the pages that were in the TLB.
void recorder::follow_tlbs(const event& e, site_facts& site, const std::vector<target>& told)
{
    for (std::size_t core = 0; core < m_tlbs.size(); ++core) {
        const tlb_stats& stats = m_world.cores()[core]->memory_unit().translations().stats();
        const std::uint64_t drops = stats.flushes + stats.flushed_pages;
        if (drops == m_tlbs[core].drops)
            continue;
        m_tlbs[core].drops = drops;
        for (const frame_number frame : dropped_from(core)) {
            const page& pg = m_world.the_kernel().cache.page_of(frame);
            if (pg.mapping == nullptr)
                continue;
            const std::uint32_t number = number_of_page(pg.mapping->host().ino, pg.index);
            const bool knows = std::any_of(told.begin(), told.end(),
                                           [&](const target& t) { return t.number == number; });
            if (knows || m_lives[number].now[lane::tlbs + core] == 0)
                continue;
            const target about{number, &pg, recorded_event::no_block};
            record(e, site, &about, true);
        }
    }
}

std::vector<frame_number> recorder::dropped_from(std::size_t core)
{
    std::unordered_set<frame_number> there;
    m_world.cores()[core]->memory_unit().translations().for_each([&](const tlb_entry& entry) {
        for (std::uint64_t i = 0; i < pages_of(entry.order); ++i)
            there.insert(entry.frame + i);
    });
    std::vector<frame_number> gone;
    for (const frame_number frame : m_tlbs[core].frames)
        if (there.count(frame) == 0)
            gone.push_back(frame);
    std::sort(gone.begin(), gone.end());
    m_tlbs[core].frames = std::move(there);
    return gone;
}

// ---- figures ------------------------------------------------------------------------------------

void recorder::sample_counters(picoseconds now)
{
    const vmstat& s = m_world.the_kernel().stats;
    m_dirty.add(now, static_cast<double>(s.nr_dirty));
    m_writeback.add(now, static_cast<double>(s.nr_writeback));
    m_queued.add(now, static_cast<double>(m_world.block().queued()));
    m_faults.add(now, static_cast<double>(s.pgfault));
    m_ipis.add(now, static_cast<double>(s.nr_tlb_remote_flush_received));
    m_written.add(now, static_cast<double>(s.nr_written));
    const dirty_limits limits = get_dirty_limits(m_world.the_kernel());
    m_background.add(now, static_cast<double>(limits.background));
    m_limit.add(now, static_cast<double>(limits.dirty));
}

std::vector<recorded_counter> recorder::counters() const
{
    constexpr unsigned stretches = 400;
    const picoseconds end = m_world.ended_at();
    const auto rate = [&](const time_series& of) { return of.rates(end, stretches); };
    return {
        {"nr_dirty", "pages", "pages", "dirty pages", false, m_dirty.points()},
        {"nr_writeback", "pages", "pages", "pages under writeback", false, m_writeback.points()},
        {"background", "pages", "pages", "above this pdflush writes", true, m_background.points()},
        {"dirty limit", "pages", "pages", "above this whoever dirties writes", true,
         m_limit.points()},
        {"queued", "disk", "requests", "requests that wait for the disk", false, m_queued.points()},
        {"pgfault", "faults", "per ms", "page faults", false, rate(m_faults)},
        {"IPIs", "flushes", "per ms", "shootdown interrupts received", false, rate(m_ipis)},
        {"nr_written", "written", "per ms", "pages whose writeback ended", false, rate(m_written)},
    };
}

// ---- the end ------------------------------------------------------------------------------------

recording recorder::finish()
{
    for (std::uint32_t number = 0; number < m_lives.size(); ++number)
        if (m_lives[number].landing != nothing)
            land(m_lives[number], cached_page(number));
    put_in_order();
    tell_findings();
    m_recording.counters = counters();
    m_recording.latencies = m_stopwatches.results();
    for (const auto& [ino, file] : m_files)
        if (ino != device_inode_number)
            m_recording.files.push_back({ino, file->size});
    return std::move(m_recording);
}

// Functions begin and end at times that may be ahead of what was told next.
void recorder::put_in_order()
{
    std::vector<recorded_event>& events = m_recording.events;
    std::vector<std::uint32_t> order(events.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        return events[a].time < events[b].time;
    });
    std::vector<std::uint32_t> now_at(events.size());
    for (std::uint32_t to = 0; to < order.size(); ++to)
        now_at[order[to]] = to;
    std::vector<recorded_event> sorted;
    sorted.reserve(events.size());
    for (std::uint32_t to = 0; to < order.size(); ++to) {
        recorded_event r = events[order[to]];
        if (r.cause != 0)
            r.cause = to - now_at[order[to] - r.cause];
        sorted.push_back(r);
    }
    events = std::move(sorted);
}

void recorder::tell_findings()
{
    if (m_world.judge() == nullptr)
        return;
    const verdict& v = m_world.judge()->result();
    for (const finding& f : v.losses)
        tell(f, false);
    if (v.first_lie)
        tell(*v.first_lie, true);
}

void recorder::tell(const finding& f, bool is_lie)
{
    const auto page = m_numbers.find({f.ino, f.page});
    if (page == m_numbers.end())
        return;
    recorded_page& about = m_recording.pages[page->second];
    (is_lie ? about.lied : about.lost) += f.length;
    recorded_finding told;
    told.is_lie = is_lie;
    told.page = page->second;
    told.offset = f.offset;
    told.length = f.length;
    told.expected = f.expected;
    told.found = f.found;
    told.when = f.when;
    if (f.store) {
        told.stored_by = f.store->by;
        told.stored_at = f.store->time();
    }
    for (const std::uint32_t at : events_of(page->second)) {
        const recorded_event& r = m_recording.events[at];
        const recorded_site& site = m_recording.sites[r.site];
        if (f.store && site.stores && r.actor == f.store->by && r.before == f.store->offset &&
            r.time <= f.store->time())
            told.stored = at;
        if (f.dropped && r.time == f.dropped->time && site.name == f.dropped->site->name)
            told.dropped = at;
    }
    m_recording.findings.push_back(told);
}

const std::vector<std::uint32_t>& recorder::events_of(std::uint32_t page)
{
    if (m_events_of.empty()) {
        m_events_of.resize(m_recording.pages.size());
        for (std::uint32_t at = 0; at < m_recording.events.size(); ++at)
            if (m_recording.events[at].page != recorded_event::no_page)
                m_events_of[m_recording.events[at].page].push_back(at);
    }
    return m_events_of[page];
}

} // namespace mkclean
