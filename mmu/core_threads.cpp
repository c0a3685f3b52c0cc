// The scheduler's half of a core: which thread runs, who sleeps, who is woken. Threads stay on the
// core they were started on; kernel threads go before user threads, which share by timeslice.
// Kernel code is never preempted (CONFIG_PREEMPT=n): it gives the core away by sleeping.

#include "mmu/core.h"

#include <algorithm>

namespace mkclean
{

namespace
{

// Among things due at one instant: timers, then cores by number, then devices (see engine.h).
constexpr unsigned timer_priority = 0;
constexpr unsigned first_core_priority = 1000;

} // namespace

thread::thread(core& home, std::string name, kind k, address_context* context, actor_id id)
    : m_home(home),
      m_name(std::move(name)),
      m_kind(k),
      m_context(context),
      m_id(id),
      m_timer(
          home.m_executor, home.name() + "/" + m_name + " wakes up", timer_priority,
          [this] { expire(); }, [this] { return m_home.m_interrupts_off == 0; })
{
}

void thread::expire()
{
    m_timed_out = true;
    unlink();
    m_home.m_expired.push_back(this);
    if (m_home.m_executor.arbitrated())
        m_home.deliver(interrupt::timer);
    else
        m_home.post_interrupt(interrupt::timer, m_home.m_executor.now());
}

void thread::woken()
{
    m_timer.disarm();
    m_home.make_runnable(*this);
}

thread& core::start_thread(const std::string& name, thread::kind kind, address_context* context,
                           std::function<void()> body)
{
    const actor_id id = log().add_actor(this->name(), name);
    m_threads.push_back(std::make_unique<thread>(*this, name, kind, context, id));
    thread& t = *m_threads.back();
    const auto run = [this, &t, body = std::move(body)] {
        while (m_current != &t)
            m_executor.suspend();
        m_local = std::max(m_local, m_executor.now());
        m_interrupts_off = 0;
        t.m_user_mode = t.m_kind == thread::kind::user;
        begin_turn();
        body();
        drain_store_buffer();
        settle();
        t.m_state = thread::state::dead;
        t.m_ended.wake_all();
        schedule();
    };
    t.m_task = &m_executor.spawn(this->name() + "/" + t.m_name, first_core_priority + m_index, run);
    if (m_current != nullptr)
        make_runnable(t);
    return t;
}

// Until the next interrupt is due, or somebody resumes this core's task for another reason.
void core::wait_for_interrupt()
{
    if (next_interrupt() == picoseconds::max())
        m_executor.suspend();
    else
        m_executor.sleep_until(next_interrupt());
    m_local = std::max(m_local, m_executor.now());
}

void core::run_idle()
{
    for (;;) {
        settle();
        if (!m_ready_kernel.empty() || !m_ready_user.empty()) {
            schedule();
            continue;
        }
        const picoseconds halted_at = m_local;
        wait_for_interrupt();
        m_stats.idle += m_local - halted_at;
    }
}

bool core::should_preempt(const thread& newcomer) const
{
    if (m_current == m_idle_thread)
        return true;
    return newcomer.m_kind == thread::kind::kernel && m_current->m_kind == thread::kind::user;
}

void core::make_runnable(thread& t)
{
    t.m_state = thread::state::runnable;
    (t.m_kind == thread::kind::kernel ? m_ready_kernel : m_ready_user).push_back(&t);
    if (should_preempt(t)) {
        // From elsewhere, the core has to be told; until then it knows nothing.
        if (m_current->m_task == m_executor.running())
            m_need_resched = true;
        else
            post_interrupt(interrupt::reschedule,
                           m_executor.now() + picoseconds(m_options.ipi_latency));
    } else if (t.m_kind == thread::kind::user) {
        arm_timeslice();
    }
}

void core::arm_timeslice()
{
    if (m_timeslice_armed)
        return;
    m_timeslice_armed = true;
    const bool by_itself = m_current->m_task == m_executor.running();
    const picoseconds now = m_executor.now(); // others do not know how far this core has got
    m_timeslice_end = (by_itself ? std::max(m_local, now) : now) + picoseconds(m_options.timeslice);
    post_interrupt(interrupt::timer, m_timeslice_end);
}

void core::preempt()
{
    (m_current->m_kind == thread::kind::kernel ? m_ready_kernel : m_ready_user)
        .push_back(m_current);
    schedule();
}

// Gives the core to the next thread that is ready (the idle thread if none is) and returns when the
// current one has it again.
void core::schedule()
{
    m_need_resched = false;
    thread* next = m_idle_thread;
    for (fifo<thread*>* ready : {&m_ready_kernel, &m_ready_user}) {
        if (!ready->empty()) {
            next = ready->front();
            ready->pop_front();
            break;
        }
    }
    if (next != m_current)
        switch_to(*next);
}

// The current thread has been given the core. Whoever was woken while that was being done saw
// another thread here.
void core::begin_turn()
{
    if (m_current->m_kind != thread::kind::user)
        return;
    if (!m_ready_kernel.empty())
        m_need_resched = true;
    if (!m_ready_user.empty())
        arm_timeslice();
}

void core::switch_to(thread& next)
{
    thread& previous = *m_current;
    previous.m_interrupts_off = m_interrupts_off;
    ++m_interrupts_off; // nobody interrupts a half-done switch
    drain_store_buffer();
    if (&next != m_idle_thread) {
        ++m_stats.context_switches;
        spend(cost().context_switch);
    }
    if (next.m_context != nullptr && (next.m_context != m_loaded || m_lazy))
        m_kernel->switch_mm(*this, *next.m_context);
    m_lazy = next.m_context == nullptr;
    settle();
    m_current = &next;
    m_interrupts_off = next.m_interrupts_off;
    if (m_executor.arbitrated())
        m_executor.hand_over_to(*next.m_task);
    else
        m_executor.resume_at(*next.m_task, m_executor.now());
    if (previous.m_state == thread::state::dead)
        return;
    while (m_current != &previous)
        m_executor.suspend();
    m_local = std::max(m_local, m_executor.now());
    begin_turn();
}

void core::load_context(address_context& context)
{
    m_loaded = &context;
    m_mmu->load_root(context.root);
}

void core::load_context(address_context& context, asid tag)
{
    m_loaded = &context;
    m_mmu->load_root(context.root, tag);
}

void core::unload_context()
{
    m_loaded = nullptr;
    if (m_mmu->asids() > 0)
        m_mmu->load_root(frame_number(), asid());
    else
        m_mmu->load_root(frame_number());
}

// Only another address space replaces what is loaded, and then nothing of the old one is left in
// the TLB, so that this core needs no more shootdowns for it.
void kernel_entries::switch_mm(core& cpu, address_context& next)
{
    if (cpu.loaded() == &next)
        return;
    if (cpu.loaded() != nullptr)
        cpu.loaded()->cpu_mask.reset(cpu.index());
    next.cpu_mask.set(cpu.index());
    cpu.load_context(next);
}

void core::block_on(wait_queue& queue)
{
    m_current->m_state = thread::state::blocked;
    queue.add(*m_current);
    schedule();
    m_acted = true; // somebody else's turn may have led here
}

bool core::block_on(wait_queue& queue, picoseconds timeout)
{
    thread& self = *m_current;
    sync();
    self.m_timed_out = false;
    self.m_timer.arm(m_executor.now() + timeout);
    block_on(queue);
    return !self.m_timed_out;
}

void core::sleep_for(picoseconds duration)
{
    wait_queue nobody;
    block_on(nobody, duration);
}

struct core::spinner final : waiter {
    explicit spinner(core& c) : cpu(c) {}
    void woken() override
    {
        released = true;
        cpu.wake_running_task(cpu.m_executor.now());
    }
    core& cpu;
    bool released = false;
};

bool core::spin_until_ready(predicate_ref ready)
{
    if (!m_executor.arbitrated())
        return false;
    for (;;) {
        m_executor.give_way_until(m_local, ready);
        if (interrupt_due()) { // not when this one would have gone on, but now
            take_interrupt();
            continue;
        }
        m_executor.move_on_to(m_local);
        m_local = std::max(m_local, m_executor.now());
        if (ready()) {
            m_acted = true;
            return true;
        }
    }
}

void core::spin_on(wait_queue& queue)
{
    const auto self = std::make_unique<spinner>(*this); // interrupts may nest another spin in this
    queue.add(*self);
    while (!self->released) {
        if (interrupt_due()) {
            take_interrupt();
            continue;
        }
        wait_for_interrupt();
    }
    m_acted = true;
}

} // namespace mkclean
