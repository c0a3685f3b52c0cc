// How other cores' TLBs are flushed. By their kernels: the initiator interrupts those that have the
// address space loaded and spins until the last of them has acknowledged. By their hardware: an
// instruction reaches it, and another one waits until it has done so.

#include "vm/shootdown.h"
#include "vm/asid.h"
#include "vm/tlb_flush.h"

namespace mkclean
{

namespace
{

std::string show_acks(std::uint64_t before, std::uint64_t after)
{
    return "waiting for " + std::to_string(before) + " -> " + std::to_string(after);
}

const step_site site_send{"flush_tlb_others", place::none, show_acks};
const step_site site_ack{"flush_tlb_func ack", place::none, show_acks};
const step_site site_hardware{"tlbi", place::none, nullptr};
const step_site site_received{"tlbi received", place::none, nullptr};

// Who runs the address space; not who only keeps it loaded, if he looks after himself.
std::vector<core*> targets_of(kernel& k, const core& cpu, const flush_tlb_info& info)
{
    std::vector<core*> targets;
    for (core* other : k.cores) {
        const bool asked = info.mm->cpu_mask.test(other->index()) && other != &cpu;
        const bool catches_up = other->lazy() && k.options.tlb.lazy == lazy_tlb_policy::skip;
        if (asked && !catches_up)
            targets.push_back(other);
    }
    return targets;
}

// Everybody writes to the initiator's line, one after the other: it has to be fetched each time.
void acknowledge(core& cpu, tlb_flush_request& request)
{
    cpu.settle();
    const picoseconds transfer = cpu.period() * cpu.cost().ipi_ack;
    const picoseconds free = std::max(cpu.now(), request.ack_line_free);
    request.ack_line_free = free + transfer;
    cpu.elapse(request.ack_line_free - cpu.now());
    cpu.sync();
    cpu.note(site_ack, subject_of_flush(request.what), request.unacknowledged,
             request.unacknowledged - 1);
    if (--request.unacknowledged == 0)
        request.acknowledged.wake_all();
}

// Whose queue was not empty is about to look at it (__smp_call_single_queue(), llist_add()); the
// others have to be interrupted.
std::vector<core*> queue_for(kernel& k, const std::vector<core*>& targets,
                             tlb_flush_request& request)
{
    std::vector<core*> to_interrupt;
    for (core* other : targets) {
        fifo<tlb_flush_request*>& queue = k.tlb_flush_queues[other->index()];
        if (queue.empty())
            to_interrupt.push_back(other);
        queue.push_back(&request);
    }
    return to_interrupt;
}

} // namespace

// ---- by software --------------------------------------------------------------------------------

void send_flush_requests(kernel& k, core& cpu, tlb_flush_request& request)
{
    cpu.sync();
    const std::vector<core*> targets = targets_of(k, cpu, request.what);
    if (targets.empty())
        return;
    ++k.stats.nr_tlb_remote_flush;
    request.unacknowledged = static_cast<unsigned>(targets.size());
    cpu.note(site_send, subject_of_flush(request.what), 0, request.unacknowledged);
    cpu.send_ipi(queue_for(k, targets, request), interrupt::tlb_shootdown);
}

void wait_for_acknowledgements(core& cpu, tlb_flush_request& request)
{
    if (request.unacknowledged > 0)
        cpu.spin_until(request.acknowledged, [&] { return request.unacknowledged == 0; });
}

void flush_tlb_interrupt(kernel& k, core& cpu)
{
    fifo<tlb_flush_request*>& queue = k.tlb_flush_queues[cpu.index()];
    while (!queue.empty()) {
        tlb_flush_request& request = *queue.front();
        queue.pop_front();
        ++k.stats.nr_tlb_remote_flush_received;
        cpu.spend(cpu.cost().ipi_handler);
        if (k.options.tlb.kind == shootdown_kind::early_ack) {
            const flush_tlb_info what = request.what; // once acknowledged, the request may be gone
            acknowledge(cpu, request);
            flush_tlb_func(k, cpu, what);
        } else {
            flush_tlb_func(k, cpu, request.what);
            acknowledge(cpu, request);
        }
    }
}

// ---- by hardware --------------------------------------------------------------------------------

namespace
{

// Returns when all of it has been done everywhere.
picoseconds issue(kernel& k, core& cpu, const flush_tlb_info& info, std::size_t targets)
{
    if (k.cores.size() > 1)
        ++k.stats.nr_tlb_remote_flush;
    const bool to_each = k.options.tlb.kind == shootdown_kind::rar;
    const std::uint64_t orders = info.everything ? 1 : info.pages;
    cpu.spend(to_each ? cpu.cost().ipi_send * targets : cpu.cost().tlbi * orders);
    cpu.sync();
    cpu.note(site_hardware, subject_of_flush(info));
    return cpu.now() + picoseconds(k.options.tlb.latency);
}

void invalidate_at(kernel& k, const std::vector<core*>& targets, const flush_tlb_info& info)
{
    const tlb_invalidation what{info.mm->tag, info.everything, page_of(info.start), info.stride,
                                info.pages};
    for (core* other : targets) {
        other->memory_unit().invalidate_from_outside(what);
        k.asids.at(other->index())->heard_of(*info.mm, info.new_tlb_gen);
    }
}

void elapse_until(core& cpu, picoseconds when)
{
    if (when > cpu.now())
        cpu.elapse(when - cpu.now());
}

// Those that went through the old translations, which are all older than the invalidation.
void wait_for_stores(core& cpu, const std::vector<core*>& targets)
{
    for (const core* other : targets)
        elapse_until(cpu, other->stores_drained_at());
}

} // namespace

void flush_tlb_by_hardware(kernel& k, core& cpu, const flush_tlb_info& info)
{
    const tlb_flush_options& how = k.options.tlb;
    const bool broadcast = how.kind == shootdown_kind::broadcast; // which reaches oneself as well
    const std::vector<core*> targets = broadcast ? k.cores : targets_of(k, cpu, info);
    const bool own_meanwhile = !broadcast && how.concurrent && !targets.empty();
    if (!broadcast && !own_meanwhile)
        flush_tlb_func(k, cpu, info);
    if (targets.empty())
        return;
    const picoseconds completion = issue(k, cpu, info, targets.size());
    cpu.elapse(picoseconds(how.latency / 2)); // there, and then back again
    cpu.sync();
    invalidate_at(k, targets, info);
    cpu.note(site_received, subject_of_flush(info));
    if (own_meanwhile)
        flush_tlb_func(k, cpu, info);
    elapse_until(cpu, completion);
    if (how.completion_drains)
        wait_for_stores(cpu, targets);
    cpu.sync();
}

} // namespace mkclean
