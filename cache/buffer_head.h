#pragma once

#include "sim/actor.h"
#include "sim/number.h"
#include "sim/wait_queue.h"

#include <memory>

namespace mkclean
{

struct page;
struct buffer_head;

/// BH_* as in include/linux/buffer_head.h.
enum class buffer_flag : std::uint16_t {
    dirty = 1u << 0, ///< this block is newer in memory than on its device
    uptodate = 1u << 1,
    locked = 1u << 2,        ///< I/O is being prepared or done on it
    mapped = 1u << 3,        ///< blocknr is valid
    async_write = 1u << 4,   ///< the page's writeback ends with the last of these
    is_new = 1u << 5,        ///< allocated on disk just now: nothing to read there
    journal = 1u << 6,       ///< a journal knows this buffer
    journal_dirty = 1u << 7, ///< its dirtiness belongs to a transaction that has not committed
    async_read = 1u << 8,    ///< the page is unlocked with the last of these
    reserved = 1u << 9,      ///< the filesystem has set room aside for its next write (BH_Delay)
    seen_dirty = 1u << 10    ///< what a processor without a barrier has seen too early
};

/// What is done when I/O on a buffer ends; called in interrupt context.
class buffer_completion
{
public:
    virtual ~buffer_completion() = default;
    virtual void end_io(actor& self, buffer_head& bh, bool success) = 0;
};

/// One block of a page: the place where a filesystem keeps dirtiness finer than a page.
struct buffer_head {
    page* owner = nullptr;
    block_number blocknr; ///< where on the device, if mapped
    buffer_completion* completion = nullptr;
    void* journal_data = nullptr; ///< the journal's own record of it
    wait_queue waiters;           ///< for BH_Lock
    std::uint16_t state = 0;
    std::uint16_t count = 0; ///< references; a buffer in use is not dropped
    std::uint16_t size = 0;  ///< bytes
    std::uint16_t index = 0; ///< which block of the page

    bool test(buffer_flag f) const { return (state & static_cast<unsigned>(f)) != 0; }
    void set(buffer_flag f)
    {
        state = static_cast<std::uint16_t>(state | static_cast<unsigned>(f));
    }
    void clear(buffer_flag f)
    {
        state = static_cast<std::uint16_t>(state & ~static_cast<unsigned>(f));
    }
    bool dirty() const { return test(buffer_flag::dirty); }
    bool uptodate() const { return test(buffer_flag::uptodate); }
    bool locked() const { return test(buffer_flag::locked); }
    bool mapped() const { return test(buffer_flag::mapped); }
    std::uint64_t raw() const { return state; }
    std::uint64_t offset_in_page() const { return std::uint64_t{size} * index; }
};

/// The buffers of one page, all of one size; empty until create_empty_buffers().
class buffer_list
{
public:
    bool empty() const { return m_count == 0; }
    std::uint32_t size() const { return m_count; }
    buffer_head* begin() { return m_heads.get(); }
    buffer_head* end() { return m_heads.get() + m_count; }
    const buffer_head* begin() const { return m_heads.get(); }
    const buffer_head* end() const { return m_heads.get() + m_count; }
    void create(page& owner, std::uint32_t block_size);
    void drop();
    /// All of `others`' buffers are `owner`'s from now on; there were none here.
    void take(buffer_list& others, page& owner);

private:
    std::unique_ptr<buffer_head[]> m_heads;
    std::uint32_t m_count = 0;
};

subject subject_of(const buffer_head& bh);

void lock_buffer(actor& self, buffer_head& bh);
bool trylock_buffer(actor& self, buffer_head& bh);
void unlock_buffer(actor& self, buffer_head& bh);
void wait_on_buffer(actor& self, buffer_head& bh);

bool test_and_set_buffer_dirty(actor& self, buffer_head& bh);
bool test_and_clear_buffer_dirty(actor& self, buffer_head& bh);

/// Gives the page a buffer for each block of `block_size` bytes. On a dirty page the new buffers
/// are dirty, on an uptodate page uptodate (fs/buffer.c). Page locked, or nobody else knows the
/// page.
void create_empty_buffers(actor& self, page& pg, std::uint32_t block_size);

/// drop_buffers(): takes the page's buffers away if all of them are clean, unlocked and unused.
/// The mapping's private_lock is held.
bool drop_buffers(actor& self, page& pg);

/// block_invalidatepage(): what lies wholly behind `offset` is no buffer of any block any more, and
/// not dirty. Page locked.
void block_invalidatepage(actor& self, page& pg, std::uint32_t offset);

} // namespace mkclean
