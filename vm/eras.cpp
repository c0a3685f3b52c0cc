// Which kernel did what. A row of history is a line here; what it means is in the file that the
// policy's declaration names.

#include "vm/policies.h"

namespace mkclean
{

namespace
{

// No tracking of shared dirty pages: the CPU sets PTE.D, and msync, munmap and reclaim find it.
vm_policies linux_2_6_18()
{
    vm_policies p;
    p.clear_page_dirty_for_io = cpdfio_policy::linux_2_6_18;
    p.write_fault = write_fault_policy::linux_2_6_18;
    p.msync = msync_policy::linux_2_6_18;
    p.page_mkclean = mkclean_policy::linux_2_6_19;
    p.zap_flush = zap_flush_policy::after_unlock;
    p.rmap_remove = rmap_remove_policy::before_flush;
    p.tlb_flush_pending = false;
    p.madvise_lock = madvise_lock_policy::write;
    p.mkclean_peek = mkclean_peek_policy::lockless; // harmless where set_pte is atomic: x86
    p.mremap_flush = mremap_flush_policy::each;
    p.try_to_free_buffers = ttfb_policy::linux_2_6_18;
    p.write_cache_pages = writepages_policy::linux_2_6_18;
    p.pte_none = pte_none_policy::linux_2_6_18;
    p.towrite_tag = false;
    p.sync_honours_nr_to_write = true;
    p.mkwrite_balances = false;
    p.pagecache_isize_extended = false;
    p.truncate_complete_page = truncate_policy::linux_2_6_18;
    p.wb_error = wb_error_policy::flag;
    p.stable_pages = false;
    p.unpin = unpin_policy::set_page_dirty_lock;
    return p;
}

// d08b3851da41: clean shared PTEs are write-protected; writeback cleans them and looks away.
vm_policies linux_2_6_19()
{
    vm_policies p = linux_2_6_18();
    p.clear_page_dirty_for_io = cpdfio_policy::linux_2_6_19;
    p.write_fault = write_fault_policy::linux_2_6_19;
    p.msync = msync_policy::linux_2_6_19;
    p.try_to_free_buffers = ttfb_policy::linux_2_6_19;
    return p;
}

// 7658cc289288, c2fda5fed81e, ecdfc9787fe5.
vm_policies linux_2_6_20()
{
    vm_policies p = linux_2_6_19();
    p.clear_page_dirty_for_io = cpdfio_policy::linux_2_6_20;
    p.page_mkclean = mkclean_policy::linux_2_6_20;
    p.try_to_free_buffers = ttfb_policy::linux_2_6_20;
    p.truncate_complete_page = truncate_policy::linux_2_6_20; // 3e67c0987d75
    return p;
}

// 79352894b285: the fault waits for the page lock. 0a27a14a6292 (2.6.22): madvise shares mmap_sem
// [commit and version unverified].
vm_policies linux_2_6_23()
{
    vm_policies p = linux_2_6_20();
    p.write_fault = write_fault_policy::linux_2_6_23;
    p.mkwrite_balances = true;
    p.madvise_lock = madvise_lock_policy::read;
    return p;
}

// Every known fix, and the one order of a write fault that exhaustive search found clean.
vm_policies golden()
{
    vm_policies p = linux_2_6_23();
    p.write_fault = write_fault_policy::golden;
    p.zap_flush = zap_flush_policy::before_unlock;
    p.rmap_remove = rmap_remove_policy::after_flush;
    p.tlb_flush_pending = true;
    p.mkclean_peek = mkclean_peek_policy::locked;
    p.mremap_flush = mremap_flush_policy::before_unlock;
    p.write_cache_pages = writepages_policy::golden;
    p.pte_none = pte_none_policy::golden;
    p.towrite_tag = true;
    p.sync_honours_nr_to_write = false;
    p.cache.dirty_under_private_lock = true;
    p.cache.fsync_writes_clean_inode = true;
    p.cache.set_page_writeback_keepwrite = true;
    p.cache.removal_accounts_dirty = true;
    p.pagecache_isize_extended = true;
    p.truncate_complete_page = truncate_policy::golden;
    p.wb_error = wb_error_policy::errseq;
    p.stable_pages = true;
    p.unpin = unpin_policy::golden;
    return p;
}

} // namespace

std::vector<std::pair<const char*, kernel_era>> kernel_era_names()
{
    return {{"linux-2.6.18", kernel_era::linux_2_6_18},
            {"linux-2.6.19", kernel_era::linux_2_6_19},
            {"linux-2.6.20", kernel_era::linux_2_6_20},
            {"linux-2.6.23", kernel_era::linux_2_6_23},
            {"golden", kernel_era::golden}};
}

vm_policies policies_of(kernel_era era)
{
    switch (era) {
    case kernel_era::linux_2_6_18:
        return linux_2_6_18();
    case kernel_era::linux_2_6_19:
        return linux_2_6_19();
    case kernel_era::linux_2_6_20:
        return linux_2_6_20();
    case kernel_era::linux_2_6_23:
        return linux_2_6_23();
    case kernel_era::golden:
        break;
    }
    return golden();
}

} // namespace mkclean
