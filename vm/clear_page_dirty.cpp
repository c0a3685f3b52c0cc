// The function that lost the bytes, as it was, as it was broken, and as it was mended.

#include "vm/clear_page_dirty.h"
#include "vm/rmap.h"

namespace mkclean
{

// ---- Linux 2.6.18 -------------------------------------------------------------------------------
// PTEs are not looked at: what they know comes out at msync, munmap or reclaim.

namespace linux_2_6_18
{

bool clear_page_dirty_for_io(kernel&, core& cpu, page& pg)
{
    if (!test_and_clear_page_dirty(cpu, pg))
        return false;
    account_page_cleaned(cpu, pg);
    return true;
}

} // namespace linux_2_6_18

// ---- Linux 2.6.19 (d08b3851da41) ----------------------------------------------------------------
// What page_mkclean() found in the PTEs is thrown away. If the filesystem has written the buffers
// by itself in the meantime, nothing is left that says the page is dirty.

namespace linux_2_6_19
{

bool clear_page_dirty_for_io(kernel& k, core& cpu, page& pg)
{
    if (!test_and_clear_page_dirty(cpu, pg))
        return false;
    if (pg.mapping != nullptr && mapping_cap_account_dirty(*pg.mapping)) {
        page_mkclean(k, cpu, pg);
        account_page_cleaned(cpu, pg);
    }
    return true;
}

} // namespace linux_2_6_19

// ---- Linux 2.6.20 (7658cc289288) ----------------------------------------------------------------
// What the PTEs still knew reaches the buffers before the master dirty bit is taken away. Pages
// that nobody accounts for, and pages without a mapping, keep to the plain test and clear.

namespace linux_2_6_20
{

bool clear_page_dirty_for_io(kernel& k, core& cpu, page& pg)
{
    if (pg.mapping == nullptr || !mapping_cap_account_dirty(*pg.mapping))
        return test_and_clear_page_dirty(cpu, pg);

    // The PTEs are write-protected first, so that whoever stores from now on faults; then every
    // buffer is dirtied, so that writepage writes what was stored until now. PG_dirty is set in
    // most cases already: dirtying the buffers is what the call is for.
    //
    // The FIXME race (until 2.6.23): a fault may make the PTE writable here and find PG_dirty still
    // set. The store that follows it is then in a page that looks clean.
    if (page_mkclean(k, cpu, pg)) {
        ++k.stats.redirtied_by_mkclean;
        set_page_dirty(cpu, pg);
    }
    if (!test_and_clear_page_dirty(cpu, pg))
        return false;
    account_page_cleaned(cpu, pg);
    return true;
}

} // namespace linux_2_6_20

bool clear_page_dirty_for_io(kernel& k, core& cpu, page& pg)
{
    switch (k.policies.clear_page_dirty_for_io) {
    case cpdfio_policy::linux_2_6_18:
        return linux_2_6_18::clear_page_dirty_for_io(k, cpu, pg);
    case cpdfio_policy::linux_2_6_19:
        return linux_2_6_19::clear_page_dirty_for_io(k, cpu, pg);
    case cpdfio_policy::linux_2_6_20:
        break;
    }
    return linux_2_6_20::clear_page_dirty_for_io(k, cpu, pg);
}

} // namespace mkclean
