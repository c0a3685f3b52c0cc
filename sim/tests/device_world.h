#pragma once

#include "sim/engine.h"
#include "sim/fiber_executor.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mkclean
{

/// Devices' engines, as many as a test wants, and nothing else.
struct device_world {
    ~device_world() { exec.cancel_all(); }

    template <class Body>
    engine& start(unsigned priority, Body body)
    {
        engines.push_back(std::make_unique<engine>(exec, log, cost, "device",
                                                   "e" + std::to_string(engines.size()), priority,
                                                   std::move(body)));
        return *engines.back();
    }

    event_log log;
    costs cost;
    fiber_executor exec;
    std::vector<std::unique_ptr<engine>> engines;
};

} // namespace mkclean
