// From the cores' logs of dirtied pages to PG_dirty.
//
// Hardware logs a page when it sets D, and then no more until page_mkclean() has cleared D: there
// is one entry for however many stores. So it must lead to a PG_dirty that stays. It is applied
// under the page lock, for clear_page_dirty_for_io() has that from before it cleans the PTEs until
// it has taken PG_dirty. Say a store sets D and is logged in between, and its entry is applied
// there and then: PG_dirty is taken away, the next store goes through an entry with D, which is no
// longer logged, behind the back of the disk that is reading the page already, and nothing leads
// to the page any more. Under the lock the entry is applied either before the PTEs are cleaned,
// and the next store is logged again, or after PG_dirty was taken, and sets it again.

#include "vm/dirty_log.h"
#include "vm/page_writeback.h"
#include "vm/time_spent.h"

#include <algorithm>
#include <string>
#include <vector>

namespace mkclean
{

namespace
{

std::string show_count(std::uint64_t before, std::uint64_t after)
{
    return std::to_string(before) + " -> " + std::to_string(after) + " logged";
}

std::string show_acks(std::uint64_t before, std::uint64_t after)
{
    return "waiting for " + std::to_string(before) + " -> " + std::to_string(after);
}

const step_site site_take{"take dirty log", place::none, show_count};
const step_site site_apply{"apply dirty log", place::none, show_count};
const step_site site_ask{"ask for dirty logs", place::none, show_acks};
const step_site site_ack{"dirty log ack", place::none, show_acks};

bool logs_dirty(const kernel& k)
{
    return k.policies.dirty_tracking == dirty_tracking_policy::dirty_log;
}

void take_own_log(kernel& k, core& cpu)
{
    dirty_log& log = cpu.memory_unit().log_of_dirtied();
    cpu.spend(cpu.cost().list_op * log.raw());
    cpu.step(site_take, subject(), log, [&] {
        const std::vector<frame_number> taken = log.take(k.memory);
        k.logged.frames.insert(k.logged.frames.end(), taken.begin(), taken.end());
    });
}

// Only the owner of a log knows how much of it is valid, as with PML's index.
void take_other_logs(kernel& k, core& cpu)
{
    logged_pages& logged = k.logged;
    cpu.sync();
    logged.unacknowledged = static_cast<unsigned>(k.cores.size()) - 1;
    cpu.note(site_ask, subject(), 0, logged.unacknowledged);
    std::vector<core*> others = k.cores;
    others.erase(std::find(others.begin(), others.end(), &cpu));
    cpu.send_ipi(others, interrupt::dirty_log);
    cpu.spin_until(logged.acknowledged, [&] { return logged.unacknowledged == 0; });
}

frame_number take_first(kernel& k, core& cpu)
{
    subject what;
    what.frame = k.logged.frames.front();
    return cpu.step(site_apply, what, k.logged, [&] {
        const frame_number frame = k.logged.frames.front();
        k.logged.frames.pop_front();
        return frame;
    });
}

enum class waiting { for_page_locks, for_nothing };

// The pages that were clean before; who made them dirty may have to pay for them.
struct applied {
    std::vector<address_space*> newly_dirty;
    std::deque<frame_number> left; ///< their pages are locked
};

// Who has unmapped a page since has found D in its PTE, and has said so; and what the frame holds
// now may be something else. False: the page is locked.
bool apply_one(kernel& k, core& cpu, frame_number frame, waiting how, applied& result)
{
    page& pg = k.cache.page_of(frame);
    if (!pg.mapped() || pg.mapping == nullptr)
        return true;
    k.cache.get_page(pg);
    bool locked = true;
    if (how == waiting::for_page_locks)
        lock_page(cpu, pg);
    else
        locked = trylock_page(cpu, pg);
    if (locked) {
        if (pg.mapping != nullptr && pg.mapped() && set_page_dirty(cpu, pg))
            result.newly_dirty.push_back(pg.mapping);
        unlock_page(cpu, pg);
    }
    k.cache.put_page(pg);
    return locked;
}

// The caller has k.logged.apply.
applied apply_logs(kernel& k, core& cpu, waiting how)
{
    applied result;
    cpu.sync();
    while (!k.logged.frames.empty()) {
        const frame_number frame = take_first(k, cpu);
        if (!apply_one(k, cpu, frame, how, result))
            result.left.push_back(frame);
        cpu.sync();
    }
    k.logged.frames = result.left;
    return result;
}

applied drain(kernel& k, core& cpu, waiting how)
{
    ++k.stats.dirty_log_drains;
    take_own_log(k, cpu);
    take_other_logs(k, cpu);
    return apply_logs(k, cpu, how);
}

} // namespace

// Whoever comes second waits until the first has applied what he took: it may be what was stored
// before the second began.
void drain_dirty_logs(kernel& k, core& cpu)
{
    if (!logs_dirty(k))
        return;
    const time_spent timed(cpu, k.stats.dirty_log_ps);
    const lock_guard<tried_mutex> guard(cpu, k.logged.apply);
    drain(k, cpu, waiting::for_page_locks);
}

void try_to_drain_dirty_logs(kernel& k, core& cpu)
{
    if (!logs_dirty(k))
        return;
    const try_lock_guard<tried_mutex> guard(cpu, k.logged.apply);
    if (guard.owns())
        drain(k, cpu, waiting::for_nothing);
}

void dirty_log_full(kernel& k, core& cpu)
{
    ++k.stats.dirty_log_full;
    const time_spent timed(cpu, k.stats.dirty_log_ps);
    take_own_log(k, cpu);
    std::vector<address_space*> newly_dirty;
    {
        const lock_guard<tried_mutex> guard(cpu, k.logged.apply);
        newly_dirty = apply_logs(k, cpu, waiting::for_page_locks).newly_dirty;
    }
    for (address_space* mapping : newly_dirty)
        balance_dirty_pages_ratelimited(k, cpu, *mapping);
}

void dirty_log_interrupt(kernel& k, core& cpu)
{
    cpu.spend(cpu.cost().ipi_handler);
    take_own_log(k, cpu);
    cpu.sync();
    cpu.note(site_ack, subject(), k.logged.unacknowledged, k.logged.unacknowledged - 1);
    if (--k.logged.unacknowledged == 0)
        k.logged.acknowledged.wake_all();
}

} // namespace mkclean
