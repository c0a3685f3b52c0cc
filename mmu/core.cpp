#include "mmu/core.h"
#include "mmu/frame_sharing.h"
#include "sim/dead_stack.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace mkclean
{

namespace
{

constexpr std::uint64_t picoseconds_per_second = 1'000'000'000'000;

store_part part_of_store(bool first, bool last)
{
    if (first)
        return last ? store_part::whole : store_part::begins;
    return last ? store_part::ends : store_part::continues;
}

} // namespace

static const char* name_of(interrupt vector)
{
    static constexpr const char* names[interrupt_vectors] = {"timer interrupt", "reschedule IPI",
                                                             "TLB shootdown IPI", "dirty log IPI",
                                                             "disk interrupt"};
    return names[static_cast<std::size_t>(vector)];
}

// Under an arbiter it is a matter of choice when an interrupt comes: at any time after it was
// posted at which it could be taken.
struct core::interrupt_on_its_way {
    interrupt_on_its_way(core& c, interrupt v)
        : cpu(c),
          vector(v),
          arrival(
              c.m_executor, c.name() + "/" + name_of(v), 0, [this] { arrive(); },
              [this] { return cpu.m_interrupts_off == 0; })
    {
    }
    void post(picoseconds due)
    {
        if (posted++ == 0)
            arrival.arm(due);
    }
    void arrive()
    {
        if (--posted > 0)
            arrival.arm(cpu.m_executor.now());
        cpu.deliver(vector);
    }

    core& cpu;
    interrupt vector;
    unsigned posted = 0;
    executor::timer arrival;
};

core::core(executor& exec, event_log& log, const costs& cost, const core_options& options,
           unsigned index, std::unique_ptr<mmu> unit)
    : actor(log, cost),
      m_executor(exec),
      m_options(options),
      m_index(index),
      m_period(exec.timeless()
                   ? 0
                   : (picoseconds_per_second + options.frequency / 2) / options.frequency),
      m_access_time(m_period * options.access),
      m_mmu(std::move(unit)),
      m_store_buffer(options.store_buffer, m_period * options.store_drain),
      m_longest_window(m_store_buffer.exists() ? longest_window_with_store_buffer : longest_window)
{
    m_idle_thread = &start_thread("idle", thread::kind::kernel, nullptr, [this] { run_idle(); });
    m_current = m_idle_thread;
    m_ready_kernel.clear();
    if (m_executor.arbitrated())
        for (std::size_t vector = 0; vector < interrupt_vectors; ++vector)
            m_on_their_way.push_back(
                std::make_unique<interrupt_on_its_way>(*this, static_cast<interrupt>(vector)));
}

core::~core() = default;

void core::defer_to(deferred_stores& stores)
{
    m_deferred = &stores;
    stores.add_core(*this, m_idle_thread->m_task->priority());
}

// All that user code can do to others at once is to store to what their TLBs hold as well. Anything
// else begins with a transaction, an interrupt, a switch or an entry into the kernel.
void core::share(frame_sharing& frames, picoseconds shortest_transaction)
{
    m_sharing = &frames;
    m_mmu->translations().share(frames, m_index);
    const std::uint64_t entered =
        std::min({cost().syscall_entry, cost().irq_entry, cost().context_switch});
    if (const std::uint64_t cached = m_mmu->page_walker().shortest_access())
        shortest_transaction = std::min(shortest_transaction, m_period * cached);
    m_unfelt = std::min({shortest_transaction, picoseconds(m_options.ipi_latency),
                         picoseconds(m_options.irq_latency), m_period * entered});
}

// ---- time and interrupts ------------------------------------------------------------------------

void core::sync()
{
    if (m_executor.arbitrated())
        give_way_unless_just_done();
    catch_up(false);
}

void core::sync_to_lock()
{
    if (m_executor.arbitrated() && (m_acted || m_locked))
        give_way();
    m_locked = true;
    catch_up(false);
}

void core::give_way()
{
    for (;;) {
        m_executor.sleep_until(m_local);
        m_local = std::max(m_local, m_executor.now()); // it may have been held up
        m_acted = m_locked = false;
        if (!interrupt_due())
            return;
        take_interrupt();
    }
}

// It is what the core does next, whatever it was about to do.
void core::deliver(interrupt vector)
{
    m_acted = m_locked = false;
    m_arrived = vector;
    m_executor.hand_over_to(*m_current->m_task);
}

// Waits until the world's time is this core's. An interrupt that is due before takes its time out
// of the middle. If `preemptible`, returns false as soon as another thread should run instead.
bool core::catch_up(bool preemptible)
{
    for (;;) {
        if (interrupt_due()) {
            take_interrupt();
            continue;
        }
        if (preemptible && m_need_resched)
            return false;
        if (m_executor.timeless())
            m_local = m_executor.now();
        if (m_executor.now() >= m_local)
            return true;
        if (m_executor.arbitrated()) {
            m_executor.move_on_to(m_local);
            continue;
        }
        m_executor.sleep_until(std::min(m_local, next_interrupt()),
                               preemptible ? m_unfelt : picoseconds());
        if (preemptible)
            do_deferred_stores();
    }
}

void core::take_interrupt()
{
    const interrupt vector = m_arrived != no_interrupt ? m_arrived : m_pending.back().vector;
    if (m_arrived != no_interrupt)
        m_arrived = no_interrupt;
    else
        m_pending.pop_back();
    ++m_stats.interrupts;
    m_mmu->interrupted();

    const picoseconds interrupted_work = m_local - m_executor.now();
    m_local = m_executor.now();
    interrupts_off();
    if (m_options.interrupts_drain)
        drain_store_buffer();
    spend(cost().irq_entry);
    if (m_current->m_user_mode)
        change_tables();
    switch (vector) {
    case interrupt::timer:
        expire_timers();
        break;
    case interrupt::reschedule:
        ++m_stats.ipis_received;
        if (!m_ready_kernel.empty() && m_current->m_kind == thread::kind::user)
            m_need_resched = true;
        break;
    case interrupt::tlb_shootdown:
    case interrupt::dirty_log:
        ++m_stats.ipis_received;
        m_kernel->handle_interrupt(*this, vector);
        break;
    case interrupt::disk:
        m_kernel->handle_interrupt(*this, vector);
        break;
    }
    if (m_current->m_user_mode)
        change_tables();
    spend(cost().irq_exit);
    settle();
    interrupts_on();
    m_local += interrupted_work;
}

void core::expire_timers()
{
    if (m_timeslice_armed && m_executor.now() >= m_timeslice_end) {
        m_timeslice_armed = false;
        if (!m_ready_user.empty())
            m_need_resched = true;
    }
    for (thread* t : std::exchange(m_expired, {}))
        make_runnable(*t);
}

void core::post_interrupt(interrupt vector, picoseconds due)
{
    if (m_executor.arbitrated()) {
        m_on_their_way[static_cast<std::size_t>(vector)]->post(due);
        return;
    }
    const auto later = [due](const pending_interrupt& p) { return p.due > due; };
    const auto at = std::find_if_not(m_pending.begin(), m_pending.end(), later);
    m_pending.insert(at, pending_interrupt{due, vector});
    m_limits = run_ahead_limits();
    wake_running_task(due);
}

// If this core is executing right now it looks at its interrupts by itself before it waits.
void core::wake_running_task(picoseconds when)
{
    executor::task* const task = m_current->m_task;
    if (task != nullptr && task != m_executor.running())
        m_executor.resume_at(*task, when);
}

void core::send_ipi(const std::vector<core*>& to, interrupt vector)
{
    const auto cluster_of = [this](const core& c) { return c.index() / m_options.ipi_cluster; };
    for (std::size_t i = 0; i < to.size(); ++i) {
        if (i == 0 || cluster_of(*to[i]) != cluster_of(*to[i - 1])) {
            spend(cost().ipi_send);
            sync();
        }
        ++m_stats.ipis_sent;
        to[i]->post_interrupt(vector, m_local + picoseconds(m_options.ipi_latency));
    }
}

// ---- user mode ----------------------------------------------------------------------------------

// Whoever makes this thread give way afterwards takes the limits back.
void core::learn_limits()
{
    m_limits = limits();
    m_limits_known_at = m_executor.changes();
}

// True if accesses may begin now.
bool core::wait_for_window()
{
    if (m_options.sync == time_sync::every_access)
        return false;
    if (m_executor.changes() != m_limits_known_at)
        learn_limits();
    if (!m_need_resched && m_local < m_limits.alone)
        return true;
    if (!m_need_resched && next_interrupt() > m_local) { // nothing to do but wait
        m_executor.sleep_until(m_local, m_unfelt);
        do_deferred_stores();
    }
    if (m_need_resched || m_executor.now() < m_local || interrupt_due())
        sync_user();
    learn_limits();
    return m_local < m_limits.alone;
}

void core::defer_store(std::byte* to, picoseconds when, virtual_address va, const std::byte* bytes,
                       std::size_t length, store_part part)
{
    std::uint64_t word = 0;
    if (length == sizeof word)
        std::memcpy(&word, bytes, sizeof word);
    else
        std::memcpy(&word, bytes, length);
    const picoseconds seen = m_store_buffer.exists() ? m_store_buffer.enter(when) : when;
    m_deferred->defer(m_index, {seen, to, va, word, static_cast<std::uint32_t>(length), part});
}

void core::do_deferred_stores()
{
    if (m_deferred != nullptr && !m_deferred->empty())
        m_deferred->commit(m_executor.now(), m_executor.turn());
}

void core::sync_user()
{
    if (m_executor.arbitrated())
        give_way_unless_just_done();
    while (!catch_up(true))
        preempt();
}

void core::access(virtual_address va, std::byte* bytes, std::size_t length, access_kind kind)
{
    bool filled = false; // the entry is there because this access has missed: no hit
    bool to_announce =
        kind == access_kind::store && m_store_listener != nullptr && log().follows_stores();
    const bool announcing = to_announce;
    bool first = true;
    while (length > 0) {
        if (kind == access_kind::store)
            m_local = std::max(m_local, m_store_buffer.has_room_at());
        // A thread that was woken while this one could not be preempted gets the core now, and not
        // only when running ahead has come to its end.
        if (m_need_resched || to_announce || m_local >= limits().alone)
            sync_user();
        if (tlb_entry* const entry = m_mmu->hit(va, kind)) {
            if (kind == access_kind::load && may_change(*entry)) {
                if (m_local > m_executor.now() && m_local >= limits().shared) {
                    sync_user();
                    continue;
                }
                m_deferred->commit_before(m_local, m_index);
            }
            if (to_announce)
                m_store_listener->on_landing(
                    *this, va, std::min<std::size_t>(length, page_size - offset_in_page(va)));
            const std::size_t done = access_hits(*entry, va, bytes, length, kind, first);
            first = false;
            if (std::exchange(filled, false))
                --m_mmu->translations().stats().hits;
            va += virtual_address(done);
            bytes += done;
            length -= done;
            to_announce = announcing && offset_in_page(va) == 0;
        } else {
            filled = handle_miss(va, kind) || filled;
        }
    }
    learn_limits();
}

// As many accesses through one TLB entry as fit into the window; at least one.
std::size_t core::access_hits(tlb_entry& entry, virtual_address va, std::byte* bytes,
                              std::size_t length, access_kind kind, bool first)
{
    const bool load = kind == access_kind::load;
    const run_ahead_limits window = limits();
    const picoseconds limit = load && may_change(entry) ? window.shared : window.alone;
    const picoseconds each = m_access_time;
    std::size_t piece = std::min<std::size_t>(length, page_size - offset_in_page(va));
    std::uint64_t accesses = (va.raw() + piece - 1) / access_width - va.raw() / access_width + 1;
    std::uint64_t allowed = 1; // of what others change: only stores from before it are there by now
    const bool one_by_one =
        m_store_buffer.exists() || (load ? may_change(entry) : m_mmu->asks_pte_for_every_store());
    if (m_local < limit && !one_by_one)
        allowed = (limit.raw() - m_local.raw() - 1) / each.raw() + 1;
    if (allowed < accesses) {
        accesses = allowed;
        piece = (va.raw() / access_width + accesses) * access_width - va.raw();
    }

    std::byte* const memory = entry.host_of(va);
    if (load) {
        std::memcpy(bytes, memory, piece);
        m_stats.loads += accesses;
        const std::uint64_t forwarded =
            m_store_buffer.exists() ? m_deferred->forward(m_index, memory, bytes, piece) : 0;
        show_load(va, bytes, piece, forwarded);
    } else if (entry.others_see || m_store_buffer.exists()) {
        store_access_by_access(entry, va, bytes, piece, first, piece == length);
        m_stats.stores += accesses;
    } else {
        std::memcpy(memory, bytes, piece);
        m_stats.stores += accesses;
        show_store(m_local, va, bytes, piece, part_of_store(first, piece == length));
    }
    m_mmu->translations().stats().hits += accesses;
    m_local += each * accesses;
    return piece;
}

// A core finds its own latest stores whether they are seen or not: nobody need check that.
void core::show_load(virtual_address va, const std::byte* bytes, std::size_t length,
                     std::uint64_t forwarded)
{
    if (m_observer == nullptr)
        return;
    if (forwarded == 0) {
        m_observer->on_load(*this, va, bytes, length);
        return;
    }
    for (std::size_t i = 0; i < length; ++i)
        if ((forwarded >> i & 1U) == 0)
            m_observer->on_load(*this, va + i, bytes + i, 1);
}

void core::store_access_by_access(const tlb_entry& entry, virtual_address va,
                                  const std::byte* bytes, std::size_t length, bool first, bool last)
{
    picoseconds when = m_local;
    while (length > 0) {
        const std::size_t piece =
            std::min<std::size_t>(length, access_width - va.raw() % access_width);
        store_through(entry, when, va, bytes, piece, part_of_store(first, last && piece == length));
        first = false;
        va += virtual_address(piece);
        bytes += piece;
        length -= piece;
        when += m_access_time;
    }
}

// False if only the emulator had missed something, and not the model.
bool core::handle_miss(virtual_address va, access_kind kind)
{
    if (!m_executor.arbitrated()) // who has just looked into the TLB has nothing to wait for
        sync_user();
    if (m_mmu->record_in_key(*this, va, kind))
        return false;
    page_fault fault;
    interrupts_off();
    const bool translated = m_mmu->miss(*this, va, kind, fault);
    interrupts_on();
    if (log().sweeps_stacks())
        sweep_dead_stack();
    if (!translated)
        enter_kernel_for(fault);
    return true;
}

void core::enter_kernel_for(const page_fault& fault)
{
    enter_kernel(cost().fault_entry);
    if (fault.log_full) {
        m_kernel->handle_dirty_log_full(*this);
    } else {
        ++m_stats.page_faults;
        m_kernel->handle_page_fault(*this, fault);
    }
    exit_kernel(cost().fault_exit);
}

void core::compute(cycles duration)
{
    sync_user(); // what is left over at a preemption is to be this computation's, nothing before it
    picoseconds left = m_period * duration.raw();
    while (left > picoseconds()) {
        m_local += left;
        const bool done = catch_up(true);
        left = m_local - m_executor.now();
        m_local = m_executor.now();
        if (!done)
            preempt();
    }
}

void core::compute_until(picoseconds when)
{
    sync_user();
    if (m_executor.arbitrated())
        m_executor.move_on_to(when);
    while (m_local < when && !m_executor.timeless()) {
        if (!m_executor.arbitrated())
            m_executor.sleep_until(std::min(when, next_interrupt()));
        m_local = std::max(m_local, m_executor.now());
        sync_user();
    }
}

// As if every access had been waited for: what was still to come then comes first.
void core::wait_for_others_to_pass(picoseconds when)
{
    if (m_executor.arbitrated()) {
        m_executor.move_on_to(when);
        return;
    }
    while (m_executor.now() < when)
        m_executor.sleep_until(when, m_unfelt);
}

// With page-table isolation the kernel has tables of its own.
void core::change_tables()
{
    if (!m_options.kpti)
        return;
    spend(cost().kpti_switch);
    if (m_mmu->asids() == 0) {
        sync();
        m_mmu->reload_root();
    }
}

void core::enter_kernel(std::uint64_t cost_cycles)
{
    if (m_local > std::max(m_user_since, m_executor.now())) // only accesses run ahead
        wait_for_others_to_pass(m_local - m_access_time);
    drain_store_buffer();
    do_deferred_stores();
    m_current->m_user_mode = false;
    spend(cost_cycles);
    change_tables();
}

void core::exit_kernel(std::uint64_t cost_cycles)
{
    change_tables();
    spend(cost_cycles);
    m_current->m_user_mode = true;
    m_user_since = m_local;
    if (m_need_resched)
        sync_user();
}

} // namespace mkclean
