#pragma once

#include "storage/fs/ext2.h"
#include "storage/fs/journal.h"

namespace mkclean
{

enum class data_mode {
    ordered,  ///< file data is on the disk before the metadata that points to it commits
    writeback ///< data goes its own way; stale blocks may show after a crash
};

/// ext3: ext2 with a journal. In ordered mode every writepage leaves the page's buffers on the
/// running transaction's list of data, and that is how kjournald comes to write them again, by
/// itself, up to a commit interval later.
class ext3 final : public ext2
{
public:
    ext3(page_cache& cache, buffer_io& io, const super_block_layout& layout, backing_dev_info& bdi,
         data_mode mode, const journal_options& options);

    int writepage(actor& self, page& pg, writeback_control& wbc) override;
    int prepare_write(actor& self, page& pg, std::uint32_t from, std::uint32_t to) override;
    int commit_write(actor& self, page& pg, std::uint32_t from, std::uint32_t to) override;
    bool releasepage(actor& self, page& pg) override;
    int page_mkwrite(actor& self, page& pg) override;

    int truncate(actor& self, inode& file, std::uint64_t size) override;
    /// Never: a block that is freed and used again would have to be revoked in the journal.
    bool shrinks() const override { return false; }
    void write_inode(actor& self, inode& file, bool wait) override;
    int fsync(actor& self, inode& file) override;
    void sync_fs(actor& self) override;
    void start(const spawn_kernel_thread& spawn) override;

    const journal_stats& stats() const { return m_journal.stats(); }

private:
    void begin_change(actor& self, buffer_head& bh) override;
    void dirty_metadata(actor& self, buffer_head& bh, ext2_inode* owner) override;
    void dirty_inode(actor& self, ext2_inode& file) override;
    void size_changed(actor& self, ext2_inode& file) override;

    data_mode m_mode;
    journal m_journal;
};

} // namespace mkclean
