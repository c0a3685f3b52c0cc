#pragma once

#include "cache/page_cache.h"
#include "storage/block/block_device.h"

namespace mkclean
{

/// Where a file's blocks are: a filesystem's get_block(), as fs/buffer.c calls it back.
class block_mapper
{
public:
    virtual ~block_mapper() = default;
    /// Maps `bh` to the block of the file that it holds. A hole stays unmapped unless `create`,
    /// which allocates (and sets is_new). 0, -ENOSPC or -EFBIG.
    virtual int get_block(actor& self, inode& file, std::uint64_t file_block, buffer_head& bh,
                          bool create) = 0;
    virtual std::uint32_t block_size() const = 0;
};

/// The filesystem-independent half of writing and reading pages by way of their buffers
/// (fs/buffer.c of 2.6.18; in this part the eras do not differ).
class buffer_io final
{
public:
    buffer_io(block_device& device, physical_memory& memory);

    /// Writes the buffers of a page that are still dirty, starts and (when the last of them is on
    /// the device) ends its writeback, unlocks it. A page none of whose buffers is dirty ends its
    /// writeback at once: somebody wrote them by hand.
    int block_write_full_page(actor& self, page& pg, block_mapper& fs, writeback_control& wbc);
    /// A dirty page that never had buffers: all of it is to be written.
    void create_dirty_buffers(actor& self, page& pg, std::uint32_t block_size);
    /// Reads what is not uptodate and unlocks the page when that is done; holes become zeros.
    int block_read_full_page(actor& self, page& pg, block_mapper& fs);
    /// Before write(2) copies into [from, to): maps the blocks, reads those written in part.
    int block_prepare_write(actor& self, page& pg, std::uint32_t from, std::uint32_t to,
                            block_mapper& fs);
    /// After it: those blocks are uptodate and dirty, and no other.
    int block_commit_write(actor& self, page& pg, std::uint32_t from, std::uint32_t to);

    /// Writes one buffer if it is dirty and waits for it (sync_dirty_buffer).
    void sync_dirty_buffer(actor& self, buffer_head& bh);
    /// Starts writing a locked buffer whose dirty bit has been cleared; unlocks it when done.
    void submit_locked(actor& self, buffer_head& bh, block_op op, bool fua = false);
    /// Reads a block that is not uptodate and waits (ll_rw_block, wait_on_buffer).
    void read_and_wait(actor& self, buffer_head& bh);

    /// What the last page of a file holds behind the file's end becomes zeros.
    void zero_behind_end(actor& self, page& pg);

    block_device& device() const { return m_device; }
    physical_memory& memory() const { return m_memory; }
    std::byte* bytes_of(const buffer_head& bh) const;
    /// The same, for who is about to store there.
    std::byte* bytes_to_store(const buffer_head& bh) const;

private:
    /// end_buffer_async_write: the page's writeback ends with its last buffer.
    struct async_write final : buffer_completion {
        void end_io(actor& self, buffer_head& bh, bool success) override;
    };
    /// end_buffer_async_read: the page is unlocked with its last buffer.
    struct async_read final : buffer_completion {
        void end_io(actor& self, buffer_head& bh, bool success) override;
    };
    /// end_buffer_write_sync, end_buffer_read_sync: the buffer alone.
    struct sync_io final : buffer_completion {
        void end_io(actor& self, buffer_head& bh, bool success) override;
    };

    int map_dirty_buffers(actor& self, page& pg, block_mapper& fs, bool allocate);
    bool take_dirty_buffers(actor& self, page& pg, const writeback_control& wbc);

    block_device& m_device;
    physical_memory& m_memory;
    async_write m_async_write;
    async_read m_async_read;
    sync_io m_sync_io;
};

/// redirty_page_for_writepage(): writepage could not, somebody shall try again.
void redirty_page_for_writepage(actor& self, page& pg, writeback_control& wbc);

} // namespace mkclean
