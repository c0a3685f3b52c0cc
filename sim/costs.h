#pragma once

#include "sim/event_log.h"
#include "sim/number.h"

namespace mkclean
{

class option_set;

/// What the kernel's own work costs, in cycles of the core that does it. Sources: docs/caveats.md.
struct costs {
    std::uint64_t atomic_rmw = 20;   ///< lock bts/btr on a line in the first-level cache
    std::uint64_t pte_rmw = 20;      ///< xchg or locked or on a PTE
    std::uint64_t tree_op = 150;     ///< lookup or tag change in the page tree, with its lock
    std::uint64_t list_op = 40;      ///< moving an inode or a buffer between lists
    std::uint64_t lock = 20;         ///< taking a free spinlock
    std::uint64_t function = 60;     ///< a kernel function's own work, where nothing finer is known
    std::uint64_t fault_entry = 715; ///< exception to first kernel instruction
    std::uint64_t fault_exit = 330;  ///< iret
    std::uint64_t fault_body = 800;  ///< finding the vma and the PTE
    std::uint64_t syscall_entry = 100;
    std::uint64_t syscall_exit = 100;
    std::uint64_t kpti_switch = 150; ///< of tables, with KPTI: once in and once out
    std::uint64_t irq_entry = 400;
    std::uint64_t irq_exit = 300;
    std::uint64_t context_switch = 1500;
    std::uint64_t invlpg = 200;
    std::uint64_t tlb_flush_all = 200; ///< the own TLB, or all of it that an address space has
    std::uint64_t tlbi = 200;          ///< issuing one invalidation to all cores
    std::uint64_t iske = 100;          ///< reading a storage key
    std::uint64_t rrbe = 100;          ///< resetting its R
    std::uint64_t sske = 300;          ///< resetting its C
    std::uint64_t ipi_send = 300;
    std::uint64_t ipi_ack = 0;       ///< fetching the line that acknowledgements are counted in
    std::uint64_t ipi_handler = 300; ///< what it is sent for, beyond irq entry and exit
    std::uint64_t copy_page = 1000;  ///< copying or clearing 4096 bytes
    std::uint64_t submit_bio = 2000; ///< building and queueing one request
    std::uint64_t mmio_write = 300;
    std::uint64_t mmio_read = 900;

    void declare(option_set& options);

    /// What a step on this place costs by itself.
    cycles of_step(place touched) const
    {
        switch (touched) {
        case place::pte:
            return cycles(pte_rmw);
        case place::tag:
            return cycles(tree_op);
        case place::inode:
            return cycles(list_op);
        case place::page:
        case place::buffer:
            return cycles(atomic_rmw);
        case place::tlb:
        case place::disk:
        case place::memory:
        case place::key:
        case place::none:
            break;
        }
        return cycles(0);
    }
};

} // namespace mkclean
