#include "mmu/page_table.h"

#include <cstring>
#include <utility>

namespace mkclean
{

page_table::page_table(physical_memory& memory, const allocate_frame& allocate, free_frame free)
    : m_memory(memory),
      m_free(std::move(free)),
      m_root(new_table(allocate))
{
}

page_table::~page_table()
{
    for (const frame_number table : m_tables)
        m_free(table);
}

frame_number page_table::new_table(const allocate_frame& allocate)
{
    const frame_number table = allocate();
    std::memset(m_memory.frame(table), 0, page_size);
    m_tables.push_back(table);
    return table;
}

std::uint64_t page_table::entry_offset(virtual_address va, unsigned level)
{
    constexpr std::uint64_t bits_per_level = 9;
    const std::uint64_t index = (va.raw() >> (page_shift + bits_per_level * level)) & 0x1ff;
    return index * sizeof(std::uint64_t);
}

physical_address page_table::entry_address(frame_number table, virtual_address va,
                                           unsigned level) const
{
    return address_of(table) + entry_offset(va, level);
}

std::optional<pte_slot> page_table::find(virtual_address va) const
{
    frame_number table = m_root;
    for (unsigned level = levels - 1; level > 0; --level) {
        const pte entry(m_memory.read64(entry_address(table, va, level)));
        if (!entry.present())
            return std::nullopt;
        table = entry.frame();
    }
    return pte_slot(m_memory, entry_address(table, va, 0));
}

pte_slot page_table::find_or_allocate(virtual_address va, const allocate_frame& allocate)
{
    frame_number table = m_root;
    for (unsigned level = levels - 1; level > 0; --level) {
        const physical_address at = entry_address(table, va, level);
        if (!pte(m_memory.read64(at)).present()) {
            const frame_number fresh = new_table(allocate);
            if (!pte(m_memory.read64(at)).present())
                m_memory.write64(at, pte::of_table(fresh).raw());
        }
        table = pte(m_memory.read64(at)).frame();
    }
    return {m_memory, entry_address(table, va, 0)};
}

} // namespace mkclean
