// mm/migrate.c, as far as dirtiness is concerned: what the PTEs, the page and its buffers know of
// it has to come along.

#include "vm/migrate.h"
#include "vm/rmap.h"

#include <cstring>

namespace mkclean
{

namespace
{

const step_site site_copy{"migrate_page_copy", place::none, nullptr};

// No buffer is written from a frame that is about to be another page's.
void lock_buffers(core& cpu, page& pg)
{
    for (buffer_head& bh : pg.buffers)
        lock_buffer(cpu, bh);
}

void unlock_buffers(core& cpu, page& pg)
{
    for (buffer_head& bh : pg.buffers)
        unlock_buffer(cpu, bh);
}

// Nobody can store to either: the one has no PTE, the other is locked and not uptodate.
void migrate_page_copy(kernel& k, core& cpu, const page& old, page& fresh)
{
    cpu.spend(cpu.cost().copy_page);
    cpu.step(site_copy, subject_of(fresh), fresh.flags, [&] {
        std::memcpy(k.memory.frame_to_store(fresh.frame), k.memory.frame(old.frame), page_size);
    });
    if (old.flags.test(page_flag::error))
        fresh.flags.test_and_set(page_flag::error);
    if (old.uptodate())
        set_page_uptodate(cpu, fresh);
}

// buffer_migrate_page()
bool move_to(kernel& k, core& cpu, page& old, page& fresh)
{
    lock_buffers(cpu, old);
    const bool moved = k.cache.migrate_page_move_mapping(cpu, old, fresh);
    if (moved)
        migrate_page_copy(k, cpu, old, fresh);
    unlock_buffers(cpu, moved ? fresh : old);
    return moved;
}

// unmap_and_move(); the page is locked.
bool unmap_and_move(kernel& k, core& cpu, page& old)
{
    wait_on_page_writeback(cpu, old);
    try_to_unmap(k, cpu, old, nullptr, unmap_for::migration);
    if (old.mapped())
        return false;
    page& fresh = k.cache.alloc_page(cpu);
    lock_page(cpu, fresh);
    const bool moved = move_to(k, cpu, old, fresh);
    unlock_page(cpu, fresh);
    k.cache.put_page(fresh);
    return moved;
}

} // namespace

std::uint64_t migrate_pages(kernel& k, core& cpu, inode& file)
{
    std::uint64_t done = 0;
    page_index next;
    for (;;) {
        cpu.spend(cpu.cost().tree_op);
        cpu.sync();
        page* const pg = file.mapping.pages.next(next);
        if (pg == nullptr)
            return done;
        next = pg->index + 1;
        k.cache.get_page(*pg);
        lock_page(cpu, *pg);
        const bool moved = pg->mapping == &file.mapping && unmap_and_move(k, cpu, *pg);
        ++(moved ? k.stats.pgmigrate_success : k.stats.pgmigrate_fail);
        done += moved ? 1U : 0U;
        unlock_page(cpu, *pg);
        k.cache.put_page(*pg);
    }
}

} // namespace mkclean
