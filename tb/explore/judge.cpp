#include "tb/explore/judge.h"
#include "storage/fs/recovery.h"
#include "tb/oracle/page_state.h"

#include <algorithm>
#include <array>
#include <utility>

namespace mkclean
{

exploring_judge::exploring_judge(kernel& k, const disk_controller& disk, const disk_media& media)
    : m_kernel(k),
      m_disk(disk),
      m_media(media)
{
}

exploring_judge::counts exploring_judge::take_counts()
{
    return std::exchange(m_counts, {});
}

// ---- what programs do ---------------------------------------------------------------------------

const inode* exploring_judge::file_at(const core& cpu, virtual_address va,
                                      std::uint64_t& offset) const
{
    auto* const mm = static_cast<mm_struct*>(cpu.current().context());
    const vm_area_struct* const vma = mm == nullptr ? nullptr : mm->find_vma(va);
    if (vma == nullptr || vma->file == nullptr || !vma->flags.shared)
        return nullptr;
    offset = vma->index_of(va).raw() * page_size + offset_in_page(va);
    return vma->file;
}

exploring_judge::place* exploring_judge::find(inode_number ino, std::uint64_t offset)
{
    for (place& p : m_places)
        if (p.ino == ino && p.offset == offset)
            return &p;
    return nullptr;
}

// Blocks go their own ways to the disk; the bytes of one of them do not.
void exploring_judge::stored_all(const inode& file, std::uint64_t offset, const std::byte* bytes,
                                 std::size_t length)
{
    const page* const pg = file.mapping.pages.lookup(page_index(offset / page_size));
    const std::uint64_t block =
        pg == nullptr || pg->buffers.empty() ? page_size : pg->buffers.begin()->size;
    const std::uint64_t end = offset + length;
    for (std::uint64_t at = offset; at < end; at = (at / block + 1) * block)
        stored(file, at, bytes[at - offset]);
    for (const place& p : std::vector<place>(m_places)) // of earlier stores
        if (p.ino == file.ino && p.offset > offset && p.offset < end)
            stored(file, p.offset, bytes[p.offset - offset]);
}

void exploring_judge::stored(const inode& file, std::uint64_t offset, std::byte value)
{
    const inode_number ino = file.ino;
    place p;
    p.file = &file;
    p.ino = ino;
    p.offset = offset;
    p.current = value;
    if (place* const known = find(ino, offset))
        known->current = value;
    else
        m_places.insert(
            std::lower_bound(m_places.begin(), m_places.end(), p,
                             [](const place& a, const place& b) { return a.is_before(b); }),
            p);
    for (promise& call : m_promises)
        for (acceptable& a : call.about)
            if (call.ino == ino && a.offset == offset &&
                std::find(a.bytes.begin(), a.bytes.end(), value) == a.bytes.end())
                a.bytes.insert(std::lower_bound(a.bytes.begin(), a.bytes.end(), value), value);
}

void exploring_judge::on_store(const core& cpu, picoseconds, virtual_address va,
                               const std::byte* bytes, std::size_t length, store_part)
{
    std::uint64_t offset = 0;
    const inode* const file = m_begun ? file_at(cpu, va, offset) : nullptr;
    if (file != nullptr)
        stored_all(*file, offset, bytes, length);
}

void exploring_judge::on_load(const core& cpu, virtual_address va, const std::byte* bytes,
                              std::size_t)
{
    std::uint64_t offset = 0;
    const inode* const file = m_begun ? file_at(cpu, va, offset) : nullptr;
    const place* const p = file == nullptr ? nullptr : find(file->ino, offset);
    if (p != nullptr && !p->lost && *bytes != p->current)
        ++m_counts.stale;
}

void exploring_judge::on_file_write(const core&, const inode& file, std::uint64_t offset,
                                    const std::byte* bytes, std::size_t length)
{
    if (m_begun)
        stored_all(file, offset, bytes, length);
}

void exploring_judge::on_file_read(const core&, const inode& file, std::uint64_t offset,
                                   const std::byte* bytes, std::size_t length)
{
    for (const place& p : m_places)
        if (p.ino == file.ino && !p.lost && p.offset >= offset && p.offset < offset + length &&
            bytes[p.offset - offset] != p.current)
            ++m_counts.stale;
}

// ---- what the kernel promises -------------------------------------------------------------------

void exploring_judge::on_sync_begin(const core& cpu, const inode& file, page_index first,
                                    page_index end)
{
    if (!m_begun)
        return;
    promise call;
    call.by = cpu.id();
    call.ino = file.ino;
    call.first = first.raw() * page_size;
    call.end = end == page_index::max() ? ~std::uint64_t{0} : end.raw() * page_size;
    call.size = file.size;
    for (const place& p : m_places)
        if (p.ino == file.ino && p.offset >= call.first && p.offset < call.end && !p.lost)
            call.about.push_back({p.offset, {p.current}});
    const auto at = std::find_if(m_promises.begin(), m_promises.end(),
                                 [&](const promise& other) { return other.by > call.by; });
    m_promises.insert(at, std::move(call));
}

void exploring_judge::on_sync_end(const core& cpu, const inode& file, int result)
{
    const auto at = std::find_if(m_promises.begin(), m_promises.end(), [&](const promise& call) {
        return call.by == cpu.id() && call.ino == file.ino;
    });
    if (at == m_promises.end())
        return;
    const promise call = std::move(*at);
    m_promises.erase(at);
    if (result != 0)
        return;
    for (const acceptable& a : call.about) {
        const place* const p = find(call.ino, a.offset);
        if (a.offset < call.size &&
            std::find(a.bytes.begin(), a.bytes.end(), durable(*p)) == a.bytes.end())
            ++m_counts.lies;
    }
}

std::byte exploring_judge::durable(const place& p) const
{
    std::array<std::byte, page_size> bytes{};
    recovered_filesystem(m_media).read_page(p.ino.raw(), p.offset / page_size, bytes.data());
    return bytes[p.offset % page_size];
}

// What was stored behind the new end is as if it never was.
void exploring_judge::on_truncate(const core&, const inode& file, truncated)
{
    const auto cut_off = [&file](inode_number ino, std::uint64_t offset) {
        return ino == file.ino && offset >= file.size;
    };
    m_places.erase(std::remove_if(m_places.begin(), m_places.end(),
                                  [&](const place& p) { return cut_off(p.ino, p.offset); }),
                   m_places.end());
    for (promise& call : m_promises)
        call.about.erase(
            std::remove_if(call.about.begin(), call.about.end(),
                           [&](const acceptable& a) { return cut_off(call.ino, a.offset); }),
            call.about.end());
}

std::byte exploring_judge::behind_the_page(const inode& file, const place& p) const
{
    const std::uint32_t block_size = m_kernel.fs.block_size();
    const std::uint64_t block = m_kernel.fs.peek_block(file, p.offset / block_size);
    std::vector<std::byte> bytes(block_size);
    if (block != 0)
        m_disk.read_current(sector_number(block * (block_size / sector_size)),
                            block_size / sector_size, bytes.data());
    return bytes[p.offset % block_size];
}

void exploring_judge::on_drop(const core&, const inode& file, page_index page)
{
    for (place& p : m_places) {
        if (p.ino != file.ino || p.offset / page_size != page.raw() || p.offset >= file.size)
            continue;
        if (!p.lost && behind_the_page(file, p) != p.current) {
            p.lost = true;
            ++m_counts.lost;
        }
    }
}

bool exploring_judge::suspects_loss() const
{
    return std::any_of(m_places.begin(), m_places.end(), [this](const place& p) {
        const page* const pg = p.file->mapping.pages.lookup(page_index(p.offset / page_size));
        if (p.lost || pg == nullptr || pg->locked() || has_dirty_evidence(m_kernel, *pg))
            return false;
        const std::byte held = m_kernel.memory.frame(pg->frame)[p.offset % page_size];
        return held == p.current && behind_the_page(*p.file, p) != p.current;
    });
}

void exploring_judge::judge_end()
{
    for (const place& p : m_places)
        if (!p.lost && durable(p) != p.current)
            ++m_counts.lost;
}

} // namespace mkclean
