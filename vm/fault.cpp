#include "vm/fault.h"
#include "sim/span.h"
#include "vm/huge_memory.h"
#include "vm/page_writeback.h"
#include "vm/rmap.h"
#include "vm/time_spent.h"
#include "vm/tlb_flush.h"

#include <cstring>

namespace mkclean
{

namespace
{

const step_site site_install{"set_pte", place::pte, show_pte_change};
const step_site site_access_flags{"ptep_set_access_flags", place::pte, show_pte_change};
const step_site site_clear{"pte_clear", place::pte, show_pte_change};
const step_site site_fault{"page fault", place::pte, show_pte_change};
const span_site site_handle{"handle_pte_fault"};

// truncate_count: whoever truncates adds to it and then looks for PTEs to take away; a fault that
// has found its page before must not leave one. (From 2.6.23 on the page lock sees to it.)
bool was_truncated(const fault_context& f)
{
    return f.vma.file != nullptr && !f.seen.present() &&
           f.vma.file->mapping.truncate_count != f.truncate_count;
}

// ---- writing a PTE: at once ---------------------------------------------------------------------

namespace atomic
{

bool set_pte_at(core& cpu, fault_context& f, const step_site& site, const subject& what, pte entry)
{
    return cpu.step(site, what, f.slot, [&] {
        if (f.slot.get() != f.seen || was_truncated(f))
            return false;
        f.slot.set_pte(entry);
        return true;
    });
}

} // namespace atomic

// ---- powerpc64: a present one goes first --------------------------------------------------------
// Whoever looks in between without the lock sees nothing.

namespace clear_first
{

bool set_pte_at(core& cpu, fault_context& f, const step_site& site, const subject& what, pte entry)
{
    const bool unchanged = cpu.step(site_clear, what, f.slot, [&] {
        if (f.slot.get() != f.seen || was_truncated(f))
            return false;
        f.slot.get_and_clear();
        return true;
    });
    if (unchanged)
        cpu.step(site, what, f.slot, [&] { f.slot.set_pte(entry); });
    return unchanged;
}

} // namespace clear_first

// If the PTE is still as the fault has seen it; under its lock.
bool set_pte_at(const kernel& k, core& cpu, fault_context& f, const step_site& site,
                const subject& what, pte entry)
{
    return k.policies.set_pte == set_pte_policy::clear_first && f.seen.present()
               ? clear_first::set_pte_at(cpu, f, site, what, entry)
               : atomic::set_pte_at(cpu, f, site, what, entry);
}

// Gives back the reference that a fault took on its page.
class page_reference
{
public:
    page_reference(page_cache& cache, page* pg) : m_cache(cache), m_page(pg) {}
    ~page_reference()
    {
        if (m_page != nullptr)
            m_cache.put_page(*m_page);
    }
    page_reference(const page_reference&) = delete;
    page_reference& operator=(const page_reference&) = delete;

private:
    page_cache& m_cache;
    page* m_page;
};

page& alloc_zeroed_page(kernel& k, core& cpu)
{
    page& pg = k.cache.alloc_page(cpu);
    cpu.spend(cpu.cost().copy_page);
    std::memset(k.memory.frame_to_store(pg.frame), 0, page_size);
    return pg;
}

void do_anonymous_page(kernel& k, core& cpu, fault_context& f)
{
    page& pg = alloc_zeroed_page(k, cpu);
    const page_reference reference(k.cache, &pg);
    f.pg = &pg;
    pte entry = pte::of_page(pg.frame);
    if (f.vma.flags.write)
        entry = entry.mkwrite().mkdirty();
    install_pte(k, cpu, f, entry);
}

// A private mapping gets a copy of its own, which nobody writes back.
void break_cow(kernel& k, core& cpu, fault_context& f, page& original)
{
    page& copy = k.cache.alloc_page(cpu);
    const page_reference reference(k.cache, &copy);
    cpu.spend(cpu.cost().copy_page);
    cpu.sync();
    std::memcpy(k.memory.frame_to_store(copy.frame), k.memory.frame(original.frame), page_size);

    const lock_guard<spinlock> ptl(cpu, f.mm.page_table_lock);
    cpu.sync();
    if (f.slot.get() != f.seen || was_truncated(f))
        return;
    if (f.seen.present()) {
        cpu.step(site_install, subject_of(original), f.slot, [&] { f.slot.get_and_clear(); });
        flush_tlb_page(k, cpu, f.mm, f.va);
        page_remove_rmap(k, cpu, original);
        k.cache.put_page(original);
    } else {
        flush_tlb_batched_pending(k, cpu, f.mm); // other threads may still read the original
    }
    cpu.step(site_install, subject_of(copy), f.slot, [&] {
        f.slot.set_pte(pte::of_page(copy.frame).mkwrite().mkdirty());
        k.cache.get_page(copy);
    });
    page_add_file_rmap(k, cpu, copy);
}

// A PTE of a page that is logged as soon as somebody stores to it, so that D is for the hardware to
// set. No fault will tell of the store: whoever is about to make it pays now.
void install_unlogged(kernel& k, core& cpu, fault_context& f, pte entry, bool write)
{
    install_pte(k, cpu, f, entry);
    if (write)
        balance_dirty_pages_ratelimited(k, cpu, f.vma.file->mapping);
}

void do_no_page(kernel& k, core& cpu, fault_context& f, bool write)
{
    bool major = false;
    f.pg = filemap_nopage(k, cpu, *f.vma.file, f.vma.index_of(f.va), major);
    if (f.pg == nullptr)
        throw user_signal{user_signal::kind::bus, f.va};
    const page_reference reference(k.cache, f.pg);
    if (major)
        ++k.stats.pgmajfault;

    if (write && !f.vma.flags.shared)
        return break_cow(k, cpu, f, *f.pg);
    if (write && vma_wants_writenotify(k, f.vma))
        return write_fault(k, cpu, f);
    pte entry = pte::of_page(f.pg->frame);
    if (f.vma.flags.shared && f.vma.flags.write && !vma_wants_writenotify(k, f.vma))
        entry = entry.mkwrite(); // its dirtiness is the CPU's business
    if (k.policies.dirty_tracking == dirty_tracking_policy::dirty_log)
        return install_unlogged(k, cpu, f, entry, write);
    if (write)
        entry = entry.mkdirty();
    install_pte(k, cpu, f, entry);
}

void do_wp_page(kernel& k, core& cpu, fault_context& f)
{
    f.pg = &k.cache.page_of(f.seen.frame());
    k.cache.get_page(*f.pg);
    const page_reference reference(k.cache, f.pg);
    if (!f.vma.flags.shared)
        return break_cow(k, cpu, f, *f.pg);
    ++k.stats.pgreuse;
    write_fault(k, cpu, f);
}

// What hardware does elsewhere: the PTE is young, and dirty if it is stored through. Who has just
// changed it knows better.
void ptep_set_access_flags(const kernel& k, core& cpu, fault_context& f, bool dirty)
{
    const lock_guard<spinlock> ptl(cpu, f.mm.page_table_lock);
    subject what;
    what.frame = f.seen.frame();
    what.va = f.va;
    set_pte_at(k, cpu, f, site_access_flags, what,
               dirty ? f.seen.mkyoung().mkdirty() : f.seen.mkyoung());
}

// pte_none(): since 97e3c602ccbd (4.8) A and D alone are nothing, for Knights Landing may set them
// where P has just gone (erratum KNL4). Up to then it is a corrupt page table (do_file_page(),
// do_swap_page()), and the process is killed.
bool pte_none(const kernel& k, pte entry)
{
    return k.policies.pte_none == pte_none_policy::golden ? entry.mkold().mkclean().none()
                                                          : entry.none();
}

void handle_pte_fault(kernel& k, core& cpu, fault_context& f, bool write)
{
    if (!f.seen.present()) {
        if (!pte_none(k, f.seen))
            throw user_signal{user_signal::kind::kill, f.va};
        if (f.vma.file == nullptr)
            return do_anonymous_page(k, cpu, f);
        return do_no_page(k, cpu, f, write);
    }
    if (write && !f.seen.writable())
        return do_wp_page(k, cpu, f);
    if (!k.hardware_sets_dirty)
        ptep_set_access_flags(k, cpu, f, write);
    // Otherwise somebody else was faster, or the TLB was behind (rule R3): nothing to do but to try
    // again.
}

} // namespace

bool vma_wants_writenotify(const kernel& k, const vm_area_struct& vma)
{
    return k.policies.tracks_shared_dirty() && vma.flags.shared && vma.flags.write &&
           vma.file != nullptr && mapping_cap_account_dirty(vma.file->mapping);
}

bool install_pte(kernel& k, core& cpu, fault_context& f, pte entry)
{
    const lock_guard<spinlock> ptl(cpu, f.mm.page_table_lock);
    subject what = subject_of(*f.pg);
    what.va = f.va;
    const bool installed = set_pte_at(k, cpu, f, site_install, what, entry);
    if (installed && !f.seen.present()) {
        k.cache.get_page(*f.pg);
        page_add_file_rmap(k, cpu, *f.pg);
    }
    return installed;
}

void do_page_fault(kernel& k, core& cpu, const page_fault& fault)
{
    ++k.stats.pgfault;
    const time_spent timed(cpu, k.stats.fault_ps);
    cpu.spend(cpu.cost().fault_body);
    auto& mm = *static_cast<mm_struct*>(cpu.current().context());
    const read_guard mmap_sem(cpu, mm.mmap_sem);
    vm_area_struct* const vma = mm.find_vma(fault.va);
    const bool write = fault.error.write;
    if (vma == nullptr || (write && !vma->flags.write))
        throw user_signal{user_signal::kind::segv, fault.va};

    if (do_huge_pmd_fault(k, cpu, mm, *vma, fault.va, write))
        return;
    const pte_slot slot = mm.pgd.find_or_allocate(fault.va, table_allocator(k, cpu));
    cpu.sync();
    if (slot.order() != page_order::small)
        return; // somebody else has made a PMD meanwhile
    fault_context f{mm, *vma, fault.va, slot, slot.get()};
    subject what;
    what.va = fault.va;
    if (vma->file != nullptr) {
        f.truncate_count = vma->file->mapping.truncate_count;
        what.ino = vma->file->ino;
        what.page = vma->index_of(fault.va);
    }
    cpu.note(site_fault, what, f.seen.raw(), f.seen.raw());
    const span in(cpu, site_handle, what);
    handle_pte_fault(k, cpu, f, write);
}

} // namespace mkclean
