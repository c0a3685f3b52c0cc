#pragma once

#include "sim/executor.h"
#include "tb/world.h"

#include <string>
#include <vector>

namespace mkclean
{

/// That a thread stands still for so long when its turn comes for the n-th time, from 0 on. Turns
/// count from where its program wants orders to matter.
struct stall {
    std::string thread;
    std::uint64_t turn = 0;
    picoseconds duration;
};

/// Lets everybody go in the order of time, but for threads that stand still now and then, as a
/// virtual machine's do when the host is busy with something else. It is a turn whenever a core
/// gives way: before a step, before it takes a lock, at every access. A thread that stands still
/// answers interrupts, if it had them on.
class stalling_arbiter final : public arbiter
{
public:
    explicit stalling_arbiter(std::vector<stall> stalls) : m_stalls(std::move(stalls)) {}

    void drive(world& w) { m_world = &w; }
    executor::entry* choose(const executor& exec) override;

    /// How many turns it has had. Error: input_error if there is no such thread.
    std::uint64_t turns_of(const std::string& name) const;

private:
    struct thread {
        std::uint32_t number = 0; ///< the executor's
        std::string name;         ///< without the core's
        core* cpu = nullptr;      ///< null: it is a device's
        std::uint64_t turns = 0;
        picoseconds stalled_until;    ///< 0: it does not stand still
        std::uint64_t interrupts = 0; ///< that its core had taken when it began to
    };

    thread& thread_of(const executor::entry& e);
    executor::entry* earliest(const executor& exec);
    picoseconds due_of(const executor::entry& e);
    bool begins_to_stall(thread& t, picoseconds now);

    world* m_world = nullptr;
    std::vector<stall> m_stalls;
    std::vector<thread> m_threads;
};

} // namespace mkclean
