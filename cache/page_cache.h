#pragma once

#include "cache/inode.h"
#include "cache/mem_map.h"
#include "cache/page.h"
#include "cache/vmstat.h"
#include "mmu/page_order.h"

#include <boost/intrusive/list.hpp>

#include <functional>
#include <optional>
#include <stdexcept>
#include <vector>

namespace mkclean
{

/// How the page cache of an era behaves where eras differ.
struct cache_policies {
    /// a8e7d49aa7be (2.6.29): PG_dirty is set while private_lock still keeps buffers from being
    /// attached or dropped.
    bool dirty_under_private_lock = false;
    /// fsync does not believe an inode that says it is clean: the flusher clears I_DIRTY before the
    /// inode's block is on the disk (ext2) or its transaction has committed (ext3), and ext3 gives
    /// blocks to holes without setting it. Both believed it in every kernel here.
    bool fsync_writes_clean_inode = false;
    /// 1c8349a17137 (2014): a writepage that leaves some of the page dirty leaves TOWRITE, too.
    bool set_page_writeback_keepwrite = false;
    /// 3a6927906f1b (2.6.24): a page that leaves the cache dirty is taken out of nr_dirty.
    bool removal_accounts_dirty = false;
    /// mpage_readpage(): who reads a whole page attaches no buffers to it.
    bool mpage_readpage = false;
    /// The filesystem writes only blocks for which ->page_mkwrite or write(2) has reserved room,
    /// each time anew, as those do that copy on write or allocate late; others it throws away.
    bool reserves_blocks = false;
    /// pdflush gives blocks to what has none yet. Otherwise ->writepage puts it back, as ext4's
    /// does for callers who cannot have a transaction.
    bool background_allocates = true;
    /// ftruncate() may make a file smaller.
    bool files_shrink = false;
    /// ->invalidatepage dirties the page once more, as ext3's with data=journal does when a
    /// transaction gives a buffer back (__journal_unfile_buffer).
    bool invalidatepage_redirties = false;
    /// 1be62dc190eb (2008): mark_buffer_dirty() looks at BH_Dirty behind a barrier, once what was
    /// stored to the block can be seen. Without one a processor may have looked before.
    bool mark_buffer_dirty_barrier = true;
};

class storage_keys;

using page_list = boost::intrusive::list<page>;
using inode_list = boost::intrusive::list<inode, boost::intrusive::constant_time_size<false>>;

/// All memory as the kernel manages it: mem_map, the free list, the cached pages, their counters,
/// and the inodes that have something dirty.
///
/// Complexity: O(1) for memory and lists; what finds, adds or removes a cached page adds a
/// page_tree's O(depth).
class page_cache
{
public:
    page_cache(std::uint64_t frames, std::uint64_t reserved_frames, const cache_policies& policies);
    ~page_cache();

    /// Throws std::out_of_range for a frame that there is not.
    page& page_of(frame_number frame) { return m_mem_map.page_of(frame); }
    std::uint64_t total_pages() const { return m_mem_map.frames(); }
    std::uint64_t free_pages() const { return total_pages() - m_next_unused + m_free.size(); }
    /// Frames from this one on have never been anybody's.
    frame_number first_unused() const { return frame_number(m_next_unused); }

    /// A frame with one reference, contents undefined. May sleep in reclaim. Throws
    /// out_of_memory if nothing can be freed.
    page& alloc_page(actor& self);
    /// That many frames in a row, the first a multiple of their number, with one reference each,
    /// contents undefined: the first of them. Null if there is no such row; nothing is reclaimed
    /// or moved for one. O(free frames).
    page* alloc_pages(actor& self, page_order order);
    /// Takes a frame before there are any threads (page tables of init, command lists).
    page& alloc_boot_page();
    void get_page(page& pg) { ++pg.count; }
    /// Frees it with its last reference.
    void put_page(page& pg);

