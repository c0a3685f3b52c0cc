#include "cache/page_cache.h"

namespace mkclean
{

namespace
{

const step_site site_add{"add_to_page_cache", place::tag, nullptr};
const step_site site_remove{"remove_from_page_cache", place::tag, nullptr};

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
            fresh.mapping = &mapping;
            fresh.index = index;
            fresh.flags.test_and_set(page_flag::locked);
            mapping.pages.insert(index, fresh);
            lru.push_back(fresh);
            ++stats.nr_file_pages;
            get_page(fresh); // the cache's own reference
            return true;
        });
        if (added)
            return fresh;
        put_page(fresh);
    }
}

void page_cache::forget(page& pg)
{
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
