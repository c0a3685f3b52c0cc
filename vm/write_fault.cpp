// Making a shared page writable: the other half of the protocol with clear_page_dirty_for_io().
//
// 2.6.18 is not here: it maps shared pages writable from the start (fault.cpp), and what is stored
// is known to the PTE alone.

#include "vm/fault.h"
#include "vm/page_writeback.h"

namespace mkclean
{

namespace
{

pte writable_and_dirty(const fault_context& f)
{
    return pte::of_page(f.pg->frame).mkwrite().mkdirty();
}

// set_page_dirty_balance(): who dirties pages pays for them. If ->page_mkwrite has run, the page is
// dirty already, and up to a200ee182a01 (2.6.23) that was nobody's to pay for.
void balance_after(kernel& k, core& cpu, address_space* mapping, bool newly)
{
    const bool by_mkwrite =
        k.policies.page_mkwrite != page_mkwrite_policy::none && k.policies.mkwrite_balances;
    if (mapping != nullptr && (newly || by_mkwrite))
        balance_dirty_pages_ratelimited(k, cpu, *mapping);
}

void set_page_dirty_balance(kernel& k, core& cpu, fault_context& f)
{
    address_space* const mapping = f.pg->mapping;
    const bool newly = set_page_dirty(cpu, *f.pg);
    if (f.page_locked)
        unlock_page(cpu, *f.pg);
    balance_after(k, cpu, mapping, newly);
}

} // namespace

// ---- Linux 2.6.19 (d08b3851da41) ----------------------------------------------------------------

namespace linux_2_6_19
{

void write_fault(kernel& k, core& cpu, fault_context& f)
{
    if (!install_pte(k, cpu, f, writable_and_dirty(f))) {
        if (f.page_locked)
            unlock_page(cpu, *f.pg);
        return;
    }
    // The FIXME race: a cleaner that has been past this PTE already takes PG_dirty away after
    // set_page_dirty() has found it set.
    set_page_dirty_balance(k, cpu, f);
}

} // namespace linux_2_6_19

// ---- Linux 2.6.23 (79352894b285, d00806b18315) --------------------------------------------------

namespace linux_2_6_23
{

void write_fault(kernel& k, core& cpu, fault_context& f)
{
    const bool first = !f.seen.present(); // __do_fault() holds the lock that ->fault returned with
    const bool lock = first && !f.page_locked;
    if (lock)
        lock_page(cpu, *f.pg);
    const bool installed = install_pte(k, cpu, f, writable_and_dirty(f));
    if (lock || (!installed && f.page_locked))
        unlock_page(cpu, *f.pg);
    if (!installed)
        return;
    // A cleaner that did not see our PTE holds the lock until it has cleared PG_dirty: we set it
    // after that. Another one that begins only now will see the PTE. (Who held the lock itself
    // while it made the PTE writable has waited already.)
    if (!first && !f.page_locked)
        wait_on_page_locked(cpu, *f.pg);
    set_page_dirty_balance(k, cpu, f);
}

} // namespace linux_2_6_23

// ---- Linux 6.14, wp_page_shared() and do_shared_fault() where there is no ->page_mkwrite --------

namespace linux_6_14
{

void write_fault(kernel& k, core& cpu, fault_context& f)
{
    const bool first = !f.seen.present(); // __do_fault() returns with the lock
    bool locked = f.page_locked;
    if (first && !locked) {
        lock_page(cpu, *f.pg);
        locked = true;
    }
    if (!install_pte(k, cpu, f, writable_and_dirty(f))) {
        if (locked)
            unlock_page(cpu, *f.pg);
        return;
    }
    // From here on other threads can store to the page; it is dirty only behind the lock.
    if (!locked)
        lock_page(cpu, *f.pg);
    f.page_locked = true;
    set_page_dirty_balance(k, cpu, f); // fault_dirty_shared_page()
}

} // namespace linux_6_14

// ---- golden -------------------------------------------------------------------------------------
// Dirty first, writable second, and no cleaner in between: at no time can anybody, on any core,
// store to a page that is not known to be dirty.

namespace golden
{

void write_fault(kernel& k, core& cpu, fault_context& f)
{
    if (!f.page_locked)
        lock_page(cpu, *f.pg);
    address_space* const mapping = f.pg->mapping;
    if (mapping == nullptr) { // truncated meanwhile
        unlock_page(cpu, *f.pg);
        return;
    }
    wait_for_stable_page(k, cpu, *f.pg);
    const bool newly = set_page_dirty(cpu, *f.pg);
    install_pte(k, cpu, f, writable_and_dirty(f));
    unlock_page(cpu, *f.pg);
    balance_after(k, cpu, mapping, newly);
}

} // namespace golden

// 5417169026c3 (2.6.23): called before the PTE is looked at again, and returned unlocked. What the
// filesystem had prepared could be used up by a cleaner before the page was dirty once more, and
// then there was nothing left for that. b827e496c893 (2.6.30): the lock is kept.
bool do_page_mkwrite(kernel& k, core& cpu, fault_context& f)
{
    address_space& mapping = f.vma.file->mapping;
    lock_page(cpu, *f.pg);
    const std::uint64_t begin = f.pg->index.raw() * page_size;
    const bool there = f.pg->mapping == &mapping && begin < mapping.host().size;
    const int error = there ? mapping.ops().page_mkwrite(cpu, *f.pg) : 0;
    f.page_locked = there && error == 0 && k.policies.page_mkwrite == page_mkwrite_policy::locked;
    if (!f.page_locked)
        unlock_page(cpu, *f.pg);
    if (error != 0)
        throw user_signal{user_signal::kind::bus, f.va};
    return there;
}

void wait_for_stable_page(kernel& k, core& cpu, page& pg)
{
    if (k.policies.stable_pages && pg.mapping->backing().stable_writes)
        wait_on_page_writeback(cpu, pg);
}

void write_fault(kernel& k, core& cpu, fault_context& f)
{
    if (k.policies.page_mkwrite != page_mkwrite_policy::none && !do_page_mkwrite(k, cpu, f))
        return;
    switch (k.policies.write_fault) {
    case write_fault_policy::linux_2_6_18:
    case write_fault_policy::linux_2_6_19:
        return linux_2_6_19::write_fault(k, cpu, f);
    case write_fault_policy::linux_2_6_23:
        return linux_2_6_23::write_fault(k, cpu, f);
    case write_fault_policy::linux_6_14:
        return linux_6_14::write_fault(k, cpu, f);
    case write_fault_policy::golden:
        return golden::write_fault(k, cpu, f);
    }
}

} // namespace mkclean
