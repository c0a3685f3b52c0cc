#include "tb/config.h"
#include "sim/option_set.h"
#include "tb/workload/script.h"

#include <algorithm>

namespace mkclean
{

void expectation::declare(option_set& o)
{
    o.choice("expect.lost", lost, {{"no", choice::no}, {"yes", choice::yes}, {"any", choice::any}},
             "whether the run is expected to break a promise: lose bytes, lie, read stale ones");
    o.choices("expect.kernels", kernels, kernel_era_names(),
              "the kernels that expect.lost = yes is about, all by default; others keep promises");
}

bool expectation::met(kernel_era era, bool broken) const
{
    if (lost == choice::any)
        return true;
    const bool about_it =
        kernels.empty() || std::find(kernels.begin(), kernels.end(), era) != kernels.end();
    return broken == (lost == choice::yes && about_it);
}

void config::declare(option_set& o)
{
    era.declare(o);
    o.count("cores", cores, {1, most_cores}, "processors");
    o.bytes("memory", memory, {1 << 20, std::uint64_t{1} << 40}, "physical memory");
    o.duration(
        "memory.latency", memory_latency, {0, 1'000'000'000},
        "one bus transaction; page-table reads, and settings of A or D, are one each, as if their "
        "lines hit in a second-level cache");
    o.count("seed", seed, {}, "of everything random");
    // The oracle counts picoseconds in 58 bits.
    constexpr std::uint64_t latest = 250'000'000'000'000'000;
    o.duration("time.limit", time_limit, {1, latest},
               "simulated time after which a run that has not ended is called a livelock");
    o.duration("power.cut_at", power_cut_at, {0, latest}, "when the power fails; 0: never");
    o.flag("oracle", oracle, "keep a copy of every byte stored, and judge");
    expect.declare(o);
    workload.declare(o);
    sweep.declare(o);
    explore.declare(o);
    museum.declare(o);
    core.declare(o);
    tlb.declare(o);
    walker.declare(o);
    cost.declare(o);
    vm.declare(o);
    fs.declare(o);
    block.declare(o);
    declare_disk_options(disk, o);
}

static void check_tlb(const tlb_options& tlb, const option_set& o)
{
    const auto check_array = [&](std::uint64_t entries, std::uint64_t ways, const char* name_of_all,
                                 const char* name_of_ways) {
        if (entries == 0)
            return;
        if (entries % ways != 0)
            throw o.complaint(name_of_ways, std::string("expected a divisor of ") + name_of_all +
                                                ", which is " + std::to_string(entries));
        if (!tlb.replacement->takes_any_ways && (ways & (ways - 1)) != 0)
            throw o.complaint(name_of_ways,
                              std::string("expected a power of two for tlb.replacement = ") +
                                  tlb.replacement->name);
    };
    check_array(tlb.entries, tlb.ways, "tlb.entries", "tlb.ways");
    check_array(tlb.entries_2m, tlb.ways_2m, "tlb.entries_2m", "tlb.ways_2m");
    check_array(tlb.entries_1g, tlb.ways_1g, "tlb.entries_1g", "tlb.ways_1g");
    check_array(tlb.l2_entries, tlb.l2_ways, "tlb.l2_entries", "tlb.l2_ways");
}

static void check_asids(const config& c, const option_set& o)
{
    const tlb_flush_options& flush = c.vm.tlb;
    if (flush.asids != asid_policy::none && c.tlb.asids < 2)
        throw o.complaint("vm.asids",
                          "expected none, for tlb.asids is " + std::to_string(c.tlb.asids));
    const bool of_one_core = flush.asids == asid_policy::slots || flush.asids == asid_policy::roll;
    if (flush.by_hardware() && of_one_core)
        throw o.complaint("vm.asids", "expected none or global, for shootdown.kind names one tag "
                                      "to all cores");
}

static void check_dirty_log(const config& c, const option_set& o)
{
    if (c.walker.dirty_log_entries > 0 && c.walker.sets_dirty != dirty_setter::walker)
        throw o.complaint("mmu.dirty_log_entries",
                          "expected 0, or mmu.sets_dirty = walker: it is the walker who logs");
    const vm_policies policies = c.era.policies();
    if (policies.dirty_tracking != dirty_tracking_policy::dirty_log)
        return;
    if (c.walker.dirty_log_entries == 0)
        throw o.complaint("vm.dirty_tracking",
                          "expected write_protect, or mmu.dirty_log_entries above 0: there is no "
                          "log to read");
    if (policies.write_fault != write_fault_policy::golden)
        throw o.complaint("vm.dirty_tracking",
                          "expected write_protect, or vm.write_fault = golden: the others are of "
                          "kernels without a log");
}

// What a PMD knows is asked for by page_mkclean(), which counts on golden's order of a write fault,
// and by nobody else: msync of 2.6.18 walks PTEs.
static void check_huge_pages(const config& c, const option_set& o)
{
    if (c.vm.huge_pages == page_order::small)
        return;
    const vm_policies policies = c.era.policies();
    if (policies.write_fault != write_fault_policy::golden)
        throw o.complaint("vm.huge_pages",
                          "expected off, or vm.write_fault = golden, as with kernel = golden");
    if (policies.msync == msync_policy::linux_2_6_18)
        throw o.complaint("vm.huge_pages", "expected off for vm.msync = linux-2.6.18");
    if (policies.dirty_tracking == dirty_tracking_policy::dirty_log)
        throw o.complaint("vm.huge_pages", "expected off for vm.dirty_tracking = dirty_log, which "
                                           "tells of one page at a time");
    if (c.walker.sets_dirty == dirty_setter::storage_key)
        throw o.complaint("vm.huge_pages", "expected off for mmu.sets_dirty = storage_key, which "
                                           "knows one frame at a time");
}

// ->page_mkwrite is called by write faults, and what it reserves is of ext2's making.
static void check_page_mkwrite(const config& c, const option_set& o)
{
    const vm_policies policies = c.era.policies();
    if (policies.page_mkwrite == page_mkwrite_policy::none) {
        if (policies.cache.reserves_blocks)
            throw o.complaint("fs.reserves_blocks",
                              "expected off, or vm.page_mkwrite other than none: nobody would "
                              "reserve anything for stores to mappings");
        return;
    }
    if (!policies.tracks_shared_dirty())
        throw o.complaint("vm.page_mkwrite",
                          "expected none, or vm.write_fault later than linux-2.6.18 and "
                          "vm.dirty_tracking = write_protect: there are no faults that ask");
    if (c.vm.huge_pages != page_order::small)
        throw o.complaint("vm.page_mkwrite", "expected none for vm.huge_pages = 2MiB");
    if (policies.cache.reserves_blocks && c.fs.type != filesystem_type::ext2)
        throw o.complaint("fs.reserves_blocks", "expected off for fs.type = ext3, whose journal "
                                                "writes blocks by itself");
}

static void check_stable_pages(const config& c, const option_set& o)
{
    const vm_policies policies = c.era.policies();
    if (policies.stable_pages && c.disk.checksums &&
        policies.write_fault != write_fault_policy::golden)
        throw o.complaint("vm.stable_pages", "expected no, or vm.write_fault = golden: the others "
                                             "are of kernels that wait for no writeback");
    if (policies.stable_pages && c.disk.checksums &&
        policies.dirty_tracking == dirty_tracking_policy::dirty_log)
        throw o.complaint("vm.stable_pages", "expected no, or vm.dirty_tracking = write_protect: "
                                             "with a log no store faults, and so none can wait");
}

void config::check(const option_set& o) const
{
    museum.check(o);
    check_page_mkwrite(*this, o);
    check_stable_pages(*this, o);
    check_tlb(tlb, o);
    check_asids(*this, o);
    check_dirty_log(*this, o);
    if (fs.block_size != 1024 && fs.block_size != 2048 && fs.block_size != 4096)
        throw o.complaint("fs.block_size", "expected 1KiB, 2KiB or 4KiB");
    if (vm.dirty_background_ratio > vm.dirty_ratio)
        throw o.complaint("vm.dirty_background_ratio",
                          "expected at most vm.dirty_ratio, which is " +
                              std::to_string(vm.dirty_ratio) + "%");
    check_huge_pages(*this, o);
    if (memory % page_size != 0)
        throw o.complaint("memory", "expected a multiple of 4KiB");
    if (workload.file.empty() &&
        (workload.kind == workload_kind::lackey || workload.kind == workload_kind::script))
        throw o.complaint("workload.kind", "this workload needs workload.file");
    if (workload.kind == workload_kind::script)
        read_script(*this, o.info("workload.file").where);
    constexpr std::uint64_t most_chunks = 100'000'000; // it shuffles them first
    if (workload.kind == workload_kind::rtorrent && workload.size / workload.chunk > most_chunks)
        throw o.complaint("workload.size", "expected at most " + std::to_string(most_chunks) +
                                               " chunks for rtorrent");
    if (workload.threads == 0 && workload.kind != workload_kind::touch)
        throw o.complaint("workload.threads", "expected at least 1, but for touch");
    if (workload.kind == workload_kind::touch && (workload.pages & (workload.pages - 1)) != 0)
        throw o.complaint("workload.pages", "expected a power of two for touch");
    if (workload.kind == workload_kind::lackey && workload.lackey_start % page_size != 0)
        throw o.complaint("workload.lackey_start",
                          "expected a multiple of 4KiB: where a mapping begins");
    if (workload.kind == workload_kind::lackey && workload.lackey_end <= workload.lackey_start)
        throw o.complaint("workload.lackey_end",
                          "expected an address behind workload.lackey_start, which is " +
                              std::to_string(workload.lackey_start));
}

} // namespace mkclean
