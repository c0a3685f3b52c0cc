// "Clean buffers against a dirty page": ext3 writes buffers by itself and does not tell the VM, so
// whoever drops a page's clean buffers may call the page clean as well. In 2.6.19 that threw away
// what the PTEs knew, like clear_page_dirty_for_io() did.

#include "vm/clear_page_dirty.h"
#include "vm/rmap.h"

namespace mkclean
{

namespace
{

const step_site site_clear_tag{"clear TAG_DIRTY", place::tag, nullptr};

// test_clear_page_dirty() up to 2.6.19: the bit and the tag together.
bool test_clear_page_dirty(kernel& k, core& cpu, page& pg)
{
    address_space& mapping = *pg.mapping;
    {
        const lock_guard<irq_spinlock> guard(cpu, mapping.tree_lock);
        if (!test_and_clear_page_dirty(cpu, pg))
            return false;
        cpu.step(site_clear_tag, subject_of(pg), pg.flags,
                 [&] { mapping.pages.clear_tag(pg.index, page_tag::dirty); });
    }
    if (!mapping_cap_account_dirty(mapping))
        return true;
    if (k.policies.try_to_free_buffers == ttfb_policy::linux_2_6_19)
        page_mkclean(k, cpu, pg);
    account_page_cleaned(cpu, pg);
    return true;
}

} // namespace

namespace linux_2_6_18
{

bool try_to_free_buffers(kernel& k, core& cpu, page& pg)
{
    const lock_guard<spinlock> guard(cpu, pg.mapping->private_lock);
    if (!drop_buffers(cpu, pg))
        return false;
    test_clear_page_dirty(k, cpu, pg);
    return true;
}

} // namespace linux_2_6_18

namespace linux_2_6_19
{

// It walks the PTEs now, so it was moved out of the lock: a set_page_dirty() in between is lost.
bool try_to_free_buffers(kernel& k, core& cpu, page& pg)
{
    {
        const lock_guard<spinlock> guard(cpu, pg.mapping->private_lock);
        if (!drop_buffers(cpu, pg))
            return false;
    }
    test_clear_page_dirty(k, cpu, pg);
    return true;
}

} // namespace linux_2_6_19

// The PTEs and the tag are left alone on purpose: the next clear_page_dirty_for_io() shall still
// find the page and look at them.
static void cancel_dirty_page(core& cpu, page& pg)
{
    if (test_and_clear_page_dirty(cpu, pg))
        account_page_cleaned(cpu, pg);
}

// ecdfc9787fe5 (26 January 2007), for four days.
namespace ecdfc9787fe5
{

// Who dirties the page between the two finds no buffers to dirty, and then loses PG_dirty.
bool try_to_free_buffers(kernel&, core& cpu, page& pg)
{
    {
        const lock_guard<spinlock> guard(cpu, pg.mapping->private_lock);
        if (!drop_buffers(cpu, pg))
            return false;
    }
    cancel_dirty_page(cpu, pg);
    return true;
}

} // namespace ecdfc9787fe5

// 87df7241bd54 (30 January 2007).
namespace linux_2_6_20
{

bool try_to_free_buffers(kernel&, core& cpu, page& pg)
{
    const lock_guard<spinlock> guard(cpu, pg.mapping->private_lock);
    if (!drop_buffers(cpu, pg))
        return false;
    cancel_dirty_page(cpu, pg);
    return true;
}

} // namespace linux_2_6_20

bool try_to_free_buffers(kernel& k, core& cpu, page& pg)
{
    if (!pg.has_buffers())
        return true;
    switch (k.policies.try_to_free_buffers) {
    case ttfb_policy::linux_2_6_18:
        return linux_2_6_18::try_to_free_buffers(k, cpu, pg);
    case ttfb_policy::linux_2_6_19:
        return linux_2_6_19::try_to_free_buffers(k, cpu, pg);
    case ttfb_policy::ecdfc9787fe5:
        return ecdfc9787fe5::try_to_free_buffers(k, cpu, pg);
    case ttfb_policy::linux_2_6_20:
        break;
    }
    return linux_2_6_20::try_to_free_buffers(k, cpu, pg);
}

bool try_to_release_page(kernel& k, core& cpu, page& pg)
{
    if (pg.writeback())
        return false;
    return pg.mapping->ops().releasepage(cpu, pg) && try_to_free_buffers(k, cpu, pg);
}

} // namespace mkclean
