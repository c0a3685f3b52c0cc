#include "sim/executor.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace mkclean
{

namespace
{

constexpr unsigned sequence_bits = 44;

} // namespace

executor::task::task(std::string name, unsigned priority, std::function<void()> body)
    : entry(kind::task, priority),
      m_name(std::move(name)),
      m_body(std::move(body))
{
}

executor::timer::timer(executor& owner, unsigned priority, std::function<void()> action)
    : entry(kind::timer, priority),
      m_owner(owner),
      m_action(std::move(action))
{
    owner.number(*this);
}

executor::timer::timer(executor& owner, std::string name, unsigned priority,
                       std::function<void()> action, std::function<bool()> may_go)
    : timer(owner, priority, std::move(action))
{
    m_name = std::move(name);
    m_may_go = std::move(may_go);
}

executor::timer::~timer()
{
    disarm();
    m_owner.m_entries.erase(std::remove(m_owner.m_entries.begin(), m_owner.m_entries.end(), this),
                            m_owner.m_entries.end());
}

void executor::timer::arm(picoseconds when)
{
    disarm();
    m_owner.enqueue(*this, when);
}

void executor::timer::disarm()
{
    if (queued())
        m_owner.dequeue(*this);
}

executor::~executor()
{
    m_queue.clear();
}

executor::task& executor::spawn(std::string name, unsigned priority, std::function<void()> body)
{
    m_tasks.push_back(std::make_unique<task>(std::move(name), priority, std::move(body)));
    task& t = *m_tasks.back();
    number(t);
    create_stack(t);
    enqueue(t, now());
    return t;
}

void executor::number(entry& e)
{
    e.m_number = ++m_numbers;
    m_entries.push_back(&e);
}

event_heap<executor::entry>::item executor::item_of(entry& e, picoseconds when)
{
    e.m_due = std::max(when, now());
    const std::uint64_t order = std::uint64_t{e.m_priority} << sequence_bits | m_sequence++;
    return {e.m_due, order, e.m_due + e.m_unfelt, &e};
}

void executor::enqueue(entry& e, picoseconds when)
{
    if (m_arbiter != nullptr) {
        e.m_due = m_timeless ? m_now : std::max(when, now());
        e.heap_slot = 0; // queued; the arbiter wants no order
        return;
    }
    m_queue.push(item_of(e, when));
    ++m_changes;
    if (!m_in_model)
        queue_changed();
}

void executor::dequeue(entry& e)
{
    if (!e.queued())
        return;
    if (m_arbiter != nullptr) {
        e.heap_slot = event_heap<entry>::not_in_heap;
        return;
    }
    m_queue.erase(e);
    ++m_changes;
}

// The running task may have been resumed by then already, by itself or from outside.
void executor::sleep_until(picoseconds when, picoseconds unfelt)
{
    m_running->m_unfelt = unfelt;
    if (m_arbiter != nullptr) {
        resume_at(*m_running, when);
        yield();
        return;
    }
    if (next_is_running_task(when)) {
        if (when > m_now)
            set_now(when);
        take_turn(*m_running);
        return;
    }
    if (task* const next = task_to_hand_over_to()) {
        task& self = *m_running;
        m_queue.replace_top(item_of(self, when));
        ++m_changes;
        set_now(next->due());
        take_turn(*next);
        switch_to(&self, next);
        return;
    }
    resume_at(*m_running, when);
    yield();
}

// What going through the queue would come to, without doing so.
bool executor::next_is_running_task(picoseconds when) const
{
    if (m_running->queued() || m_cancelling || must_come_back() ||
        when > std::min(m_limit, m_free_until))
        return false;
    if (m_queue.empty())
        return true;
    const entry& first = *m_queue.top().entry;
    const picoseconds due = std::max(when, m_now);
    return due < first.m_due || (due == first.m_due && m_running->m_priority < first.m_priority);
}

// The same, if there is nothing to consider on the way.
executor::task* executor::task_to_hand_over_to()
{
    if (m_queue.empty())
        return nullptr;
    entry& first = *m_queue.top().entry;
    if (first.m_kind != entry::kind::task || m_running->queued() || m_cancelling ||
        must_come_back() || first.due() > std::min(m_limit, m_free_until))
        return nullptr;
    return static_cast<task*>(&first);
}

void executor::give_way(picoseconds when)
{
    resume_at(*m_running, when);
    yield();
    move_on_to(when);
}

void executor::give_way_until(picoseconds when, predicate_ref ready)
{
    task& self = *m_running;
    self.m_may_go = ready;
    resume_at(self, when);
    yield();
    self.m_may_go = predicate_ref();
}

void executor::move_on_to(picoseconds when)
{
    while (!m_timeless && when > m_now)
        leave_model_until(when);
}

void executor::hand_over_to(task& t)
{
    resume_at(t, m_now);
    m_handed_over_to = &t;
}

void executor::suspend()
{
    m_running->m_unfelt = picoseconds();
    yield();
}

void executor::resume_at(task& t, picoseconds when)
{
    if (t.m_finished)
        return;
    if (t.queued() && t.due() <= when)
        return;
    dequeue(t);
    enqueue(t, when);
}

void executor::yield()
{
    if (m_cancelling)
        throw task_cancelled{};
    task* const self = std::exchange(m_running, nullptr);
    task* const to = next();
    if (to != self)
        switch_to(self, to);
    else
        m_running = self;
}

void executor::switch_to(task* self, task* to)
{
    m_running = to;
    switch_stacks(self, to);
    if (m_cancelling)
        throw task_cancelled{};
}

// Null: nobody; the outcome says why.
executor::entry* executor::choose()
{
    if (m_handed_over_to != nullptr)
        return std::exchange(m_handed_over_to, nullptr);
    const bool any = std::any_of(m_entries.begin(), m_entries.end(),
                                 [](const entry* e) { return e->queued() && e->may_go(); });
    m_outcome = any ? outcome::held : outcome::idle;
    entry* const chosen = any ? m_arbiter->choose(*this) : nullptr;
    if (chosen != nullptr && chosen->due() > m_limit) {
        m_outcome = outcome::out_of_time;
        return nullptr;
    }
    return chosen;
}

executor::task* executor::next()
{
    for (;;) {
        if (m_stopping) {
            m_outcome = outcome::stopped;
            return nullptr;
        }
        if (is_called() && m_attend()) {
            m_outcome = outcome::interrupted;
            return nullptr;
        }
        if (m_arbiter == nullptr && m_queue.empty()) {
            m_outcome = outcome::idle;
            return nullptr;
        }
        entry* const chosen = m_arbiter != nullptr ? choose() : m_queue.top().entry;
        if (chosen == nullptr)
            return nullptr;
        entry& first = *chosen;
        if (m_arbiter == nullptr && first.due() > m_limit) {
            m_outcome = outcome::out_of_time;
            return nullptr;
        }
        if (m_arbiter != nullptr) {
            move_on_to(first.due());
        } else if (first.due() > m_now && first.due() <= m_free_until) {
            set_now(first.due());
        } else if (first.due() > m_now) {
            leave_model_until(first.due());
            continue;
        }
        dequeue(first);
        take_turn(first);
        if (first.m_kind == entry::kind::task)
            return static_cast<task*>(&first);
        // Whose stack this is on has nothing to do with it, so what it throws must not unwind that.
        try {
            static_cast<timer&>(first).m_action();
        } catch (...) {
            fail();
        }
    }
}

void executor::take_turn(const entry& e)
{
    if (m_arbiter != nullptr)
        m_arbiter->goes(e);
    if (m_timeless)
        return;
    m_turn = std::max(m_turn, e.m_priority);
    if (m_before_turns && e.m_unfelt == picoseconds())
        m_before_turns(m_now, m_turn);
}

// Others may act on the way; whoever is ahead is not ahead of them.
void executor::leave_model_until(picoseconds when)
{
    if (m_before_turns)
        m_before_turns(std::min(when, foreign_horizon()), 0);
    m_in_model = false;
    advance(when);
    m_in_model = true;
}

// What is being thrown ends the run.
void executor::fail()
{
    if (!m_failure)
        m_failure = std::current_exception();
    m_stopping = true;
}

executor::outcome executor::run(picoseconds limit)
{
    m_limit = limit;
    m_stopping = false;
    set_now(outside_time());
    begin_run();
    m_in_model = true;
    if (task* const to = next()) {
        m_running = to;
        switch_stacks(nullptr, to);
    }
    m_running = nullptr;
    m_in_model = false;
    if (m_before_turns) { // the caller's
        if (m_outcome == outcome::out_of_time)
            m_before_turns(limit, std::numeric_limits<unsigned>::max());
        else
            m_before_turns(m_now, m_turn);
    }
    if (m_failure)
        std::rethrow_exception(std::exchange(m_failure, nullptr));
    return m_outcome;
}

executor::task* executor::run_body(task& t)
{
    t.m_begun = true;
    try {
        if (!m_cancelling)
            t.m_body();
    } catch (const task_cancelled&) {
    } catch (...) {
        fail();
    }
    t.m_finished = true;
    dequeue(t);
    m_running = nullptr;
    m_running = m_cancelling ? nullptr : next();
    return m_running;
}

void executor::cancel_all()
{
    m_cancelling = true;
    // By index: what a task's unwinding does may not, but could, spawn another.
    for (std::size_t i = 0; i < m_tasks.size(); ++i) {
        task& t = *m_tasks[i];
        if (t.m_finished)
            continue;
        if (!t.m_begun) { // nothing to unwind; the simulation may not even have started
            t.m_finished = true;
            continue;
        }
        m_running = &t;
        switch_stacks(nullptr, &t);
    }
    m_running = nullptr;
    m_queue.clear();
}

} // namespace mkclean
