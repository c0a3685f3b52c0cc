#pragma once

#include "mmu/deferred_stores.h"
#include "mmu/frame_sharing.h"
#include "mmu/mmu.h"
#include "mmu/store_buffer.h"
#include "mmu/store_part.h"
#include "mmu/thread.h"
#include "sim/actor.h"
#include "sim/executor.h"
#include "sim/fifo.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

namespace mkclean
{

class option_set;

enum class interrupt { timer, reschedule, tlb_shootdown, dirty_log, disk };
constexpr std::size_t interrupt_vectors = 5;

/// What the kernel gives the hardware to call: the entries of its interrupt descriptor table.
class kernel_entries
{
public:
    virtual ~kernel_entries() = default;
    /// Runs on the faulting core, in kernel mode; the instruction is retried when it returns.
    virtual void handle_page_fault(core& cpu, const page_fault& fault) = 0;
    /// Runs like it, when a store could not be made because the core's log of dirtied pages is
    /// full.
    virtual void handle_dirty_log_full(core&) {}
    /// Runs on the interrupted core with interrupts off, on top of whatever ran; must not sleep.
    virtual void handle_interrupt(core& cpu, interrupt vector) = 0;
    /// The core goes on with a thread of `next`, in the middle of a context switch: it has
    /// something else loaded, or has run a kernel thread on it in between. If nobody says
    /// otherwise, as without ASIDs: what it has loaded stays, and anything else is loaded.
    virtual void switch_mm(core& cpu, address_context& next);
};

/// Sees every byte that user code stores or loads, as it happens. The oracle is one.
class access_observer
{
public:
    virtual ~access_observer() = default;
    /// The thread that is current on the core has stored at that time. A core that runs ahead may
    /// tell so before others tell what they stored earlier, but never of the same frame.
    virtual void on_store(const core& cpu, picoseconds when, virtual_address va,
                          const std::byte* bytes, std::size_t length, store_part part) = 0;
    virtual void on_load(const core& cpu, virtual_address va, const std::byte* bytes,
                         std::size_t length) = 0;
};

/// Is told of every store of user code when its first byte is about to land in a page, if anybody
/// follows stores in the log: time is synchronised, the translation is there, and nothing can come
/// in between any more.
class store_listener
{
public:
    virtual ~store_listener() = default;
    virtual void on_landing(core& cpu, virtual_address va, std::size_t length) = 0;
};

enum class time_sync {
    window,       ///< TLB hits run ahead up to the next instant at which anybody else can act
    every_access, ///< one wait per access: the slow model, kept as the reference
};

struct core_options {
    std::uint64_t frequency = 3'000'000'000;   ///< Hz; the period is rounded to whole ps
    std::uint64_t access = 1;                  ///< cycles of a load or store that hits the TLB
    std::uint64_t ipi_latency = 500'000;       ///< ps from sending to the first handler instruction
    std::uint64_t ipi_cluster = 1;             ///< cores that one write of the ICR reaches
    std::uint64_t irq_latency = 1'000'000;     ///< ps, device interrupts
    std::uint64_t timeslice = 100'000'000'000; ///< ps; between user threads that share a core
    std::uint64_t store_buffer = 0; ///< stores that others are still to see, at most; 0: none
    std::uint64_t store_drain = 4;  ///< cycles that one takes from the buffer's head to the cache
    /// Whether an interrupt waits until older stores are seen, so that acknowledging one says so.
    bool interrupts_drain = true;
    bool kpti = false; ///< page-table isolation: entering and leaving the kernel change the tables
    time_sync sync = time_sync::window;

    void declare(option_set& options);
};

struct core_stats {
    std::uint64_t loads = 0;
    std::uint64_t stores = 0;
    std::uint64_t page_faults = 0;
    std::uint64_t interrupts = 0;
    std::uint64_t ipis_sent = 0;
    std::uint64_t ipis_received = 0;
    std::uint64_t context_switches = 0;
    picoseconds idle;
};

/// One processor: a clock, an MMU, interrupts, and the threads that take turns on it.
///
/// Kernel code runs on a core and is handed it as `cpu`: spend() to be charged, step() for what
/// others can see, block_on() to sleep while other threads run. Interrupts are taken on top of
/// whatever runs, at their own time: sync() inserts the handler where it belongs and moves the rest
/// of the interrupted computation back.
class core final : public actor
{
public:
    core(executor& exec, event_log& log, const costs& cost, const core_options& options,
         unsigned index, std::unique_ptr<mmu> unit);
    ~core() override;

