#pragma once

#include "storage/fs/filesystem.h"
#include "storage/fs/layout.h"

#include <map>
#include <memory>
#include <set>

namespace mkclean
{

/// A file of ext2 or ext3 in memory.
class ext2_inode final : public inode
{
public:
    using inode::inode;

    struct by_block { // and not by where the host happens to have put them
        bool operator()(const buffer_head* a, const buffer_head* b) const
        {
            return a->blocknr < b->blocknr;
        }
    };

    inode_layout raw;     ///< what goes to the inode table; raw.size is i_size on disk
    mutex truncate_mutex; ///< its block pointers
    /// Indirect blocks that fsync has to write (ext2 only).
    std::set<buffer_head*, by_block> dirty_metadata;
};

/// The block device's own pages: each buffer is the block of the same number.
class device_mapping final : public address_space_operations, public block_mapper
{
public:
    device_mapping(buffer_io& io, std::uint32_t block_size) : m_io(io), m_block_size(block_size) {}
    int writepage(actor& self, page& pg, writeback_control& wbc) override;
    int readpage(actor& self, page& pg) override;
    int prepare_write(actor&, page&, std::uint32_t, std::uint32_t) override;
    int commit_write(actor&, page&, std::uint32_t, std::uint32_t) override;
    int get_block(actor& self, inode& file, std::uint64_t file_block, buffer_head& bh,
                  bool create) override;
    std::uint32_t block_size() const override { return m_block_size; }

private:
    buffer_io& m_io;
    std::uint32_t m_block_size;
};

/// An ext2-like filesystem: block pointers in inodes and indirect blocks, a block bitmap, no
/// journal. It never writes data except through writepage.
///
/// Complexity: a block is found through at most three tables. A new one is looked for from its goal
/// on: O(bitmap bytes between), so all of them if the disk is full.
class ext2 : public filesystem
{
public:
    ext2(page_cache& cache, buffer_io& io, const super_block_layout& layout, backing_dev_info& bdi,
         bool barrier);
    ~ext2() override;

    // address_space_operations
    int writepage(actor& self, page& pg, writeback_control& wbc) override;
    int readpage(actor& self, page& pg) override;
    int prepare_write(actor& self, page& pg, std::uint32_t from, std::uint32_t to) override;
    int commit_write(actor& self, page& pg, std::uint32_t from, std::uint32_t to) override;
    int page_mkwrite(actor& self, page& pg) override;
    void invalidatepage(actor& self, page& pg, std::uint32_t offset) override;

    // block_mapper
    int get_block(actor& self, inode& file, std::uint64_t file_block, buffer_head& bh,
                  bool create) override;
    std::uint32_t block_size() const override { return m_layout.block_size; }

    // filesystem
    inode& open(actor& self, inode_number ino) override;
    int truncate(actor& self, inode& file, std::uint64_t size) override;
    void truncate_blocks(actor& self, inode& file) override;
    bool shrinks() const override { return m_cache.policies().files_shrink; }
    void write_inode(actor& self, inode& file, bool wait) override;
    int fsync(actor& self, inode& file) override;
    void sync_fs(actor&) override {}
    void flush_device(actor& self) override;
    void start(const spawn_kernel_thread&) override {}
    inode& device_inode() override { return m_device_inode; }
    std::uint64_t peek_block(const inode& file, std::uint64_t file_block) const override;

protected:
    /// A block of metadata, read if need be, with a reference that release() gives back.
    buffer_head& read_metadata(actor& self, std::uint64_t block);
    static void release(buffer_head& bh) { --bh.count; }

    /// A metadata buffer is about to be changed. Returns when it may be.
    virtual void begin_change(actor&, buffer_head&) {}
    /// A metadata buffer was changed. ext2: it is dirty, written whenever that is convenient.
    virtual void dirty_metadata(actor& self, buffer_head& bh, ext2_inode* owner);
    /// i_size or a block pointer changed.
    virtual void dirty_inode(actor& self, ext2_inode& file);
    /// The same, for what the VFS tells (__mark_inode_dirty): a new size.
    virtual void size_changed(actor& self, ext2_inode& file) { dirty_inode(self, file); }
    /// Whether fsync writes an inode that says it is clean.
    bool believes_no_clean_inode() const { return m_cache.policies().fsync_writes_clean_inode; }

    /// Copies the inode into its buffer of the inode table; a reference to that is returned.
    std::uint64_t inodes_per_block() const;
    buffer_head& read_inode_block(actor& self, const inode& file);
    buffer_head& store_inode(actor& self, ext2_inode& file);

    static ext2_inode& of(inode& file) { return static_cast<ext2_inode&>(file); }
    static const ext2_inode& of(const inode& file) { return static_cast<const ext2_inode&>(file); }

    page_cache& cache() const { return m_cache; }
    buffer_io& io() const { return m_io; }
    const super_block_layout& layout() const { return m_layout; }

private:
    struct pointer; // where a block number is kept: in the inode or in an indirect block

    buffer_head& metadata_buffer(actor& self, std::uint64_t block);
    std::uint64_t allocate_block(actor& self, std::uint64_t goal);
    bool allocate_in(actor& self, std::uint64_t bitmap_block, std::uint64_t from_bit,
                     std::uint64_t& bit);
    std::uint64_t goal_for(const pointer& at) const;
    int fill_hole(actor& self, ext2_inode& file, pointer& at, bool indirect);
    struct branch; // the blocks below one pointer
    bool free_branch(actor& self, ext2_inode& file, const branch& what, std::uint64_t first);
    void free_block(actor& self, std::uint64_t block);
    void block_truncate_page(actor& self, inode& file);
    const buffer_head* peek_metadata(std::uint64_t block) const;

    page_cache& m_cache;
    buffer_io& m_io;
    super_block_layout m_layout;
    backing_dev_info& m_bdi;
    bool m_barrier;
    backing_dev_info m_device_bdi;
    device_mapping m_device_mapping;
    inode m_device_inode;
    mutex m_bitmap_mutex;
    std::map<inode_number, std::unique_ptr<ext2_inode>> m_inodes;
};

} // namespace mkclean
