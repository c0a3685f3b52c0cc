#pragma once

#include <cstdint>

namespace mkclean
{

class option_set;

/// `shootdown.kind`: how a core has other cores' TLBs flushed.
enum class shootdown_kind {
    ipi,       ///< an interrupt to each; its handler flushes, then acknowledges
    early_ack, ///< the handler acknowledges first: it will not return to user mode unflushed
    broadcast, ///< an instruction to all: Arm TLBI ..IS and DSB, AMD INVLPGB and TLBSYNC
    rar        ///< Intel remote action request: to each, but its hardware answers, not its kernel
};

/// `vm.asids`: which tags the kernel gives address spaces on a TLB that has some.
enum class asid_policy {
    none,  ///< one for all: a switch flushes (x86 until 4.14)
    slots, ///< a few a core, reused in turn (x86 since 4.14, TLB_NR_DYN_ASIDS)
    roll,  ///< a core counts through all of them, and flushes when it is through (MIPS)
    global ///< one an address space, the same on all cores (Arm, RISC-V; x86 with INVLPGB)
};

/// `vm.lazy_tlb`: what a core does about flushes while a kernel thread runs on a borrowed address
/// space.
enum class lazy_tlb_policy {
    flush, ///< as if the program ran
    leave, ///< the first interrupt makes it unload the address space (i386 of 2.6: leave_mm)
    skip   ///< it is not asked, and catches up when it goes back (x86 since 4.20)
};

/// When reclaim flushes TLBs.
enum class reclaim_flush_policy {
    each,      ///< for every PTE that it clears
    linux_4_3, ///< once for up to 32 clean pages (72b252aed506), which munmap knew nothing of
    batched    ///< the same, and who finds PTEs gone makes up for it (3ea277194daa, 4.13)
};

/// How the kernel keeps TLBs up to date, and what hardware helps it.
struct tlb_flush_options {
    shootdown_kind kind = shootdown_kind::ipi;
    asid_policy asids = asid_policy::none;
    lazy_tlb_policy lazy = lazy_tlb_policy::flush;
    reclaim_flush_policy reclaim = reclaim_flush_policy::each;
    /// tlb_single_page_flush_ceiling: longer ranges flush the whole address space; 33 since 3.15.
    std::uint64_t ceiling = 0;
    bool concurrent =
        false; ///< the sender flushes its own while the others do (4ce94eabac16, 5.13)
    std::uint64_t latency = 500'000; ///< ps from broadcast or request to its completion
    /// Whether completion also waits for the stores that went through what was invalidated (Arm
    /// ARM, DSB after TLBI).
    bool completion_drains = true;

    /// Whether address spaces count their flushes, so that a core can tell what it has missed.
    bool count_generations() const
    {
        return asids != asid_policy::none || lazy == lazy_tlb_policy::skip;
    }
    /// Whether no other core's kernel has a part in it.
    bool by_hardware() const
    {
        return kind == shootdown_kind::broadcast || kind == shootdown_kind::rar;
    }

    void declare(option_set& options);
};

} // namespace mkclean
