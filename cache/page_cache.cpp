#include "cache/page_cache.h"

#include <algorithm>

namespace mkclean
{

namespace
{

const step_site site_add{"add_to_page_cache", place::tag, nullptr};
const step_site site_remove{"remove_from_page_cache", place::tag, nullptr};
const step_site site_migrate{"migrate_page_move_mapping", place::page, show_page_flags_change};

} // namespace

page_cache::page_cache(std::uint64_t frames, std::uint64_t reserved_frames,
                       const cache_policies& policies)
    : m_mem_map(frames),
      m_next_unused(reserved_frames),
      m_policies(policies)
{
}

page_cache::~page_cache()
{
    lru.clear();
    s_dirty.clear();
    s_io.clear();
}

page* page_cache::take_free()
{
    page* pg = nullptr;
    if (!m_free.empty()) {
        pg = m_free.back();
        m_free.pop_back();
    } else if (m_next_unused < m_mem_map.frames()) {
        pg = &m_mem_map.page_of(frame_number(m_next_unused++));
    } else {
        return nullptr;
    }
    pg->count = 1;
    return pg;
}

// The lowest. Frames that have never been anybody's are as free as those on the list.
std::optional<frame_number> page_cache::find_free_row(std::uint64_t frames) const
{
    std::vector<std::uint64_t> free(total_pages() / frames);
    for (const page* pg : m_free)
        if (pg->frame.raw() / frames < free.size())
            ++free[pg->frame.raw() / frames];
    for (std::uint64_t row = 0; row < free.size(); ++row) {
        const std::uint64_t end = (row + 1) * frames;
        const std::uint64_t unused = end - std::clamp(m_next_unused, row * frames, end);
        if (free[row] + unused == frames)
            return frame_number(row * frames);
    }
    return std::nullopt;
}

void page_cache::take_row(frame_number first, std::uint64_t frames)
{
    const frame_number end = first + frames;
    m_free.erase(
        std::remove_if(m_free.begin(), m_free.end(),
                       [&](const page* pg) { return pg->frame >= first && pg->frame < end; }),
        m_free.end());
    // What is left out below it is free like any other, the lowest to be taken first.
    for (frame_number skipped = first; skipped.raw() > m_next_unused;)
        m_free.push_back(&page_of(skipped -= frame_number(1)));
    m_next_unused = std::max(m_next_unused, end.raw());
    for (frame_number taken = first; taken < end; ++taken)
        page_of(taken).count = 1;
}

page* page_cache::alloc_pages(actor& self, page_order order)
{
    self.spend(self.cost().function);
    self.sync();
    const std::optional<frame_number> first = find_free_row(pages_of(order));
    if (!first)
        return nullptr;
    take_row(*first, pages_of(order));
    return &page_of(*first);
}

page& page_cache::alloc_boot_page()
{
    page* const pg = take_free();
    if (pg == nullptr)
        throw out_of_memory{};
    return *pg;
}

page& page_cache::alloc_page(actor& self)
{
    self.spend(self.cost().function);
    self.sync();
    for (;;) {
        if (page* const pg = take_free())
            return *pg;
        if (!m_reclaim || m_reclaim(self) == 0)
            throw out_of_memory{};
    }
}

void page_cache::put_page(page& pg)
{
    if (--pg.count > 0)
        return;
    pg.flags = page_flags();
    pg.buffers.drop();
    m_free.push_back(&pg);
}

page* page_cache::find_get_page(actor& self, address_space& mapping, page_index index)
{
    self.spend(self.cost().tree_op);
    self.sync();
    page* const pg = mapping.pages.lookup(index);
    if (pg != nullptr)
        get_page(*pg);
    return pg;
}

page* page_cache::find_lock_page(actor& self, address_space& mapping, page_index index)
{
    for (;;) {
        page* const pg = find_get_page(self, mapping, index);
        if (pg == nullptr)
            return nullptr;
        lock_page(self, *pg);
        if (pg->mapping == &mapping)
            return pg;
        unlock_page(self, *pg);
        put_page(*pg);
    }
}

void page_cache::add(page& fresh, address_space& mapping, page_index index)
{
    fresh.mapping = &mapping;
    fresh.index = index;
    fresh.flags.test_and_set(page_flag::locked);
    mapping.pages.insert(index, fresh);
    lru.push_back(fresh);
    ++stats.nr_file_pages;
    get_page(fresh); // the cache's own reference
}

// Who has the lock is the only one to add; each page is a step, for the sake of who looks without.
bool page_cache::add_to_page_cache(actor& self, address_space& mapping, page_index index,
                                   const std::vector<page*>& fresh)
{
    const lock_guard<irq_spinlock> guard(self, mapping.tree_lock);
    self.sync();
    const page* const next = mapping.pages.next(index);
    if (next != nullptr && next->index < index + fresh.size())
        return false;
    for (page* pg : fresh) {
        self.step(site_add, subject(), pg->flags, [&] { add(*pg, mapping, index); });
        ++index;
    }
    return true;
}

page& page_cache::find_or_create_page(actor& self, address_space& mapping, page_index index)
{
    for (;;) {
        if (page* const pg = find_lock_page(self, mapping, index))
            return *pg;
        page& fresh = alloc_page(self);
        const lock_guard<irq_spinlock> guard(self, mapping.tree_lock);
        const bool added = self.step(site_add, subject(), fresh.flags, [&] {
            if (mapping.pages.lookup(index) != nullptr)
                return false;
            add(fresh, mapping, index);
            return true;
        });
        if (added)
            return fresh;
        put_page(fresh);
    }
}

void page_cache::forget(page& pg)
{
    if (m_policies.removal_accounts_dirty && pg.dirty() && mapping_cap_account_dirty(*pg.mapping))
        --stats.nr_dirty;
    pg.mapping->pages.erase(pg.index);
    lru.erase(lru.iterator_to(pg));
    pg.mapping = nullptr;
    --stats.nr_file_pages;
}

void page_cache::remove_from_page_cache(actor& self, page& pg)
{
    {
        const lock_guard<irq_spinlock> guard(self, pg.mapping->tree_lock);
        self.step(site_remove, subject_of(pg), pg.flags, [&] { forget(pg); });
    }
    put_page(pg);
}

void page_cache::replace(page& old, page& fresh)
{
    fresh.mapping = old.mapping;
    fresh.index = old.index;
    fresh.mapping->pages.replace(fresh.index, fresh);
    if (old.flags.test_and_clear(page_flag::dirty))
        fresh.flags.test_and_set(page_flag::dirty);
    fresh.buffers.take(old.buffers, fresh);
    lru.insert(lru.iterator_to(old), fresh);
    lru.erase(lru.iterator_to(old));
    old.mapping = nullptr;
    get_page(fresh);
}

// Under all locks below which somebody looks at these things without the page's.
bool page_cache::migrate_page_move_mapping(actor& self, page& old, page& fresh)
{
    address_space& mapping = *old.mapping;
    {
        const lock_guard<spinlock> buffers(self, mapping.private_lock);
        const lock_guard<irq_spinlock> tree(self, mapping.tree_lock);
        subject what = subject_of(old);
        what.frame = fresh.frame;
        const bool moved = self.step(site_migrate, what, fresh.flags, [&] {
            if (old.count != 2)
                return false;
            replace(old, fresh);
            return true;
        });
        if (!moved)
            return false;
    }
    put_page(old);
    return true;
}

bool page_cache::remove_mapping(actor& self, page& pg)
{
    {
        const lock_guard<irq_spinlock> guard(self, pg.mapping->tree_lock);
        const bool removed = self.step(site_remove, subject_of(pg), pg.flags, [&] {
            if (pg.count != 2 || pg.dirty())
                return false;
            forget(pg);
            return true;
        });
        if (!removed)
            return false;
    }
    put_page(pg);
    return true;
}

} // namespace mkclean
