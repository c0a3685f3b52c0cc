#include "tb/oracle/oracle.h"
#include "tb/oracle/page_state.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace mkclean
{

namespace
{

constexpr std::size_t losses_kept = 1000;
/// A sync that writes this many times the pages it began with is chasing somebody.
constexpr std::uint64_t livelock_factor = 8;
constexpr std::uint64_t livelock_floor = 64;

constexpr std::uint64_t pg_dirty = static_cast<std::uint64_t>(page_flag::dirty);
constexpr std::uint64_t pg_writeback = static_cast<std::uint64_t>(page_flag::writeback);
constexpr std::uint64_t bh_dirty = static_cast<std::uint64_t>(buffer_flag::dirty);
constexpr std::uint64_t bh_locked = static_cast<std::uint64_t>(buffer_flag::locked);

// The bits by which a step says that a page is newer than the disk.
std::uint64_t dirty_bits(place touched)
{
    switch (touched) {
    case place::pte:
        return pte::dirty_bit;
    case place::page:
        return pg_dirty;
    case place::buffer:
        return bh_dirty;
    default:
        return 0;
    }
}

// Those, and the ones that say I/O is under way: when the last of them goes, nothing is left.
std::uint64_t evidence_bits(place touched)
{
    switch (touched) {
    case place::pte:
        return pte::dirty_bit;
    case place::page:
        return pg_dirty | pg_writeback;
    case place::buffer:
        return bh_dirty | bh_locked;
    default:
        return 0;
    }
}

std::uint64_t store_of(const shadow_page& shadow, std::uint32_t at)
{
    const store_record* const s = shadow.last_store(at);
    return s == nullptr ? 0 : s->id;
}

} // namespace

oracle::oracle(kernel& k, const disk_controller& disk, const disk_media& media)
    : m_kernel(k),
      m_disk(disk),
      m_media(media)
{
}

// ---- what programs do ---------------------------------------------------------------------------

void oracle::on_mmap(const mm_struct& mm, const vm_area_struct& vma)
{
    region r;
    r.end = vma.end;
    r.pgoff = vma.pgoff;
    r.file_backed = vma.file != nullptr && vma.flags.shared;
    if (vma.file != nullptr) {
        r.ino = vma.file->ino;
        m_files[r.ino].file = vma.file;
    }
    m_regions[&mm][vma.start] = r;
}

void oracle::on_munmap(const mm_struct& mm, virtual_address start, virtual_address)
{
    m_regions[&mm].erase(start);
}

const oracle::region* oracle::region_of(const core& cpu, virtual_address va,
                                        virtual_address& start) const
{
    const auto mm = m_regions.find(cpu.current().context());
    if (mm == m_regions.end())
        return nullptr;
    auto after = mm->second.upper_bound(va);
    if (after == mm->second.begin())
        return nullptr;
    --after;
    if (va >= after->second.end)
        return nullptr;
    start = after->first;
    return &after->second;
}

void oracle::on_store(const core& cpu, virtual_address va, const std::byte* bytes,
                      std::size_t length)
{
    virtual_address start;
    const region* const r = region_of(cpu, va, start);
    if (r == nullptr || !r->file_backed)
        return;
    store(cpu, cpu.store_serial(), r->ino, r->pgoff.raw() * page_size + (va - start).raw(), bytes,
          length);
}

void oracle::on_file_write(const core& cpu, const inode& file, std::uint64_t offset,
                           const std::byte* bytes, std::size_t length)
{
    constexpr std::uint64_t by_system_call = std::uint64_t{1} << 63;
    m_files[file.ino].file = &file;
    m_writing[cpu.id()] = {file.ino, m_next_store};
    store(cpu, by_system_call | ++m_writes, file.ino, offset, bytes, length);
}

void oracle::store(const core& cpu, std::uint64_t serial, inode_number ino, std::uint64_t offset,
                   const std::byte* bytes, std::size_t length)
{
    const page_index page(offset / page_size);
    const actor_id by = cpu.id();
    file_shadow& file = m_files[ino];
    shadow_page& shadow = file.pages[page];
    const auto in_page = static_cast<std::uint32_t>(offset % page_size);
    const std::size_t before = shadow.stores().size();
    const piece now{serial, m_syncs_begun};
    piece& latest = m_latest[by];
    shadow.store(m_next_store, cpu.now(), by, in_page, bytes, length, latest == now);
    if (shadow.stores().size() != before)
        ++m_next_store;
    latest = now;
    file.unpromised.insert(page);
}

void oracle::on_load(const core& cpu, virtual_address va, const std::byte* bytes,
                     std::size_t length)
{
    virtual_address start;
    const region* const r = region_of(cpu, va, start);
    if (r != nullptr && r->file_backed)
        compare_read(r->ino, r->pgoff.raw() * page_size + (va - start).raw(), bytes, length);
}

void oracle::on_file_read(const core&, const inode& file, std::uint64_t offset,
                          const std::byte* bytes, std::size_t length)
{
    compare_read(file.ino, offset, bytes, length);
}

void oracle::compare_read(inode_number ino, std::uint64_t offset, const std::byte* bytes,
                          std::size_t length)
{
    const auto file = m_files.find(ino);
    if (file == m_files.end())
        return;
    const auto page = file->second.pages.find(page_index(offset / page_size));
    if (page == file->second.pages.end())
        return;
    const auto in_page = static_cast<std::uint32_t>(offset % page_size);
    const page_bytes& expected = page->second.expected();
    if (std::memcmp(expected.data() + in_page, bytes, length) == 0)
        return;
    for (std::uint32_t i = 0; i < length; ++i)
        if (bytes[i] != expected[in_page + i] && !page->second.is_lost(in_page + i))
            ++m_verdict.stale_reads;
}

page_bytes oracle::expected(inode_number ino, page_index page) const
{
    const auto file = m_files.find(ino);
    if (file == m_files.end() || file->second.pages.count(page) == 0)
        return page_bytes{};
    return file->second.pages.at(page).expected();
}

// ---- what the kernel does -----------------------------------------------------------------------

// A page's bytes as the device has them, by the block pointers that are in memory.
page_bytes oracle::device_page(const inode& file, page_index page) const
{
    page_bytes bytes{};
    const std::uint32_t block_size = m_kernel.fs.block_size();
    const std::uint64_t per_page = page_size / block_size;
    for (std::uint64_t i = 0; i < per_page; ++i) {
        const std::uint64_t block = m_kernel.fs.peek_block(file, page.raw() * per_page + i);
        if (block == 0)
            continue;
        const sector_number first(block * (block_size / sector_size));
        m_disk.read_current(first, block_size / sector_size, bytes.data() + i * block_size);
    }
    return bytes;
}

// How many bytes of the page lie within a file of that size. mmap(2) lets programs store behind the
// end of the file in its last page, and promises nothing of it.
std::uint32_t oracle::bytes_within(std::uint64_t size, page_index page)
{
    const std::uint64_t begin = page.raw() * page_size;
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(size - std::min(size, begin), page_size));
}

