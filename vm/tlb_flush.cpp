// TLB flushes (arch/i386/kernel/smp.c of 2.6, arch/x86/mm/tlb.c of later kernels): what has to go,
// and the initiator's own part. How the others are made to do theirs is in shootdown.cpp.

#include "vm/tlb_flush.h"
#include "sim/span.h"
#include "vm/asid.h"
#include "vm/shootdown.h"
#include "vm/switch_mm.h"
#include "vm/time_spent.h"

#include <algorithm>

namespace mkclean
{

namespace
{

const span_site site_flush{"flush_tlb"};

void invalidate(kernel& k, core& cpu, const flush_tlb_info& info)
{
    if (info.everything)
        return flush_loaded_mm(k, cpu);
    for (std::uint64_t i = 0; i < info.pages; ++i) {
        cpu.spend(cpu.cost().invlpg);
        cpu.sync();
        ++k.stats.nr_tlb_local_flush_one;
        cpu.memory_unit().invlpg(cpu, info.start + i * pages_of(info.stride) * page_size);
    }
}

// Generations are followed one by one: who has missed one flushes everything, and so has followed
// all there are. Who is ahead already has nothing to do.
void follow(kernel& k, core& cpu, const flush_tlb_info& info)
{
    asid_allocator& asids = *k.asids.at(cpu.index());
    cpu.sync();
    if (asids.loaded_gen() == info.mm->tlb_gen)
        return;
    const bool the_next =
        asids.loaded_gen() + 1 == info.new_tlb_gen && info.new_tlb_gen == info.mm->tlb_gen;
    if (info.everything || !the_next)
        return flush_loaded_mm(k, cpu);
    invalidate(k, cpu, info);
    // An interrupt between two pages may have followed more by now.
    asids.followed(std::max(asids.loaded_gen(), info.new_tlb_gen));
}

void count_flush(kernel& k, core& cpu, flush_tlb_info& info)
{
    if (k.options.tlb.count_generations())
        cpu.spend(cpu.cost().atomic_rmw);
    cpu.sync();
    info.new_tlb_gen = ++info.mm->tlb_gen;
}

void flush(kernel& k, core& cpu, const flush_tlb_info& what)
{
    ++k.stats.flush_tlb;
    const time_spent timed(cpu, k.stats.flush_tlb_ps);
    const span in(cpu, site_flush, subject_of_flush(what));
    tlb_flush_request request;
    request.what = what;
    count_flush(k, cpu, request.what);
    if (k.options.tlb.by_hardware()) {
        flush_tlb_by_hardware(k, cpu, request.what);
        return;
    }
    if (!k.options.tlb.concurrent)
        flush_tlb_func(k, cpu, request.what);
    send_flush_requests(k, cpu, request);
    if (k.options.tlb.concurrent)
        flush_tlb_func(k, cpu, request.what);
    wait_for_acknowledgements(cpu, request);
}

flush_tlb_info info_for_page(mm_struct& mm, virtual_address va)
{
    flush_tlb_info info;
    info.mm = &mm;
    info.start = va;
    return info;
}

} // namespace

void flush_tlb_page(kernel& k, core& cpu, mm_struct& mm, virtual_address va)
{
    flush(k, cpu, info_for_page(mm, va));
}

void flush_tlb_range(kernel& k, core& cpu, mm_struct& mm, virtual_address start,
                     virtual_address end, page_order stride)
{
    flush_tlb_info info = info_for_page(mm, start);
    info.stride = stride;
    info.pages = (end - start).raw() / (pages_of(stride) * page_size);
    info.everything = info.pages > k.options.tlb.ceiling;
    flush(k, cpu, info);
}

void flush_tlb_mm(kernel& k, core& cpu, mm_struct& mm)
{
    flush_tlb_info info;
    info.mm = &mm;
    info.everything = true;
    flush(k, cpu, info);
}

void flush_tlb_batched_pending(kernel& k, core& cpu, mm_struct& mm)
{
    if (k.options.tlb.reclaim != reclaim_flush_policy::batched)
        return;
    cpu.sync();
    if (!mm.tlb_flush_batched)
        return;
    flush_tlb_mm(k, cpu, mm);
    mm.tlb_flush_batched = false;
}

void flush_tlb_page_for_mkclean(kernel& k, core& cpu, mm_struct& mm, virtual_address va)
{
    switch (k.policies.mkclean_flush) {
    case mkclean_flush_policy::everyone:
        flush_tlb_page(k, cpu, mm, va);
        break;
    case mkclean_flush_policy::local: {
        flush_tlb_info info = info_for_page(mm, va);
        count_flush(k, cpu, info);
        flush_tlb_func(k, cpu, info);
        break;
    }
    case mkclean_flush_policy::none:
        break;
    }
}

subject subject_of_flush(const flush_tlb_info& info)
{
    subject what;
    if (info.everything)
        return what;
    what.va = info.start;
    const vm_area_struct* const vma = info.mm->find_vma(info.start);
    if (info.pages == 1 && vma != nullptr && vma->file != nullptr) {
        what.ino = vma->file->ino;
        what.page = vma->index_of(info.start);
    }
    return what;
}

void flush_tlb_func(kernel& k, core& cpu, const flush_tlb_info& info)
{
    if (cpu.loaded() != info.mm)
        return;
    if (cpu.lazy() && k.options.tlb.lazy != lazy_tlb_policy::flush)
        return leave_mm(k, cpu);
    if (k.options.tlb.count_generations())
        follow(k, cpu, info);
    else
        invalidate(k, cpu, info);
}

} // namespace mkclean
