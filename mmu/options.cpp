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
    o.count("tlb.entries", entries, {1, 65536}, "TLB entries of a core, all sets together");
    o.count("tlb.ways", ways, {1, 65536}, "associativity; divides tlb.entries");
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
             {{"walker", dirty_setter::walker}, {"fault", dirty_setter::fault}},
             "who sets A and D: the walker (x86, Svadu, FEAT_HAFDBS) or the kernel, after a fault "
             "(Svade, Armv8.0, MIPS)");
    o.flag("walker.rechecks", rechecks,
           "setting D looks at P and W again in the same locked operation (rule R4); off is a "
           "hardware bug");
}

} // namespace mkclean
