#include "cache/page.h"
#include "cache/address_space.h"
#include "cache/inode.h"
#include "cache/page_cache.h"
#include "cache/page_key.h"

namespace mkclean
{

namespace
{

const step_site site_lock{"lock_page", place::page, show_page_flags_change};
const step_site site_unlock{"unlock_page", place::page, show_page_flags_change};
const step_site site_set_dirty{"TestSetPageDirty", place::page, show_page_flags_change};
const step_site site_clear_dirty{"TestClearPageDirty", place::page, show_page_flags_change};
const step_site site_uptodate{"SetPageUptodate", place::page, show_page_flags_change};

std::string show_flags(std::uint64_t raw)
{
    const auto flag = [raw](page_flag f, char letter) {
        return (raw & static_cast<std::uint64_t>(f)) != 0 ? letter : '-';
    };
    return {flag(page_flag::locked, 'L'), flag(page_flag::dirty, 'D'),
            flag(page_flag::writeback, 'W')};
}

} // namespace

subject subject_of(const page& pg)
{
    subject what;
    what.frame = pg.frame;
    what.page = pg.index;
    if (pg.mapping != nullptr)
        what.ino = pg.mapping->host().ino;
    return what;
}

std::string show_page_flags_change(std::uint64_t before, std::uint64_t after)
{
    return "PG " + show_flags(before) + " -> " + show_flags(after);
}

void lock_page(actor& self, page& pg)
{
    self.spend(self.cost().atomic_rmw);
    self.block_until(pg.waiters, [&] { return !pg.locked(); });
    const std::uint64_t before = pg.flags.raw();
    pg.flags.test_and_set(page_flag::locked);
    self.note(site_lock, subject_of(pg), before, pg.flags.raw());
}

bool trylock_page(actor& self, page& pg)
{
    return self.step(site_lock, subject_of(pg), pg.flags,
                     [&] { return !pg.flags.test_and_set(page_flag::locked); });
}

void unlock_page(actor& self, page& pg)
{
    self.step(site_unlock, subject_of(pg), pg.flags, [&] {
        pg.flags.test_and_clear(page_flag::locked);
        pg.waiters.wake_all();
    });
}

void wait_on_page_locked(actor& self, page& pg)
{
    self.block_until(pg.waiters, [&] { return !pg.locked(); });
}

void wait_on_page_writeback(actor& self, page& pg)
{
    self.block_until(pg.waiters, [&] { return !pg.writeback(); });
}

bool test_and_set_page_dirty(actor& self, page& pg)
{
    return self.step(site_set_dirty, subject_of(pg), pg.flags,
                     [&] { return pg.flags.test_and_set(page_flag::dirty); });
}

bool test_and_clear_page_dirty(actor& self, page& pg)
{
    return self.step(site_clear_dirty, subject_of(pg), pg.flags,
                     [&] { return pg.flags.test_and_clear(page_flag::dirty); });
}

void set_page_uptodate(actor& self, page& pg)
{
    const bool was = self.step(site_uptodate, subject_of(pg), pg.flags,
                               [&] { return pg.flags.test_and_set(page_flag::uptodate); });
    // The disk has stored to it, and whoever had the frame before: that is not dirtiness.
    if (!was && pg.mapping != nullptr && pg.mapping->cache().keys != nullptr)
        page_clear_dirty(self, pg.mapping->cache(), pg);
}

} // namespace mkclean
