#pragma once

#include "vm/kernel.h"

#include <optional>

namespace mkclean
{

/// kernel = ..., and vm.* for what shall differ from it.
struct era_options {
    kernel_era era = kernel_era::golden;
    std::optional<cpdfio_policy> clear_page_dirty_for_io;
    std::optional<write_fault_policy> write_fault;
    std::optional<dirty_tracking_policy> dirty_tracking;
    std::optional<msync_policy> msync;
    std::optional<mkclean_policy> page_mkclean;
    std::optional<mkclean_flush_policy> mkclean_flush;
    std::optional<zap_flush_policy> zap_flush;
    std::optional<rmap_remove_policy> rmap_remove;
    std::optional<bool> tlb_flush_pending;
    std::optional<madvise_lock_policy> madvise_lock;
    std::optional<mremap_flush_policy> mremap_flush;
    std::optional<mkclean_peek_policy> mkclean_peek;
    std::optional<set_pte_policy> set_pte;
    std::optional<ttfb_policy> try_to_free_buffers;
    std::optional<writepages_policy> write_cache_pages;
    std::optional<pte_none_policy> pte_none;
    std::optional<bool> towrite_tag;
    std::optional<bool> sync_honours_nr_to_write;
    std::optional<bool> dirty_under_private_lock;
    std::optional<bool> fsync_writes_clean_inode;
    std::optional<page_mkwrite_policy> page_mkwrite;
    std::optional<bool> mkwrite_balances;
    std::optional<bool> pagecache_isize_extended;
    std::optional<inode_clean_policy> inode_clean;
    std::optional<truncate_policy> truncate_complete_page;
    std::optional<wb_error_policy> wb_error;
    std::optional<bool> stable_pages;
    std::optional<unpin_policy> unpin;
    std::optional<bool> mkclean_pmd;
    std::optional<bool> pmd_dirty_kept;
    std::optional<bool> migrate_dirty_kept;
    std::optional<bool> mkclean_key_if_mapped;
    std::optional<bool> remap_file_pages_emulated;
    std::optional<bool> young_flush;
    std::optional<bool> pagevec_strip;
    std::optional<bool> set_page_writeback_keepwrite;
    std::optional<bool> mpage_readpage;
    std::optional<bool> background_allocates;
    std::optional<bool> reserves_blocks;
    std::optional<bool> files_shrink;
    std::optional<bool> invalidatepage_redirties;
    std::optional<bool> mark_buffer_dirty_barrier;

    void declare(option_set& options);
    void declare_page_mkwrite(option_set& options);
    void declare_truncate_and_errors(option_set& options);
    void declare_reverse_map(option_set& options);
    /// The era's policies, with those that were set by themselves.
    vm_policies policies() const;
};

} // namespace mkclean
