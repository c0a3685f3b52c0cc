#pragma once

#include "vm/kernel.h"

namespace mkclean
{

/// The core goes on with a thread of `next`: after another address space, or after a kernel thread
/// that borrowed this one (switch_mm_irqs_off). Runs in the middle of a context switch.
void switch_mm(kernel& k, core& cpu, mm_struct& next);
/// The core has nothing loaded any more, so that nobody asks it to flush (leave_mm).
void leave_mm(kernel& k, core& cpu);
/// What this core has cached of the address space that it has loaded is forgotten.
void flush_loaded_mm(kernel& k, core& cpu);

} // namespace mkclean
