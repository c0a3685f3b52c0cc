#include "tb/oracle/oracle.h"
#include "mmu/frame_sharing.h"
#include "mmu/storage_keys.h"
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

constexpr std::uint64_t tag_towrite = 4;
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
    case place::key:
        return storage_keys::change_bit;
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
    case place::key:
        return storage_keys::change_bit;
    case place::page:
        return pg_dirty | pg_writeback;
    case place::buffer:
        return bh_dirty | bh_locked;
    default:
        return 0;
    }
}

std::uint64_t moment_of(const core& cpu)
{
    return store_record::id_of(cpu.now(), cpu.index());
}

std::uint64_t store_of(const shadow_page& shadow, std::uint32_t at)
{
    const store_record* const s = shadow.last_store(at);
    return s == nullptr ? 0 : s->id;
}

} // namespace

oracle::oracle(kernel& k, const disk_controller& disk, const disk_media& media,
               frame_sharing& frames)
    : m_kernel(k),
      m_disk(disk),
      m_media(media),
      m_frames(frames)
{
}

// ---- what programs do ---------------------------------------------------------------------------

void oracle::on_mmap(const mm_struct& mm, const vm_area_struct& vma)
{
    region r;
    r.end = vma.end;
    r.pgoff = vma.pgoff;
    if (vma.file != nullptr) {
        file_shadow& file = shadow_of(vma.file->ino);
        file.file = vma.file;
        if (vma.flags.shared)
            r.file = &file;
    }
    m_regions[&mm][vma.start] = r;
    ++m_mappings;
}

void oracle::on_munmap(const mm_struct& mm, virtual_address start, virtual_address)
{
    m_regions[&mm].erase(start);
    ++m_mappings;
}

void oracle::look_up(recent_page& r, const address_context* context, virtual_page at)
{
    r = recent_page();
    r.context = context;
    r.at = at;
    r.as_of = m_mappings;
    const auto mm = m_regions.find(context);
    if (mm == m_regions.end())
        return;
    const virtual_address va(at.raw() * page_size);
    auto after = mm->second.upper_bound(va);
    if (after == mm->second.begin())
        return;
    const auto& [start, mapped] = *--after;
    if (va >= mapped.end || mapped.file == nullptr)
        return;
    r.file = mapped.file;
    r.page = mapped.pgoff + page_index((va - start).raw() / page_size);
    r.shadow = r.file->pages.find(r.page);
}

oracle::file_shadow& oracle::shadow_of(inode_number ino)
{
    file_shadow& file = m_files[ino];
    file.ino = ino;
    return file;
}

shadow_page* oracle::shadow_of(inode_number ino, page_index page)
{
    const auto file = m_files.find(ino);
    return file == m_files.end() ? nullptr : file->second.pages.find(page);
}

shadow_page& oracle::begin_shadow(file_shadow& file, page_index page)
{
    ++m_mappings;
    return file.pages.find_or_create(page);
}

void oracle::now_unpromised(file_shadow& file, page_index page, shadow_page& shadow)
{
    if (shadow.unpromised)
        return;
    shadow.unpromised = true;
    file.unpromised.push_back(page);
}

void oracle::on_store(const core& cpu, picoseconds when, virtual_address va, const std::byte* bytes,
                      std::size_t length, store_part part)
{
    recent_page& at = page_at(cpu, va);
    if (at.file == nullptr)
        return;
    if (at.shadow == nullptr) {
        at.shadow = &begin_shadow(*at.file, at.page);
        at.as_of = m_mappings;
    }
    const auto in_page = static_cast<std::uint32_t>(offset_in_page(va));
    at.shadow->store(store_record::id_of(when, cpu.index()), cpu.id(), in_page, bytes, length, part,
                     m_syncs_begun);
    now_unpromised(*at.file, at.page, *at.shadow);
}

void oracle::on_file_write(const core& cpu, const inode& file, std::uint64_t offset,
                           const std::byte* bytes, std::size_t length)
{
    file_shadow& shadows = shadow_of(file.ino);
    shadows.file = &file;
    m_writing[cpu.id()] = {file.ino, moment_of(cpu)};
    const page_index page(offset / page_size);
    shadow_page& shadow = begin_shadow(shadows, page);
    shadow.write(moment_of(cpu), cpu.id(), static_cast<std::uint32_t>(offset % page_size), bytes,
                 length, m_syncs_begun);
    now_unpromised(shadows, page, shadow);
}