    unsigned index() const { return m_index; }
    std::string name() const { return "core" + std::to_string(m_index); }
    /// Where stores wait that others are still to see: needed by a core that shares frames or has a
    /// store buffer.
    void defer_to(deferred_stores& stores);
    /// There are other cores. No transaction on the bus takes less than `shortest_transaction`.
    void share(frame_sharing& frames, picoseconds shortest_transaction);
    void set_kernel(kernel_entries& kernel) { m_kernel = &kernel; }
    void set_observer(access_observer* observer) { m_observer = observer; }
    void set_store_listener(store_listener* listener) { m_store_listener = listener; }

    /// For tests of the tests: makes every window so much longer than is right.
    void run_too_far(cycles by) { m_excess = m_period * by.raw(); }

    // actor
    void spend(cycles duration) override { elapse(m_period * duration.raw()); }
    using actor::spend;
    void elapse(picoseconds duration) override { m_local += duration; }
    void sync() override;
    void settle() override { catch_up(false); }
    void sync_to_lock() override;
    void block_on(wait_queue& queue) override;
    bool block_on(wait_queue& queue, picoseconds timeout) override;
    void spin_on(wait_queue& queue) override;
    bool spin_until_ready(predicate_ref ready) override;
    /// Under an arbiter: the same, for what stays so once it is so; that it was looked at is no
    /// reason to let others go first.
    void wait_for_good(predicate_ref ready)
    {
        if (spin_until_ready(ready))
            m_acted = m_locked = false;
    }
    picoseconds now() const override { return m_local; }
    actor_id id() const override { return m_current->id(); }

    // Threads.
    thread& start_thread(const std::string& name, thread::kind kind, address_context* context,
                         std::function<void()> body);
    thread& current() const { return *m_current; }
    bool idle() const { return m_current == m_idle_thread; }
    /// The current thread sleeps for `duration`.
    void sleep_for(picoseconds duration);

    // User mode.
    /// Stores or loads in naturally aligned pieces of at most 8 bytes, each one access.
    void store(virtual_address va, const void* bytes, std::size_t length)
    {
        if (!log().follows_stores()) {
            tlb_entry* const entry = ready_entry(va, length, access_kind::store);
            if (entry != nullptr) {
                store_through(*entry, m_local, va, static_cast<const std::byte*>(bytes), length,
                              store_part::whole);
                ++m_stats.stores;
                pass_one_access();
                return;
            }
        }
        // access() only reads through the pointer when it is told to store.
        access(va, const_cast<std::byte*>(static_cast<const std::byte*>(bytes)), length,
               access_kind::store);
    }
    void load(virtual_address va, void* bytes, std::size_t length)
    {
        if (tlb_entry* const entry = ready_entry(va, length, access_kind::load)) {
            std::memcpy(bytes, entry->host_of(va), length);
            ++m_stats.loads;
            if (m_observer != nullptr)
                m_observer->on_load(*this, va, static_cast<std::byte*>(bytes), length);
            pass_one_access();
            return;
        }
        access(va, static_cast<std::byte*>(bytes), length, access_kind::load);
    }
    /// Computes without touching memory; others may be scheduled meanwhile.
    void compute(cycles duration);
    /// Computes until `when`, as a program does that watches the time-stamp counter: what
    /// interrupts and other threads take is part of the wait, not added to it. Ends exactly then,
    /// or as soon after it as the thread has the core.
    void compute_until(picoseconds when);
    /// System calls begin and end with these.
    void enter_kernel(std::uint64_t cost_cycles);
    void exit_kernel(std::uint64_t cost_cycles);

    // Interrupts.
    void post_interrupt(interrupt vector, picoseconds due);
    /// To all of them, which are in the order of their numbers. One write of the interrupt command
    /// register reaches a cluster (`core.ipi_cluster`; Intel SDM vol. 3, "Logical Destination Mode
    /// in x2APIC Mode").
    void send_ipi(const std::vector<core*>& to, interrupt vector);
    void interrupts_off() override { ++m_interrupts_off; }
    void interrupts_on() override { --m_interrupts_off; }

