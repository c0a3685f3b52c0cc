#include "cache/buffer_head.h"
#include "cache/address_space.h"
#include "cache/page.h"

namespace mkclean
{

namespace
{

std::string show_buffer_change(std::uint64_t before, std::uint64_t after)
{
    const auto show = [](std::uint64_t raw) {
        buffer_head bh;
        bh.state = static_cast<std::uint16_t>(raw);
        return std::string{bh.dirty() ? 'D' : '-', bh.locked() ? 'L' : '-'};
    };
    return "BH " + show(before) + " -> " + show(after);
}

const step_site site_lock{"lock_buffer", place::buffer, show_buffer_change};
const step_site site_unlock{"unlock_buffer", place::buffer, show_buffer_change};
const step_site site_set_dirty{"set_buffer_dirty", place::buffer, show_buffer_change};
const step_site site_clear_dirty{"test_clear_buffer_dirty", place::buffer, show_buffer_change};
const step_site site_create{"create_empty_buffers", place::buffer, nullptr};
const step_site site_drop{"drop_buffers", place::buffer, nullptr};

} // namespace

subject subject_of(const buffer_head& bh)
{
    subject what = subject_of(*bh.owner);
    what.block = bh.index;
    return what;
}

void buffer_list::create(page& owner, std::uint32_t block_size)
{
    m_count = static_cast<std::uint32_t>(page_size / block_size);
    m_heads = std::make_unique<buffer_head[]>(m_count);
    for (std::uint32_t i = 0; i < m_count; ++i) {
        m_heads[i].owner = &owner;
        m_heads[i].size = static_cast<std::uint16_t>(block_size);
        m_heads[i].index = static_cast<std::uint16_t>(i);
    }
}

void buffer_list::take(buffer_list& others, page& owner)
{
    m_heads = std::move(others.m_heads);
    m_count = std::exchange(others.m_count, 0);
    for (buffer_head& bh : *this)
        bh.owner = &owner;
}

void buffer_list::drop()
{
    m_heads.reset();
    m_count = 0;
}

void lock_buffer(actor& self, buffer_head& bh)
{
    self.spend(self.cost().atomic_rmw);
    self.block_until(bh.waiters, [&] { return !bh.locked(); });
    const std::uint64_t before = bh.raw();
    bh.set(buffer_flag::locked);
    self.note(site_lock, subject_of(bh), before, bh.raw());
}

bool trylock_buffer(actor& self, buffer_head& bh)
{
    return self.step(site_lock, subject_of(bh), bh, [&] {
        if (bh.locked())
            return false;
        bh.set(buffer_flag::locked);
        return true;
    });
}

void unlock_buffer(actor& self, buffer_head& bh)
{
    self.step(site_unlock, subject_of(bh), bh, [&] {
        bh.clear(buffer_flag::locked);
        bh.waiters.wake_all();
    });
}

void wait_on_buffer(actor& self, buffer_head& bh)
{
    self.block_until(bh.waiters, [&] { return !bh.locked(); });
}

bool test_and_set_buffer_dirty(actor& self, buffer_head& bh)
{
    return self.step(site_set_dirty, subject_of(bh), bh, [&] {
        const bool was = bh.dirty();
        bh.set(buffer_flag::dirty);
        return was;
    });
}

bool test_and_clear_buffer_dirty(actor& self, buffer_head& bh)
{
    return self.step(site_clear_dirty, subject_of(bh), bh, [&] {
        const bool was = bh.dirty();
        bh.clear(buffer_flag::dirty);
        return was;
    });
}

void create_empty_buffers(actor& self, page& pg, std::uint32_t block_size)
{
    const lock_guard<spinlock> guard(self, pg.mapping->private_lock);
    self.step(site_create, subject_of(pg), pg.flags, [&] {
        pg.buffers.create(pg, block_size);
        for (buffer_head& bh : pg.buffers) {
            if (pg.uptodate())
                bh.set(buffer_flag::uptodate);
            if (pg.dirty())
                bh.set(buffer_flag::dirty);
        }
    });
}

bool drop_buffers(actor& self, page& pg)
{
    return self.step(site_drop, subject_of(pg), pg.flags, [&] {
        for (const buffer_head& bh : pg.buffers)
            if (bh.dirty() || bh.locked() || bh.count > 0)
                return false;
        pg.buffers.drop();
        return true;
    });
}

// discard_buffer(), of those that begin at `offset` or behind it.
void block_invalidatepage(actor& self, page& pg, std::uint32_t offset)
{
    for (buffer_head& bh : pg.buffers) {
        if (bh.offset_in_page() < offset)
            continue;
        lock_buffer(self, bh);
        test_and_clear_buffer_dirty(self, bh);
        bh.clear(buffer_flag::mapped);
        bh.clear(buffer_flag::is_new);
        bh.clear(buffer_flag::reserved);
        unlock_buffer(self, bh);
    }
}

} // namespace mkclean
