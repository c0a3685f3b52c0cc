#pragma once

#include "vm/kernel.h"

namespace mkclean
{

/// Interrupts every other core that has to do its part of the flush.
void send_flush_requests(kernel& k, core& cpu, tlb_flush_request& request);
/// Spins until all of them have said that they have done it.
void wait_for_acknowledgements(core& cpu, tlb_flush_request& request);
/// The handler of the shootdown interrupt.
void flush_tlb_interrupt(kernel& k, core& cpu);

/// Every core's part, the own included, done by hardware: when it returns, no TLB has what was to
/// go.
void flush_tlb_by_hardware(kernel& k, core& cpu, const flush_tlb_info& info);

} // namespace mkclean