std::uint32_t oracle::bytes_of_file(inode_number ino, page_index page) const
{
    const inode* const file = m_files.at(ino).file;
    return bytes_within(file == nullptr ? ~std::uint64_t{0} : file->size, page);
}

void oracle::on_event(const event& e)
{
    if (e.site->touches == place::memory) {
        const auto file = m_files.find(e.what.ino);
        if (file != m_files.end() && file->second.pages.count(e.what.page) > 0)
            file->second.pages.at(e.what.page).zero_from(static_cast<std::uint32_t>(e.before));
        return;
    }
    const std::uint64_t bits = evidence_bits(e.site->touches);
    if (((e.before ^ e.after) & bits) == 0)
        return;
    const page* const pg = page_of_event(m_kernel, e);
    if (pg == nullptr)
        return;
    const inode& file = pg->mapping->host();
    const auto shadows = m_files.find(file.ino);
    if (shadows == m_files.end())
        return;
    if (e.site->touches == place::page && (~e.before & e.after & pg_writeback) != 0)
        if (const auto sync = m_syncs.find({e.actor, file.ino}); sync != m_syncs.end())
            ++sync->second.written;
    const auto shadow = shadows->second.pages.find(pg->index);
    if (shadow == shadows->second.pages.end())
        return;
    const auto key = std::make_pair(file.ino, pg->index);
    if ((~e.before & e.after & dirty_bits(e.site->touches)) != 0)
        m_dropped.erase(key); // something knows again
    else if ((e.before & ~e.after & bits) != 0 && !has_dirty_evidence(*pg) &&
             device_page(file, pg->index) != shadow->second.expected())
        m_dropped.emplace(key, e);

    if (e.site->touches == place::page && (e.before & pg_writeback) != 0)
        forget_what_is_durable(file.ino, pg->index, shadow->second);
}