    mmu& memory_unit() { return *m_mmu; }
    const mmu& memory_unit() const { return *m_mmu; }
    // Address spaces, for the kernel's switch_mm().
    address_context* loaded() const { return m_loaded; }
    /// A kernel thread runs, or nobody: what is loaded is borrowed.
    bool lazy() const { return m_lazy; }
    /// Without a tag: what is cached of others goes.
    void load_context(address_context& context);
    void load_context(address_context& context, asid tag);
    /// The kernel's own tables only.
    void unload_context();
    picoseconds period() const { return m_period; }
    const core_options& options() const { return m_options; }
    const core_stats& stats() const { return m_stats; }
    /// Everything that this core has stored up to now is seen by then.
    picoseconds stores_drained_at() const { return m_store_buffer.empty_at(); }
    /// What the current thread stored is there to be seen.
    void show_store(picoseconds when, virtual_address va, const std::byte* bytes,
                    std::size_t length, store_part part)
    {
        if (m_observer != nullptr)
            m_observer->on_store(*this, when, va, bytes, length, part);
    }

private:
    friend class thread;
    struct pending_interrupt {
        picoseconds due;
        interrupt vector;
    };
    static constexpr interrupt no_interrupt = static_cast<interrupt>(interrupt_vectors);
    struct spinner;
    struct interrupt_on_its_way;

    /// Under an arbiter: lets others go first, and takes the interrupts that come then.
    void give_way();
    void give_way_unless_just_done()
    {
        if (m_acted)
            give_way();
        m_acted = true;
    }
    void deliver(interrupt vector);

    picoseconds next_interrupt() const
    {
        return m_interrupts_off > 0 || m_pending.empty() ? picoseconds::max()
                                                         : m_pending.back().due;
    }
    bool interrupt_due() const
    {
        return m_arrived != no_interrupt || next_interrupt() <= m_executor.now();
    }
    void take_interrupt();
    void change_tables();
    void expire_timers();
    bool catch_up(bool preemptible);
    void sync_user();

    /// The entry through which these bytes can be had at once: one access, a hit, and earlier than
    /// anything that anybody else can do about it. Null: access() has to see to it.
    tlb_entry* ready_entry(virtual_address va, std::size_t length, access_kind kind)
    {
        if (va.raw() % access_width + length > access_width)
            return nullptr;
        if ((m_executor.changes() != m_limits_known_at || m_local >= m_limits.alone) &&
            !wait_for_window())
            return nullptr;
        if (m_store_buffer.exists() &&
            (kind == access_kind::load ? m_store_buffer.empty_at() > m_executor.now()
                                       : m_store_buffer.has_room_at() > m_local))
            return nullptr;
        tlb_entry* const entry = m_mmu->hit(va, kind);
        return entry == nullptr || (kind == access_kind::load && may_change(*entry)) ? nullptr
                                                                                     : entry;
    }
    bool wait_for_window();
    /// Between now and the world's coming to it, a load may find something else than memory holds:
    /// what another core has stored, or what this one has and the others are still to see.
    static bool may_change(const tlb_entry& entry)
    {
        return entry.others_change || (entry.others_see && entry.writable);
    }
    /// One access. What others can see waits until they have come so far.
    void store_through(const tlb_entry& entry, picoseconds when, virtual_address va,
                       const std::byte* bytes, std::size_t length, store_part part)
    {
        std::byte* const to = entry.host_of(va);
        if (entry.others_see || m_store_buffer.exists()) {
            defer_store(to, when, va, bytes, length, part);
            return;
        }
        std::memcpy(to, bytes, length);
        show_store(when, va, bytes, length, part);
    }
    void defer_store(std::byte* to, picoseconds when, virtual_address va, const std::byte* bytes,
                     std::size_t length, store_part part);
    void do_deferred_stores();
    void drain_store_buffer() { m_local = std::max(m_local, m_store_buffer.empty_at()); }
    void show_load(virtual_address va, const std::byte* bytes, std::size_t length,
                   std::uint64_t forwarded);
    void pass_one_access()
    {
        ++m_mmu->translations().stats().hits;
        m_local += m_access_time;
    }
    void access(virtual_address va, std::byte* bytes, std::size_t length, access_kind kind);
    std::size_t access_hits(tlb_entry& entry, virtual_address va, std::byte* bytes,
                            std::size_t length, access_kind kind, bool first);
    void store_access_by_access(const tlb_entry& entry, virtual_address va, const std::byte* bytes,
                                std::size_t length, bool first, bool last);
    bool handle_miss(virtual_address va, access_kind kind);
    void enter_kernel_for(const page_fault& fault);
    /// Before which this core need not wait for anybody, as long as no interrupt comes from it:
    struct run_ahead_limits {
        picoseconds shared; ///< whatever it does,
        picoseconds alone;  ///< if it loads nothing that may change
    };
    run_ahead_limits limits() const
    {
        if (m_options.sync == time_sync::every_access || m_need_resched)
            return {m_executor.now(), m_executor.now()};
        const picoseconds interrupted =
            std::min(next_interrupt(), m_executor.now() + m_longest_window);
        const executor::horizons others = m_executor.look_ahead();
        const picoseconds shared = std::min(others.acts + m_excess, interrupted);
        if (m_sharing == nullptr || m_sharing->stale_entries())
            return {shared, shared};
        return {shared, std::min(others.felt + m_excess, interrupted)};
    }
    void learn_limits();
    void wait_for_others_to_pass(picoseconds when);

