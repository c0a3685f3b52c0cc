// TLB flushes (arch/i386/kernel/smp.c of 2.6, arch/x86/mm/tlb.c of later kernels): what has to go,
// and the initiator's own part. How the others are made to do theirs is in shootdown.cpp.

#include "vm/tlb_flush.h"
#include "vm/asid.h"
#include "vm/shootdown.h"
#include "vm/switch_mm.h"

namespace mkclean
{

namespace
{

void invalidate(kernel& k, core& cpu, const tlb_flush_request& request)
{
    if (request.everything)
        return flush_loaded_mm(k, cpu);
    for (std::uint64_t i = 0; i < request.pages; ++i) {
        cpu.spend(cpu.cost().invlpg);
        cpu.sync();
        ++k.stats.nr_tlb_local_flush_one;
        cpu.memory_unit().invlpg(cpu, request.start + i * page_size);
    }
}

// Generations are followed one by one: who has missed one flushes everything, and so has followed
// all there are. Who is ahead already has nothing to do.
void follow(kernel& k, core& cpu, const tlb_flush_request& request)
{
    asid_allocator& asids = *k.asids.at(cpu.index());
    cpu.sync();
    if (asids.loaded_gen() == request.mm->tlb_gen)
        return;
    const bool the_next =
        asids.loaded_gen() + 1 == request.new_tlb_gen && request.new_tlb_gen == request.mm->tlb_gen;
    if (request.everything || !the_next)
        return flush_loaded_mm(k, cpu);
    invalidate(k, cpu, request);
    asids.followed(request.new_tlb_gen);
}

void count_flush(kernel& k, core& cpu, tlb_flush_request& request)
{
    if (k.options.tlb.count_generations())
        cpu.spend(cpu.cost().atomic_rmw);
    cpu.sync();
    request.new_tlb_gen = ++request.mm->tlb_gen;
}

void flush(kernel& k, core& cpu, tlb_flush_request& request)
{
    count_flush(k, cpu, request);
    if (k.options.tlb.by_hardware()) {
        flush_tlb_by_hardware(k, cpu, request);
        return;
    }
    if (!k.options.tlb.concurrent)
        flush_tlb_func(k, cpu, request);
    send_flush_requests(k, cpu, request);
    if (k.options.tlb.concurrent)
        flush_tlb_func(k, cpu, request);
    wait_for_acknowledgements(cpu, request);
}

tlb_flush_request request_for(mm_struct& mm, virtual_address start, std::uint64_t pages)
{
    tlb_flush_request request;
    request.mm = &mm;
    request.start = start;
    request.pages = pages;
    return request;
}

} // namespace

void flush_tlb_page(kernel& k, core& cpu, mm_struct& mm, virtual_address va)
{
    tlb_flush_request request = request_for(mm, va, 1);
    flush(k, cpu, request);
}

void flush_tlb_range(kernel& k, core& cpu, mm_struct& mm, virtual_address start,
                     virtual_address end)
{
    tlb_flush_request request = request_for(mm, start, (end - start).raw() / page_size);
    request.everything = request.pages > k.options.tlb.ceiling;
    flush(k, cpu, request);
}

void flush_tlb_mm(kernel& k, core& cpu, mm_struct& mm)
{
    tlb_flush_request request = request_for(mm, virtual_address(), 0);
    request.everything = true;
    flush(k, cpu, request);
}

void flush_tlb_page_for_mkclean(kernel& k, core& cpu, mm_struct& mm, virtual_address va)
{
    switch (k.policies.mkclean_flush) {
    case mkclean_flush_policy::everyone:
        flush_tlb_page(k, cpu, mm, va);
        break;
    case mkclean_flush_policy::local: {
        tlb_flush_request request = request_for(mm, va, 1);
        count_flush(k, cpu, request);
        flush_tlb_func(k, cpu, request);
        break;
    }
    case mkclean_flush_policy::none:
        break;
    }
}

void flush_tlb_func(kernel& k, core& cpu, const tlb_flush_request& request)
{
    if (cpu.loaded() != request.mm)
        return;
    if (cpu.lazy() && k.options.tlb.lazy != lazy_tlb_policy::flush)
        return leave_mm(k, cpu);
    if (k.options.tlb.count_generations())
        follow(k, cpu, request);
    else
        invalidate(k, cpu, request);
}

} // namespace mkclean
