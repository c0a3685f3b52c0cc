#include "tb/workload/options.h"
#include "sim/option_set.h"

namespace mkclean
{

void workload_options::declare(option_set& o)
{
    o.choice("workload.kind", kind,
             {{"rtorrent", workload_kind::rtorrent},
              {"apt", workload_kind::apt},
              {"lackey", workload_kind::lackey},
              {"script", workload_kind::script},
              {"random", workload_kind::random},
              {"touch", workload_kind::touch}},
             "the program that runs");
    o.bytes("workload.size", size, {1, std::uint64_t{1} << 40}, "rtorrent, apt: of the file");
    o.bytes("workload.chunk", chunk, {1, 1 << 20},
            "rtorrent: of one write, in random order; apt: of one record");
    o.duration("workload.think", think, {0, 1'000'000'000'000'000},
               "rtorrent, apt, random: between two operations; touch: computed between two stores");
    o.count("workload.operations", operations, {1, 1'000'000'000},
            "random, touch: of each thread; apt: records updated");
    o.count("workload.sync_every", sync_every, {},
            "apt: updates, touch: stores between two msyncs; 0: only apt's first fill is synced");
    o.count("workload.threads", threads, {0, 64}, "random, touch: how many; touch, 0: one a core");
    o.count("workload.processes", processes, {1, 64},
            "random: address spaces, dealt out to the threads in turn");
    o.count("workload.pages", pages, {1, 16'777'216},
            "random: of the file that all share; touch: that a thread stores to, a power of two");
    o.count("workload.load_every", load_every, {}, "touch: stores between two loads; 0: no loads");
    o.flag("workload.shared", shared, "touch: all threads store to the same pages");
    o.flag(
        "workload.one_mapping", one_mapping,
        "touch: all threads store through one mapping of the file, and not each through its own");
    o.count("workload.anonymous_pages", anonymous_pages, {1, 1'000'000},
            "random: of memory that each thread has to itself, which nothing can reclaim");
    o.flag("workload.drop", drop,
           "rtorrent: unmap and drop the cache (fadvise) before reading back");
    o.flag("workload.verify", verify, "rtorrent, apt: read everything back and compare");
    o.path("workload.file", file, "lackey: the trace; script: the script");
    o.duration("workload.delay", delay, {0, 1'000'000'000'000'000},
               "script: what $delay stands for");
    o.count("workload.value", value, {}, "script: what $value stands for");
    o.count("workload.lackey_start", lackey_start, {},
            "lackey: first address that is the shared file");
    o.count("workload.lackey_end", lackey_end, {}, "lackey: the address behind it");
    o.clock_cycles(
        "workload.lackey_cycles", lackey_cycles, {0, 1'000'000},
        "lackey: computation that an instruction, or an access elsewhere, is charged as");
}

} // namespace mkclean
