#include "mmu/page_table.h"

#include <cstring>
#include <utility>

namespace mkclean
{

page_table::page_table(physical_memory& memory, const pte_format& format,
                       const allocate_frame& allocate, free_frame free)
    : m_memory(memory),
      m_format(format),
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
    std::memset(m_memory.frame_to_store(table), 0, page_size);
    m_tables.push_back(table);
    return table;
}

physical_address page_table::entry_address(frame_number table, virtual_address va, unsigned level)
{
    return address_of(table) + pte_format::entry_offset(va, level);
}

std::optional<pte_slot> page_table::find(virtual_address va) const
{
    frame_number table = m_root;
    for (unsigned level = m_format.levels() - 1; level > 0; --level) {
        const pte entry = m_format.decode_table(m_memory.read64(entry_address(table, va, level)));
        if (!entry.present())
            return std::nullopt;
        table = entry.frame();
    }
    return pte_slot(m_memory, entry_address(table, va, 0), m_format);
}

pte_slot page_table::find_or_allocate(virtual_address va, const allocate_frame& allocate)
{
    frame_number table = m_root;
    for (unsigned level = m_format.levels() - 1; level > 0; --level) {
        const physical_address at = entry_address(table, va, level);
        const auto entry = [&] { return m_format.decode_table(m_memory.read64(at)); };
        if (!entry().present()) {
            const frame_number fresh = new_table(allocate);
            if (!entry().present())
                m_memory.write64(at, m_format.encode_table(fresh));
        }
        table = entry().frame();
    }
    return {m_memory, entry_address(table, va, 0), m_format};
}

} // namespace mkclean
