#include "tb/output/statistics.h"
#include "tb/verb_options.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

namespace mkclean
{

namespace
{

using json = nlohmann::ordered_json;

const char* name_of(world::ending how)
{
    switch (how) {
    case world::ending::finished:
        return "finished";
    case world::ending::power_cut:
        return "power_cut";
    case world::ending::out_of_time:
        return "out_of_time";
    case world::ending::interrupted:
        return "interrupted";
    case world::ending::deadlock:
        break;
    }
    return "deadlock";
}

std::uint64_t total(const world& w, std::uint64_t core_stats::*counter)
{
    std::uint64_t sum = 0;
    for (const auto& cpu : w.cores())
        sum += cpu->stats().*counter;
    return sum;
}

json finding_json(const finding& f, const world& w)
{
    json j;
    j["ino"] = f.ino.raw();
    j["page"] = f.page.raw();
    j["offset"] = f.offset;
    j["length"] = f.length;
    j["expected"] = std::to_integer<unsigned>(f.expected);
    j["found"] = std::to_integer<unsigned>(f.found);
    j["found_out_ps"] = f.when.raw();
    if (f.store) {
        j["store"]["by"] = w.log().name_of(f.store->by).who;
        j["store"]["time_ps"] = f.store->time().raw();
        j["store"]["offset"] = f.store->offset;
        j["store"]["length"] = f.store->length;
    }
    if (f.dropped) {
        j["dropped"]["step"] = f.dropped->site->name;
        j["dropped"]["by"] = w.log().name_of(f.dropped->actor).who;
        j["dropped"]["time_ps"] = f.dropped->time.raw();
        if (f.dropped->site->show != nullptr)
            j["dropped"]["change"] = f.dropped->site->show(f.dropped->before, f.dropped->after);
    }
    return j;
}

verdict verdict_of(const world& w)
{
    verdict v = w.judge() != nullptr ? w.judge()->result() : verdict();
    if (w.how_it_ended() == world::ending::out_of_time)
        ++v.livelocks;
    return v;
}

std::uint64_t skew_of(const world& w)
{
    return w.how_it_ended() == world::ending::finished ? w.invariants().accounting_skew() : 0;
}

json verdict_json(const world& w)
{
    const verdict v = verdict_of(w);
    json j;
    j["ok"] = !promise_broken(w);
    j["expected"] = as_expected(w);
    j["judged"] = w.judge() != nullptr;
    j["ended"] = name_of(w.how_it_ended());
    j["lost_bytes"] = v.lost_bytes;
    j["lost_runs"] = v.lost_runs;
    j["fsync_lies"] = v.fsync_lies;
    j["stale_reads"] = v.stale_reads;
    j["invented_bytes"] = v.invented_bytes;
    j["accounting_skew"] = skew_of(w);
    j["livelocks"] = v.livelocks;
    j["first_loss"] = v.first_loss ? finding_json(*v.first_loss, w) : json();
    j["first_lie"] = v.first_lie ? finding_json(*v.first_lie, w) : json();
    return j;
}

json invariants_json(const world& w)
{
    json j;
    for (std::size_t i = 0; i < invariant_checker::count; ++i)
        j["I" + std::to_string(i + 1)] = w.invariants().broken()[i];
    if (w.invariants().first()) {
        const auto& first = *w.invariants().first();
        j["first"]["invariant"] = "I" + std::to_string(first.invariant);
        j["first"]["time_ps"] = first.at.time.raw();
        if (first.at.site != nullptr)
            j["first"]["step"] = first.at.site->name;
        j["first"]["ino"] = first.at.what.ino.raw();
        j["first"]["page"] = first.at.what.page.raw();
    }
    return j;
}

json cores_json(const world& w)
{
    json all = json::array();
    for (const auto& cpu : w.cores()) {
        const core_stats& s = cpu->stats();
        json j;
        j["loads"] = s.loads;
        j["stores"] = s.stores;
        j["page_faults"] = s.page_faults;
        j["interrupts"] = s.interrupts;
        j["ipis_sent"] = s.ipis_sent;
        j["ipis_received"] = s.ipis_received;
        j["context_switches"] = s.context_switches;
        j["idle_ps"] = s.idle.raw();
        all.push_back(j);
    }
    return all;
}

json tlb_json(const world& w)
{
    tlb_stats sum;
    for (const auto& cpu : w.cores()) {
        const tlb_stats& s = cpu->memory_unit().translations().stats();
        sum.hits += s.hits;
        sum.l2_hits += s.l2_hits;
        sum.misses += s.misses;
        sum.fills += s.fills;
        sum.evictions += s.evictions;
        sum.l2_evictions += s.l2_evictions;
        sum.flushed_pages += s.flushed_pages;
        sum.flushes += s.flushes;
    }
    return {{"hits", sum.hits},
            {"l2_hits", sum.l2_hits},
            {"misses", sum.misses},
            {"fills", sum.fills},
            {"evictions", sum.evictions},
            {"l2_evictions", sum.l2_evictions},
            {"flushed_pages", sum.flushed_pages},
            {"flushes", sum.flushes}};
}

json walker_json(const world& w)
{
    walker_stats sum;
    for (const auto& cpu : w.cores()) {
        const walker_stats& s = cpu->memory_unit().page_walker().stats();
        sum.walks += s.walks;
        sum.reads += s.reads;
        sum.line_hits += s.line_hits;
        sum.cache_hits += s.cache_hits;
        sum.upper_cache_hits += s.upper_cache_hits;
        sum.accessed_set += s.accessed_set;
        sum.dirty_set += s.dirty_set;
        sum.retries += s.retries;
        sum.logged += s.logged;
    }
    return {{"walks", sum.walks},
            {"reads", sum.reads},
            {"line_hits", sum.line_hits},
            {"cache_hits", sum.cache_hits},
            {"upper_cache_hits", sum.upper_cache_hits},
            {"accessed_set", sum.accessed_set},
            {"dirty_set", sum.dirty_set},
            {"retries", sum.retries},
            {"logged", sum.logged}};
}

// Time in page faults and in logs of dirtied pages, the way into the kernel and back included: what
// the stores' own cores pay for their being known. (A core that is asked for its log pays as well.)
std::uint64_t dirty_tracking_ps(const world& w)
{
    const vmstat& s = w.the_kernel().stats;
    const core& cpu = *w.cores().front();
    const std::uint64_t tables = cpu.options().kpti ? 2 * cpu.cost().kpti_switch : 0;
    const std::uint64_t entry = cpu.cost().fault_entry + cpu.cost().fault_exit + tables;
    return s.fault_ps + s.dirty_log_ps +
           (s.pgfault + s.dirty_log_full) * entry * cpu.period().raw();
}

json vm_json(const world& w)
{
    const vmstat& s = w.the_kernel().stats;
    json j;
    j["nr_dirty"] = s.nr_dirty;
    j["nr_writeback"] = s.nr_writeback;
    j["nr_file_pages"] = s.nr_file_pages;
    j["nr_mapped"] = s.nr_mapped;
    j["nr_anon_pages"] = s.nr_anon_pages;
    j["nr_dirtied"] = s.nr_dirtied;
    j["nr_written"] = s.nr_written;
    j["pgfault"] = s.pgfault;
    j["pgmajfault"] = s.pgmajfault;
    j["pgreuse"] = s.pgreuse;
    j["pgpgin"] = s.pgpgin;
    j["pgpgout"] = s.pgpgout;
    j["pgscan_direct"] = s.pgscan_direct;
    j["pgsteal"] = s.pgsteal;
    j["pgmigrate_success"] = s.pgmigrate_success;
    j["pgmigrate_fail"] = s.pgmigrate_fail;
    j["drop_pagecache"] = s.drop_pagecache;
    j["thp_file_mapped"] = s.thp_file_mapped;
    j["thp_file_fallback"] = s.thp_file_fallback;
    j["nr_tlb_remote_flush"] = s.nr_tlb_remote_flush;
    j["nr_tlb_remote_flush_received"] = s.nr_tlb_remote_flush_received;
    j["nr_tlb_local_flush_one"] = s.nr_tlb_local_flush_one;
    j["nr_tlb_local_flush_all"] = s.nr_tlb_local_flush_all;
    j["nr_tlb_lazy_catchup"] = s.nr_tlb_lazy_catchup;
    j["nr_leave_mm"] = s.nr_leave_mm;
    j["nr_asid_rollover"] = s.nr_asid_rollover;
    j["fault_ps"] = s.fault_ps;
    j["flush_tlb_ps"] = s.flush_tlb_ps;
    j["page_mkclean_ps"] = s.page_mkclean_ps;
    j["dirty_log_ps"] = s.dirty_log_ps;
    j["dirty_tracking_ps"] = dirty_tracking_ps(w);
    j["flush_tlb"] = s.flush_tlb;
    j["page_mkclean"] = s.page_mkclean;
    j["page_mkclean_cleaned"] = s.page_mkclean_cleaned;
    j["redirtied_by_mkclean"] = s.redirtied_by_mkclean;
    j["dirty_log_drains"] = s.dirty_log_drains;
    j["dirty_log_full"] = s.dirty_log_full;
    j["signals"] = w.signals();
    return j;
}

json fs_json(const world& w)
{
    const vmstat& s = w.the_kernel().stats;
    json j;
    j["writepages"] = s.writepages;
    j["no_io_writepages"] = s.no_io_writepages;
    if (const auto* journalled = dynamic_cast<const ext3*>(&w.files())) {
        const journal_stats& js = journalled->stats();
        j["journal_commits"] = js.commits;
        j["journal_data_buffers_written"] = js.data_buffers_written;
        j["journal_metadata_buffers_logged"] = js.metadata_buffers_logged;
        j["journal_checkpoints"] = js.checkpoints;
    }
    return j;
}

json block_json(const world& w)
{
    const block_stats& s = w.block().stats();
    return {{"reads", s.reads},
            {"writes", s.writes},
            {"flushes", s.flushes},
            {"merges", s.merges},
            {"blocks_read", s.blocks_read},
            {"blocks_written", s.blocks_written},
            {"sectors_written", s.sectors_written},
            {"max_queued", s.max_queued}};
}

json disk_json(const world& w)
{
    const disk_stats& s = w.disk().stats();
    return {{"reads", s.reads},
            {"writes", s.writes},
            {"flushes", s.flushes},
            {"sectors_read", s.sectors_read},
            {"sectors_written", s.sectors_written},
            {"media_writes", s.media_writes},
            {"cache_hits", s.cache_hits},
            {"destage_runs", s.destage_runs},
            {"seeks", s.seeks},
            {"max_queue", s.max_queue},
            {"mechanism_busy_ps", s.mechanism_busy.raw()},
            {"interface_busy_ps", s.interface_busy.raw()},
            {"service_ps", s.service_time.raw()}};
}

std::string biography_line(const world& w, const finding& f)
{
    std::string text =
        fmt::format("  first: inode {} page {} bytes {}..{}: expected {:#04x}, found {:#04x}",
                    f.ino.raw(), f.page.raw(), f.offset, f.offset + f.length - 1,
                    std::to_integer<unsigned>(f.expected), std::to_integer<unsigned>(f.found));
    if (f.store)
        text += fmt::format("\n         stored by {} at {:.6f} s", w.log().name_of(f.store->by).who,
                            static_cast<double>(f.store->time().raw()) * 1e-12);
    if (f.dropped)
        text += fmt::format("\n         forgotten by {} in {} at {:.6f} s ({})",
                            w.log().name_of(f.dropped->actor).who, f.dropped->site->name,
                            static_cast<double>(f.dropped->time.raw()) * 1e-12,
                            f.dropped->site->show == nullptr
                                ? ""
                                : f.dropped->site->show(f.dropped->before, f.dropped->after));
    return text + '\n';
}

std::string broken_invariants(const world& w)
{
    std::string text;
    for (std::size_t i = 0; i < invariant_checker::count; ++i)
        if (w.invariants().broken()[i] > 0)
            text += fmt::format("{}I{}", text.empty() ? "" : " ", i + 1);
    return text.empty() ? "none" : text;
}

} // namespace

bool promise_broken(const world& w)
{
    const verdict v = verdict_of(w);
    const bool bytes = v.lost_bytes + v.fsync_lies + v.stale_reads + v.invented_bytes > 0;
    // The other kernels break their own invariants now and then, which is what they are here for.
    const bool promises_invariants = w.options().era.era == kernel_era::golden;
    return bytes || v.livelocks > 0 || skew_of(w) > 0 ||
           (promises_invariants && !w.invariants().all_hold());
}

bool as_expected(const world& w)
{
    const bool broken = promise_broken(w);
    // A program may see something else than it expected where a promise was broken, and only there;
    // where one is to be broken, that may be all that can be seen of it.
    const bool failed = w.program().failed_expectations() > 0;
    const bool content = w.options().expect.lost != expectation::choice::any || broken || !failed;
    // What is cut off has not shown what it was to show.
    const world::ending how = w.how_it_ended();
    const bool came_to_its_end =
        how == world::ending::finished || how == world::ending::power_cut ||
        (how == world::ending::out_of_time && w.options().expect.lost == expectation::choice::any);
    return w.options().expect.met(w.options().era.era, broken || failed) && content &&
           came_to_its_end;
}

json statistics_of(const world& w, const option_set& options)
{
    json j;
    j["schema"] = "mkclean-stats-1";
    j["config"] = config_json(options);
    j["verdict"] = verdict_json(w);
    j["invariants"] = invariants_json(w);
    j["time"]["cycles"] = w.ended_at().raw() / w.cores().front()->period().raw();
    j["time"]["ps"] = w.ended_at().raw();
    j["cores"] = cores_json(w);
    j["tlb"] = tlb_json(w);
    j["walker"] = walker_json(w);
    j["vm"] = vm_json(w);
    j["fs"] = fs_json(w);
    j["block"] = block_json(w);
    j["disk"] = disk_json(w);
    j["workload"]["stores"] = total(w, &core_stats::stores);
    j["workload"]["loads"] = total(w, &core_stats::loads);
    for (const workload::counter& c : w.program().report())
        j["workload"][c.name] = c.value;
    return j;
}

std::uint64_t peak_resident_bytes()
{
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

json host_figures(const world& w, double wall_seconds)
{
    std::uint64_t accesses = 0;
    for (const auto& cpu : w.cores())
        accesses += cpu->stats().loads + cpu->stats().stores;
    json j;
    j["wall_s"] = wall_seconds;
    j["accesses_per_s"] = wall_seconds > 0 ? static_cast<double>(accesses) / wall_seconds : 0.0;
    j["peak_rss_bytes"] = peak_resident_bytes();
    return j;
}

std::string summary_of(const world& w, const palette& colours)
{
    const verdict v = verdict_of(w);
    const vmstat& s = w.the_kernel().stats;
    std::string text;
    const auto row = [&text](const char* name, const std::string& value) {
        text += fmt::format("  {:<26} {:>16}\n", name, value);
    };
    const auto number = [&row](const char* name, std::uint64_t value) {
        row(name, fmt::format("{}", value));
    };
    row("simulated time", fmt::format("{:.6f} s", static_cast<double>(w.ended_at().raw()) * 1e-12));
    number("stores", total(w, &core_stats::stores));
    number("page faults", s.pgfault);
    number("page_mkclean calls", s.page_mkclean);
    number("TLB pages flushed", s.nr_tlb_local_flush_one);
    number("IPIs", total(w, &core_stats::ipis_sent));
    number("pages written", s.nr_written);
    number("blocks written", w.block().stats().blocks_written);
    number("writepages without I/O", s.no_io_writepages);
    for (const workload::counter& c : w.program().report())
        number(c.name.c_str(), c.value);
    if (w.judge() == nullptr)
        return text + "  not judged: the oracle is off\n";
    const auto must_be_zero = [&](const char* name, std::uint64_t value) {
        const std::string line = fmt::format("  {:<26} {:>16}", name, value);
        text += (value == 0 ? line : colours.alarm(line)) + '\n';
    };
    must_be_zero("lost bytes", v.lost_bytes);
    must_be_zero("fsync lies", v.fsync_lies);
    must_be_zero("stale reads", v.stale_reads);
    must_be_zero("invented bytes", v.invented_bytes);
    must_be_zero("accounting skew", skew_of(w));
    must_be_zero("livelocks", v.livelocks);
    row("invariants broken", broken_invariants(w));
    row("ended", name_of(w.how_it_ended()));
    if (v.first_loss)
        text += biography_line(w, *v.first_loss);
    else if (v.first_lie)
        text += biography_line(w, *v.first_lie);
    if (w.how_it_ended() == world::ending::interrupted)
        row("as expected", "not known");
    else
        row("as expected", as_expected(w) ? "yes" : "NO");
    return text;
}

} // namespace mkclean
