#pragma once

#include "cache/page.h"
#include "cache/page_tree.h"
#include "sim/locks.h"

#include <functional>
#include <vector>

namespace mkclean
{

class inode;
class page_cache;
struct vm_area_struct; // vm/; the reverse map only lists them

enum class sync_mode {
    none, ///< WB_SYNC_NONE: start what can be started, wait for nothing
    all,  ///< WB_SYNC_ALL: data integrity, everything dirty at the start is written
};

/// struct writeback_control: what one pass of writeback has been asked to do, and how far it got.
struct writeback_control {
    sync_mode mode = sync_mode::none;
    std::int64_t nr_to_write = 0;
    std::uint64_t pages_skipped = 0;
    bool encountered_congestion = false;
    page_index range_start;
    page_index range_end = page_index::max(); ///< inclusive
    bool nonblocking = false;  ///< rather skip a page than wait for one of its buffers
    bool range_cyclic = false; ///< start at the mapping's writeback_index
    bool for_kupdate = false;  ///< pdflush's periodic pass over what has expired
    picoseconds older_than = picoseconds::max(); ///< leave inodes alone that were dirtied later
};

/// What a filesystem does for its mappings. Kernel code above calls it through here alone.
class address_space_operations
{
public:
    virtual ~address_space_operations() = default;

    /// Page locked, its dirty bit already cleared; unlocks it. Starts I/O for whatever its
    /// filesystem still thinks dirty. Returns 0 or a negative errno.
    virtual int writepage(actor& self, page& pg, writeback_control& wbc) = 0;
    /// Page locked; unlocks it when the read is done, uptodate if it succeeded.
    virtual int readpage(actor& self, page& pg) = 0;
    /// The dirtiness of a page that was written through a mapping: for filesystems with buffers,
    /// every buffer. True if the page was clean. Default: set_page_dirty_buffers().
    virtual bool set_page_dirty(actor& self, page& pg);
    /// Around the copying in of bytes [from, to) by write(2); page locked.
    virtual int prepare_write(actor& self, page& pg, std::uint32_t from, std::uint32_t to) = 0;
    virtual int commit_write(actor& self, page& pg, std::uint32_t from, std::uint32_t to) = 0;
    /// The page may be dropped: the filesystem lets go of what it keeps of its buffers. False if it
    /// cannot. (In Linux it calls try_to_free_buffers() too; that is the VM's, and differs by era.)
    virtual bool releasepage(actor&, page&) { return true; }
    /// A mapping is about to be allowed to store to the page, which is locked: the filesystem finds
    /// now what ->writepage will want of it, up to the end of the file. 0 or a negative errno.
    virtual int page_mkwrite(actor&, page&) { return 0; }
    /// The page's bytes from `offset` on are truncated; page locked, not under writeback. Default:
    /// block_invalidatepage().
    virtual void invalidatepage(actor& self, page& pg, std::uint32_t offset);
};

/// errseq_t (5660e13d2fd6, 4.13): the last error of a mapping's writeback, with a number, so that
/// everybody who keeps the number of the one he was told of last is told of each.
class errseq
{
public:
    void set(int error)
    {
        m_count += m_seen ? 1 : 0;
        m_seen = false;
        m_error = error;
    }
    /// For who begins to watch: what nobody has been told of yet, he will be (b4678df184b3, 4.17).
    std::uint64_t sample() const { return m_seen ? m_count : m_count - 1; }
    /// The error that is newer than `since`, which moves on to it; 0: there is none.
    int check_and_advance(std::uint64_t& since)
    {
        if (since == m_count)
            return 0;
        m_seen = true;
        since = m_count;
        return m_error;
    }

private:
    std::uint64_t m_count = 0;
    int m_error = 0;
    bool m_seen = true;
};

/// What stands behind a mapping, as far as dirtiness is concerned.
struct backing_dev_info {
    bool account_dirty = true;   ///< false: BDI_CAP_NO_ACCT_DIRTY, as of ramdisks and tmpfs
    bool writeback_dirty = true; ///< false: BDI_CAP_NO_WRITEBACK
    bool stable_writes = false;  ///< BDI_CAP_STABLE_WRITES: what is being written must not change
    std::function<bool()> write_congested; ///< bdi_write_congested(): its queue is nearly full
};

/// The cached pages of one file.
///
/// Complexity: pages by index and by tag in O(depth), see page_tree. i_mmap is a list, not a tree:
/// finding who maps a page is O(mappings of the file).
class address_space
{
public:
    address_space(inode& host, page_cache& cache, address_space_operations& ops,
                  backing_dev_info& bdi)
        : m_host(host),
          m_cache(cache),
          m_ops(ops),
          m_bdi(bdi)
    {
    }
    address_space(const address_space&) = delete;
    address_space& operator=(const address_space&) = delete;

    inode& host() const { return m_host; }
    page_cache& cache() const { return m_cache; }
    address_space_operations& ops() const { return m_ops; }
    const backing_dev_info& backing() const { return m_bdi; }

    page_tree pages;
    irq_spinlock tree_lock;              ///< the tree and its tags; interrupt handlers take it
    spinlock private_lock;               ///< the pages' buffer lists
    spinlock i_mmap_lock;                ///< i_mmap
    spinlock key_lock;                   ///< what leaves the pages' storage keys (vm/keyed_page.h)
    std::vector<vm_area_struct*> i_mmap; ///< every mapping of this file into some mm
    page_index writeback_index;          ///< where a cyclic pass goes on
    std::uint64_t truncate_count = 0;    ///< unmap_mapping_range()s so far, under i_mmap_lock
    int error = 0;                       ///< AS_EIO or AS_ENOSPC, reported and cleared by fsync
    errseq wb_err;                       ///< the same, for those who are each to be told

private:
    inode& m_host;
    page_cache& m_cache;
    address_space_operations& m_ops;
    backing_dev_info& m_bdi;
};

/// mapping_set_error(): some of its writeback has failed.
inline void mapping_set_error(address_space& mapping, int error)
{
    mapping.error = error;
    mapping.wb_err.set(error);
}

inline bool mapping_cap_account_dirty(const address_space& mapping)
{
    return mapping.backing().account_dirty;
}
inline bool mapping_cap_writeback_dirty(const address_space& mapping)
{
    return mapping.backing().writeback_dirty;
}

} // namespace mkclean
