// fs/fs-writeback.c and mm/pdflush.c of 2.6.18: the dirty inodes, and who writes them in the
// background.

#include "vm/dirty_log.h"
#include "vm/page_writeback.h"
#include "vm/time_spent.h"

#include <algorithm>
#include <string>
#include <utility>

namespace mkclean
{

namespace
{

constexpr std::int64_t max_writeback_pages = 1024;
constexpr picoseconds congestion_timeout(100'000'000'000); // HZ/10

std::string show_inode(std::uint64_t before, std::uint64_t after)
{
    return "I_DIRTY " + std::to_string(before) + " -> " + std::to_string(after);
}

const step_site site_look_at_tags{"mapping_tagged", place::inode, show_inode};
const step_site site_clear_dirty_pages{"clear I_DIRTY_PAGES", place::inode, show_inode};

// Writing a mapping without dirtiness accounting (a ramdisk's) is nobody's job.
bool is_written_back(const inode& node)
{
    return mapping_cap_writeback_dirty(node.mapping);
}

// What is to become of an inode after a pass: back on the list if anything is left.
void requeue_inode(kernel& k, core& cpu, inode& node, const writeback_control& wbc)
{
    const bool dirtied_meanwhile = node.any_dirty(); // it counts from when it first was
    node.unlink();
    const bool asks_tags = k.policies.inode_clean == inode_clean_policy::linux_2_6_18;
    if (asks_tags && node.mapping.pages.any_tagged(page_tag::dirty))
        node.set(inode_state::dirty_pages); // the pass did not get through all of it
    if (!node.any_dirty())
        return;
    if (wbc.for_kupdate) {
        k.cache.s_dirty.push_front(node); // what has expired comes first again
        return;
    }
    if (!dirtied_meanwhile)
        node.dirtied_when = cpu.now(); // it is the others' turn
    k.cache.s_dirty.push_back(node);
}

void move_to_s_dirty(kernel& k, inode& node)
{
    node.unlink();
    k.cache.s_dirty.push_back(node);
}

bool is_older(const inode& a, const inode& b)
{
    return a.dirtied_when < b.dirtied_when;
}

// Whoever goes through s_io. Others may do so too: only the last puts back what is left, by age.
// (2.6 leaves it on s_io, where its periodic pass gets stuck behind a young inode. Here the
// device's own inode, dirtied by writing any other, would always be that one: in Linux it has its
// own lists.)
class s_io_walk
{
public:
    explicit s_io_walk(kernel& k) : m_kernel(k) { ++m_kernel.s_io_walks; }
    ~s_io_walk()
    {
        if (--m_kernel.s_io_walks == 0)
            m_kernel.cache.s_dirty.merge(m_kernel.cache.s_io, is_older);
    }
    s_io_walk(const s_io_walk&) = delete;
    s_io_walk& operator=(const s_io_walk&) = delete;

private:
    kernel& m_kernel;
};

// Oldest first, until the control's budget is used up. An inode stays listed while it is written,
// so that a sync finds it and waits.
void sync_sb_inodes(kernel& k, core& cpu, writeback_control& wbc)
{
    const picoseconds started = cpu.now();
    cpu.sync();
    const s_io_walk walk(k);
    if (!wbc.for_kupdate || k.cache.s_io.empty())
        k.cache.s_io.splice(k.cache.s_io.end(), k.cache.s_dirty);
    while (!k.cache.s_io.empty()) {
        inode& node = k.cache.s_io.front();
        if (!is_written_back(node)) {
            move_to_s_dirty(k, node);
            continue;
        }
        if (wbc.nonblocking && node.mapping.backing().write_congested()) {
            wbc.encountered_congestion = true;
            return;
        }
        if (node.dirtied_when > started || node.dirtied_when > wbc.older_than)
            return;
        const std::uint64_t skipped = wbc.pages_skipped;
        writeback_single_inode(k, cpu, node, wbc);
        cpu.sync();
        if (wbc.pages_skipped != skipped && node.any_dirty())
            move_to_s_dirty(k, node); // no progress with this one for now
        if (wbc.nr_to_write <= 0)
            return;
    }
}

// balance_dirty_pages() does the same, in the time of whoever it throttles.
void read_dirty_logs(kernel& k, core& cpu)
{
    const time_spent timed(cpu, k.stats.dirty_log_ps);
    try_to_drain_dirty_logs(k, cpu);
    cpu.sync();
}

// Writes until fewer pages are dirty than the background limit allows, and at least `min_pages`.
void background_writeout(kernel& k, core& cpu, std::int64_t min_pages)
{
    for (;;) {
        read_dirty_logs(k, cpu);
        if (k.stats.nr_dirty < get_dirty_limits(k).background && min_pages <= 0)
            return;
        writeback_control wbc;
        wbc.nr_to_write = max_writeback_pages;
        wbc.nonblocking = true;
        wbc.range_cyclic = true;
        writeback_inodes(k, cpu, wbc);
        min_pages -= max_writeback_pages - wbc.nr_to_write;
        if (wbc.nr_to_write > 0 || wbc.pages_skipped > 0) {
            congestion_wait(k, cpu, congestion_timeout);
            if (!wbc.encountered_congestion)
                return;
        }
    }
}

// Writes what has been dirty for longer than dirty_expire.
void wb_kupdate(kernel& k, core& cpu)
{
    read_dirty_logs(k, cpu);
    const picoseconds expire(k.options.dirty_expire);
    const picoseconds older_than = cpu.now() > expire ? cpu.now() - expire : picoseconds();
    std::int64_t left = k.stats.nr_dirty + max_writeback_pages;
    while (left > 0) {
        writeback_control wbc;
        wbc.nr_to_write = max_writeback_pages;
        wbc.nonblocking = true;
        wbc.range_cyclic = true;
        wbc.for_kupdate = true;
        wbc.older_than = older_than;
        writeback_inodes(k, cpu, wbc);
        left -= max_writeback_pages - wbc.nr_to_write;
        if (wbc.nr_to_write > 0) {
            if (!wbc.encountered_congestion)
                return;
            congestion_wait(k, cpu, congestion_timeout);
        }
    }
}

} // namespace

// ---- I_DIRTY_PAGES, and whoever dirties a page meanwhile ----------------------------------------
// __mark_inode_dirty() looks at it without a lock, and leaves if it is set. Up to some 3.4 the flag
// is cleared before the pages are looked for, and the tags are asked once more at the end. The
// later two keep an inode on a list if I_DIRTY says so, as their writeback_single_inode() does,
// which writes one inode for fsync. (Their flusher also asks the tags) [from memory].

namespace linux_2_6_18
{

static int write_pages_of(kernel& k, core& cpu, inode& node, writeback_control& wbc)
{
    node.clear(inode_state::dirty_pages);
    return write_cache_pages(k, cpu, node.mapping, wbc);
}

} // namespace linux_2_6_18

static bool mapping_tagged_dirty(core& cpu, const inode& node)
{
    subject what;
    what.ino = node.ino;
    return cpu.step(site_look_at_tags, what, node,
                    [&] { return node.mapping.pages.any_tagged(page_tag::dirty); });
}

static void clear_dirty_pages(core& cpu, inode& node)
{
    subject what;
    what.ino = node.ino;
    cpu.step(site_clear_dirty_pages, what, node, [&] { node.clear(inode_state::dirty_pages); });
}

// "Clear I_DIRTY_PAGES if we've written out all dirty pages" [since about 3.5: unverified]. Who
// tags a page between the two steps finds the flag still set.
namespace linux_3_16
{

static int write_pages_of(kernel& k, core& cpu, inode& node, writeback_control& wbc)
{
    const int error = write_cache_pages(k, cpu, node.mapping, wbc);
    if (!mapping_tagged_dirty(cpu, node))
        clear_dirty_pages(cpu, node);
    return error;
}

} // namespace linux_3_16

// 9c6ac78eb352, 146d7009b45c: cleared first, and set again if a page is dirty after all.
namespace linux_3_19
{

static int write_pages_of(kernel& k, core& cpu, inode& node, writeback_control& wbc)
{
    const int error = write_cache_pages(k, cpu, node.mapping, wbc);
    clear_dirty_pages(cpu, node);
    if (mapping_tagged_dirty(cpu, node))
        node.set(inode_state::dirty_pages);
    return error;
}

} // namespace linux_3_19

static int write_pages_of(kernel& k, core& cpu, inode& node, writeback_control& wbc)
{
    switch (k.policies.inode_clean) {
    case inode_clean_policy::linux_2_6_18:
        return linux_2_6_18::write_pages_of(k, cpu, node, wbc);
    case inode_clean_policy::linux_3_16:
        return linux_3_16::write_pages_of(k, cpu, node, wbc);
    case inode_clean_policy::linux_3_19:
        break;
    }
    return linux_3_19::write_pages_of(k, cpu, node, wbc);
}

int writeback_single_inode(kernel& k, core& cpu, inode& node, writeback_control& wbc)
{
    cpu.sync();
    if (wbc.mode == sync_mode::none && node.test(inode_state::syncing)) {
        move_to_s_dirty(k, node); // somebody is at it
        return 0;
    }
    cpu.block_until(node.waiters, [&] { return !node.test(inode_state::syncing); });
    const bool inode_dirty = node.test(inode_state::dirty_sync);
    node.set(inode_state::syncing);
    node.clear(inode_state::dirty_sync);
    const int error = write_pages_of(k, cpu, node, wbc);
    if (inode_dirty)
        k.fs.write_inode(cpu, node, wbc.mode == sync_mode::all);

    cpu.sync();
    node.clear(inode_state::syncing);
    requeue_inode(k, cpu, node, wbc);
    node.waiters.wake_all();
    return error;
}

void writeback_inodes(kernel& k, core& cpu, writeback_control& wbc)
{
    cpu.spend(cpu.cost().function);
    sync_sb_inodes(k, cpu, wbc);
}

void run_pdflush(kernel& k, core& cpu)
{
    const picoseconds interval(k.options.dirty_writeback);
    picoseconds next_kupdate = cpu.now() + interval;
    bool waited = false; // to the end, although where time stands still it may not look like that
    for (;;) {
        cpu.sync();
        if (k.flusher_requested) {
            k.flusher_requested = false;
            background_writeout(k, cpu, std::exchange(k.flusher_min_pages, 0));
        } else if (interval > picoseconds() && (waited || cpu.now() >= next_kupdate)) {
            waited = false;
            next_kupdate = cpu.now() + interval;
            wb_kupdate(k, cpu);
        } else if (interval > picoseconds()) {
            waited = !cpu.block_on(k.flusher_wait, next_kupdate - cpu.now());
        } else {
            cpu.block_on(k.flusher_wait); // dirty_writeback = 0: no periodic writeback
        }
    }
}

} // namespace mkclean