    void wait_for_interrupt();
    void run_idle();
    void make_runnable(thread& t);
    bool should_preempt(const thread& newcomer) const;
    void arm_timeslice();
    void schedule();
    void begin_turn();
    void preempt();
    void switch_to(thread& next);
    void wake_running_task(picoseconds when);

    static constexpr std::size_t access_width = 8; // bytes of one load or store
    /// A millisecond: who has had enough of a run shall not have to wait for somebody to be due.
    static constexpr picoseconds longest_window{1'000'000'000};
    /// 10 us: what is stored in between has to be kept.
    static constexpr picoseconds longest_window_with_store_buffer{10'000'000};

    executor& m_executor;
    core_options m_options;
    unsigned m_index;
    picoseconds m_period;
    picoseconds m_access_time; ///< of a load or store that hits
    std::unique_ptr<mmu> m_mmu;
    kernel_entries* m_kernel = nullptr;
    access_observer* m_observer = nullptr;
    store_listener* m_store_listener = nullptr;

    picoseconds m_local;       ///< this core's own time, never behind the world's while it runs
    run_ahead_limits m_limits; ///< limits(), as of the executor's change number
    std::uint64_t m_limits_known_at = 0;
    const frame_sharing* m_sharing = nullptr; ///< null: there is no other core
    deferred_stores* m_deferred = nullptr;    ///< null: nobody can be late to see a store
    store_buffer m_store_buffer;
    picoseconds m_unfelt; ///< from what user code does until anybody else can feel it, at least
    picoseconds m_excess; ///< of every window; wrong unless 0
    picoseconds m_longest_window;
    picoseconds m_user_since;                 ///< when the kernel was last left
    std::vector<pending_interrupt> m_pending; ///< soonest last
    interrupt m_arrived = no_interrupt;       ///< under an arbiter: what is to be taken now
    unsigned m_interrupts_off = 0;
    // Under an arbiter:
    std::vector<std::unique_ptr<interrupt_on_its_way>> m_on_their_way; ///< one a vector
    bool m_acted = true;   ///< since others could go first, something has been looked at or done
    bool m_locked = false; ///< and a lock was taken

    std::vector<std::unique_ptr<thread>> m_threads;
    fifo<thread*> m_ready_kernel;
    fifo<thread*> m_ready_user;
    std::vector<thread*> m_expired; ///< whose sleep has ended, to be woken by the timer interrupt
    thread* m_current = nullptr;
    thread* m_idle_thread = nullptr;
    address_context* m_loaded = nullptr;
    bool m_lazy = true;
    bool m_need_resched = false;
    bool m_timeslice_armed = false;
    picoseconds m_timeslice_end;
    core_stats m_stats;
};

} // namespace mkclean
