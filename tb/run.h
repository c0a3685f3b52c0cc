#pragma once

#include "tb/world.h"

#include <functional>
#include <memory>

namespace mkclean
{

std::unique_ptr<workload> make_workload(const config& c);

class arbiter;

/// Builds a world on fibers and runs it; if `by` is not null, in the order that it says. `before`
/// sees it before the first instant (to attach outputs), `after` when it has ended.
void run_on_fibers(const config& c, const std::function<void(world&)>& before,
                   const std::function<void(world&)>& after, arbiter* by = nullptr);

/// The same on SystemC processes and TLM sockets. Once in a process, from sc_main.
void run_on_systemc(const config& c, const std::function<void(world&)>& before,
                    const std::function<void(world&)>& after, arbiter* by = nullptr);

} // namespace mkclean
