// mm/huge_memory.c, mm/filemap.c and fs/dax.c, as far as shared mappings of files need them: a PMD
// is made in a fault, like a PTE, and taken away by whoever would take away a PTE (rmap.cpp,
// zap.cpp), always as a whole. Nothing splits it.

#include "vm/huge_memory.h"
#include "vm/fault.h"
#include "vm/page_writeback.h"
#include "vm/rmap.h"

#include <algorithm>

namespace mkclean
{

namespace
{

const step_site site_fault{"pmd_fault", place::pte, show_pte_change};
const step_site site_set{"do_set_pmd", place::pte, show_pte_change};
const step_site site_accessed{"huge_pmd_set_accessed", place::pte, show_pte_change};

/// The pages that a PMD maps or is to map, in the order of the file, with a reference on each.
class huge_page
{
public:
    explicit huge_page(page_cache& cache) : m_cache(cache) {}
    ~huge_page()
    {
        for (page* pg : m_pages)
            m_cache.put_page(*pg);
    }
    huge_page(const huge_page&) = delete;
    huge_page& operator=(const huge_page&) = delete;

    /// The reference is the caller's, and now this object's.
    void add(page& pg) { m_pages.push_back(&pg); }
    void swap(huge_page& other) { m_pages.swap(other.m_pages); }
    const std::vector<page*>& pages() const { return m_pages; }
    frame_number frame() const { return m_pages.front()->frame; }

private:
    page_cache& m_cache;
    std::vector<page*> m_pages;
};

virtual_address pmd_start(virtual_address va)
{
    return virtual_address(va.raw() / hpage_pmd_size * hpage_pmd_size);
}

bool options_allow(const kernel& k, const inode* file, vm_flags flags)
{
    return k.options.huge_pages == page_order::mega && file != nullptr && flags.shared;
}

// thp_vma_suitable_order(), and what dax_iomap_pmd_fault() asks besides: all 2 MiB around the
// address are the mapping's, begin at a multiple of that in the file, and are pages of it.
bool pmd_fits(const vm_area_struct& vma, virtual_address start)
{
    if (start < vma.start || start + hpage_pmd_size > vma.end)
        return false;
    const page_index index = vma.index_of(start);
    const std::uint64_t file_pages = (vma.file->size + page_size - 1) / page_size;
    return index.raw() % hpage_pmd_nr == 0 && index.raw() + hpage_pmd_nr <= file_pages;
}

// ---- the pages ----------------------------------------------------------------------------------

bool any_cached(core& cpu, const address_space& mapping, page_index index)
{
    cpu.spend(cpu.cost().tree_op);
    cpu.sync();
    const page* const next = mapping.pages.next(index);
    return next != nullptr && next->index < index + hpage_pmd_nr;
}

// All of them in new frames, under I/O. False if there are no such frames, or somebody else was
// faster.
bool create_pages(kernel& k, core& cpu, address_space& mapping, page_index index, huge_page& into)
{
    page* const head = k.cache.alloc_pages(cpu, page_order::mega);
    if (head == nullptr)
        return false;
    huge_page fresh(k.cache);
    for (std::uint64_t i = 0; i < hpage_pmd_nr; ++i)
        fresh.add(k.cache.page_of(head->frame + i));
    if (!k.cache.add_to_page_cache(cpu, mapping, index, fresh.pages()))
        return false;
    for (page* pg : fresh.pages())
        mapping.ops().readpage(cpu, *pg); // it unlocks it
    into.swap(fresh);
    return true;
}

// All of them where they are. False if some are not cached, or not where a PMD could map them.
bool find_pages(kernel& k, core& cpu, address_space& mapping, page_index index, huge_page& into)
{
    for (std::uint64_t i = 0; i < hpage_pmd_nr; ++i) {
        page* const pg = k.cache.find_get_page(cpu, mapping, index + i);
        if (pg == nullptr)
            return false;
        into.add(*pg);
        if (into.frame().raw() % hpage_pmd_nr != 0 || pg->frame != into.frame() + i)
            return false;
    }
    return true;
}

// False after an I/O error; the fault of a small page will find out whose it is.
bool wait_until_uptodate(core& cpu, const huge_page& pages)
{
    return std::all_of(pages.pages().begin(), pages.pages().end(), [&](page* pg) {
        cpu.sync();
        if (!pg->uptodate())
            wait_on_page_locked(cpu, *pg);
        return pg->uptodate();
    });
}

// The pages of the file from `index` on, uptodate and in a row. False if that cannot be.
bool filemap_huge_nopage(kernel& k, core& cpu, inode& file, page_index index, huge_page& into)
{
    address_space& mapping = file.mapping;
    if (!any_cached(cpu, mapping, index) && create_pages(k, cpu, mapping, index, into))
        ++k.stats.pgmajfault;
    else if (!find_pages(k, cpu, mapping, index, into))
        return false;
    return wait_until_uptodate(cpu, into);
}

void get_mapped_pages(kernel& k, pte pmd, huge_page& into)
{
    for_each_mapped_page(k, pmd, [&](page& pg) {
        k.cache.get_page(pg);
        into.add(pg);
    });
}

// ---- the entry ----------------------------------------------------------------------------------

pte pmd_of(const huge_page& pages)
{
    return pte::of_page(pages.frame()).mkhuge();
}

// Puts `entry` in the PMD, under its lock, if it is still as it was seen; counts the mapping if it
// is a new one.
void do_set_pmd(kernel& k, core& cpu, fault_context& f, const huge_page& pages, pte entry)
{
    const lock_guard<spinlock> ptl(cpu, f.mm.page_table_lock);
    const std::uint64_t accessed = f.vma.index_of(f.va).raw() % hpage_pmd_nr;
    subject what = subject_of(*pages.pages()[accessed]);
    what.va = f.va;
    const bool installed = cpu.step(site_set, what, f.slot, [&] {
        if (f.slot.get() != f.seen)
            return false;
        f.slot.set_pte(entry);
        return true;
    });
    if (!installed || f.seen.present())
        return;
    ++k.stats.thp_file_mapped;
    for (page* pg : pages.pages()) {
        k.cache.get_page(*pg);
        page_add_file_rmap(k, cpu, *pg);
    }
}

// A load, or a store that the processor's D bit is to tell of.
void read_fault(kernel& k, core& cpu, fault_context& f, const huge_page& pages, bool write)
{
    pte entry = pmd_of(pages);
    if (f.vma.flags.write && !vma_wants_writenotify(k, f.vma))
        entry = entry.mkwrite();
    do_set_pmd(k, cpu, f, pages, write ? entry.mkdirty() : entry);
}

bool truncated(const huge_page& pages)
{
    return std::any_of(pages.pages().begin(), pages.pages().end(),
                       [](const page* pg) { return pg->mapping == nullptr; });
}

// golden's write fault (write_fault.cpp) for all pages at once: the one entry lets stores through
// to each of them, so each is dirty before, and none can be cleaned meanwhile. Locked in the order
// of the file, so that two of these never wait for each other. Returns how many were clean.
std::uint64_t write_fault(kernel& k, core& cpu, fault_context& f, const huge_page& pages)
{
    std::uint64_t newly = 0;
    for (page* pg : pages.pages())
        lock_page(cpu, *pg);
    if (!truncated(pages)) {
        for (page* pg : pages.pages())
            wait_for_stable_page(k, cpu, *pg);
        for (page* pg : pages.pages())
            newly += set_page_dirty(cpu, *pg) ? 1U : 0U;
        do_set_pmd(k, cpu, f, pages, pmd_of(pages).mkwrite().mkdirty());
    }
    for (page* pg : pages.pages())
        unlock_page(cpu, *pg);
    return newly;
}

// As ptep_set_access_flags(): where hardware sets neither A nor D.
void huge_pmd_set_accessed(core& cpu, fault_context& f, bool dirty)
{
    const lock_guard<spinlock> ptl(cpu, f.mm.page_table_lock);
    subject what;
    what.frame = f.seen.frame();
    what.va = f.va;
    cpu.step(site_accessed, what, f.slot, [&] {
        if (f.slot.get() == f.seen)
            f.slot.set_pte(dirty ? f.seen.mkyoung().mkdirty() : f.seen.mkyoung());
    });
}

// One fault can dirty more than all pages that may be dirty. While the thread pays for them, or a
// flusher that it has woken gets its core, the PMD is cleaned, and the store faults again: then it
// is let through, or it would never be made.
void balance_after_write_fault(kernel& k, core& cpu, const fault_context& f, std::uint64_t dirtied)
{
    virtual_address& tried = k.tried_faults[cpu.current().id()];
    const virtual_address pmd = pmd_start(f.va);
    const bool again = tried == pmd;
    tried = again ? virtual_address() : pmd;
    if (!again)
        balance_dirty_pages_ratelimited_nr(k, cpu, f.vma.file->mapping, dirtied);
}

// create_huge_pmd(), wp_huge_pmd(). False: small pages.
bool handle_pmd_fault(kernel& k, core& cpu, fault_context& f, bool write)
{
    std::uint64_t newly_dirty = 0;
    {
        huge_page pages(k.cache);
        if (f.seen.present()) {
            get_mapped_pages(k, f.seen, pages);
            ++k.stats.pgreuse;
        } else if (!filemap_huge_nopage(k, cpu, *f.vma.file, f.vma.index_of(pmd_start(f.va)),
                                        pages)) {
            ++k.stats.thp_file_fallback;
            return false;
        }
        if (write && vma_wants_writenotify(k, f.vma))
            newly_dirty = write_fault(k, cpu, f, pages);
        else
            read_fault(k, cpu, f, pages, write);
    }
    if (newly_dirty > 0)
        balance_after_write_fault(k, cpu, f, newly_dirty);
    return true;
}

} // namespace

bool do_huge_pmd_fault(kernel& k, core& cpu, mm_struct& mm, vm_area_struct& vma, virtual_address va,
                       bool write)
{
    if (!options_allow(k, vma.file, vma.flags))
        return false;
    cpu.sync();
    if (!pmd_fits(vma, pmd_start(va)))
        return false;
    const pte_slot slot = mm.pgd.find_or_allocate(va, table_allocator(k, cpu), page_order::mega);
    cpu.sync();
    fault_context f{mm, vma, va, slot, slot.get()};
    if (f.seen.present() && !f.seen.huge())
        return false; // small pages were here first
    subject what;
    what.va = va;
    what.ino = vma.file->ino;
    what.page = vma.index_of(va);
    cpu.note(site_fault, what, f.seen.raw(), f.seen.raw());
    if (!f.seen.present() || (write && !f.seen.writable()))
        return handle_pmd_fault(k, cpu, f, write);
    if (!k.hardware_sets_dirty)
        huge_pmd_set_accessed(cpu, f, write);
    return true; // or somebody else was faster
}

void set_other_pages_dirty(kernel& k, core& cpu, pte pmd, const page& asked_about)
{
    for_each_mapped_page(k, pmd, [&](page& pg) {
        if (&pg != &asked_about)
            set_page_dirty(cpu, pg);
    });
}

virtual_address thp_align(const kernel& k, const inode* file, page_index pgoff, std::uint64_t size,
                          vm_flags flags, virtual_address start)
{
    if (!options_allow(k, file, flags) || size < hpage_pmd_size)
        return start;
    const std::uint64_t wanted = pgoff.raw() * page_size % hpage_pmd_size;
    const std::uint64_t is = start.raw() % hpage_pmd_size;
    return start + (wanted + hpage_pmd_size - is) % hpage_pmd_size;
}

} // namespace mkclean
