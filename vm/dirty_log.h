#pragma once

#include "vm/kernel.h"

namespace mkclean
{

// vm.dirty_tracking = dirty_log: shared pages are mapped writable from the start, hardware logs
// which of them it sets D for, and the kernel reads the logs when it has to know. Without that
// policy each of these does nothing.

/// What was stored anywhere before the call is known to PG_dirty when it returns. Asks every core
/// for its log, and waits for page locks: the caller holds none, nor what their holders may want.
void drain_dirty_logs(kernel& k, core& cpu);

/// The same, as far as it goes without sleeping: for whoever would only like to know, and must not
/// wait for somebody who may be waiting for him to write something.
void try_to_drain_dirty_logs(kernel& k, core& cpu);

/// The core's own log is full, and a store of its current thread waits for room.
void dirty_log_full(kernel& k, core& cpu);

/// Another core wants what this one has logged.
void dirty_log_interrupt(kernel& k, core& cpu);

} // namespace mkclean
