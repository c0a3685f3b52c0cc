#pragma once

#include "sim/executor.h"

#include <memory>

namespace mkclean
{

/// Tasks as fibers of this host thread: no simulator underneath, so that a whole world is built,
/// run and destroyed in microseconds, thousands of times in one process.
class fiber_executor : public executor
{
public:
    fiber_executor();
    /// Unwinds the tasks that have not ended.
    ~fiber_executor() override;

private:
    struct stacks;

    void create_stack(task& t) final;
    void switch_stacks(task* from, task* to) final;

    std::unique_ptr<stacks> m_stacks;
};

} // namespace mkclean
