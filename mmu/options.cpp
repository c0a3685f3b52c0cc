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
    o.count("core.ipi_cluster", ipi_cluster, {1, most_cores},
            "cores that one write of the interrupt command register reaches: 1 in physical mode, "
            "up to 16 in x2APIC's cluster mode");
    o.duration("core.irq_latency", irq_latency, {1000, 1'000'000'000},
               "device interrupt: the same");
    o.duration("core.timeslice", timeslice, {1'000'000, 10'000'000'000'000},
               "between user threads that share a core");
    o.count("core.store_buffer", store_buffer, {0, 1024},
            "stores that a core is through with and others are still to see, at most; 0: none");
    o.clock_cycles("core.store_drain", store_drain, {1, 1'000'000},
                   "a store's way from the head of the store buffer to the cache");
    o.flag("core.interrupts_drain", interrupts_drain,
           "whether an interrupt waits until older stores are seen, so that acknowledging a "
           "shootdown says so; off is a hardware bug");
    o.flag("core.kpti", kpti,
           "page-table isolation: entering and leaving the kernel cost cost.kpti_switch each, and "
           "flush the TLB if it has no tags");
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
    o.count("tlb.asids", asids, {0, 65536},
            "address spaces whose entries it can tell apart (x86: PCID); 0: a switch flushes");
    std::vector<std::pair<const char*, const tlb_replacement_kind*>> kinds;
    for (const tlb_replacement_kind* kind : replacements)
        kinds.emplace_back(kind->name, kind);
    o.choice("tlb.replacement", replacement, kinds, "who goes when a set is full");
    o.flag("tlb.caches_dirty", caches_dirty,
           "whether an entry remembers that D is set (rule R2); if not, every store walks");
    o.flag("tlb.rewalks", rewalks,
           "whether a store to an entry without W walks before it faults, so that none is spurious "
           "(rule R3)");
    o.choice("tlb.invlpg", invlpg, {{"all", reach::all}, {"first_level", reach::first_level}},
             "what the invalidation of one page reaches; first_level is a hardware bug");
}

void table_line_options::declare(option_set& o)
{
    o.count("walker.l1_lines", l1_lines, {0, 4096},
            "lines of page tables (64 bytes) that a core's first-level cache has room for; 0 in "
            "every level: a read is one bus transaction");
    o.clock_cycles("walker.l1_latency", l1_latency, {1, 10'000}, "a walker's read of one there");
    o.count("walker.l2_lines", l2_lines, {0, 4096}, "the same, second level");
    o.clock_cycles("walker.l2_latency", l2_latency, {1, 10'000}, "a walker's read of one there");
    o.count("walker.l3_lines", l3_lines, {0, 4096}, "the same, third level");
    o.clock_cycles("walker.l3_latency", l3_latency, {1, 10'000},
                   "a walker's read of one there, and of one that somebody else has changed");
}

void paging_structure_cache_options::declare(option_set& o)
{
    o.count("walker.cache_entries", entries[0], {0, 4096},
            "leaf tables (each maps 2 MiB) that a walker remembers: Intel's PDE cache");
    o.count("walker.cache_entries_1g", entries[1], {0, 4096},
            "the same of tables that map 1 GiB each: PDPTE cache");
    o.count("walker.cache_entries_512g", entries[2], {0, 4096},
            "the same of tables that map 512 GiB each: PML4E cache");
}

void walker_options::declare(option_set& o)
{
    lines.declare(o);
    tables.declare(o);
    o.clock_cycles("walker.assist", assist, {0, 100'000},
                   "setting A or D, beyond the locked operation itself");
    o.count("walker.shared_ports", shared_ports, {0, most_cores},
            "walks that all cores together can do at a time; 0: each has a walker of its own");
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
    o.choice("walker.rechecks", rechecks,
             {{"always", dirty_recheck::always},
              {"strays", dirty_recheck::strays},
              {"never", dirty_recheck::never}},
             "what setting D does to a PTE that has just lost P or W: nothing (rule R4); sets it, "
             "and then faults (erratum KNL4); sets it, and lets the store through");
}

} // namespace mkclean
