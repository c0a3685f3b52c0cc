#include "sim/costs.h"
#include "sim/option_set.h"

namespace mkclean
{

void costs::declare(option_set& o)
{
    o.clock_cycles("cost.atomic_rmw", atomic_rmw, {0, 100'000},
                   "a locked bit operation on a page or buffer flag");
    o.clock_cycles("cost.pte_rmw", pte_rmw, {0, 100'000}, "a locked change of a PTE by the kernel");
    o.clock_cycles("cost.tree_op", tree_op, {0, 100'000}, "a look-up or tag change in a page tree");
    o.clock_cycles("cost.list_op", list_op, {0, 100'000},
                   "moving an inode or a buffer between lists");
    o.clock_cycles("cost.lock", lock, {0, 100'000}, "taking a free lock");
    o.clock_cycles("cost.function", function, {0, 100'000},
                   "a kernel function's own work, where nothing finer is known");
    o.clock_cycles("cost.fault_entry", fault_entry, {0, 1'000'000},
                   "page fault: exception to first kernel instruction");
    o.clock_cycles("cost.fault_exit", fault_exit, {0, 1'000'000}, "page fault: iret");
    o.clock_cycles("cost.fault_body", fault_body, {0, 1'000'000},
                   "page fault: finding the vma and the PTE");
    o.clock_cycles("cost.syscall_entry", syscall_entry, {0, 1'000'000}, "entering a system call");
    o.clock_cycles("cost.syscall_exit", syscall_exit, {0, 1'000'000}, "leaving a system call");
    o.clock_cycles("cost.kpti_switch", kpti_switch, {0, 1'000'000},
                   "with core.kpti, changing tables: once in, once out");
    o.clock_cycles("cost.irq_entry", irq_entry, {0, 1'000'000},
                   "interrupt: to the handler's first instruction");
    o.clock_cycles("cost.irq_exit", irq_exit, {0, 1'000'000}, "interrupt: back from the handler");
    o.clock_cycles("cost.context_switch", context_switch, {0, 1'000'000},
                   "switching threads, the TLB refills not counted");
    o.clock_cycles("cost.invlpg", invlpg, {0, 1'000'000}, "invalidating one page of the own TLB");
    o.clock_cycles("cost.tlb_flush_all", tlb_flush_all, {0, 1'000'000},
                   "invalidating all that the own TLB has of an address space");
    o.clock_cycles("cost.tlbi", tlbi, {0, 1'000'000},
                   "issuing one invalidation to all cores (TLBI ..IS, INVLPGB)");
    o.clock_cycles("cost.iske", iske, {0, 1'000'000},
                   "reading a frame's storage key (mmu.sets_dirty = storage_key)");
    o.clock_cycles("cost.rrbe", rrbe, {0, 1'000'000},
                   "resetting the reference bit of a storage key");
    o.clock_cycles("cost.sske", sske, {0, 1'000'000}, "resetting the change bit of a storage key");
    o.clock_cycles("cost.ipi_send", ipi_send, {0, 1'000'000},
                   "sending one interprocessor interrupt");
    o.clock_cycles("cost.ipi_ack", ipi_ack, {0, 1'000'000},
                   "acknowledging a shootdown: fetching the line that others write to as well");
    o.clock_cycles("cost.ipi_handler", ipi_handler, {0, 1'000'000},
                   "the handler of a shootdown or of a dirty log, beyond interrupt entry and exit");
    o.clock_cycles("cost.copy_page", copy_page, {0, 1'000'000},
                   "copying or clearing 4096 bytes in the kernel");
    o.clock_cycles("cost.submit_bio", submit_bio, {0, 1'000'000},
                   "building and queueing one block request");
    o.clock_cycles("cost.mmio_write", mmio_write, {0, 1'000'000}, "writing a device register");
    o.clock_cycles("cost.mmio_read", mmio_read, {0, 1'000'000}, "reading a device register");
}

} // namespace mkclean
