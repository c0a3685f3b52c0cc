// TLB shootdown by interprocessor interrupt (arch/i386/kernel/smp.c of 2.6): the initiator flushes
// its own TLB, interrupts the others, and spins until the last of them has acknowledged.

#include "vm/tlb_flush.h"

namespace mkclean
{

namespace
{

std::string show_acks(std::uint64_t before, std::uint64_t after)
{
    return "waiting for " + std::to_string(before) + "->" + std::to_string(after);
}

const step_site site_send{"flush_tlb_others", place::none, show_acks};
const step_site site_ack{"flush_tlb_func ack", place::none, show_acks};

std::uint64_t bit_of(const core& cpu)
{
    return std::uint64_t{1} << cpu.index();
}

void flush_local(kernel& k, core& cpu, const tlb_flush_request& request)
{
    if (cpu.loaded() != request.mm)
        return;
    cpu.spend(cpu.cost().invlpg);
    cpu.sync();
    if (request.everything) {
        ++k.stats.nr_tlb_local_flush_all;
        cpu.memory_unit().flush_all(cpu);
    } else {
        ++k.stats.nr_tlb_local_flush_one;
        cpu.memory_unit().invlpg(cpu, request.va);
    }
}

void flush_others(kernel& k, core& cpu, tlb_flush_request& request)
{
    const std::uint64_t targets = request.mm->cpu_mask & ~bit_of(cpu);
    if (targets == 0)
        return;
    ++k.stats.nr_tlb_remote_flush;
    for (core* other : k.cores)
        if ((targets & bit_of(*other)) != 0)
            ++request.unacknowledged;
    cpu.sync();
    subject what;
    what.va = request.va;
    cpu.note(site_send, what, 0, request.unacknowledged);
    for (core* other : k.cores) {
        if ((targets & bit_of(*other)) == 0)
            continue;
        k.tlb_flush_queues[other->index()].push_back(&request);
        cpu.send_ipi(*other, interrupt::tlb_shootdown);
    }
    cpu.spin_until(request.acknowledged, [&] { return request.unacknowledged == 0; });
}

void flush(kernel& k, core& cpu, tlb_flush_request& request)
{
    cpu.sync();
    flush_local(k, cpu, request);
    flush_others(k, cpu, request);
}

} // namespace

void flush_tlb_page(kernel& k, core& cpu, mm_struct& mm, virtual_address va)
{
    tlb_flush_request request;
    request.mm = &mm;
    request.va = va;
    flush(k, cpu, request);
}

void flush_tlb_mm(kernel& k, core& cpu, mm_struct& mm)
{
    tlb_flush_request request;
    request.mm = &mm;
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
        tlb_flush_request request;
        request.mm = &mm;
        request.va = va;
        flush_local(k, cpu, request);
        break;
    }
    case mkclean_flush_policy::none:
        break;
    }
}

void flush_tlb_interrupt(kernel& k, core& cpu)
{
    std::deque<tlb_flush_request*>& queue = k.tlb_flush_queues[cpu.index()];
    while (!queue.empty()) {
        tlb_flush_request& request = *queue.front();
        queue.pop_front();
        ++k.stats.nr_tlb_remote_flush_received;
        cpu.spend(cpu.cost().ipi_handler);
        flush_local(k, cpu, request);
        cpu.sync();
        subject what;
        what.va = request.va;
        cpu.note(site_ack, what, request.unacknowledged, request.unacknowledged - 1);
        if (--request.unacknowledged == 0)
            request.acknowledged.wake_all();
    }
}

} // namespace mkclean
