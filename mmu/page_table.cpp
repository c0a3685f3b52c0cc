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

pte page_table::entry_at(physical_address at, unsigned level) const
{
    return m_format.decode(m_memory.read64(at), level);
}

pte_slot page_table::slot_at(physical_address at, unsigned level) const
{
    return {m_memory, at, m_format, pte_format::order_of_level(level)};
}

std::optional<pte_slot> page_table::find(virtual_address va) const
{
    frame_number table = m_root;
    for (unsigned level = m_format.levels() - 1; level > 0; --level) {
        const physical_address at = entry_address(table, va, level);
        const pte entry = entry_at(at, level);
        if (entry.huge())
            return slot_at(at, level);
        if (!entry.present())
            return std::nullopt;
        table = entry.frame();
    }
    return slot_at(entry_address(table, va, 0), 0);
}

pte_slot page_table::find_or_allocate(virtual_address va, const allocate_frame& allocate,
                                      page_order order)
{
    const unsigned last = pte_format::level_of(order);
    frame_number table = m_root;
    for (unsigned level = m_format.levels() - 1; level > last; --level) {
        const physical_address at = entry_address(table, va, level);
        const auto entry = [&] { return entry_at(at, level); };
        const auto missing = [&] { return !entry().present() && !entry().huge(); };
        if (missing()) {
            const frame_number fresh = new_table(allocate);
            if (missing())
                m_memory.write64(at, m_format.encode_table(fresh));
        }
        if (entry().huge())
            return slot_at(at, level);
        table = entry().frame();
    }
    return slot_at(entry_address(table, va, last), last);
}

} // namespace mkclean
