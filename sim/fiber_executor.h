#pragma once

#include "sim/executor.h"

#include <cstddef>
#include <memory>

namespace mkclean
{

/// Tasks as fibers of this host thread: no simulator underneath, so that a whole world is built,
/// run and destroyed in microseconds, thousands of times in one process.
class fiber_executor : public executor
{
public:
    /// With `stack_bytes` every stack has that many, by operator new, so that whoever replaces that
    /// decides where stacks are; or else as many as suffice for anything, from a pool.
    explicit fiber_executor(std::size_t stack_bytes = 0);
    /// Unwinds the tasks that have not ended.
    ~fiber_executor() override;

    /// A stack that nobody runs on now: what is in use of it is [pointer, bottom + size).
    struct stack_view {
        std::uint32_t of; ///< the task's number
        std::byte* bottom;
        std::byte* pointer;
        std::size_t size;
    };
    /// Calls `visit(stack)` for those of tasks, in their order; run() is not under way.
    template <class Visit>
    void for_each_stack(Visit&& visit) const
    {
        for_each_task([&](const task& t) {
            if (!t.finished())
                visit(view_of(t));
        });
    }

private:
    struct stacks;
    stack_view view_of(const task& t) const;

    void create_stack(task& t) final;
    void switch_stacks(task* from, task* to) final;

    std::unique_ptr<stacks> m_stacks;
};

} // namespace mkclean
