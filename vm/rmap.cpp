// The reverse map: from a page of a file to the PTEs that map it, by way of the mapping's list of
// vmas (i_mmap). Lock order, outermost first: page lock, i_mmap_lock, page_table_lock.

#include "vm/rmap.h"
#include "cache/page_key.h"
#include "sim/span.h"
#include "vm/huge_memory.h"
#include "vm/keyed_page.h"
#include "vm/time_spent.h"
#include "vm/tlb_flush.h"

#include <algorithm>
#include <optional>

namespace mkclean
{

namespace
{

const step_site site_clear{"ptep_get_and_clear", place::pte, show_pte_change};
const step_site site_clean{"page_mkclean", place::pte, show_pte_change};
const step_site site_old{"ptep_clear_flush_young", place::pte, show_pte_change};
const step_site site_unmap{"try_to_unmap", place::pte, show_pte_change};
const step_site site_clear_pmd{"pmdp_invalidate", place::pte, show_pte_change};
const step_site site_clean_pmd{"page_mkclean PMD", place::pte, show_pte_change};
const step_site site_old_pmd{"pmdp_clear_flush_young", place::pte, show_pte_change};
const step_site site_unmap_pmd{"try_to_unmap PMD", place::pte, show_pte_change};
const step_site site_add{"page_add_file_rmap", place::none, nullptr};
const step_site site_remove{"page_remove_rmap", place::none, nullptr};
const span_site site_mkclean{"page_mkclean"};

subject subject_of_pte(const page& pg, virtual_address va)
{
    subject what = subject_of(pg);
    what.va = va;
    return what;
}

// The PTE or PMD at `va`, if it maps this page there (page_vma_mapped_walk). The lock is held
// (479db0bf408e: also when looking only).
std::optional<pte_slot> pte_of_page(mm_struct& mm, virtual_address va, const page& pg)
{
    std::optional<pte_slot> slot = mm.pgd.find(va);
    if (!slot || !slot->get().present() || slot->frame_at(va) != pg.frame)
        return std::nullopt;
    return slot;
}

// What the kernel calls the step depends on what is changed.
const step_site& site_for(const pte_slot& slot, const step_site& of_pte, const step_site& of_pmd)
{
    return slot.order() == page_order::small ? of_pte : of_pmd;
}

} // namespace

// With a log of dirtied pages W stays: the next store sets D and is logged.
static pte cleaned(const kernel& k, pte entry)
{
    if (k.policies.dirty_tracking == dirty_tracking_policy::dirty_log)
        return entry.mkclean();
    return entry.mkclean().wrprotect();
}

// 2.6.19: the clean PTE is in place before the TLBs are flushed. Until they are, a stale entry lets
// stores through that set no bit anywhere.
namespace linux_2_6_19
{

pte clean_pte(kernel& k, core& cpu, mm_struct& mm, const page& pg, virtual_address va,
              pte_slot slot)
{
    const step_site& site = site_for(slot, site_clean, site_clean_pmd);
    const pte entry = cpu.step(site, subject_of_pte(pg, va), slot, [&] {
        const pte found = slot.get_and_clear();
        slot.set_pte(cleaned(k, found));
        return found;
    });
    flush_tlb_page_for_mkclean(k, cpu, mm, va);
    return entry;
}

} // namespace linux_2_6_19

// 2.6.20 (c2fda5fed81e): no entry at all while the TLBs are flushed.
namespace linux_2_6_20
{

pte clean_pte(kernel& k, core& cpu, mm_struct& mm, const page& pg, virtual_address va,
              pte_slot slot)
{
    const subject what = subject_of_pte(pg, va);
    const pte entry = cpu.step(site_for(slot, site_clear, site_clear_pmd), what, slot,
                               [&] { return slot.get_and_clear(); });
    flush_tlb_page_for_mkclean(k, cpu, mm, va);
    cpu.step(site_for(slot, site_clean, site_clean_pmd), what, slot,
             [&] { slot.set_pte(cleaned(k, entry)); });
    return entry;
}

} // namespace linux_2_6_20

// Until 479db0bf408e (2.6.27) page_check_address() took it from a look without the lock that there
// is no PTE. But whoever holds the lock may have cleared it only to write it again, dirty.
static bool passes_over(const kernel& k, core& cpu, const mm_struct& mm, virtual_address va)
{
    if (k.policies.mkclean_peek == mkclean_peek_policy::locked)
        return false;
    cpu.sync();
    const std::optional<pte_slot> slot = mm.pgd.find(va);
    return !slot || !slot->get().present();
}

static bool page_mkclean_one(kernel& k, core& cpu, vm_area_struct& vma, page& pg)
{
    mm_struct& mm = *vma.mm;
    const virtual_address va = vma.address_of(pg.index);
    if (passes_over(k, cpu, mm, va))
        return false;
    const lock_guard<spinlock> ptl(cpu, mm.page_table_lock);
    cpu.spend(cpu.cost().function);
    cpu.sync();
    const std::optional<pte_slot> slot = pte_of_page(mm, va, pg);
    if (!slot || slot->get() == cleaned(k, slot->get()))
        return false;
    // DAX until 4.10 (f729c8c9b24f): a PMD stays writable and dirty, whatever is said of its pages.
    if (slot->order() != page_order::small && !k.policies.mkclean_pmd)
        return false;
    const pte found = k.policies.page_mkclean == mkclean_policy::linux_2_6_19
                          ? linux_2_6_19::clean_pte(k, cpu, mm, pg, va, *slot)
                          : linux_2_6_20::clean_pte(k, cpu, mm, pg, va, *slot);
    if (found.huge() && found.dirty())
        set_other_pages_dirty(k, cpu, found, pg);
    ++k.stats.page_mkclean_cleaned;
    return true;
}

static unsigned page_mkclean_file(kernel& k, core& cpu, page& pg)
{
    address_space& mapping = *pg.mapping;
    const lock_guard<spinlock> guard(cpu, mapping.i_mmap_lock);
    unsigned cleaned = 0;
    for (vm_area_struct* vma : mapping.i_mmap)
        if (vma->flags.shared && vma->maps(pg.index) && page_mkclean_one(k, cpu, *vma, pg))
            ++cleaned;
    return cleaned;
}

unsigned page_mkclean(kernel& k, core& cpu, page& pg)
{
    ++k.stats.page_mkclean;
    const time_spent timed(cpu, k.stats.page_mkclean_ps);
    const span in(cpu, site_mkclean, subject_of(pg));
    cpu.spend(cpu.cost().function);
    cpu.sync();
    unsigned cleaned = pg.mapped() ? page_mkclean_file(k, cpu, pg) : 0;
    // c2fda5fed81e: 2.6.19 left the key alone.
    if (is_keyed(k, pg) && k.policies.page_mkclean == mkclean_policy::linux_2_6_20 &&
        page_mkclean_key(k, cpu, pg))
        ++cleaned;
    return cleaned;
}

// A dirty page may be written as soon as it is unmapped, and a storage key may still change; and of
// what a PMD maps only the one page is locked.
static bool should_defer_flush(const kernel& k, const page& pg, pte entry)
{
    return !entry.dirty() && !entry.huge() && !(is_keyed(k, pg) && entry.writable());
}

// set_tlb_ubc_flush_pending()
static void defer_flush(unmap_batch& batch, mm_struct& mm)
{
    mm.tlb_flush_batched = true;
    std::vector<mm_struct*>& all = batch.unflushed;
    if (std::find(all.begin(), all.end(), &mm) == all.end())
        all.push_back(&mm);
}

// Of ways to take a PTE away that are not quite like the others, some forgot what it knew.
static bool tells_dirty(const kernel& k, pte entry, unmap_for whom)
{
    // A split of a PMD that forgot its D (0ccf7f168e17 [unverified]); nobody splits them here.
    if (entry.huge() && !k.policies.pmd_dirty_kept)
        return false;
    // migrate_vma_collect_pmd(), until fd35ca3d12cc.
    if (whom == unmap_for::migration && !k.policies.migrate_dirty_kept)
        return false;
    return entry.dirty();
}

static void try_to_unmap_one(kernel& k, core& cpu, vm_area_struct& vma, page& pg,
                             unmap_batch* batch, unmap_for whom)
{
    mm_struct& mm = *vma.mm;
    const virtual_address va = vma.address_of(pg.index);
    const lock_guard<spinlock> ptl(cpu, mm.page_table_lock);
    cpu.spend(cpu.cost().function);
    cpu.sync();
    std::optional<pte_slot> slot = pte_of_page(mm, va, pg);
    if (!slot)
        return;
    const pte entry = cpu.step(site_for(*slot, site_unmap, site_unmap_pmd), subject_of_pte(pg, va),
                               *slot, [&] { return slot->get_and_clear(); });
    if (batch != nullptr && should_defer_flush(k, pg, entry))
        defer_flush(*batch, mm);
    else
        flush_tlb_page(k, cpu, mm, va);
    for_each_mapped_page(k, entry, [&](page& mapped) {
        if (tells_dirty(k, entry, whom))
            set_page_dirty(cpu, mapped);
        page_remove_rmap(k, cpu, mapped);
        k.cache.put_page(mapped);
    });
}

void try_to_unmap_flush(kernel& k, core& cpu, unmap_batch& batch)
{
    for (mm_struct* mm : batch.unflushed)
        flush_tlb_mm(k, cpu, *mm);
    batch.unflushed.clear();
}

void try_to_unmap(kernel& k, core& cpu, page& pg, unmap_batch* batch, unmap_for whom)
{
    address_space& mapping = *pg.mapping;
    const lock_guard<spinlock> guard(cpu, mapping.i_mmap_lock);
    for (vm_area_struct* vma : mapping.i_mmap)
        if (vma->maps(pg.index))
            try_to_unmap_one(k, cpu, *vma, pg, batch, whom);
}

bool page_referenced(kernel& k, core& cpu, page& pg)
{
    bool referenced = is_keyed(k, pg) && page_test_and_clear_young(cpu, k.cache, pg);
    address_space& mapping = *pg.mapping;
    const lock_guard<spinlock> guard(cpu, mapping.i_mmap_lock);
    for (vm_area_struct* vma : mapping.i_mmap) {
        if (!vma->maps(pg.index))
            continue;
        const lock_guard<spinlock> ptl(cpu, vma->mm->page_table_lock);
        cpu.sync();
        const virtual_address va = vma->address_of(pg.index);
        std::optional<pte_slot> slot = pte_of_page(*vma->mm, va, pg);
        if (!slot || !slot->get().accessed())
            continue;
        referenced = true;
        cpu.step(site_for(*slot, site_old, site_old_pmd), subject_of_pte(pg, va), *slot,
                 [&] { slot->set_pte(slot->get().mkold()); });
        if (k.policies.young_flush)
            flush_tlb_page(k, cpu, *vma->mm, va); // or it would never look young again (R2)
    }
    return referenced;
}

static std::int64_t& counter_of(kernel& k, const page& pg)
{
    return pg.mapping == nullptr ? k.stats.nr_anon_pages : k.stats.nr_mapped;
}

void page_add_file_rmap(kernel& k, core& cpu, page& pg)
{
    cpu.step(site_add, subject_of(pg), pg.flags, [&] {
        if (pg.mapcount++ == 0)
            ++counter_of(k, pg);
    });
}

// True if no PTE maps the page any more.
static bool remove_one_rmap(kernel& k, core& cpu, page& pg)
{
    return cpu.step(site_remove, subject_of(pg), pg.flags, [&] {
        const bool last = --pg.mapcount == 0;
        if (last)
            --counter_of(k, pg);
        return last;
    });
}

void page_remove_rmap(kernel& k, core& cpu, page& pg)
{
    if (!is_keyed(k, pg)) {
        remove_one_rmap(k, cpu, pg);
        return;
    }
    const lock_guard<spinlock> guard(cpu, pg.mapping->key_lock);
    if (remove_one_rmap(k, cpu, pg)) // who maps the page again does not find out what was stored
        key_to_page_dirty(k, cpu, pg);
}

} // namespace mkclean