void oracle::on_load(const core& cpu, virtual_address va, const std::byte* bytes,
                     std::size_t length)
{
    const recent_page& at = page_at(cpu, va);
    if (at.shadow != nullptr)
        compare_read(*at.shadow, static_cast<std::uint32_t>(offset_in_page(va)), bytes, length);
    else if (at.file != nullptr)
        compare_with_zeros(bytes, length);
}

void oracle::on_file_read(const core&, const inode& file, std::uint64_t offset,
                          const std::byte* bytes, std::size_t length)
{
    if (const shadow_page* const shadow = shadow_of(file.ino, page_index(offset / page_size)))
        compare_read(*shadow, static_cast<std::uint32_t>(offset % page_size), bytes, length);
    else
        compare_with_zeros(bytes, length);
}

// Of a page that nobody has ever stored to.
void oracle::compare_with_zeros(const std::byte* bytes, std::size_t length)
{
    m_verdict.stale_reads += std::uint64_t(
        std::count_if(bytes, bytes + length, [](std::byte b) { return b != std::byte{}; }));
}

void oracle::compare_read(const shadow_page& shadow, std::uint32_t in_page, const std::byte* bytes,
                          std::size_t length)
{
    const sparse_page& expected = shadow.expected();
    if (expected.equals(bytes, in_page, length))
        return;
    for (std::uint32_t i = 0; i < length; ++i)
        if (bytes[i] != expected[in_page + i] && !shadow.is_lost(in_page + i))
            ++m_verdict.stale_reads;
}

void oracle::on_dma_read(physical_address from, std::size_t bytes)
{
    const frame_number last = frame_of(from + physical_address(bytes - 1));
    for (frame_number frame = frame_of(from); frame <= last; ++frame) {
        const page& pg = m_kernel.cache.page_of(frame);
        if (pg.mapping == nullptr)
            continue;
        if (shadow_page* const shadow = shadow_of(pg.mapping->host().ino, pg.index))
            shadow->sampled();
    }
}

page_bytes oracle::expected(inode_number ino, page_index page) const
{
    const auto file = m_files.find(ino);
    const shadow_page* const shadow =
        file == m_files.end() ? nullptr : file->second.pages.find(page);
    return shadow == nullptr ? page_bytes{} : shadow->expected().all();
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
        if (shadow_page* const shadow = shadow_of(e.what.ino, e.what.page))
            shadow->zero_from(static_cast<std::uint32_t>(e.before));
        return;
    }
    if (e.site->touches == place::tag && (~e.before & e.after & tag_towrite) != 0)
        if (const auto sync = m_syncs.find({e.actor, e.what.ino}); sync != m_syncs.end())
            ++sync->second.tagged;
    if (e.site->touches == place::tag && m_kernel.cache.page_of(e.what.frame).mapping == nullptr)
        m_frames.retire(e.what.frame); // it has left the page cache
    const std::uint64_t bits = evidence_bits(e.site->touches);
    if (((e.before ^ e.after) & bits) == 0)
        return;
    for_each_page_of_event(m_kernel, e, [&](const page& pg) { on_evidence(e, pg); });
}

// The step has changed what is known of the page's dirtiness.
void oracle::on_evidence(const event& e, const page& pg)
{
    const std::uint64_t bits = evidence_bits(e.site->touches);
    const inode& file = pg.mapping->host();
    if (m_files.count(file.ino) == 0)
        return;
    if (e.site->touches == place::page && (~e.before & e.after & pg_writeback) != 0)
        if (const auto sync = m_syncs.find({e.actor, file.ino}); sync != m_syncs.end())
            ++sync->second.written;
    shadow_page* const shadow = shadow_of(file.ino, pg.index);
    if (shadow == nullptr)
        return;
    const auto key = std::make_pair(file.ino, pg.index);
    if ((~e.before & e.after & dirty_bits(e.site->touches)) != 0)
        m_dropped.erase(key); // something knows again
    else if ((e.before & ~e.after & bits) != 0 && !has_dirty_evidence(m_kernel, pg) &&
             !same(device_page(file, pg.index), shadow->expected()))
        m_dropped.emplace(key, e);

    if (e.site->touches == place::page && (e.before & pg_writeback) != 0)
        forget_what_is_durable(file.ino, pg.index, *shadow);
}

// Bytes that are on the media in a block that only memory knows to be the file's are not durable
// yet: it is recovery that has to find them. That is slow, so it is asked for long histories only.
void oracle::forget_what_is_durable(inode_number ino, page_index page, shadow_page& shadow)
{
    if (!shadow.history_is_long())
        return;
    page_bytes durable;
    recovered_filesystem(m_media).read_page(ino.raw(), page.raw(), durable.data());
    if (same(durable, shadow.expected()))
        shadow.all_durable();
    else
        shadow.keep_history();
}

