// mm/vmscan.c, as far as this machine needs it: direct reclaim of page-cache pages.

#include "vm/reclaim.h"
#include "vm/filemap.h"
#include "vm/page_writeback.h"
#include "vm/rmap.h"

#include <algorithm>

namespace mkclean
{

namespace
{

constexpr std::uint64_t swap_cluster_max = 32; // pages wanted from one pass
constexpr unsigned max_passes = 12;            // DEF_PRIORITY; without anything written meanwhile
constexpr picoseconds congestion_timeout(100'000'000'000);

// shrink_page_list() for one page, which is locked and has our reference. True if it was freed.
bool shrink_page(kernel& k, core& cpu, page& pg)
{
    if (pg.writeback())
        return false;
    if (pg.mapped()) {
        if (page_referenced(k, cpu, pg))
            return false;
        try_to_unmap(k, cpu, pg);
    }
    if (pg.dirty())
        return false; // the flusher's business
    if (!invalidate_complete_page(k, cpu, pg))
        return false;
    ++k.stats.pgsteal;
    return true;
}

std::uint64_t shrink_list(kernel& k, core& cpu, std::int64_t& scanned)
{
    std::uint64_t freed = 0;
    std::size_t to_scan = k.cache.lru.size();
    while (to_scan-- > 0 && freed < swap_cluster_max && !k.cache.lru.empty()) {
        page& pg = k.cache.lru.front();
        k.cache.lru.splice(k.cache.lru.end(), k.cache.lru, k.cache.lru.begin());
        ++k.stats.pgscan_direct;
        ++scanned;
        k.cache.get_page(pg);
        if (pg.mapping->host().ino != device_inode_number && trylock_page(cpu, pg)) {
            if (pg.mapping != nullptr && shrink_page(k, cpu, pg))
                ++freed;
            unlock_page(cpu, pg);
        }
        k.cache.put_page(pg);
    }
    return freed;
}

} // namespace

std::uint64_t try_to_free_pages(kernel& k, core& cpu)
{
    std::int64_t scanned = 0;
    for (unsigned vain_passes = 0; vain_passes < max_passes;) {
        const std::uint64_t freed = shrink_list(k, cpu, scanned);
        if (freed > 0 || k.cache.free_pages() > 0)
            return std::max<std::uint64_t>(freed, 1);
        // As many as were looked at, whatever the limits say: what is dirty is in the way here.
        wakeup_pdflush(k, scanned);
        const std::uint64_t written = k.stats.nr_written;
        congestion_wait(k, cpu, congestion_timeout);
        if (k.stats.nr_written == written)
            ++vain_passes; // what was written is free as soon as the flusher lets go of it
    }
    return 0;
}

} // namespace mkclean