    /// find_get_page: the page with a reference taken, or null.
    page* find_get_page(actor& self, address_space& mapping, page_index index);
    /// The same, locked and still in the mapping.
    page* find_lock_page(actor& self, address_space& mapping, page_index index);
    /// Locked and not uptodate if it was not there. With a reference.
    page& find_or_create_page(actor& self, address_space& mapping, page_index index);
    /// Makes new frames the pages of the mapping from `index` on, locked and not uptodate. False,
    /// and nothing is done, if one of them is there already.
    bool add_to_page_cache(actor& self, address_space& mapping, page_index index,
                           const std::vector<page*>& fresh);
    /// Page locked, clean, not under writeback: forgets it. Drops the cache's reference.
    void remove_from_page_cache(actor& self, page& pg);
    /// remove_mapping(): the same, if nobody but the cache and the caller has a reference and the
    /// page is (still) clean; false if it has to stay. The test and the removal are one step.
    bool remove_mapping(actor& self, page& pg);
    /// migrate_page_move_mapping(): `fresh` is the mapping's page from now on, with `old`'s dirty
    /// bit and buffers, if nobody but the cache and the caller has a reference to `old`, of which
    /// the cache's is given back; or else false, and nothing is done. Both are locked, `old` is not
    /// mapped and has no I/O, `fresh` is nobody's and has the caller's reference.
    bool migrate_page_move_mapping(actor& self, page& old, page& fresh);

    /// Called when memory has run out: frees what it can and says how many pages that was.
    void set_reclaim(std::function<std::uint64_t(actor&)> reclaim)
    {
        m_reclaim = std::move(reclaim);
    }

    const cache_policies& policies() const { return m_policies; }

    storage_keys* keys = nullptr; ///< where dirtiness is, if it is not in PTEs (page_key.h)
    vmstat stats;
    page_list lru;              ///< pages of files, least recently added first
    inode_list s_dirty;         ///< inodes with dirty pages or state, most recently dirtied last
    inode_list s_io;            ///< those of them that a flusher is going through
    wait_queue writeback_ended; ///< woken whenever some page's writeback has ended

private:
    page* take_free();
    std::optional<frame_number> find_free_row(std::uint64_t frames) const;
    void take_row(frame_number first, std::uint64_t frames);
    void add(page& fresh, address_space& mapping, page_index index);
    void replace(page& old, page& fresh);
    void forget(page& pg);

    mem_map m_mem_map;
    std::uint64_t m_next_unused;
    std::vector<page*> m_free;
    cache_policies m_policies;
    std::function<std::uint64_t(actor&)> m_reclaim;
};

/// Nothing can be reclaimed, and somebody needs a page: the end of a machine without swap.
struct out_of_memory : std::runtime_error {
    out_of_memory() : std::runtime_error("the machine ran out of memory") {}
};

// ---- the dirty state of a page, and its accounting ----------------------------------------------

/// set_page_dirty(): through the mapping's own operation. True if the page was clean before.
bool set_page_dirty(actor& self, page& pg);
/// __set_page_dirty_buffers(): every buffer dirty, PG_dirty, accounting, tag, inode.
bool set_page_dirty_buffers(actor& self, page& pg);
/// __set_page_dirty_nobuffers(): the same without the buffers.
bool set_page_dirty_nobuffers(actor& self, page& pg);
/// One buffer, and then the page around it.
void mark_buffer_dirty(actor& self, buffer_head& bh);

/// nr_dirty-- and what goes with it, after PG_dirty was found set and cleared.
void account_page_cleaned(actor& self, page& pg);

/// PG_writeback and its tag; the DIRTY tag goes if the page is not dirty any more, TOWRITE unless
/// it is to be kept.
void set_page_writeback(actor& self, page& pg, bool keep_towrite = false);
void end_page_writeback(actor& self, page& pg);

/// DIRTY -> TOWRITE for the range, so that a sync does not chase pages dirtied after it began
/// (f446daaea9d4, 2.6.36).
void tag_pages_for_writeback(actor& self, address_space& mapping, page_index start, page_index end);

} // namespace mkclean
