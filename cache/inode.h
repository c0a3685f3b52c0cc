#pragma once

#include "cache/address_space.h"
#include "sim/locks.h"
#include "sim/number.h"

#include <boost/intrusive/list.hpp>

namespace mkclean
{

enum class inode_state : std::uint32_t {
    dirty_sync = 1u << 0,  ///< I_DIRTY_SYNC: the inode itself (size, block pointers)
    dirty_pages = 1u << 1, ///< I_DIRTY_PAGES: some page of its mapping
    syncing = 1u << 2,     ///< I_LOCK of 2.6: being written
};

/// An inode in memory. Filesystems derive from it.
class inode : public boost::intrusive::list_base_hook<
                  boost::intrusive::link_mode<boost::intrusive::auto_unlink>>
{
public:
    inode(inode_number number, page_cache& cache, address_space_operations& ops,
          backing_dev_info& bdi)
        : ino(number),
          mapping(*this, cache, ops, bdi)
    {
    }
    virtual ~inode() = default;

    bool test(inode_state s) const { return (state & static_cast<std::uint32_t>(s)) != 0; }
    void set(inode_state s) { state |= static_cast<std::uint32_t>(s); }
    void clear(inode_state s) { state &= ~static_cast<std::uint32_t>(s); }
    bool any_dirty() const
    {
        return test(inode_state::dirty_sync) || test(inode_state::dirty_pages);
    }
    std::uint64_t raw() const { return state; }

    const inode_number ino;
    std::uint64_t size = 0; ///< i_size, bytes
    std::uint32_t state = 0;
    picoseconds dirtied_when; ///< when it became dirty, for dirty_expire_centisecs
    mutex i_mutex;
    wait_queue waiters; ///< for `syncing`
    address_space mapping;
};

/// The sixth place of dirtiness: puts the inode on the list the flusher works through.
void mark_inode_dirty(actor& self, inode& node, inode_state what);

} // namespace mkclean
