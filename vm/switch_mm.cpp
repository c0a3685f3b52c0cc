// Which address space a core has loaded (arch/x86/mm/tlb.c). mm->cpu_mask says whom to ask for a
// flush: who has it loaded. What others have kept under a tag of its own they look after when they
// load it again, for then mm->tlb_gen tells them that they missed something.

#include "vm/switch_mm.h"
#include "vm/asid.h"

namespace mkclean
{

namespace
{

void stop_remote_flushes(core& cpu)
{
    if (cpu.loaded() != nullptr)
        cpu.loaded()->cpu_mask.reset(cpu.index());
}

void local_flush_tlb_all(kernel& k, core& cpu)
{
    cpu.spend(cpu.cost().tlb_flush_all);
    cpu.sync();
    ++k.stats.nr_tlb_local_flush_all;
    cpu.memory_unit().flush_all(cpu);
}

// The mask is set before the generation is read: who flushes in between either asks us or has been
// counted. Both are done at one instant here.
void load(kernel& k, core& cpu, mm_struct& next)
{
    cpu.sync();
    stop_remote_flushes(cpu);
    next.cpu_mask.set(cpu.index());
    const asid_choice chosen = k.asids.at(cpu.index())->choose(next);
    if (chosen.flush_all && chosen.tag == asid()) {
        cpu.load_context(next);
        return;
    }
    if (chosen.flush_all)
        ++k.stats.nr_asid_rollover;
    cpu.load_context(next, chosen.tag);
    if (chosen.flush_all)
        local_flush_tlb_all(k, cpu);
    else if (chosen.flush_tag) // loading the table does it
        cpu.memory_unit().flush_space(cpu, chosen.tag);
}

} // namespace

void switch_mm(kernel& k, core& cpu, mm_struct& next)
{
    if (cpu.loaded() != &next) {
        load(k, cpu, next);
        return;
    }
    // Back from a kernel thread.
    if (k.options.tlb.lazy != lazy_tlb_policy::skip)
        return;
    cpu.sync();
    if (k.asids.at(cpu.index())->loaded_gen() == next.tlb_gen)
        return;
    ++k.stats.nr_tlb_lazy_catchup;
    flush_loaded_mm(k, cpu);
}

void leave_mm(kernel& k, core& cpu)
{
    cpu.sync();
    ++k.stats.nr_leave_mm;
    stop_remote_flushes(cpu);
    cpu.unload_context();
}

void flush_loaded_mm(kernel& k, core& cpu)
{
    auto& mm = static_cast<mm_struct&>(*cpu.loaded());
    asid_allocator& asids = *k.asids.at(cpu.index());
    cpu.spend(cpu.cost().tlb_flush_all);
    cpu.sync();
    ++k.stats.nr_tlb_local_flush_all;
    if (asids.forgets_by_choosing())
        return load(k, cpu, mm);
    if (k.options.tlb.asids == asid_policy::none)
        cpu.memory_unit().flush_all(cpu);
    else
        cpu.memory_unit().flush_space(cpu, cpu.memory_unit().space());
    asids.followed(mm.tlb_gen);
}

} // namespace mkclean
