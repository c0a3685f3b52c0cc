#include "tb/output/page_portrait.h"
#include "mmu/storage_keys.h"
#include "tb/oracle/page_state.h"

#include <array>

namespace mkclean
{

namespace
{

constexpr std::uint32_t present_bit = 1;
constexpr std::uint32_t writable_bit = 2;
constexpr std::uint32_t dirty_bit = 4;

std::uint32_t bits(bool low, bool middle, bool high)
{
    return (low ? 1U : 0U) | (middle ? 2U : 0U) | (high ? 4U : 0U);
}

std::uint32_t differing(const std::byte* a, const std::byte* b, std::size_t bytes)
{
    std::uint32_t count = 0;
    for (std::size_t i = 0; i < bytes; ++i)
        count += a[i] != b[i] ? 1U : 0U;
    return count;
}

} // namespace

void portrait_painter::paint(const page* pg, recorded_page& about,
                             std::vector<const mm_struct*>& spaces, portrait& p) const
{
    std::fill(p.begin(), p.begin() + lane::disk, 0);
    std::fill(p.begin() + lane::buffers, p.begin() + lane::tlbs, 0);
    p[lane::cached] = pg != nullptr ? 1 : 0;
    if (pg == nullptr)
        return;
    const address_space& mapping = *pg->mapping;
    p[lane::flags] = bits(pg->locked(), pg->dirty(), pg->writeback()) | (pg->uptodate() ? 8U : 0U);
    p[lane::tags] = bits(mapping.pages.tagged(pg->index, page_tag::dirty),
                         mapping.pages.tagged(pg->index, page_tag::writeback),
                         mapping.pages.tagged(pg->index, page_tag::towrite));
    p[lane::inode] = mapping.host().any_dirty() ? 1 : 0;
    if (storage_keys* const keys = m_world.the_kernel().cache.keys)
        p[lane::key] = bits(keys->is_changed(pg->frame), keys->is_referenced(pg->frame), false);
    paint_buffers(*pg, p);
    paint_ptes(*pg, about, spaces, p);
}

void portrait_painter::paint_buffers(const page& pg, portrait& p) const
{
    for (const buffer_head& bh : pg.buffers)
        if (bh.index < lane::most_buffers)
            p[lane::buffers + bh.index] = bits(bh.dirty(), bh.locked(), true);
}

void portrait_painter::paint_ptes(const page& pg, recorded_page& about,
                                  std::vector<const mm_struct*>& spaces, portrait& p) const
{
    for_each_pte(pg, [&](const vm_area_struct& vma, pte entry) {
        const virtual_address va = vma.address_of(pg.index);
        std::size_t number = 0;
        while (number < spaces.size() &&
               (spaces[number] != vma.mm || about.mappings[number].va != va))
            ++number;
        if (number == lane::most_ptes)
            return;
        if (number == spaces.size()) {
            spaces.push_back(vma.mm);
            about.mappings.push_back({process_of(*vma.mm), va});
        }
        p[lane::ptes + number] = (entry.present() ? present_bit : 0U) |
                                 (entry.writable() ? writable_bit : 0U) |
                                 (entry.dirty() ? dirty_bit : 0U);
    });
}

// By the thread that runs in it now: who maps a page is the first to touch it.
std::string portrait_painter::process_of(const mm_struct& mm) const
{
    for (const auto& cpu : m_world.cores())
        if (cpu->current().context() == &mm)
            return m_world.log().name_of(cpu->current().id()).who;
    return "a process";
}

std::uint32_t portrait_painter::entry_of(std::size_t core, frame_number frame) const
{
    std::uint32_t found = 0;
    m_world.cores()[core]->memory_unit().translations().for_each([&](const tlb_entry& e) {
        if (e.maps(frame))
            found |= present_bit | (e.writable ? writable_bit : 0U) | (e.dirty ? dirty_bit : 0U);
    });
    return found;
}

void portrait_painter::compare_bytes(const page* pg, portrait& p) const
{
    p[lane::disk] = p[lane::media] = 0;
    if (pg == nullptr || pg->mapping->host().ino == device_inode_number || !pg->uptodate())
        return;
    const kernel& k = m_world.the_kernel();
    const inode& file = pg->mapping->host();
    const std::byte* const memory = k.memory.frame(pg->frame);
    const std::uint32_t size = k.fs.block_size();
    const std::uint64_t per_page = page_size / size;
    std::array<std::byte, page_size> there;
    for (std::uint64_t i = 0; i < per_page; ++i) {
        const std::uint64_t block = k.fs.peek_block(file, pg->index.raw() * per_page + i);
        const sector_number first(block * (size / sector_size));
        const auto count = [&](auto&& read) {
            there.fill(std::byte{});
            if (block != 0)
                read(first, size / sector_size, there.data());
            return differing(memory + i * size, there.data(), size);
        };
        p[lane::disk] += count([&](sector_number s, std::uint64_t n, void* to) {
            m_world.disk().read_current(s, n, to);
        });
        p[lane::media] += count([&](sector_number s, std::uint64_t n, void* to) {
            m_world.disk().read_durable(s, n, to);
        });
    }
}

} // namespace mkclean
