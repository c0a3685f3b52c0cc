// mm/vmscan.c, as far as this machine needs it: direct reclaim of page-cache pages.

#include "vm/reclaim.h"
#include "sim/span.h"
#include "vm/clear_page_dirty.h"
#include "vm/filemap.h"
#include "vm/page_writeback.h"
#include "vm/rmap.h"

#include <algorithm>

namespace mkclean
{

namespace
{

const span_site site_reclaim{"try_to_free_pages"};

constexpr std::uint64_t swap_cluster_max = 32; // pages wanted from one pass
constexpr unsigned max_passes = 12;            // DEF_PRIORITY; without anything written meanwhile
constexpr picoseconds congestion_timeout(100'000'000'000);

// Whether the page can go once no TLB has it any more; locked, and ours by a reference.
bool unmap_page(kernel& k, core& cpu, page& pg, unmap_batch* batch)
{
    if (pg.writeback())
        return false;
    if (!pg.mapped())
        return true;
    if (page_referenced(k, cpu, pg))
        return false;
    try_to_unmap(k, cpu, pg, batch);
    return true;
}

bool free_page(kernel& k, core& cpu, page& pg)
{
    if (pg.dirty())
        return false; // the flusher's business
    if (!invalidate_complete_page(k, cpu, pg))
        return false;
    ++k.stats.pgsteal;
    return true;
}

// pagevec_strip(): buffers have become too many, and a page that stays can do without.
void strip_buffers(kernel& k, core& cpu, page& pg)
{
    if (k.policies.pagevec_strip && pg.has_buffers() && !pg.writeback())
        try_to_release_page(k, cpu, pg);
}

void let_go(kernel& k, core& cpu, page& pg)
{
    unlock_page(cpu, pg);
    k.cache.put_page(pg);
}

// The next page of the list, locked and with a reference. Null: it is not for us.
page* isolate_page(kernel& k, core& cpu)
{
    page& pg = k.cache.lru.front();
    k.cache.lru.splice(k.cache.lru.end(), k.cache.lru, k.cache.lru.begin());
    ++k.stats.pgscan_direct;
    k.cache.get_page(pg);
    if (pg.mapping->host().ino != device_inode_number && trylock_page(cpu, pg)) {
        if (pg.mapping != nullptr)
            return &pg;
        unlock_page(cpu, pg);
    }
    k.cache.put_page(pg);
    return nullptr;
}

} // namespace

// ---- Linux up to 4.2 ----------------------------------------------------------------------------
// A page's translations are flushed as they are cleared, and the page goes.

namespace linux_2_6_18
{

static std::uint64_t shrink_list(kernel& k, core& cpu, std::int64_t& scanned)
{
    std::uint64_t freed = 0;
    std::size_t to_scan = k.cache.lru.size();
    while (to_scan-- > 0 && freed < swap_cluster_max && !k.cache.lru.empty()) {
        ++scanned;
        page* const pg = isolate_page(k, cpu);
        if (pg == nullptr)
            continue;
        if (unmap_page(k, cpu, *pg, nullptr) && free_page(k, cpu, *pg))
            ++freed;
        else
            strip_buffers(k, cpu, *pg);
        let_go(k, cpu, *pg);
    }
    return freed;
}

} // namespace linux_2_6_18

// ---- Linux 4.3 (72b252aed506) -------------------------------------------------------------------
// One flush for a cluster of pages, which stay locked and in the page cache until it is done: Linux
// takes them out before, and only keeps their frames.

namespace linux_4_3
{

static std::uint64_t free_pages(kernel& k, core& cpu, const std::vector<page*>& unmapped)
{
    std::uint64_t freed = 0;
    for (page* pg : unmapped) {
        if (free_page(k, cpu, *pg))
            ++freed;
        let_go(k, cpu, *pg);
    }
    return freed;
}

static std::uint64_t shrink_list(kernel& k, core& cpu, std::int64_t& scanned)
{
    std::vector<page*> unmapped;
    unmap_batch batch;
    std::size_t to_scan = k.cache.lru.size();
    while (to_scan-- > 0 && unmapped.size() < swap_cluster_max && !k.cache.lru.empty()) {
        ++scanned;
        page* const pg = isolate_page(k, cpu);
        if (pg == nullptr)
            continue;
        if (unmap_page(k, cpu, *pg, &batch))
            unmapped.push_back(pg);
        else
            let_go(k, cpu, *pg);
    }
    try_to_unmap_flush(k, cpu, batch);
    return free_pages(k, cpu, unmapped);
}

} // namespace linux_4_3

static std::uint64_t shrink_list(kernel& k, core& cpu, std::int64_t& scanned)
{
    return k.options.tlb.reclaim == reclaim_flush_policy::each
               ? linux_2_6_18::shrink_list(k, cpu, scanned)
               : linux_4_3::shrink_list(k, cpu, scanned);
}

std::uint64_t try_to_free_pages(kernel& k, core& cpu)
{
    const span in(cpu, site_reclaim, subject());
    std::int64_t scanned = 0;
    for (unsigned vain_passes = 0; vain_passes < max_passes;) {
        const std::uint64_t freed = shrink_list(k, cpu, scanned);
        if (freed > 0 || k.cache.free_pages() > 0)
            return std::max<std::uint64_t>(freed, 1);
        // As many as were looked at, whatever the limits say: what is dirty is in the way here.
        wakeup_pdflush(k, scanned);
        if (!congestion_wait(k, cpu, congestion_timeout))
            ++vain_passes; // what was written is free as soon as the flusher lets go of it
    }
    return 0;
}

} // namespace mkclean
