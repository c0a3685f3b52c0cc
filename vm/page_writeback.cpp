// mm/page-writeback.c: how many pages may be dirty, who pays, and the loop that writes them.

#include "vm/page_writeback.h"
#include "sim/span.h"
#include "vm/clear_page_dirty.h"
#include "vm/dirty_log.h"

#include <algorithm>

namespace mkclean
{

namespace
{

const span_site site_balance{"balance_dirty_pages"};
const span_site site_write_pages{"write_cache_pages"};

constexpr std::uint64_t ratelimit_when_exceeded = 8;
constexpr picoseconds congestion_timeout(100'000'000'000); // HZ/10
constexpr unsigned pagevec_size = 14;

std::int64_t reclaimable(const kernel& k)
{
    return k.stats.nr_dirty;
}

bool over_limit(const kernel& k)
{
    return reclaimable(k) + k.stats.nr_writeback > get_dirty_limits(k).dirty;
}

// set_ratelimit(): how many pages a core may dirty before it looks at the limits, so that all of
// them together overshoot by a thirty-second of memory at most.
std::uint64_t ratelimit_pages(const kernel& k)
{
    const std::uint64_t share = k.cache.total_pages() / (k.cores.size() * 32);
    return std::clamp<std::uint64_t>(share, 16, std::uint64_t{4096} * 1024 / page_size);
}

// sync_writeback_pages(): how many a throttled dirtier writes.
std::int64_t write_chunk_of(const kernel& k)
{
    const auto pages = static_cast<std::int64_t>(ratelimit_pages(k));
    return pages + pages / 2;
}

// The dirtier writes pages itself until it has written its share or the limits are kept.
void balance_dirty_pages(kernel& k, core& cpu)
{
    const span in(cpu, site_balance, subject());
    const std::int64_t write_chunk = write_chunk_of(k);
    std::int64_t written = 0;
    try_to_drain_dirty_logs(k, cpu);
    cpu.sync();
    while (over_limit(k)) {
        k.dirty_exceeded = true;
        if (reclaimable(k) > 0) {
            writeback_control wbc;
            wbc.nr_to_write = write_chunk;
            wbc.range_cyclic = true;
            writeback_inodes(k, cpu, wbc);
            written += write_chunk - wbc.nr_to_write;
            cpu.sync();
            if (!over_limit(k) || written >= write_chunk)
                break;
        }
        congestion_wait(k, cpu, congestion_timeout);
    }
    if (!over_limit(k))
        k.dirty_exceeded = false;
    if (reclaimable(k) > get_dirty_limits(k).background)
        wakeup_pdflush(k);
}

// The pages that a look-up found, each with a reference.
class pagevec
{
public:
    explicit pagevec(page_cache& cache) : m_cache(cache) {}
    ~pagevec()
    {
        for (page* pg : m_pages)
            m_cache.put_page(*pg);
    }
    pagevec(const pagevec&) = delete;
    pagevec& operator=(const pagevec&) = delete;

    // Up to 14 tagged pages in [index, end]; `index` goes behind the last.
    bool lookup_tag(core& cpu, address_space& mapping, page_index& index, page_index end,
                    page_tag tag)
    {
        const lock_guard<irq_spinlock> guard(cpu, mapping.tree_lock);
        cpu.spend(cpu.cost().tree_op);
        cpu.sync();
        while (m_pages.size() < pagevec_size) {
            page* const pg = mapping.pages.next_tagged(index, tag);
            if (pg == nullptr || pg->index > end)
                break;
            m_cache.get_page(*pg);
            m_pages.push_back(pg);
            index = pg->index + 1;
        }
        return !m_pages.empty();
    }
    const std::vector<page*>& pages() const { return m_pages; }

private:
    page_cache& m_cache;
    std::vector<page*> m_pages;
};

// Decides about one page that the tag led to, and starts its I/O.
int write_one_page(kernel& k, core& cpu, address_space& mapping, page& pg, writeback_control& wbc,
                   bool& written)
{
    written = false;
    lock_page(cpu, pg);
    if (pg.mapping != &mapping) { // truncated or reclaimed since
        unlock_page(cpu, pg);
        return 0;
    }
    if (wbc.mode == sync_mode::all)
        wait_on_page_writeback(cpu, pg);
    if (pg.writeback() || !clear_page_dirty_for_io(k, cpu, pg)) {
        unlock_page(cpu, pg);
        return 0;
    }
    written = true;
    return mapping.ops().writepage(cpu, pg, wbc);
}

bool enough(const kernel& k, const writeback_control& wbc)
{
    if (wbc.mode == sync_mode::all && !k.policies.sync_honours_nr_to_write)
        return false;
    return wbc.nr_to_write <= 0;
}

bool meets_congestion(const address_space& mapping, writeback_control& wbc)
{
    if (!wbc.nonblocking || !mapping.backing().write_congested())
        return false;
    wbc.encountered_congestion = true;
    return true;
}

} // namespace

dirty_limits get_dirty_limits(const kernel& k)
{
    const auto pages = static_cast<std::int64_t>(k.cache.total_pages());
    // Mapped pages are hard to get rid of: the more there are, the fewer may be dirty.
    const std::int64_t mapped = k.stats.nr_mapped + k.stats.nr_anon_pages;
    const std::int64_t unmapped_ratio = 100 - mapped * 100 / pages;
    const std::int64_t dirty_ratio = std::max<std::int64_t>(
        5, std::min<std::int64_t>(static_cast<std::int64_t>(k.options.dirty_ratio),
                                  unmapped_ratio / 2));
    auto background_ratio = static_cast<std::int64_t>(k.options.dirty_background_ratio);
    if (background_ratio >= dirty_ratio)
        background_ratio = dirty_ratio / 2;
    return {pages * background_ratio / 100, pages * dirty_ratio / 100};
}

void wakeup_pdflush(kernel& k, std::int64_t min_pages)
{
    k.flusher_min_pages = std::max(k.flusher_min_pages, min_pages);
    k.flusher_requested = true;
    k.flusher_wait.wake_all();
}

void balance_dirty_pages_ratelimited(kernel& k, core& cpu, address_space& mapping)
{
    balance_dirty_pages_ratelimited_nr(k, cpu, mapping, 1);
}

void balance_dirty_pages_ratelimited_nr(kernel& k, core& cpu, address_space& mapping,
                                        std::uint64_t pages)
{
    if (!mapping_cap_writeback_dirty(mapping))
        return;
    std::uint64_t& dirtied = k.ratelimits[cpu.index()];
    const std::uint64_t every = k.dirty_exceeded ? ratelimit_when_exceeded : ratelimit_pages(k);
    dirtied += pages;
    if (dirtied < every)
        return;
    dirtied = 0;
    balance_dirty_pages(k, cpu);
}

bool congestion_wait(kernel& k, core& cpu, picoseconds timeout)
{
    cpu.sync();
    return cpu.block_on(k.cache.writeback_ended, timeout);
}

// ---- Linux 2.6.18 to 2.6.28 (mpage_writepages, later write_cache_pages) -------------------------
// What has been looked up is written, enough or not. A cyclic pass goes round only if it has found
// nothing up to the end, and an error stops a sync as well.

namespace linux_2_6_18
{

// False if nothing was found.
static bool write_range(kernel& k, core& cpu, address_space& mapping, writeback_control& wbc,
                        page_index& index, page_tag tag, int& error)
{
    bool scanned = false;
    for (bool done = false; !done;) {
        pagevec found(k.cache);
        if (!found.lookup_tag(cpu, mapping, index, wbc.range_end, tag))
            break;
        scanned = true;
        for (page* pg : found.pages()) {
            bool written = false;
            const int failed = write_one_page(k, cpu, mapping, *pg, wbc, written);
            if (!written)
                continue;
            error = failed;
            --wbc.nr_to_write;
            done = done || error != 0 || enough(k, wbc) || meets_congestion(mapping, wbc);
        }
    }
    return scanned;
}

int write_cache_pages(kernel& k, core& cpu, address_space& mapping, writeback_control& wbc,
                      page_tag tag)
{
    int error = 0;
    const bool whole =
        wbc.range_start == page_index() && wbc.range_end == page_index::max() && !wbc.range_cyclic;
    page_index index = wbc.range_cyclic ? mapping.writeback_index : wbc.range_start;
    if (!write_range(k, cpu, mapping, wbc, index, tag, error) && wbc.range_cyclic) {
        index = page_index();
        write_range(k, cpu, mapping, wbc, index, tag, error);
    }
    if (wbc.range_cyclic || (whole && wbc.nr_to_write > 0))
        mapping.writeback_index = index;
    return error;
}

} // namespace linux_2_6_18

// ---- golden -------------------------------------------------------------------------------------
// Enough is enough, a cyclic pass goes once around, and a sync goes on behind an error.

namespace golden
{

// From `index` to `end`. True if the caller shall stop.
static bool write_range(kernel& k, core& cpu, address_space& mapping, writeback_control& wbc,
                        page_index& index, page_index end, page_tag tag, int& error)
{
    for (;;) {
        pagevec found(k.cache);
        if (!found.lookup_tag(cpu, mapping, index, end, tag))
            return false;
        for (page* pg : found.pages()) {
            bool written = false;
            if (const int failed = write_one_page(k, cpu, mapping, *pg, wbc, written))
                error = failed;
            if (written)
                --wbc.nr_to_write;
            index = pg->index + 1;
            if (enough(k, wbc) || (error != 0 && wbc.mode == sync_mode::none) ||
                meets_congestion(mapping, wbc))
                return true;
        }
    }
}

int write_cache_pages(kernel& k, core& cpu, address_space& mapping, writeback_control& wbc,
                      page_tag tag)
{
    page_index index = wbc.range_cyclic ? mapping.writeback_index : wbc.range_start;
    const page_index first = index;
    int error = 0;
    bool done = write_range(k, cpu, mapping, wbc, index, wbc.range_end, tag, error);
    if (!done && wbc.range_cyclic && first > page_index(0)) {
        index = page_index(0);
        done = write_range(k, cpu, mapping, wbc, index, page_index(first.raw() - 1), tag, error);
    }
    if (wbc.range_cyclic)
        mapping.writeback_index = done ? index : page_index(0);
    return error;
}

} // namespace golden

int write_cache_pages(kernel& k, core& cpu, address_space& mapping, writeback_control& wbc)
{
    subject what;
    what.ino = mapping.host().ino;
    span in(cpu, site_write_pages, what);
    page_tag tag = page_tag::dirty;
    if (wbc.mode == sync_mode::all && k.policies.towrite_tag) {
        tag_pages_for_writeback(cpu, mapping, wbc.range_start, wbc.range_end);
        tag = page_tag::towrite;
    }
    if (k.policies.write_cache_pages == writepages_policy::linux_2_6_18)
        return in.returns(linux_2_6_18::write_cache_pages(k, cpu, mapping, wbc, tag));
    return in.returns(golden::write_cache_pages(k, cpu, mapping, wbc, tag));
}

} // namespace mkclean
