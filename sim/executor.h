#pragma once

#include "sim/event_heap.h"
#include "sim/number.h"
#include "sim/predicate_ref.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mkclean
{

/// Thrown inside a task whose world is being taken down; unwinds the task's stack.
struct task_cancelled {
};

class arbiter;

/// Runs tasks (code with a stack of its own that can wait) and timers in simulated time.
///
/// The order is total and depends on nothing but the model: by time, then by priority (smaller
/// first: a core's number, a device's), then by who asked first. Both implementations share this
/// queue and the fibers that tasks run on, and differ only in how time is moved on:
/// fiber_executor needs no simulator underneath, systemc_executor agrees with SystemC's clock.
///
/// Complexity: O(log n) in the number of waiting tasks and armed timers for every operation.
class executor
{
public:
    class entry
    {
    public:
        entry(const entry&) = delete;
        entry& operator=(const entry&) = delete;
        virtual ~entry() = default;

        /// When it is due; meaningful only while it is queued.
        picoseconds due() const { return m_due; }
        bool queued() const { return heap_slot != event_heap<entry>::not_in_heap; }
        unsigned priority() const { return m_priority; }
        /// Tasks and timers of one executor, in the order in which they were made, from 1 on.
        std::uint32_t number() const { return m_number; }
        bool is_task() const { return m_kind == kind::task; }
        /// Whether it may have its turn although it is due; only arbiters are told of others.
        virtual bool may_go() const { return true; }

    protected:
        enum class kind { task, timer };
        entry(kind k, unsigned priority) : m_kind(k), m_priority(priority) {}

    private:
        friend class executor;
        friend class event_heap<entry>;
        std::size_t heap_slot = event_heap<entry>::not_in_heap;
        kind m_kind;
        unsigned m_priority;
        std::uint32_t m_number = 0;
        picoseconds m_due;
        picoseconds m_unfelt; ///< how long after it is due nobody else can tell that it acts
    };

    /// Code with a stack of its own. Made by spawn(), owned by the executor.
    class task : public entry
    {
    public:
        task(std::string name, unsigned priority, std::function<void()> body);
        const std::string& name() const { return m_name; }
        bool finished() const { return m_finished; }
        bool may_go() const override { return !m_may_go || m_may_go(); }

    private:
        friend class executor;
        std::string m_name;
        std::function<void()> m_body;
        predicate_ref m_may_go;  ///< what it waits for, under an arbiter
        void* m_stack = nullptr; ///< of the implementation's kind
        bool m_begun = false;
        bool m_finished = false;
    };

    /// A call at a time. Must not wait. Owned by whoever arms it; dies disarmed.
    class timer : public entry
    {
    public:
        timer(executor& owner, unsigned priority, std::function<void()> action);
        /// One that has a name, and that an arbiter may let go only while `may_go` says so.
        timer(executor& owner, std::string name, unsigned priority, std::function<void()> action,
              std::function<bool()> may_go);
        const std::string& name() const { return m_name; }
        ~timer() override;
        bool may_go() const override { return !m_may_go || m_may_go(); }
        /// Calls the action at `when` (at once, in order, if that has passed). Moves an armed
        /// timer.
        void arm(picoseconds when);
        void disarm();

    private:
        friend class executor;
        executor& m_owner;
        std::string m_name;
        std::function<void()> m_action;
        std::function<bool()> m_may_go;
    };

    enum class outcome {
        idle,
        stopped,
        out_of_time,
        interrupted,
        held ///< by the arbiter; run() goes on from there
    };

    executor(const executor&) = delete;
    executor& operator=(const executor&) = delete;
    virtual ~executor();

    /// Also right for those who act from outside, between what tasks and timers do.
    picoseconds now() const { return m_in_model ? m_now : outside_time(); }

    /// A new task, due now. `priority` orders it against others due at the same time.
    task& spawn(std::string name, unsigned priority, std::function<void()> body);

    /// The running task waits until `when`, or until somebody calls resume_at() for earlier. It
    /// promises that, whenever it is woken, nothing it does can be seen or felt by anybody who
    /// runs ahead to what look_ahead() calls felt, before `unfelt` has passed after that.
    void sleep_until(picoseconds when, picoseconds unfelt = picoseconds());
    /// The running task waits until somebody resumes it.
    void suspend();
    /// Makes `t` due at `when` if it is not due earlier already.
    void resume_at(task& t, picoseconds when);
    /// The task that is executing right now; null outside tasks and in a timer's action.
    task* running() const { return m_running; }

    /// The earliest instants at which anything but the running task
    struct horizons {
        picoseconds acts; ///< can act or look (the caller of run() does at its limit),
        picoseconds felt; ///< can be felt by one who looks at nothing that others can change sooner
                          ///< than they have promised
    };
    /// Until then it may run ahead without anybody being able to tell (see docs/design.md, "Exact
    /// and fast"). O(number of those who are due before then).
    horizons look_ahead() const
    {
        const picoseconds others = m_others_act > picoseconds() ? m_others_act : foreign_horizon();
        horizons h;
        h.acts = h.felt = std::min(m_limit, others);
        if (!m_queue.empty()) {
            h.acts = std::min(h.acts, m_queue.top().due);
            h.felt = m_queue.earliest_felt(h.felt);
        }
        return h;
    }
    /// The last priority that has had its turn at this instant.
    unsigned turn() const { return m_turn; }
    /// Calls `prepare` before anybody who has promised nothing (see sleep_until) has his turn, and
    /// before run() returns, with the instant and the last priority whose turn has come by then. It
    /// must not wait.
    void before_turns(std::function<void(picoseconds, unsigned)> prepare)
    {
        m_before_turns = std::move(prepare);
    }
    /// From now on `a` decides who goes next, and time no more: whoever is queued may have his turn
    /// at once, late or early. If `timeless`, time stands still meanwhile, so that it is no part of
    /// what a state is; or else it moves on to when that somebody is due. To be called before
    /// anything is queued.
    void obey(arbiter& a, bool timeless)
    {
        m_arbiter = &a;
        m_timeless = timeless;
    }
    bool arbitrated() const { return m_arbiter != nullptr; }
    bool timeless() const { return m_timeless; }
    /// Under an arbiter: others may have their turns before the running task goes on, at `when` at
    /// the earliest.
    void give_way(picoseconds when);
    /// The same, and not before `ready()`, which must not wait or change anything; unless it is
    /// handed over to.
    void give_way_until(picoseconds when, predicate_ref ready);
    /// Under an arbiter: the running task goes on at `when`, and nobody in between.
    void move_on_to(picoseconds when);
    /// Under an arbiter: `t` is who goes next, and nobody in between.
    void hand_over_to(task& t);
    /// Calls `visit(entry)` for each that is queued and may go, in the order of their numbers.
    template <class Visit>
    void for_each_ready(Visit&& visit) const
    {
        for (entry* e : m_entries)
            if (e->queued() && e->may_go())
                visit(*e);
    }
    /// Calls `visit(task)` for each that has a stack.
    template <class Visit>
    void for_each_task(Visit&& visit) const
    {
        for (const auto& t : m_tasks)
            visit(*t);
    }

    /// Counts everything that may move the horizon: while it stays the same, so does that.
    std::uint64_t changes() const { return m_changes; }

    /// Runs until nothing is left to do, stop() is called, or time would pass `limit`. What a task
    /// or a timer throws stops it as stop() does, and is thrown from here.
    outcome run(picoseconds limit = picoseconds::max());
    void stop() { m_stopping = true; }
    bool stopping() const { return m_stopping; }
    /// Looks at `flag`, which signal handlers and other threads may set, before every move. If it
    /// is set, `attend` is called; it resets the flag, and stops the run by returning true.
    void watch(const std::atomic<bool>& flag, std::function<bool()> attend)
    {
        m_attention = &flag;
        m_attend = std::move(attend);
    }
    /// Whoever looks from a simulator underneath shall see every instant at which something
    /// happens, and not only those at which others act.
    virtual void show_every_instant() {}
    /// Unwinds every unfinished task with task_cancelled. Call it after run().
    void cancel_all();
    bool cancelling() const { return m_cancelling; }

protected:
    executor() = default;

    /// Makes the stack that runs `t` (by calling run_body()), suspended.
    virtual void create_stack(task& t) = 0;
    /// Goes from the running stack to `to`'s (null: run()'s caller) and returns when it comes back.
    virtual void switch_stacks(task* from, task* to) = 0;
    /// Moves time on to `when`, which is later than what may_move_to() allowed; may stop earlier
    /// if something was queued meanwhile.
    virtual void advance(picoseconds when) { set_now(when); }
    /// Nobody else acts before `when`, and until then time may be moved without advance(): what
    /// foreign_horizon() says is not asked for again until this is called again. 0: always ask.
    void others_act_at(picoseconds when)
    {
        m_others_act = when;
        m_free_until = picoseconds(std::max<std::uint64_t>(when.raw(), 1) - 1);
    }
    static void*& stack_of(task& t) { return t.m_stack; }
    static void* stack_of(const task& t) { return t.m_stack; }
    /// run() has been called; others may have acted since the last time.
    virtual void begin_run() {}
    /// Something was queued while advance() waits.
    virtual void queue_changed() {}
    virtual picoseconds foreign_horizon() const { return picoseconds::max(); }
    /// The time while advance() waits and between runs, where others move it too.
    virtual picoseconds outside_time() const { return m_now; }

    void set_now(picoseconds when)
    {
        if (when == m_now)
            return;
        m_turn = 0;
        m_now = when;
        count_change();
    }
    /// The life of a task on its own stack: its body, then for ever on to the next one.
    /// Returns the task to go to when it has ended (null: run()'s caller).
    task* run_body(task& t);

private:
    void enqueue(entry& e, picoseconds when);
    event_heap<entry>::item item_of(entry& e, picoseconds when);
    void dequeue(entry& e);
    void fail();
    bool next_is_running_task(picoseconds when) const;
    task* task_to_hand_over_to();
    void switch_to(task* self, task* to);
    void take_turn(const entry& e);
    void leave_model_until(picoseconds when);
    bool is_called() const
    {
        return m_attention != nullptr && m_attention->load(std::memory_order_relaxed);
    }
    bool must_come_back() const { return m_stopping || is_called(); }
    task* next();
    entry* choose();
    void yield();
    void number(entry& e);
    void count_change() { m_changes += m_arbiter == nullptr ? 1 : 0; }

    event_heap<entry> m_queue;
    arbiter* m_arbiter = nullptr;
    bool m_timeless = false;
    task* m_handed_over_to = nullptr;
    std::vector<entry*> m_entries; ///< by number
    std::uint32_t m_numbers = 0;
    std::vector<std::unique_ptr<task>> m_tasks;
    picoseconds m_now;
    picoseconds m_limit = picoseconds::max();
    picoseconds m_others_act;
    picoseconds m_free_until;
    unsigned m_turn = 0;
    std::function<void(picoseconds, unsigned)> m_before_turns;
    std::uint64_t m_sequence = 0;
    std::uint64_t m_changes = 0;
    task* m_running = nullptr;
    outcome m_outcome = outcome::idle;
    bool m_in_model = false; ///< a task or a timer runs, at m_now
    bool m_stopping = false;
    const std::atomic<bool>* m_attention = nullptr;
    std::function<bool()> m_attend;
    bool m_cancelling = false;
    std::exception_ptr m_failure;
};

/// Decides who goes next, in place of time. An explorer is one, and who replays what it has found.
class arbiter
{
public:
    virtual ~arbiter() = default;
    /// One of those that for_each_ready() visits, of which there is one at least. Null: nobody has
    /// a turn, and run() returns.
    virtual executor::entry* choose(const executor& exec) = 0;
    /// It has its turn now, because it was chosen or because it was handed over to.
    virtual void goes(const executor::entry& e) { static_cast<void>(e); }
};

} // namespace mkclean
