#include "tb/bench/cases.h"

#include <algorithm>

namespace mkclean
{

namespace
{

constexpr const char* stores = "/workload/stores";

run_settings operator+(run_settings a, const run_settings& b)
{
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

// `threads` of touch, each on a core, with as many pages as that in each case: the host's caches
// shall weigh the same in all of them.
constexpr std::uint64_t pages_in_all = 32;

run_settings touching(unsigned threads, std::uint64_t pages)
{
    return {{"workload.kind", "touch"},
            {"cores", std::to_string(threads)},
            {"workload.threads", std::to_string(threads)},
            {"workload.pages", std::to_string(pages)},
            {"disk.kind", "constant"}};
}

const run_settings unjudged = {{"oracle", "off"}};
// With most of memory mapped the kernel throttles at 5 % of it, whatever the ratios say
// (get_dirty_limits()): there has to be much more of it than is stored to. A journal would write
// what it orders at every commit.
const run_settings no_writeback = {{"memory", "32GiB"},
                                   {"vm.dirty_background_ratio", "99%"},
                                   {"vm.dirty_ratio", "99%"},
                                   {"vm.dirty_writeback", "0s"},
                                   {"fs.type", "ext2"}};

bench_case hits(const std::string& name, const std::string& help, const run_settings& settings,
                std::uint64_t length)
{
    bench_case c;
    c.name = name;
    c.help = help;
    c.settings = settings;
    c.operations = stores;
    c.least = length / 10;
    c.most = length;
    c.every_access_part = 20;
    c.native = native_program::scattered;
    c.native_pages = pages_in_all;
    return c;
}

std::vector<bench_case> hit_cases()
{
    const run_settings one = touching(1, pages_in_all);
    const run_settings apart = touching(4, pages_in_all / 4);
    const run_settings together =
        touching(4, pages_in_all) + run_settings{{"workload.shared", "on"}};
    return {hits("hit-1core", "a store that hits the TLB", one + unjudged, 20'000'000),
            hits("hit-1core-judged", "the same, with the oracle", one, 8'000'000),
            hits("hit-4core-private", "a store of one of four cores, each to its own pages",
                 apart + unjudged, 4'000'000),
            hits("hit-4core-private-judged", "the same, with the oracle", apart, 2'000'000),
            hits("hit-4core-shared", "a store of one of four cores, all to the same pages",
                 together + unjudged, 2'000'000),
            hits("hit-4core-shared-judged", "the same, with the oracle", together, 1'000'000)};
}

bench_case miss_1gib()
{
    constexpr std::uint64_t pages = (std::uint64_t{1} << 30) / 4096;
    bench_case c;
    c.name = "miss-1GiB";
    c.help = "a store that misses the TLB, somewhere in 1 GiB of pages that are all there";
    c.settings = touching(1, pages) + unjudged + no_writeback;
    c.operations = stores;
    c.least = 2'500'000; // by then all but a few in 100,000 pages have been stored to
    c.most = 12'500'000;
    c.native = native_program::scattered;
    c.native_pages = pages;
    c.costly = true;
    return c;
}

bench_case first_touch_fault()
{
    bench_case c;
    c.name = "first-touch-fault";
    c.help = "the page fault of a page's first store, with the read of its block";
    c.settings = touching(1, 131072) + unjudged + no_writeback;
    c.operations = "/vm/pgfault";
    c.least = 2'000;
    c.most = 20'000;
    return c;
}

bench_case refault_after_writeback()
{
    bench_case c;
    c.name = "refault-after-writeback";
    c.help =
        "apt: a write fault on a page that msync has cleaned, with the cleaning and the writing";
    c.settings = {{"workload.kind", "apt"},
                  {"workload.sync_every", "1"},
                  {"disk.kind", "constant"},
                  {"oracle", "off"}};
    c.operations = "/vm/pgfault";
    c.least = 2'000;
    c.most = 12'000;
    return c;
}

bench_case shootdown_16core()
{
    bench_case c;
    c.name = "shootdown-16core";
    c.help = "a TLB shootdown taken by one of 16 cores that store to what the flusher cleans";
    c.settings = touching(16, pages_in_all) + unjudged +
                 run_settings{{"workload.shared", "on"},
                              {"vm.dirty_writeback", "50us"},
                              {"vm.dirty_expire", "50us"}};
    c.operations = "/vm/nr_tlb_remote_flush_received";
    c.least = 100'000;
    c.most = 1'000'000;
    c.every_access_part = 4;
    return c;
}

bench_case writeback_1gib()
{
    bench_case c;
    c.name = "writeback-1GiB";
    c.help = "a page that is stored to, all of it, and written to the disk by sync";
    c.settings = {{"workload.kind", "rtorrent"}, {"workload.chunk", "64KiB"},
                  {"workload.verify", "off"},    {"workload.drop", "off"},
                  {"disk.kind", "constant"},     {"oracle", "off"}};
    c.settings = c.settings + no_writeback;
    c.operations = "/vm/nr_written";
    c.length_option = "workload.size";
    c.length_unit = "MiB";
    c.least = 64;
    c.most = 1024;
    c.every_access_part = 16;
    c.costly = true;
    return c;
}

bench_case rtorrent_256mib()
{
    bench_case c;
    c.name = "rtorrent-256MiB";
    c.help = "a chunk of 1460 bytes stored, written back, read again and compared, with the oracle";
    c.settings = {{"workload.kind", "rtorrent"}, {"memory", "512MiB"}};
    c.operations = "/workload/chunks";
    c.length_option = "workload.size";
    c.length_unit = "MiB";
    c.least = 0;
    c.most = 256;
    c.every_access_part = 16;
    c.native = native_program::rtorrent;
    c.costly = true;
    return c;
}

bench_case random_ops(const std::string& name, const std::string& help, unsigned cores,
                      std::uint64_t length)
{
    bench_case c;
    c.name = name;
    c.help = help;
    c.settings = {{"workload.kind", "random"},
                  {"cores", std::to_string(cores)},
                  {"workload.threads", std::to_string(cores)},
                  {"memory", "8MiB"},
                  {"vm.dirty_background_ratio", "2%"},
                  {"vm.dirty_ratio", "8%"},
                  {"vm.dirty_writeback", "100ms"},
                  {"vm.dirty_expire", "100ms"}};
    c.operations = "/workload/operations";
    c.least = length / 10;
    c.most = length;
    return c;
}

std::vector<bench_case> make_cases()
{
    std::vector<bench_case> all = hit_cases();
    all.push_back(miss_1gib());
    all.push_back(first_touch_fault());
    all.push_back(refault_after_writeback());
    all.push_back(shootdown_16core());
    all.push_back(writeback_1gib());
    all.push_back(rtorrent_256mib());
    all.push_back(random_ops("random-ops-4core",
                             "an operation of configs/random.cfg's programs on four cores", 4,
                             2'000));
    all.push_back(random_ops("mix", "the same on 16: every mechanism at once", 16, 400));
    return all;
}

} // namespace

const std::vector<bench_case>& bench_cases()
{
    static const std::vector<bench_case> all = make_cases();
    return all;
}

const bench_case* find_bench_case(const std::string& name)
{
    const auto& all = bench_cases();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const bench_case& c) { return c.name == name; });
    return found == all.end() ? nullptr : &*found;
}

} // namespace mkclean
