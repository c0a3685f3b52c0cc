#include "storage/fs/journal.h"

#include <algorithm>
#include <utility>

namespace mkclean
{

namespace
{

/// What one handle may add to a transaction: inode, bitmap, three levels of indirection, and room.
constexpr std::uint64_t credits_per_handle = 16;

} // namespace

journal::journal(page_cache& cache, buffer_io& io, const super_block_layout& layout,
                 const journal_options& options)
    : m_cache(cache),
      m_io(io),
      m_layout(layout),
      m_options(options)
{
}

journal::journal_head& journal::head_of(buffer_head& bh)
{
    if (bh.journal_data == nullptr) {
        auto& jh = m_heads[&bh] = std::make_unique<journal_head>();
        jh->bh = &bh;
        bh.journal_data = jh.get();
        bh.set(buffer_flag::journal);
        ++bh.count;
    }
    return *static_cast<journal_head*>(bh.journal_data);
}

void journal::drop_head_if_unused(buffer_head& bh)
{
    auto* const jh = static_cast<journal_head*>(bh.journal_data);
    if (jh->data_of != nullptr || jh->metadata_of != nullptr || jh->checkpoint != 0)
        return;
    bh.journal_data = nullptr;
    bh.clear(buffer_flag::journal);
    --bh.count;
    m_heads.erase(&bh);
}

void journal::file_data(journal_head& jh, transaction& t, bool being_written)
{
    if (jh.data_of != nullptr)
        unlink_data(jh);
    jh.data_of = &t;
    jh.being_written = being_written;
    (being_written ? t.locked_data : t.sync_data).push_back(jh);
}

void journal::unlink_data(journal_head& jh)
{
    data_list& list = jh.being_written ? jh.data_of->locked_data : jh.data_of->sync_data;
    list.erase(list.iterator_to(jh));
    jh.data_of = nullptr;
}

void journal::unfile_data(journal_head& jh)
{
    unlink_data(jh);
    drop_head_if_unused(*jh.bh);
}

bool journal::is_data_of(const buffer_head& bh, const transaction& t, bool being_written) const
{
    const auto* const jh = static_cast<const journal_head*>(bh.journal_data);
    return jh != nullptr && jh->data_of == &t && jh->being_written == being_written;
}

// A transaction that may outgrow the log, or is about to commit, takes no new handles.
bool journal::must_wait_for_commit() const
{
    if (!m_running)
        return false;
    const std::uint64_t claimed =
        m_running->metadata.size() + credits_per_handle * (m_running->updates + 1);
    return m_running->state == transaction_state::locked || claimed > m_options.blocks / 4;
}

void journal::start(actor& self)
{
    self.spend(self.cost().function);
    self.sync();
    if (m_handles[self.id()]++ > 0)
        return;
    for (;;) {
        if (must_wait_for_commit()) {
            const std::uint32_t sequence = m_running->sequence;
            m_commit_request = std::max(m_commit_request, sequence);
            m_wait_kjournald.wake_all();
            self.block_until(m_wait_commit, [&] {
                return m_committed >= sequence || !m_running || m_running->sequence != sequence;
            });
            continue;
        }
        if (free_blocks() < m_options.blocks / 2) {
            checkpoint(self);
            continue;
        }
        break;
    }
    if (!m_running) {
        m_running = std::make_unique<transaction>();
        m_running->sequence = m_next_sequence++;
        m_running->started = self.now();
        m_wait_kjournald.wake_all();
    }
    ++m_running->updates;
}

void journal::stop(actor& self)
{
    self.sync();
    const auto mine = m_handles.find(self.id());
    if (--mine->second > 0)
        return;
    m_handles.erase(mine);
    if (--m_running->updates == 0)
        m_wait_updates.wake_all();
}

void journal::get_write_access(actor& self, buffer_head& bh)
{
    lock_buffer(self, bh);
    journal_head& jh = head_of(bh);
    if (jh.metadata_of != m_running.get()) {
        jh.metadata_of = m_running.get();
        m_running->metadata.push_back(&jh);
    }
    // The flusher must not write it to its place before the log has it.
    test_and_clear_buffer_dirty(self, bh);
    bh.set(buffer_flag::journal_dirty);
    unlock_buffer(self, bh);
}

void journal::dirty_data(actor& self, buffer_head& bh)
{
    self.spend(self.cost().list_op);
    const lock_guard<spinlock> guard(self, m_list_lock);
    if (head_of(bh).data_of == m_running.get())
        return;
    if (head_of(bh).data_of != nullptr && bh.dirty()) {
        // The committing transaction wants it written, and so do we. Who dirties it again before
        // that is done would keep the commit busy for ever.
        ++bh.count;
        m_list_lock.unlock(self);
        m_io.sync_dirty_buffer(self, bh);
        m_list_lock.lock(self);
        --bh.count;
    }
    file_data(head_of(bh), *m_running, false);
}

// __journal_try_to_free_buffer(). What is neither dirty nor locked has been written: ordered mode's
// promise is kept, the transaction needs it no more. True if the journal knows nothing of it.
bool journal::forget_if_written(buffer_head& bh)
{
    auto* const jh = static_cast<journal_head*>(bh.journal_data);
    if (jh != nullptr && jh->data_of != nullptr && !bh.dirty() && !bh.locked())
        unfile_data(*jh);
    return bh.journal_data == nullptr;
}

bool journal::release(actor& self, page& pg)
{
    self.spend(self.cost().function);
    const lock_guard<spinlock> guard(self, m_list_lock);
    return std::all_of(pg.buffers.begin(), pg.buffers.end(),
                       [this](buffer_head& bh) { return forget_if_written(bh); });
}

void journal::force_commit(actor& self)
{
    self.sync();
    std::uint32_t sequence = m_committed;
    if (m_running)
        sequence = m_running->sequence;
    else if (m_committing)
        sequence = m_committing->sequence;
    if (m_running) {
        m_commit_request = std::max(m_commit_request, sequence);
        m_wait_kjournald.wake_all();
    }
    self.block_until(m_wait_commit, [&] { return m_committed >= sequence; });
}

void journal::run_kjournald(actor& self)
{
    bool waited = false; // to the end, although where time stands still it may not look like that
    for (;;) {
        self.sync();
        if (!m_running) {
            self.block_on(m_wait_kjournald);
            continue;
        }
        const picoseconds expires = m_running->started + picoseconds(m_options.commit_interval);
        if (m_commit_request >= m_running->sequence || waited || self.now() >= expires) {
            waited = false;
            commit(self);
        } else {
            waited = !self.block_on(m_wait_kjournald, expires - self.now());
        }
    }
}

} // namespace mkclean
