// The options of the processors: names, units, ranges.

#include "mmu/core.h"
#include "sim/option_set.h"

namespace mkclean
{

void core_options::declare(option_set& o)
{
    o.frequency("core.frequency", frequency, {1'000'000, 10'000'000'000},
                "clock of every core; its period is rounded to whole ps");
    o.clock_cycles("core.access", access, {1, 1000},
                   "a load or store of up to 8 bytes that hits the TLB");
    o.duration("core.ipi_latency", ipi_latency, {1000, 1'000'000'000},
               "interprocessor interrupt: from sending to the first handler instruction");
    o.duration("core.irq_latency", irq_latency, {1000, 1'000'000'000},
               "device interrupt: the same");
    o.duration("core.timeslice", timeslice, {1'000'000, 10'000'000'000'000},
               "between user threads that share a core");
    o.choice("time.sync", sync,
             {{"window", time_sync::window}, {"every_access", time_sync::every_access}},
             "whether TLB hits run ahead up to the next instant at which anybody else can act, or "
             "wait one by one; the results are the same");
}

void tlb_options::declare(option_set& o)
{
    o.count("tlb.entries", entries, {1, 65536},
            "first-level TLB entries of a core for pages of 4 KiB, all sets together");
    o.count("tlb.ways", ways, {1, 65536}, "associativity; divides tlb.entries");
    o.count("tlb.entries_2m", entries_2m, {0, 65536},
            "the same for pages of 2 MiB; 0: they share the entries of 4 KiB");
    o.count("tlb.ways_2m", ways_2m, {1, 65536}, "associativity; divides tlb.entries_2m");
    o.count("tlb.entries_1g", entries_1g, {0, 65536},
            "the same for pages of 1 GiB; 0: they share the entries of 2 MiB");
    o.count("tlb.ways_1g", ways_1g, {1, 65536}, "associativity; divides tlb.entries_1g");
    o.count("tlb.l2_entries", l2_entries, {0, 65536}, "second-level TLB entries; 0: there is none");
    o.count("tlb.l2_ways", l2_ways, {1, 65536}, "associativity; divides tlb.l2_entries");
    o.choice("tlb.l2_holds", l2_holds,
             {{"4KiB", page_order::small}, {"2MiB", page_order::mega}, {"1GiB", page_order::giga}},
             "the largest pages that the second level holds");
    o.clock_cycles("tlb.l2_latency", l2_latency, {0, 1000},
                   "a search of the second level, when the first has missed");
    std::vector<std::pair<const char*, const tlb_replacement_kind*>> kinds;
    for (const tlb_replacement_kind* kind : replacements)
        kinds.emplace_back(kind->name, kind);
    o.choice("tlb.replacement", replacement, kinds, "who goes when a set is full");
    o.flag("tlb.caches_dirty", caches_dirty,
           "whether an entry remembers that D is set (rule R2); if not, every store walks");
    o.flag("tlb.rewalks", rewalks,
           "whether a store to an entry without W walks before it faults, so that none is spurious "
           "(rule R3)");
}

void walker_options::declare(option_set& o)
{
    o.count("walker.cache_entries", walk_cache_entries, {0, 4096},
            "leaf tables that the paging-structure cache remembers");
    o.choice(
        "mmu.format", layout,
        {{"x86-64", pte_layout::x86_64},
         {"x86-64-la57", pte_layout::x86_64_la57},
         {"sv39", pte_layout::sv39},
         {"sv48", pte_layout::sv48},
         {"aarch64", pte_layout::aarch64}},
        "page tables in memory: x86-64 of 4 or 5 levels, RISC-V of 3 or 4, AArch64 stage 1 with "
        "a 4 KiB granule");
    o.choice("mmu.sets_dirty", sets_dirty,
             {{"walker", dirty_setter::walker},
              {"fault", dirty_setter::fault},
              {"storage_key", dirty_setter::storage_key}},
             "who sets A and D: the walker (x86, Svadu, FEAT_HAFDBS) or the kernel, after a fault "
             "(Svade, Armv8.0, MIPS); or nobody, for every frame has a storage key (s390 to 3.8)");
    o.count("mmu.dirty_log_entries", dirty_log_entries, {0, dirty_log::most_entries},
            "a core's log of the pages that its walker sets D for, 8 bytes each (PML has 512); 0: "
            "there is none");
    o.flag("walker.rechecks", rechecks,
           "setting D looks at P and W again in the same locked operation (rule R4); off is a "
           "hardware bug");
}

} // namespace mkclean
