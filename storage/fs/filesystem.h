#pragma once

#include "cache/page_cache.h"
#include "storage/fs/buffer_io.h"

#include <functional>
#include <string>

namespace mkclean
{

/// Starts a kernel thread; the filesystem does not know on what.
using spawn_kernel_thread =
    std::function<void(const std::string& name, std::function<void(actor&)> body)>;

/// A mounted filesystem, as the VM and the system calls see it.
class filesystem : public address_space_operations, public block_mapper
{
public:
    /// The file with that number, which exists. May read the disk.
    virtual inode& open(actor& self, inode_number ino) = 0;
    /// Sets i_size to something larger. 0 or a negative errno.
    virtual int truncate(actor& self, inode& file, std::uint64_t size) = 0;
    /// i_op->truncate: i_size has become smaller, and no page behind it is cached any more: zeroes
    /// the rest of its last block, and frees the blocks behind that.
    virtual void truncate_blocks(actor& self, inode& file) = 0;
    /// Whether it can do that.
    virtual bool shrinks() const = 0;
    /// The inode itself (size, block pointers) to the device, or towards it.
    virtual void write_inode(actor& self, inode& file, bool wait) = 0;
    /// f_op->fsync: whatever is needed, beside the data pages, for the file to be found again.
    virtual int fsync(actor& self, inode& file) = 0;
    /// What the filesystem keeps in memory beside inodes and pages (a journal) goes to the device.
    virtual void sync_fs(actor& self) = 0;
    /// blkdev_issue_flush(), if the filesystem is mounted with barriers: what the disk has said was
    /// written is on its media when this returns.
    virtual void flush_device(actor& self) = 0;
    /// Kernel threads that the filesystem wants.
    virtual void start(const spawn_kernel_thread& spawn) = 0;
    /// The block device's own mapping: metadata.
    virtual inode& device_inode() = 0;
    /// Where a page's block is on the device according to what is in memory now; 0: a hole. For
    /// who judges; takes no time and reads no disk.
    virtual std::uint64_t peek_block(const inode& file, std::uint64_t file_block) const = 0;
};

/// The number of the block device's inode; files count from 1.
constexpr inode_number device_inode_number{0xffff'ffff};

} // namespace mkclean
