#pragma once

#include "cache/page_cache.h"

#include <utility>
#include <vector>

namespace mkclean
{

class core;
class kernel;
class option_set;
struct fault_context;
struct mm_struct;

/// The kernels that can be run: each is a choice for every policy below.
enum class kernel_era { linux_2_6_18, linux_2_6_19, linux_2_6_20, linux_2_6_23, golden };

/// Their names, as configs have them.
std::vector<std::pair<const char*, kernel_era>> kernel_era_names();

/// Where clear_page_dirty_for_io() looks for dirtiness, and in which order (clear_page_dirty.cpp).
enum class cpdfio_policy { linux_2_6_18, linux_2_6_19, linux_2_6_20 };
/// What a write fault does around making the PTE writable (write_fault.cpp).
enum class write_fault_policy { linux_2_6_18, linux_2_6_19, linux_2_6_23, linux_6_14, golden };
/// Whether msync() looks at PTEs (sync.cpp).
enum class msync_policy { linux_2_6_18, linux_2_6_19 };
/// When page_mkclean() flushes, with respect to writing the clean PTE (rmap.cpp).
enum class mkclean_policy { linux_2_6_19, linux_2_6_20 };
/// Whose TLB page_mkclean() flushes; anything but `everyone` is broken on purpose (tlb_flush.cpp).
enum class mkclean_flush_policy { everyone, local, none };
/// When munmap() and madvise() flush the TLBs, with respect to the page-table lock (zap.cpp).
enum class zap_flush_policy { after_unlock, dirty_before_unlock, before_unlock };
/// When they tell the reverse map, with respect to that flush (zap.cpp).
enum class rmap_remove_policy { before_flush, after_flush };
/// When mremap() flushes the TLBs, with respect to moving PTEs and to the locks (mremap.cpp).
enum class mremap_flush_policy { each, after_unlock, before_unlock };
/// Whether page_mkclean() looks for a PTE before it takes the lock, and believes it (rmap.cpp).
enum class mkclean_peek_policy { lockless, locked };
/// How the kernel writes a PTE over a present one: at once, or it is clear for a while (fault.cpp).
enum class set_pte_policy { atomic, clear_first };
/// How madvise() holds mmap_sem (madvise.cpp).
enum class madvise_lock_policy { write, read };
/// When a pass of writeback stops, and where a cyclic one goes on (page_writeback.cpp).
enum class writepages_policy { linux_2_6_18, golden };
/// How the kernel hears of a store to a clean page of a shared mapping: by the fault that it takes,
/// or by hardware's log of dirtied pages (dirty_log.cpp).
enum class dirty_tracking_policy { write_protect, dirty_log };
/// What try_to_free_buffers() does with the dirty bit of a page whose buffers are all clean.
enum class ttfb_policy { linux_2_6_18, linux_2_6_19, ecdfc9787fe5, linux_2_6_20 };
/// Whether a write fault asks the filesystem first, and whether the page stays locked from then on
/// until it is dirty (write_fault.cpp).
enum class page_mkwrite_policy { none, unlocked, locked };
/// When the flusher clears I_DIRTY_PAGES, with respect to its look at the tags (flusher.cpp).
enum class inode_clean_policy { linux_2_6_18, linux_3_16, linux_3_19 };
/// When truncation takes a page's dirty bit, with respect to ->invalidatepage (truncate.cpp).
enum class truncate_policy { linux_2_6_18, linux_2_6_20, golden };
/// Who is told of an error of writeback: the first who asks, or everybody once (sync.cpp).
enum class wb_error_policy { flag, errseq };
/// What a driver says of a page that its device may have stored to (gup.cpp).
enum class unpin_policy { put_page, set_page_dirty_lock, golden };

/// What the kernel makes of a PTE that is not present but has A or D set (fault.cpp).
enum class pte_none_policy { linux_2_6_18, golden };

/// Everything in which the kernels differ, one field a difference, so that each can be set alone.
struct vm_policies {
    cpdfio_policy clear_page_dirty_for_io = cpdfio_policy::linux_2_6_20;
    write_fault_policy write_fault = write_fault_policy::golden;
    dirty_tracking_policy dirty_tracking = dirty_tracking_policy::write_protect;
    msync_policy msync = msync_policy::linux_2_6_19;
    mkclean_policy page_mkclean = mkclean_policy::linux_2_6_20;
    mkclean_flush_policy mkclean_flush = mkclean_flush_policy::everyone;
    zap_flush_policy zap_flush = zap_flush_policy::before_unlock;
    rmap_remove_policy rmap_remove = rmap_remove_policy::after_flush;
    bool tlb_flush_pending = true; ///< 99baac21e458, 4.13: who finds no PTE flushes for others
    madvise_lock_policy madvise_lock = madvise_lock_policy::read;
    mremap_flush_policy mremap_flush = mremap_flush_policy::before_unlock;
    mkclean_peek_policy mkclean_peek = mkclean_peek_policy::locked;
    set_pte_policy set_pte = set_pte_policy::atomic;
    ttfb_policy try_to_free_buffers = ttfb_policy::linux_2_6_20;
    writepages_policy write_cache_pages = writepages_policy::golden;
    pte_none_policy pte_none = pte_none_policy::golden;
    bool towrite_tag = true;               ///< f446daaea9d4, 2.6.36: syncs write a snapshot
    bool sync_honours_nr_to_write = false; ///< until 05fe478dd04e, 2.6.29
    page_mkwrite_policy page_mkwrite = page_mkwrite_policy::none;
    bool mkwrite_balances = true;         ///< a200ee182a01, 2.6.23
    bool pagecache_isize_extended = true; ///< 90a8020278c1 (2014); if there is ->page_mkwrite
    inode_clean_policy inode_clean = inode_clean_policy::linux_2_6_18;
    truncate_policy truncate_complete_page = truncate_policy::golden;
    wb_error_policy wb_error = wb_error_policy::errseq;
    bool stable_pages =
        true; ///< 3.0; since 1d1d1a767206 (3.9) [hash unverified] if the device asks
    unpin_policy unpin = unpin_policy::golden;
    bool mkclean_pmd = true;           ///< f729c8c9b24f, 4.10: DAX left PMDs as they were
    bool pmd_dirty_kept = true;        ///< 0ccf7f168e17 (2022) [hash unverified]: when a PMD goes
    bool migrate_dirty_kept = true;    ///< fd35ca3d12cc (2022): when migration takes a PTE away
    bool mkclean_key_if_mapped = true; ///< 6e1beb3c2249 (2007)
    bool remap_file_pages_emulated = true; ///< 3ee6dafc677a (2007)
    bool young_flush = true;               ///< until 3.15, on x86 [version unverified]
    bool pagevec_strip = false;            ///< buffer_heads_over_limit: 2.6's reclaim takes buffers
    cache_policies cache;

    /// Shared writable mappings start out read-only, so that the first store is noticed.
    bool tracks_shared_dirty() const
    {
        return write_fault != write_fault_policy::linux_2_6_18 &&
               dirty_tracking == dirty_tracking_policy::write_protect;
    }
};

/// The policies that made up a kernel.
vm_policies policies_of(kernel_era era);

} // namespace mkclean