// Bytes that are on the media in a block that only memory knows to be the file's are not durable
// yet: it is recovery that has to find them. That is slow, so it is asked for long histories only.
void oracle::forget_what_is_durable(inode_number ino, page_index page, shadow_page& shadow)
{
    if (!shadow.history_is_long())
        return;
    page_bytes durable;
    recovered_filesystem(m_media).read_page(ino.raw(), page.raw(), durable.data());
    if (durable == shadow.expected())
        shadow.all_durable();
    else
        shadow.keep_history();
}

void oracle::on_drop(const core& cpu, const inode& file, page_index page)
{
    const auto shadows = m_files.find(file.ino);
    if (shadows == m_files.end())
        return;
    const auto shadow = shadows->second.pages.find(page);
    if (shadow != shadows->second.pages.end())
        count_loss(file.ino, page, shadow->second, device_page(file, page), cpu.now());
}

void oracle::on_sync_begin(const core& cpu, const inode& file, page_index first, page_index end)
{
    ++m_syncs_begun;
    sync_call call;
    call.first = first;
    call.end = end;
    call.before = m_next_store;
    // A write(2) that is going on promises nothing to a sync that begins meanwhile.
    for (const auto& [by, write] : m_writing)
        if (write.ino == file.ino)
            call.except.push_back(write.store);
    call.pages = file.mapping.pages.size();
    call.size = file.size;
    m_syncs[{cpu.id(), file.ino}] = call;
}

void oracle::on_sync_end(const core& cpu, const inode& file, int result)
{
    const auto at = m_syncs.find({cpu.id(), file.ino});
    const sync_call call = at->second;
    m_syncs.erase(at);
    if (call.written > call.pages * livelock_factor + livelock_floor)
        ++m_verdict.livelocks;
    if (result != 0)
        return; // an error promises nothing

    file_shadow& shadows = m_files[file.ino];
    const recovered_filesystem after_a_cut(m_media);
    for (auto page = shadows.unpromised.begin(); page != shadows.unpromised.end();) {
        if (*page < call.first || *page >= call.end) {
            ++page;
            continue;
        }
        shadow_page& shadow = shadows.pages.at(*page);
        page_bytes durable;
        after_a_cut.read_page(file.ino.raw(), page->raw(), durable.data());
        check_promise(file.ino, *page, shadow, durable, call, cpu.now());
        const std::uint64_t before =
            std::accumulate(call.except.begin(), call.except.end(), call.before,
                            [](std::uint64_t a, std::uint64_t b) { return std::min(a, b); });
        shadow.promised_before = std::max(shadow.promised_before, before);
        shadow.promised_bytes = std::max(shadow.promised_bytes, bytes_within(call.size, *page));
        if (durable == shadow.expected())
            shadow.all_durable();
        const bool more = std::any_of(shadow.stores().begin(), shadow.stores().end(),
                                      [&](const store_record& s) { return s.id >= before; });
        page = more ? std::next(page) : shadows.unpromised.erase(page);
    }
}

// ---- judgement ----------------------------------------------------------------------------------

finding oracle::describe(inode_number ino, page_index page, const shadow_page& shadow,
                         const page_bytes& found, std::uint32_t at, std::uint32_t length,
                         picoseconds now) const
{
    finding f;
    f.ino = ino;
    f.page = page;
    f.offset = at;
    f.length = length;
    f.expected = shadow.expected()[at];
    f.found = found[at];
    f.when = now;
    if (const store_record* const s = shadow.last_store(at))
        f.store = *s;
    const auto dropped = m_dropped.find({ino, page});
    if (dropped != m_dropped.end())
        f.dropped = dropped->second;
    return f;
}

