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

void set_page_dirty_balance(kernel& k, core& cpu, page& pg)
{
    address_space* const mapping = pg.mapping;
    if (set_page_dirty(cpu, pg) && mapping != nullptr)
        balance_dirty_pages_ratelimited(k, cpu, *mapping);
}

} // namespace

// ---- Linux 2.6.19 (d08b3851da41) ----------------------------------------------------------------

namespace linux_2_6_19
{

void write_fault(kernel& k, core& cpu, fault_context& f)
{
    if (!install_pte(k, cpu, f, writable_and_dirty(f)))
        return;
    // The FIXME race: a cleaner that has been past this PTE already takes PG_dirty away after
    // set_page_dirty() has found it set.
    set_page_dirty_balance(k, cpu, *f.pg);
}

} // namespace linux_2_6_19

// ---- Linux 2.6.23 (79352894b285, d00806b18315) --------------------------------------------------

namespace linux_2_6_23
{

void write_fault(kernel& k, core& cpu, fault_context& f)
{
    const bool first = !f.seen.present(); // __do_fault() holds the lock that ->fault returned with
    if (first)
        lock_page(cpu, *f.pg);
    const bool installed = install_pte(k, cpu, f, writable_and_dirty(f));
    if (first)
        unlock_page(cpu, *f.pg);
    if (!installed)
        return;
    // A cleaner that did not see our PTE holds the lock until it has cleared PG_dirty: we set it
    // after that. Another one that begins only now will see the PTE. (Who held the lock itself
    // while it made the PTE writable has waited already.)
    if (!first)
        wait_on_page_locked(cpu, *f.pg);
    set_page_dirty_balance(k, cpu, *f.pg);
}

} // namespace linux_2_6_23

// ---- golden -------------------------------------------------------------------------------------
// Dirty first, writable second, and no cleaner in between: at no time can anybody, on any core,
// store to a page that is not known to be dirty.

namespace golden
{

void write_fault(kernel& k, core& cpu, fault_context& f)
{
    lock_page(cpu, *f.pg);
    address_space* const mapping = f.pg->mapping;
    if (mapping == nullptr) { // truncated meanwhile
        unlock_page(cpu, *f.pg);
        return;
    }
    const bool newly = set_page_dirty(cpu, *f.pg);
    install_pte(k, cpu, f, writable_and_dirty(f));
    unlock_page(cpu, *f.pg);
    if (newly)
        balance_dirty_pages_ratelimited(k, cpu, *mapping);
}

} // namespace golden

void write_fault(kernel& k, core& cpu, fault_context& f)
{
    switch (k.policies.write_fault) {
    case write_fault_policy::linux_2_6_18:
    case write_fault_policy::linux_2_6_19:
        return linux_2_6_19::write_fault(k, cpu, f);
    case write_fault_policy::linux_2_6_23:
        return linux_2_6_23::write_fault(k, cpu, f);
    case write_fault_policy::golden:
        return golden::write_fault(k, cpu, f);
    }
}

} // namespace mkclean
