#pragma once

#include "sim/actor.h"
#include "sim/executor.h"

#include <bitset>
#include <functional>
#include <string>

namespace mkclean
{

class core;

constexpr std::size_t most_cores = 128;

/// An address space as the hardware sees it: the table cr3 points to, and who may have cached
/// translations of it (mm_cpumask). The kernel's mm_struct is one.
struct address_context {
    frame_number root;
    std::bitset<most_cores> cpu_mask; ///< bit n: core n is to be asked when it is flushed
};

/// Code that runs on a core: a user thread or a kernel thread. It stays on its core
/// (docs/caveats.md).
class thread final : public waiter
{
public:
    enum class kind { user, kernel };
    enum class state { runnable, blocked, dead };

    thread(core& home, std::string name, kind k, address_context* context, actor_id id);

    core& home() const { return m_home; }
    const std::string& name() const { return m_name; }
    kind type() const { return m_kind; }
    actor_id id() const { return m_id; }
    /// Null for a kernel thread, which runs on whatever is loaded.
    address_context* context() const { return m_context; }
    state status() const { return m_state; }
    /// Woken (once) when the thread has ended.
    wait_queue& ended() { return m_ended; }

private:
    friend class core;
    void woken() override;
    void expire();

    core& m_home;
    std::string m_name;
    kind m_kind;
    address_context* m_context;
    actor_id m_id;
    state m_state = state::runnable;
    bool m_user_mode = false;
    unsigned m_interrupts_off = 0;
    bool m_timed_out = false;
    executor::timer m_timer;
    executor::task* m_task = nullptr;
    wait_queue m_ended;
};

} // namespace mkclean
