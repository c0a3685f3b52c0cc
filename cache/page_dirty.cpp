// Where a page becomes dirty and stops being under writeback: places 3, 4, 5 and 6 of dirtiness,
// in the order in which the kernel of the era changes them.

#include "cache/page_cache.h"

namespace mkclean
{

namespace
{

std::string show_tags(std::uint64_t before, std::uint64_t after)
{
    const auto show = [](std::uint64_t raw) {
        return std::string{(raw & 1) != 0 ? 'D' : '-', (raw & 2) != 0 ? 'W' : '-',
                           (raw & 4) != 0 ? 'T' : '-'};
    };
    return "TAG " + show(before) + " -> " + show(after);
}

std::string show_inode(std::uint64_t before, std::uint64_t after)
{
    return "I_DIRTY " + std::to_string(before) + " -> " + std::to_string(after);
}

const step_site site_tag_dirty{"set TAG_DIRTY", place::tag, show_tags};
const step_site site_account_cleaned{"dec nr_dirty", place::none, nullptr};
const step_site site_set_writeback{"set_page_writeback", place::page, show_page_flags_change};
const step_site site_writeback_tag{"set TAG_WRITEBACK", place::tag, show_tags};
const step_site site_clear_dirty_tag{"clear TAG_DIRTY", place::tag, show_tags};
const step_site site_end_writeback{"end_page_writeback", place::page, show_page_flags_change};
const step_site site_clear_writeback_tag{"clear TAG_WRITEBACK", place::tag, show_tags};
const step_site site_towrite{"set TAG_TOWRITE", place::tag, show_tags};
const step_site site_inode{"__mark_inode_dirty", place::inode, show_inode};

/// The tags of one page as the word a step reads.
struct tag_word {
    const page_tree& tree;
    page_index index;
    std::uint64_t raw() const
    {
        std::uint64_t word = 0;
        for (unsigned tag = 0; tag < page_tags; ++tag)
            word |= std::uint64_t{tree.tagged(index, static_cast<page_tag>(tag))} << tag;
        return word;
    }
};

// What comes after PG_dirty was found clear and set: the page is counted and can be found.
void account_page_dirtied(actor& self, page& pg)
{
    // Truncation may have taken the page away since; then nobody will look for it.
    address_space* const mapping = pg.mapping;
    if (mapping == nullptr)
        return;
    {
        const lock_guard<irq_spinlock> guard(self, mapping->tree_lock);
        self.step(site_tag_dirty, subject_of(pg), tag_word{mapping->pages, pg.index}, [&] {
            if (pg.mapping == nullptr)
                return;
            if (mapping_cap_account_dirty(*mapping)) {
                ++mapping->cache().stats.nr_dirty;
                ++mapping->cache().stats.nr_dirtied;
            }
            mapping->pages.set_tag(pg.index, page_tag::dirty);
        });
    }
    mark_inode_dirty(self, mapping->host(), inode_state::dirty_pages);
}

void set_buffers_dirty(actor& self, page& pg)
{
    for (buffer_head& bh : pg.buffers)
        test_and_set_buffer_dirty(self, bh);
}

// Up to 2.6.28. Between the buffers and PG_dirty nothing keeps others from attaching or dropping
// buffers (museum: try_to_free_buffers, create_empty_buffers).
bool dirty_buffers_then_page(actor& self, page& pg, address_space& mapping)
{
    {
        const lock_guard<spinlock> guard(self, mapping.private_lock);
        if (!pg.has_buffers())
            self.sync(); // to find none is a look, too, behind which others may come
        set_buffers_dirty(self, pg);
    }
    return !test_and_set_page_dirty(self, pg);
}

// 2.6.29 (a8e7d49aa7be). One lock holds both.
bool dirty_buffers_and_page(actor& self, page& pg, address_space& mapping)
{
    const lock_guard<spinlock> guard(self, mapping.private_lock);
    set_buffers_dirty(self, pg);
    return !test_and_set_page_dirty(self, pg);
}

} // namespace

bool address_space_operations::set_page_dirty(actor& self, page& pg)
{
    return set_page_dirty_buffers(self, pg);
}

void address_space_operations::invalidatepage(actor& self, page& pg, std::uint32_t offset)
{
    block_invalidatepage(self, pg, offset);
}

bool set_page_dirty(actor& self, page& pg)
{
    if (pg.mapping != nullptr)
        return pg.mapping->ops().set_page_dirty(self, pg);
    return !test_and_set_page_dirty(self, pg);
}

bool set_page_dirty_buffers(actor& self, page& pg)
{
    address_space* const mapping = pg.mapping;
    if (mapping == nullptr)
        return !test_and_set_page_dirty(self, pg);
    const bool newly = mapping->cache().policies().dirty_under_private_lock
                           ? dirty_buffers_and_page(self, pg, *mapping)
                           : dirty_buffers_then_page(self, pg, *mapping);
    if (newly)
        account_page_dirtied(self, pg);
    return newly;
}

bool set_page_dirty_nobuffers(actor& self, page& pg)
{
    if (test_and_set_page_dirty(self, pg))
        return false;
    account_page_dirtied(self, pg);
    return true;
}

void mark_buffer_dirty(actor& self, buffer_head& bh)
{
    if (!test_and_set_buffer_dirty(self, bh))
        set_page_dirty_nobuffers(self, *bh.owner);
}

void account_page_cleaned(actor& self, page& pg)
{
    self.step(site_account_cleaned, subject_of(pg), pg.flags, [&] {
        if (pg.mapping != nullptr && mapping_cap_account_dirty(*pg.mapping))
            --pg.mapping->cache().stats.nr_dirty;
    });
}

void set_page_writeback(actor& self, page& pg, bool keep_towrite)
{
    address_space& mapping = *pg.mapping;
    const lock_guard<irq_spinlock> guard(self, mapping.tree_lock);
    self.step(site_set_writeback, subject_of(pg), pg.flags, [&] {
        if (!pg.flags.test_and_set(page_flag::writeback))
            ++mapping.cache().stats.nr_writeback;
    });
    const tag_word tags{mapping.pages, pg.index};
    self.step(site_writeback_tag, subject_of(pg), tags,
              [&] { mapping.pages.set_tag(pg.index, page_tag::writeback); });
    // From here on a sync finds the page by its writeback, unless it was dirtied again.
    self.step(site_clear_dirty_tag, subject_of(pg), tags, [&] {
        if (!keep_towrite)
            mapping.pages.clear_tag(pg.index, page_tag::towrite);
        if (!pg.dirty())
            mapping.pages.clear_tag(pg.index, page_tag::dirty);
    });
}

void end_page_writeback(actor& self, page& pg)
{
    address_space& mapping = *pg.mapping;
    {
        const lock_guard<irq_spinlock> guard(self, mapping.tree_lock);
        self.step(site_end_writeback, subject_of(pg), pg.flags, [&] {
            if (!pg.flags.test_and_clear(page_flag::writeback))
                return;
            --mapping.cache().stats.nr_writeback;
            ++mapping.cache().stats.nr_written;
        });
        self.step(site_clear_writeback_tag, subject_of(pg), tag_word{mapping.pages, pg.index},
                  [&] { mapping.pages.clear_tag(pg.index, page_tag::writeback); });
    }
    pg.waiters.wake_all();
    mapping.cache().writeback_ended.wake_all();
}

void tag_pages_for_writeback(actor& self, address_space& mapping, page_index start, page_index end)
{
    const lock_guard<irq_spinlock> guard(self, mapping.tree_lock);
    self.sync();
    page_index at = start;
    while (page* const pg = mapping.pages.next_tagged(at, page_tag::dirty)) {
        if (pg->index > end)
            return;
        self.step(site_towrite, subject_of(*pg), tag_word{mapping.pages, pg->index},
                  [&] { mapping.pages.set_tag(pg->index, page_tag::towrite); });
        at = pg->index + 1;
    }
}

void mark_inode_dirty(actor& self, inode& node, inode_state what)
{
    self.sync();
    if (node.test(what))
        return;
    subject whose;
    whose.ino = node.ino;
    self.step(site_inode, whose, node, [&] {
        const bool was_clean = !node.any_dirty();
        node.set(what);
        // One that is being written goes back on the list by itself when that is done.
        if (was_clean && !node.test(inode_state::syncing)) {
            node.dirtied_when = self.now();
            node.unlink(); // fsync cleans an inode where it is listed
            node.mapping.cache().s_dirty.push_back(node);
        }
    });
}

} // namespace mkclean
