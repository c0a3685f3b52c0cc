#include "storage/fs/ext3.h"

namespace mkclean
{

ext3::ext3(page_cache& cache, buffer_io& io, const super_block_layout& layout,
           backing_dev_info& bdi, data_mode mode, const journal_options& options)
    : ext2(cache, io, layout, bdi, options.barrier),
      m_mode(mode),
      m_journal(cache, io, layout, options)
{
}

// ext3_ordered_writepage, ext3_writeback_writepage (fs/ext3/inode.c of 2.6.18). By the time the
// buffers are filed with the transaction, block_write_full_page has already cleaned them: if they
// are dirty when it commits, somebody has dirtied them since.
int ext3::writepage(actor& self, page& pg, writeback_control& wbc)
{
    m_journal.start(self);
    if (!pg.has_buffers())
        io().create_dirty_buffers(self, pg, block_size());
    for (buffer_head& bh : pg.buffers)
        ++bh.count; // the page is unlocked below, and might lose them
    const int error = ext2::writepage(self, pg, wbc);
    for (buffer_head& bh : pg.buffers) {
        if (error == 0 && m_mode == data_mode::ordered && bh.mapped())
            m_journal.dirty_data(self, bh);
    }
    for (buffer_head& bh : pg.buffers)
        --bh.count;
    m_journal.stop(self);
    return error;
}

int ext3::prepare_write(actor& self, page& pg, std::uint32_t from, std::uint32_t to)
{
    m_journal.start(self);
    const int error = ext2::prepare_write(self, pg, from, to);
    if (error != 0)
        m_journal.stop(self);
    return error;
}

int ext3::commit_write(actor& self, page& pg, std::uint32_t from, std::uint32_t to)
{
    if (m_mode == data_mode::ordered) {
        for (buffer_head& bh : pg.buffers)
            if (bh.offset_in_page() + bh.size > from && bh.offset_in_page() < to)
                m_journal.dirty_data(self, bh);
    }
    const int error = ext2::commit_write(self, pg, from, to);
    m_journal.stop(self);
    return error;
}

int ext3::page_mkwrite(actor& self, page& pg)
{
    m_journal.start(self);
    const int error = ext2::page_mkwrite(self, pg);
    if (error == 0 && m_mode == data_mode::ordered)
        for (buffer_head& bh : pg.buffers)
            if (bh.mapped())
                m_journal.dirty_data(self, bh);
    m_journal.stop(self);
    return error;
}

bool ext3::releasepage(actor& self, page& pg)
{
    return m_journal.release(self, pg);
}

int ext3::truncate(actor& self, inode& file, std::uint64_t size)
{
    m_journal.start(self);
    const int error = ext2::truncate(self, file, size);
    m_journal.stop(self);
    return error;
}

void ext3::begin_change(actor& self, buffer_head& bh)
{
    m_journal.get_write_access(self, bh);
}

// begin_change() has filed the buffer already; it stays out of the flusher's sight until it
// commits.
void ext3::dirty_metadata(actor&, buffer_head&, ext2_inode*) {}

void ext3::dirty_inode(actor& self, ext2_inode& file)
{
    m_journal.start(self);
    release(store_inode(self, file));
    m_journal.stop(self);
}

void ext3::size_changed(actor& self, ext2_inode& file)
{
    dirty_inode(self, file);
    mark_inode_dirty(self, file, inode_state::dirty_sync);
}

void ext3::write_inode(actor& self, inode&, bool wait)
{
    if (wait)
        m_journal.force_commit(self);
}

// fs/ext3/fsync.c of 2.6.18: "If the inode is unaltered then we need not start a commit". But a
// block that writepage has given to a hole does not alter it, and who wrote the inode without
// waiting has said that it is clean: both are in a transaction that has not committed.
int ext3::fsync(actor& self, inode& file)
{
    self.sync();
    if (!file.test(inode_state::dirty_sync) && !believes_no_clean_inode())
        return 0;
    file.clear(inode_state::dirty_sync);
    m_journal.force_commit(self);
    return 0;
}

void ext3::sync_fs(actor& self)
{
    m_journal.force_commit(self);
}

void ext3::start(const spawn_kernel_thread& spawn)
{
    spawn("kjournald", [this](actor& self) { m_journal.run_kjournald(self); });
}

} // namespace mkclean
