#pragma once

#include "cache/buffer_head.h"
#include "sim/actor.h"
#include "sim/number.h"
#include "sim/wait_queue.h"

#include <boost/intrusive/list.hpp>

#include <memory>
#include <string>

namespace mkclean
{

class address_space;

/// PG_* as in include/linux/page-flags.h.
enum class page_flag : std::uint32_t {
    locked = 1u << 0,
    dirty = 1u << 1, ///< the master dirty bit
    writeback = 1u << 2,
    uptodate = 1u << 3,
    error = 1u << 5,
};

class page_flags
{
public:
    bool test(page_flag f) const { return (m_word & static_cast<std::uint32_t>(f)) != 0; }
    bool test_and_set(page_flag f)
    {
        const bool was = test(f);
        m_word |= static_cast<std::uint32_t>(f);
        return was;
    }
    bool test_and_clear(page_flag f)
    {
        const bool was = test(f);
        m_word &= ~static_cast<std::uint32_t>(f);
        return was;
    }
    std::uint64_t raw() const { return m_word; }

private:
    std::uint32_t m_word = 0;
};

/// struct page: what the kernel knows of one frame of memory.
struct page : boost::intrusive::list_base_hook<> {
    frame_number frame;
    page_flags flags;
    unsigned count = 0;    ///< references, as in page_count()
    unsigned mapcount = 0; ///< PTEs that map it
    address_space* mapping = nullptr;
    page_index index;
    buffer_list buffers; ///< one per block, or none (PagePrivate)
    wait_queue waiters;  ///< for PG_locked and PG_writeback

    bool locked() const { return flags.test(page_flag::locked); }
    bool dirty() const { return flags.test(page_flag::dirty); }
    bool writeback() const { return flags.test(page_flag::writeback); }
    bool uptodate() const { return flags.test(page_flag::uptodate); }
    bool mapped() const { return mapcount > 0; }
    bool has_buffers() const { return !buffers.empty(); }
};

/// For the log: which page of which file.
subject subject_of(const page& pg);
/// "PG L-WU" style change of the flag word.
std::string show_page_flags_change(std::uint64_t before, std::uint64_t after);

void lock_page(actor& self, page& pg);
bool trylock_page(actor& self, page& pg);
void unlock_page(actor& self, page& pg);
void wait_on_page_locked(actor& self, page& pg);
void wait_on_page_writeback(actor& self, page& pg);

/// TestSetPageDirty, TestClearPageDirty: the master dirty bit alone, without its accounting.
bool test_and_set_page_dirty(actor& self, page& pg);
bool test_and_clear_page_dirty(actor& self, page& pg);
void set_page_uptodate(actor& self, page& pg);

} // namespace mkclean
