#pragma once

#include "storage/fs/buffer_io.h"
#include "storage/fs/filesystem.h"
#include "storage/fs/layout.h"

#include <boost/intrusive/list.hpp>

#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

namespace mkclean
{

struct journal_options {
    std::uint64_t blocks = 1024;                       ///< of the ring, 32..2^20
    std::uint64_t commit_interval = 5'000'000'000'000; ///< ps; JBD_DEFAULT_MAX_COMMIT_AGE is 5 s
    bool barrier = true; ///< flushes the disk's cache around the commit record
};

struct journal_stats {
    std::uint64_t commits = 0;
    std::uint64_t data_buffers_written = 0; ///< dirty data buffers that kjournald wrote by itself
    std::uint64_t metadata_buffers_logged = 0;
    std::uint64_t checkpoints = 0;
};

/// JBD1, the journal of ext3: transactions of metadata buffers that reach their place only after a
/// copy of them is in the log, and, in ordered mode, lists of data buffers that are to be on the
/// disk before their transaction commits.
///
/// The commit is the second writer of data that the bytes of 2006 were lost to:
/// journal_submit_data_buffers() takes a dirty buffer's bit and writes it, without a look at its
/// page, the page's dirty bit or anybody's PTE.
///
/// Complexity: O(1) for handles and for each buffer filed, found, or taken off a list; a commit is
/// O(buffers of its transaction), a checkpoint O(buffers that the log still guards).
class journal
{
public:
    journal(page_cache& cache, buffer_io& io, const super_block_layout& layout,
            const journal_options& options);

    /// journal_start/stop: between them the caller's changes belong to one transaction. Nests.
    void start(actor& self);
    void stop(actor& self);

    /// journal_get_write_access, to be called before a buffer of metadata is changed: waits out a
    /// write of it to its place, and from here on it belongs to the running transaction, before
    /// whose commit it must not be written there. Between start and stop.
    void get_write_access(actor& self, buffer_head& bh);
    /// journal_dirty_data: the running transaction commits only after this buffer was written.
    void dirty_data(actor& self, buffer_head& bh);
    /// journal_try_to_free_buffers: forgets the page's data buffers that are clean and idle.
    bool release(actor& self, page& pg);

    /// Commits what is running and returns when that, and whatever is committing, is on the disk.
    void force_commit(actor& self);

    /// kjournald's life.
    void run_kjournald(actor& self);

    const journal_stats& stats() const { return m_stats; }

private:
    enum class transaction_state { running, locked, committing };
    struct transaction;
    struct journal_head : boost::intrusive::list_base_hook<
                              boost::intrusive::link_mode<boost::intrusive::normal_link>> {
        buffer_head* bh = nullptr;
        transaction* data_of = nullptr;     // on one of its two lists of data
        bool being_written = false;         // which: t_locked_list, or else t_sync_datalist
        transaction* metadata_of = nullptr; // on its t_buffers
        std::uint32_t checkpoint = 0;       // the last transaction that logged it, 0: none
    };
    using data_list = boost::intrusive::list<journal_head>;
    struct transaction {
        std::uint32_t sequence = 0;
        transaction_state state = transaction_state::running;
        picoseconds started;
        unsigned updates = 0;  // handles open
        data_list sync_data;   // t_sync_datalist: to be written, or found to be clean
        data_list locked_data; // t_locked_list: being written, to be waited for
        std::vector<journal_head*> metadata;
        std::uint64_t log_start = 0; // once it commits: where in the ring
        std::uint64_t log_blocks = 0;
    };
    /// A committed transaction whose log blocks are still needed.
    struct logged {
        std::uint32_t sequence = 0;
        std::uint64_t first = 0;
        std::uint64_t blocks = 0;
        std::vector<journal_head*> metadata;
    };
    struct log_block;

    journal_head& head_of(buffer_head& bh);
    void drop_head_if_unused(buffer_head& bh);
    void file_data(journal_head& jh, transaction& t, bool being_written);
    void unlink_data(journal_head& jh);
    void unfile_data(journal_head& jh);
    bool is_data_of(const buffer_head& bh, const transaction& t, bool being_written) const;
    bool forget_if_written(buffer_head& bh);
    bool must_wait_for_commit() const;

    void commit(actor& self);
    void submit_data_buffers(actor& self, transaction& t);
    void submit_data_buffer(actor& self, transaction& t, buffer_head& bh,
                            std::vector<buffer_head*>& batch);
    void submit_batch(actor& self, std::vector<buffer_head*>& batch);
    void wait_for_data_buffers(actor& self, transaction& t);
    std::vector<log_block> copy_metadata(actor& self, transaction& t);
    void write_log(actor& self, std::vector<log_block>& blocks);
    void write_commit_record(actor& self, std::uint32_t sequence);
    void finish_metadata(actor& self, transaction& t);
    void checkpoint(actor& self);
    void checkpoint_buffer(actor& self, journal_head& jh, std::uint32_t sequence);
    journal_header tail_after(std::size_t checkpointed) const;
    void write_super_block(actor& self, std::size_t checkpointed);
    log_block new_log_block(actor& self);
    std::uint64_t next_log_position();
    std::uint64_t free_blocks() const;

    page_cache& m_cache;
    buffer_io& m_io;
    super_block_layout m_layout;
    journal_options m_options;
    journal_stats m_stats;

    std::unordered_map<const buffer_head*, std::unique_ptr<journal_head>> m_heads;
    std::unique_ptr<transaction> m_running;
    std::unique_ptr<transaction> m_committing;
    std::deque<logged> m_logged; // oldest first
    std::uint64_t m_logged_blocks = 0;
    std::uint64_t m_head = 1; // where in the ring the next block goes
    std::uint32_t m_next_sequence = 1;
    std::uint32_t m_commit_request = 0; // kjournald is to commit up to this transaction
    std::uint32_t m_committed = 0;
    std::unordered_map<actor_id, unsigned> m_handles; // nesting depth, as current->journal_info
    spinlock m_list_lock;                             // j_list_lock: which list a data buffer is on
    mutex m_checkpoint_mutex;
    wait_queue m_wait_updates;   // for handles to be closed
    wait_queue m_wait_commit;    // for a commit to end
    wait_queue m_wait_kjournald; // kjournald sleeps here
};

} // namespace mkclean
