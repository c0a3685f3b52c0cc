// A PTE that is absent for an instant, and page_mkclean(), which may look just then.

#include "vm/rmap.h"
#include "vm/tests/vm_world.h"

#include <doctest/doctest.h>

using namespace mkclean;

namespace
{

struct outcome {
    bool page_dirty = false;
    pte entry;
    std::size_t clears = 0;
};

// Core 1 stores through a read-only translation that core 0 has made out of date: a spurious fault,
// which writes the PTE again. Core 2 syncs the file, again and again, at all distances from that.
outcome worst(mkclean_peek_policy peek, set_pte_policy set_pte)
{
    outcome found;
    found.page_dirty = true;
    for (unsigned delay = 0; delay < 4000 && found.page_dirty; delay += 10) {
        vm_world_options o;
        o.cores = 3;
        o.walker.sets_dirty = dirty_setter::fault;
        o.policies.mkclean_peek = peek;
        o.policies.set_pte = set_pte;
        vm_world w(o);
        mm_struct& mm = w.new_process();
        w.start(0, mm, [&](user_task& task) {
            inode& file = w.open(task);
            const virtual_address va = w.map(task, file, 1);
            w.put(task, va, 1);
            task.fsync(file);
            w.get(task, va);
            w.start(1, mm, [&w, va](user_task& other) {
                w.get(other, va);
                other.compute(cycles(20'000));
                w.put(other, va, 2);
                other.compute(cycles(1'000'000));
            });
            w.start(2, w.new_process(), [&w, delay](user_task& other) {
                other.compute(cycles(19'000 + delay));
                other.fsync(w.open(other));
            });
            task.compute(cycles(10'000));
            w.put(task, va, 3); // the PTE is {W,D}, and core 1 has yet to hear of that
            w.steps.clear();
            task.compute(cycles(300'000));
            const pte entry = vm_world::pte_of(mm, va);
            const bool page_dirty = vm_world::page_of(file, 0)->dirty();
            if (entry.dirty() && !page_dirty)
                found = {false, entry, w.count_of("pte_clear")};
        });
        CHECK(w.run());
    }
    return found;
}

} // namespace

TEST_CASE("A dirty PTE that is absent for an instant is missed by a look without the lock")
{
    const outcome missed = worst(mkclean_peek_policy::lockless, set_pte_policy::clear_first);
    CHECK(!missed.page_dirty); // nobody will write what is stored from now on, until munmap
    CHECK(missed.entry.writable());
    CHECK(missed.clears == 1);
    CHECK(worst(mkclean_peek_policy::locked, set_pte_policy::clear_first).page_dirty);
    CHECK(worst(mkclean_peek_policy::lockless, set_pte_policy::atomic).page_dirty);
    CHECK(worst(mkclean_peek_policy::locked, set_pte_policy::atomic).page_dirty);
}