void oracle::count_loss(inode_number ino, page_index page, shadow_page& shadow,
                        const page_bytes& found, picoseconds now)
{
    const page_bytes& expected = shadow.expected();
    if (found == expected)
        return;
    const auto differs = [&](std::uint32_t at) {
        return found[at] != expected[at] && !shadow.is_lost(at);
    };
    const std::uint32_t limit = bytes_of_file(ino, page);
    for (std::uint32_t at = 0; at < limit; ++at) {
        if (!differs(at))
            continue;
        const std::uint64_t store = store_of(shadow, at);
        std::uint32_t end = at + 1;
        while (end < limit && differs(end) && store_of(shadow, end) == store)
            ++end;
        ++m_verdict.lost_runs;
        const finding f = describe(ino, page, shadow, found, at, end - at, now);
        if (!m_verdict.first_loss)
            m_verdict.first_loss = f;
        if (m_verdict.losses.size() < losses_kept)
            m_verdict.losses.push_back(f);
        for (std::uint32_t i = at; i < end; ++i)
            if (!shadow.ever_had(i, found[i]))
                ++m_verdict.invented_bytes;
        at = end - 1;
    }
    m_verdict.lost_bytes += shadow.lose(found, limit);
}

// Every byte that was stored before the sync began has to be as new as it was then, or newer. About
// a hole nothing was promised: a filesystem without ordered data may have given it a block since,
// for somebody's later store, and what that block holds until then is recovery's affair.
void oracle::check_promise(inode_number ino, page_index page, shadow_page& shadow,
                           const page_bytes& durable, const sync_call& call, picoseconds now)
{
    const page_bytes promised = shadow.version_before(call.before);
    if (durable == promised || durable == shadow.expected())
        return;
    const std::uint32_t limit = bytes_within(call.size, page);
    for (std::uint32_t at = 0; at < limit; ++at) {
        std::uint64_t before = call.before;
        for (const std::uint64_t id : call.except)
            if (shadow.is_of_store(at, id))
                before = std::min(before, id);
        if (shadow.had_value_since(before, at, durable[at]) || shadow.lied().test(at) ||
            !shadow.stored_before(before, at))
            continue;
        shadow.lied().set(at);
        ++m_verdict.fsync_lies;
        if (!m_verdict.first_lie)
            m_verdict.first_lie = describe(ino, page, shadow, durable, at, 1, now);
        else if (m_verdict.first_lie->ino == ino && m_verdict.first_lie->page == page &&
                 m_verdict.first_lie->when == now &&
                 m_verdict.first_lie->offset + m_verdict.first_lie->length == at)
            ++m_verdict.first_lie->length;
    }
}

void oracle::judge_end(picoseconds now)
{
    const recovered_filesystem durable(m_media);
    for (auto& [ino, shadows] : m_files) {
        for (auto& [page, shadow] : shadows.pages) {
            page_bytes found;
            durable.read_page(ino.raw(), page.raw(), found.data());
            count_loss(ino, page, shadow, found, now);
        }
    }
}

void oracle::judge_power_cut(picoseconds now)
{
    const recovered_filesystem recovered(m_media);
    for (auto& [ino, shadows] : m_files) {
        for (auto& [page, shadow] : shadows.pages) {
            page_bytes found;
            recovered.read_page(ino.raw(), page.raw(), found.data());
            if (shadow.promised_before > 0) {
                sync_call promise;
                promise.before = shadow.promised_before;
                promise.size = page.raw() * page_size + shadow.promised_bytes;
                check_promise(ino, page, shadow, found, promise, now);
            }
            count_invented(found, &shadow, page_size);
        }
        if (shadows.file == nullptr)
            continue;
        // And the pages that nobody has stored to: zeros, or somebody else's old bytes.
        for (page_index page; page.raw() * page_size < shadows.file->size; ++page) {
            if (shadows.pages.count(page) > 0)
                continue;
            page_bytes found;
            recovered.read_page(ino.raw(), page.raw(), found.data());
            count_invented(found, nullptr, bytes_of_file(ino, page));
        }
    }
}

void oracle::count_invented(const page_bytes& found, const shadow_page* shadow, std::uint32_t limit)
{
    for (std::uint32_t at = 0; at < limit; ++at)
        if (found[at] != std::byte{} && (shadow == nullptr || !shadow->ever_had(at, found[at])))
            ++m_verdict.invented_bytes;
}

} // namespace mkclean
