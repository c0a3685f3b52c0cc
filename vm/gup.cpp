// Pages that devices store to. No PTE has a bit for that: a page may be cleaned, written and lose
// its buffers after get_user_pages() has made it dirty, and the device stores when it likes.

#include "vm/gup.h"
#include "vm/fault.h"

namespace mkclean
{

page& get_user_page(kernel& k, core& cpu, mm_struct& mm, virtual_address va)
{
    for (;;) {
        {
            const lock_guard<spinlock> ptl(cpu, mm.page_table_lock); // follow_page(FOLL_WRITE)
            cpu.sync();
            const std::optional<pte_slot> slot = mm.pgd.find(va);
            if (slot && slot->get().present() && slot->get().writable()) {
                page& pg = k.cache.page_of(slot->frame_at(va));
                k.cache.get_page(pg);
                return pg;
            }
        }
        page_fault fault;
        fault.va = va;
        fault.error.write = true;
        do_page_fault(k, cpu, fault);
    }
}

// ---- a driver that forgets ----------------------------------------------------------------------
// The reference is all that it gives back.

namespace put_page
{

static void dirty(kernel&, core&, page&) {}

} // namespace put_page

// ---- set_page_dirty_lock() (2.5.x on) -----------------------------------------------------------
// The page is dirty, and the filesystem has never been asked: what it had prepared went when the
// page was cleaned.

namespace set_page_dirty_lock
{

static void dirty(kernel&, core& cpu, page& pg)
{
    lock_page(cpu, pg);
    set_page_dirty(cpu, pg);
    unlock_page(cpu, pg);
}

} // namespace set_page_dirty_lock

// ---- golden -------------------------------------------------------------------------------------
// The filesystem is asked as if somebody stored through a mapping: what btrfs does for pages that
// it finds dirty and does not know of ("cow fixup"). [Linux' own answer, pins that are counted,
// keeps filesystems from being surprised, but not from cleaning such a page.]

namespace golden
{

static void dirty(kernel& k, core& cpu, page& pg)
{
    lock_page(cpu, pg);
    if (pg.mapping != nullptr && k.policies.page_mkwrite != page_mkwrite_policy::none)
        pg.mapping->ops().page_mkwrite(cpu, pg);
    set_page_dirty(cpu, pg);
    unlock_page(cpu, pg);
}

} // namespace golden

void unpin_user_page(kernel& k, core& cpu, page& pg)
{
    switch (k.policies.unpin) {
    case unpin_policy::put_page:
        put_page::dirty(k, cpu, pg);
        break;
    case unpin_policy::set_page_dirty_lock:
        set_page_dirty_lock::dirty(k, cpu, pg);
        break;
    case unpin_policy::golden:
        golden::dirty(k, cpu, pg);
        break;
    }
    k.cache.put_page(pg);
}

} // namespace mkclean