void oracle::on_truncate(const core&, const inode& file, truncated what)
{
    // A sync under way may have been before it or behind it.
    for (auto& [key, call] : m_syncs)
        if (key.second == file.ino)
            call.size = std::min(call.size, file.size);
    if (what == truncated::size)
        return;
    shadow_of(file.ino).pages.for_each([&](page_index page, shadow_page& shadow) {
        shadow.forget_from(bytes_within(file.size, page));
    });
}

void oracle::on_drop(const core& cpu, const inode& file, page_index page)
{
    if (shadow_page* const shadow = shadow_of(file.ino, page))
        count_loss(file.ino, page, *shadow, device_page(file, page), cpu.now());
}

void oracle::on_sync_begin(const core& cpu, const inode& file, page_index first, page_index end)
{
    ++m_syncs_begun;
    sync_call call;
    call.first = first;
    call.end = end;
    call.before = moment_of(cpu) + 1; // what this core has stored by now is among them
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
    const std::uint64_t to_write = std::max(call.pages, call.tagged);
    if (call.written > to_write * livelock_factor + livelock_floor)
        ++m_verdict.livelocks;
    if (result != 0)
        return; // an error promises nothing

    file_shadow& shadows = shadow_of(file.ino);
    const recovered_filesystem after_a_cut(m_media);
    // In the order of the file, for the first lie to be the first.
    std::sort(shadows.unpromised.begin(), shadows.unpromised.end());
    std::vector<page_index> still;
    for (const page_index page : shadows.unpromised) {
        if (page < call.first || page >= call.end) {
            still.push_back(page);
            continue;
        }
        shadow_page& shadow = *shadows.pages.find(page);
        page_bytes durable;
        after_a_cut.read_page(file.ino.raw(), page.raw(), durable.data());
        check_promise(file.ino, page, shadow, durable, call, cpu.now());
        const std::uint64_t before =
            std::accumulate(call.except.begin(), call.except.end(), call.before,
                            [](std::uint64_t a, std::uint64_t b) { return std::min(a, b); });
        shadow.promised_before = std::max(shadow.promised_before, before);
        shadow.promised_bytes = std::max(shadow.promised_bytes, bytes_within(call.size, page));
        if (same(durable, shadow.expected()))
            shadow.all_durable();
        shadow.unpromised = std::any_of(shadow.stores().begin(), shadow.stores().end(),
                                        [&](const store_record& s) { return s.id >= before; });
        if (shadow.unpromised)
            still.push_back(page);
    }
    shadows.unpromised = std::move(still);
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
    const sparse_page& expected = shadow.expected();
    if (same(found, expected))
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
    if (same(durable, promised) || same(durable, shadow.expected()))
        return;
    const std::uint32_t limit = bytes_within(call.size, page);
    for (std::uint32_t at = 0; at < limit; ++at) {
        std::uint64_t before = call.before;
        for (const std::uint64_t id : call.except)
            if (shadow.is_of_store(at, id))
                before = std::min(before, id);
        if (shadow.had_value_since(before, at, durable[at]) || shadow.is_lied(at) ||
            !shadow.stored_before(before, at))
            continue;
        shadow.lie(at);
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
        shadows.pages.for_each([&, ino = ino](page_index page, shadow_page& shadow) {
            page_bytes found;
            durable.read_page(ino.raw(), page.raw(), found.data());
            count_loss(ino, page, shadow, found, now);
        });
    }
}

void oracle::judge_power_cut(picoseconds now)
{
    const recovered_filesystem recovered(m_media);
    for (auto& [ino, shadows] : m_files) {
        shadows.pages.for_each([&, ino = ino](page_index page, shadow_page& shadow) {
            page_bytes found;
            recovered.read_page(ino.raw(), page.raw(), found.data());
            if (shadow.promised_before > 0) {
                sync_call promise;
                promise.before = shadow.promised_before;
                promise.size = page.raw() * page_size + shadow.promised_bytes;
                check_promise(ino, page, shadow, found, promise, now);
            }
            count_invented(found, &shadow, page_size);
        });
        if (shadows.file == nullptr)
            continue;
        // And the pages that nobody has stored to: zeros, or somebody else's old bytes.
        for (page_index page; page.raw() * page_size < shadows.file->size; ++page) {
            if (shadows.pages.find(page) != nullptr)
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
