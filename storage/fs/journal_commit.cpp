// journal_commit_transaction() and the log below it.

#include "sim/span.h"
#include "storage/fs/journal.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace mkclean
{

namespace
{

const step_site site_commit{"journal_commit_transaction", place::none, nullptr};
const span_site site_committing{"journal_commit_transaction"};

/// What a descriptor of JBD needs for a block; a batch of data buffers is as long as its tags.
constexpr std::uint64_t bytes_per_tag = 8;

} // namespace

/// A block of the log on its way to the disk: a page of its own, one buffer of it used.
struct journal::log_block {
    page* pg = nullptr;
    buffer_head* bh = nullptr;
};

journal::log_block journal::new_log_block(actor& self)
{
    page& pg = m_cache.alloc_page(self);
    pg.buffers.create(pg, m_layout.block_size);
    buffer_head& bh = *pg.buffers.begin();
    std::memset(m_io.bytes_to_store(bh), 0, bh.size);
    bh.set(buffer_flag::mapped);
    return {&pg, &bh};
}

std::uint64_t journal::next_log_position()
{
    const std::uint64_t at = m_head;
    m_head = m_head + 1 == m_options.blocks ? 1 : m_head + 1;
    return m_layout.journal + at;
}

std::uint64_t journal::free_blocks() const
{
    const std::uint64_t committing = m_committing ? m_committing->log_blocks : 0;
    return m_options.blocks - 1 - m_logged_blocks - committing;
}

void journal::commit(actor& self)
{
    const span in(self, site_committing, subject());
    transaction& t = *m_running;
    self.note(site_commit, subject(), t.sequence, t.sequence);
    ++m_stats.commits;

    // Phase 0: no new handles; the open ones end.
    t.state = transaction_state::locked;
    self.block_until(m_wait_updates, [&] { return t.updates == 0; });

    // Phase 1: its metadata is copied, so that the next transaction may begin to change it.
    std::vector<log_block> blocks = copy_metadata(self, t);
    self.sync();
    t.log_start = m_head;
    t.log_blocks = blocks.size() + 1;
    m_committing = std::move(m_running);
    t.state = transaction_state::committing;
    m_wait_commit.wake_all();

    // Phase 2: ordered mode's promise.
    submit_data_buffers(self, t);
    wait_for_data_buffers(self, t);

    // Phase 3: the log, then (the disk's cache in order) the record that makes it count.
    write_log(self, blocks);
    if (m_options.barrier)
        m_io.device().issue_flush(self);
    write_commit_record(self, t.sequence);
    finish_metadata(self, t);

    m_committed = t.sequence;
    m_committing.reset();
    m_wait_commit.wake_all();
}

// From the front of t_sync_datalist: what is dirty is written, what somebody else is writing is
// waited for later, what is neither is done with. Others take buffers off the list meanwhile, at
// every point where this sleeps or lets go of the lock.
void journal::submit_data_buffers(actor& self, transaction& t)
{
    std::vector<buffer_head*> batch;
    m_list_lock.lock(self);
    while (!t.sync_data.empty()) {
        self.spend(self.cost().list_op);
        buffer_head& bh = *t.sync_data.front().bh;
        ++bh.count;
        submit_data_buffer(self, t, bh, batch);
        --bh.count;
        m_list_lock.unlock(self);
        if (batch.size() == m_layout.block_size / bytes_per_tag)
            submit_batch(self, batch);
        m_list_lock.lock(self);
    }
    m_list_lock.unlock(self);
    submit_batch(self, batch);
}

// Takes the buffer's dirty bit, if it has one; PG_dirty, the tags and the PTEs are not looked at.
// Who holds the buffer's lock may be waiting for one that is in the batch, so that is not kept back
// while this waits for the lock. j_list_lock is held.
void journal::submit_data_buffer(actor& self, transaction& t, buffer_head& bh,
                                 std::vector<buffer_head*>& batch)
{
    const bool ours = bh.dirty();
    if (ours && !trylock_buffer(self, bh)) {
        m_list_lock.unlock(self);
        submit_batch(self, batch);
        lock_buffer(self, bh);
        m_list_lock.lock(self);
    }
    const bool listed = is_data_of(bh, t, false);
    if (listed && ours && test_and_clear_buffer_dirty(self, bh)) {
        ++m_stats.data_buffers_written;
        file_data(head_of(bh), t, true);
        batch.push_back(&bh);
        return;
    }
    if (listed && !ours && bh.locked())
        file_data(head_of(bh), t, true);
    else if (listed)
        unfile_data(head_of(bh)); // writepage was faster
    if (ours)
        unlock_buffer(self, bh);
}

// journal_do_submit_data(). They stay filed, and so in memory, for as long as they are locked.
void journal::submit_batch(actor& self, std::vector<buffer_head*>& batch)
{
    for (buffer_head* bh : batch)
        m_io.submit_locked(self, *bh, block_op::write);
    batch.clear();
}

// The last one first: when that is written, most others are.
void journal::wait_for_data_buffers(actor& self, transaction& t)
{
    m_list_lock.lock(self);
    while (!t.locked_data.empty()) {
        buffer_head& bh = *t.locked_data.back().bh;
        ++bh.count;
        m_list_lock.unlock(self);
        wait_on_buffer(self, bh);
        m_list_lock.lock(self);
        if (is_data_of(bh, t, true))
            unfile_data(head_of(bh));
        --bh.count;
    }
    m_list_lock.unlock(self);
}

std::vector<journal::log_block> journal::copy_metadata(actor& self, transaction& t)
{
    std::vector<log_block> blocks;
    const std::size_t per_descriptor = (m_layout.block_size - journal_header::bytes) / 8;
    for (std::size_t i = 0; i < t.metadata.size(); ++i) {
        if (i % per_descriptor == 0) {
            const log_block descriptor = new_log_block(self);
            journal_header header;
            header.sequence = t.sequence;
            header.count =
                static_cast<std::uint32_t>(std::min(per_descriptor, t.metadata.size() - i));
            std::byte* const bytes = m_io.bytes_to_store(*descriptor.bh);
            header.write(bytes);
            for (std::uint32_t j = 0; j < header.count; ++j)
                put_u64(bytes + journal_header::bytes + std::size_t{8} * j,
                        t.metadata[i + j]->bh->blocknr.raw());
            blocks.push_back(descriptor);
        }
        const log_block copy = new_log_block(self);
        self.spend(self.cost().copy_page);
        self.sync();
        std::memcpy(m_io.bytes_to_store(*copy.bh), m_io.bytes_of(*t.metadata[i]->bh),
                    m_layout.block_size);
        blocks.push_back(copy);
        ++m_stats.metadata_buffers_logged;
    }
    return blocks;
}

void journal::write_log(actor& self, std::vector<log_block>& blocks)
{
    for (const log_block& block : blocks) {
        block.bh->blocknr = block_number(next_log_position());
        lock_buffer(self, *block.bh);
        m_io.submit_locked(self, *block.bh, block_op::write);
    }
    for (const log_block& block : blocks) {
        wait_on_buffer(self, *block.bh);
        m_cache.put_page(*block.pg);
    }
}

void journal::write_commit_record(actor& self, std::uint32_t sequence)
{
    const log_block block = new_log_block(self);
    journal_header header;
    header.type = journal_header::kind::commit;
    header.sequence = sequence;
    header.write(m_io.bytes_to_store(*block.bh));
    block.bh->blocknr = block_number(next_log_position());
    lock_buffer(self, *block.bh);
    m_io.submit_locked(self, *block.bh, block_op::write, m_options.barrier);
    wait_on_buffer(self, *block.bh);
    m_cache.put_page(*block.pg);
}

// The log has it: now the buffers may go to their places, whenever somebody writes them. Each is
// locked meanwhile, or else the next transaction could take one between the two steps, and what it
// has not committed would go there.
void journal::finish_metadata(actor& self, transaction& t)
{
    logged done;
    done.sequence = t.sequence;
    done.first = t.log_start;
    done.blocks = t.log_blocks;
    for (journal_head* jh : t.metadata) {
        jh->checkpoint = t.sequence;
        done.metadata.push_back(jh);
        lock_buffer(self, *jh->bh);
        if (jh->metadata_of == &t) { // or changed again: the next transaction's by now
            jh->metadata_of = nullptr;
            jh->bh->clear(buffer_flag::journal_dirty);
            mark_buffer_dirty(self, *jh->bh);
        }
        unlock_buffer(self, *jh->bh);
    }
    m_logged_blocks += done.blocks;
    m_logged.push_back(std::move(done));
}

// log_do_checkpoint(): what the log still guards is written to its place, so that the log can be
// used again; but not before the superblock on the disk says so.
void journal::checkpoint(actor& self)
{
    const lock_guard<mutex> guard(self, m_checkpoint_mutex);
    if (free_blocks() >= m_options.blocks / 2)
        return;
    ++m_stats.checkpoints;
    force_commit(self);
    // By index: commits may add to the back meanwhile.
    const std::size_t transactions = m_logged.size();
    for (std::size_t i = 0; i < transactions; ++i) {
        const std::uint32_t sequence = m_logged[i].sequence;
        const std::vector<journal_head*> guarded = m_logged[i].metadata;
        for (journal_head* jh : guarded)
            checkpoint_buffer(self, *jh, sequence);
    }
    if (m_options.barrier)
        m_io.device().issue_flush(self);
    write_super_block(self, transactions);
    for (std::size_t i = 0; i < transactions; ++i) {
        m_logged_blocks -= m_logged.front().blocks;
        m_logged.pop_front();
    }
}

// Returns when the log of transaction `sequence` is not needed for this buffer any more. Whatever
// is found out about the buffer is old after the next wait, and has to be looked at again.
void journal::checkpoint_buffer(actor& self, journal_head& jh, std::uint32_t sequence)
{
    while (jh.checkpoint == sequence) { // or a later transaction has logged a newer version
        if (jh.metadata_of != nullptr) {
            force_commit(self);
        } else if (jh.bh->dirty()) {
            m_io.sync_dirty_buffer(self, *jh.bh);
        } else if (jh.bh->locked()) {
            wait_on_buffer(self, *jh.bh);
        } else {
            jh.checkpoint = 0;
            drop_head_if_unused(*jh.bh);
            return;
        }
    }
}

// Where a recovery has to begin when so many of the logged transactions are in their places.
journal_header journal::tail_after(std::size_t checkpointed) const
{
    std::uint64_t at = m_head;
    journal_header tail;
    tail.type = journal_header::kind::superblock;
    tail.sequence = m_committed + 1;
    if (checkpointed < m_logged.size()) {
        tail.sequence = m_logged[checkpointed].sequence;
        at = m_logged[checkpointed].first;
    } else if (m_committing) {
        at = m_committing->log_start;
    }
    tail.count = static_cast<std::uint32_t>(at);
    return tail;
}

void journal::write_super_block(actor& self, std::size_t checkpointed)
{
    const log_block block = new_log_block(self);
    self.sync();
    tail_after(checkpointed).write(m_io.bytes_to_store(*block.bh));
    block.bh->blocknr = block_number(m_layout.journal);
    lock_buffer(self, *block.bh);
    m_io.submit_locked(self, *block.bh, block_op::write, m_options.barrier);
    wait_on_buffer(self, *block.bh);
    m_cache.put_page(*block.pg);
}

} // namespace mkclean
