// mm/mremap.c: PTEs move to other addresses, and the pages stay in use all the time. Whoever has
// the old translation in his TLB goes on storing; whoever cleans the page finds the new PTE, and
// has the TLBs forget the new address alone.

#include "vm/mremap.h"
#include "vm/tlb_flush.h"

#include <algorithm>

namespace mkclean
{

namespace
{

const step_site site_clear{"ptep_get_and_clear", place::pte, show_pte_change};
const step_site site_move{"move_ptes", place::pte, show_pte_change};

constexpr std::uint64_t latency_limit = 64 * page_size; // PTEs moved under one holding of the locks

/// Some of the pages that are moved: [start, end), and where they go.
struct moved_range {
    const vm_area_struct& from;
    const vm_area_struct& to;
    virtual_address start;
    virtual_address end;

    virtual_address new_address(virtual_address old) const
    {
        return to.start + (old - from.start).raw();
    }
};

/// Its tables can be had for sleeping only, which nobody may who holds the locks.
void alloc_new_ptes(kernel& k, core& cpu, const moved_range& r)
{
    for (virtual_address va = r.start; va < r.end; va += virtual_address(page_size))
        if (r.from.mm->pgd.find(va))
            r.to.mm->pgd.find_or_allocate(r.new_address(va), table_allocator(k, cpu));
}

std::optional<pte_slot> present_pte(const mm_struct& mm, virtual_address va)
{
    std::optional<pte_slot> slot = mm.pgd.find(va);
    if (!slot || slot->order() != page_order::small || slot->get().none())
        return std::nullopt;
    return slot;
}

subject subject_of_move(pte entry, virtual_address va)
{
    subject what;
    what.frame = entry.frame();
    what.va = va;
    return what;
}

/// i_mmap_lock, where there is a file: or the reverse map might look at the new address before, and
/// at the old one after the PTE has moved.
class rmap_locks
{
public:
    rmap_locks(core& cpu, const vm_area_struct& vma)
    {
        if (vma.file != nullptr)
            m_guard.emplace(cpu, vma.file->mapping.i_mmap_lock);
    }

private:
    std::optional<lock_guard<spinlock>> m_guard;
};

// True if there was one.
bool move_one_pte(kernel& k, core& cpu, const moved_range& r, virtual_address va, bool flush)
{
    mm_struct& mm = *r.from.mm;
    cpu.sync();
    std::optional<pte_slot> old = present_pte(mm, va);
    if (!old)
        return false;
    const virtual_address at = r.new_address(va);
    pte_slot fresh = *mm.pgd.find(at);
    const pte entry = cpu.step(site_clear, subject_of_move(old->get(), va), *old,
                               [&] { return old->get_and_clear(); });
    if (flush)
        flush_tlb_page(k, cpu, mm, va);
    cpu.step(site_move, subject_of_move(entry, at), fresh, [&] { fresh.set_pte(entry); });
    return true;
}

// True if there were any.
bool move_all_ptes(kernel& k, core& cpu, const moved_range& r, bool flush_each)
{
    flush_tlb_batched_pending(k, cpu, *r.from.mm);
    bool moved = false;
    for (virtual_address va = r.start; va < r.end; va += virtual_address(page_size))
        moved = move_one_pte(k, cpu, r, va, flush_each) || moved;
    return moved;
}

template <class MovePtes>
void for_each_extent(kernel& k, core& cpu, const vm_area_struct& from, const vm_area_struct& to,
                     MovePtes&& move_ptes)
{
    for (virtual_address va = from.start; va < from.end; va += virtual_address(latency_limit)) {
        const moved_range r{from, to, va, std::min(from.end, va + latency_limit)};
        cpu.spend(cpu.cost().function);
        alloc_new_ptes(k, cpu, r);
        move_ptes(r);
    }
}

} // namespace

// ---- up to Linux 3.1 ----------------------------------------------------------------------------
// ptep_clear_flush(): a shootdown for every page, before its new PTE is there.

namespace linux_2_6_18
{

static void move_page_tables(kernel& k, core& cpu, const vm_area_struct& from,
                             const vm_area_struct& to)
{
    for_each_extent(k, cpu, from, to, [&](const moved_range& r) {
        const rmap_locks rmap(cpu, from);
        const lock_guard<spinlock> ptl(cpu, from.mm->page_table_lock);
        move_all_ptes(k, cpu, r, true);
    });
}

} // namespace linux_2_6_18

// ---- Linux 3.2 (7b6efc2bc4f1 [commit unverified]) -----------------------------------------------
// One flush at the end of it all. Meanwhile the page can be cleaned, or taken away, at its new
// address.

namespace linux_3_2
{

static void move_page_tables(kernel& k, core& cpu, const vm_area_struct& from,
                             const vm_area_struct& to)
{
    bool need_flush = false;
    for_each_extent(k, cpu, from, to, [&](const moved_range& r) {
        const rmap_locks rmap(cpu, from);
        const lock_guard<spinlock> ptl(cpu, from.mm->page_table_lock);
        need_flush = move_all_ptes(k, cpu, r, false) || need_flush;
    });
    if (need_flush)
        flush_tlb_range(k, cpu, *from.mm, from.start, from.end);
}

} // namespace linux_3_2

// ---- Linux 4.19 (eb66ae030829; for dirty PTEs 5d1904204c99, 4.9 [commit unverified]) ------------
// The flush before any lock is dropped: the old PTE's, for whoever cleans the page, and the new
// one's, for whoever takes the page away.

namespace golden
{

static void move_page_tables(kernel& k, core& cpu, const vm_area_struct& from,
                             const vm_area_struct& to)
{
    for_each_extent(k, cpu, from, to, [&](const moved_range& r) {
        const rmap_locks rmap(cpu, from);
        const lock_guard<spinlock> ptl(cpu, from.mm->page_table_lock);
        if (move_all_ptes(k, cpu, r, false))
            flush_tlb_range(k, cpu, *from.mm, r.start, r.end);
    });
}

} // namespace golden

void move_page_tables(kernel& k, core& cpu, const vm_area_struct& from, const vm_area_struct& to)
{
    switch (k.policies.mremap_flush) {
    case mremap_flush_policy::each:
        return linux_2_6_18::move_page_tables(k, cpu, from, to);
    case mremap_flush_policy::after_unlock:
        return linux_3_2::move_page_tables(k, cpu, from, to);
    case mremap_flush_policy::before_unlock:
        return golden::move_page_tables(k, cpu, from, to);
    }
}

} // namespace mkclean
