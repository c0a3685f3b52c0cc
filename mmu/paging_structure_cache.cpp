#include "mmu/paging_structure_cache.h"

#include <algorithm>

namespace mkclean
{

std::uint64_t paging_structure_cache::region_of(virtual_address va, unsigned level)
{
    return va.raw() >> (21 + 9 * level);
}

std::optional<paging_structure_cache::table> paging_structure_cache::lowest(frame_number root,
                                                                            virtual_address va)
{
    for (unsigned level = 0; level < m_levels.size(); ++level)
        for (line& known : m_levels.at(level))
            if (known.root == root && known.region == region_of(va, level)) {
                known.last_use = ++m_clock;
                return table{known.table, level};
            }
    return std::nullopt;
}

void paging_structure_cache::remember(frame_number root, virtual_address va, table next)
{
    if (next.level >= m_levels.size() || m_options.entries.at(next.level) == 0)
        return;
    std::vector<line>& lines = m_levels.at(next.level);
    const line entry{root, region_of(va, next.level), next.at, ++m_clock};
    if (lines.size() < m_options.entries.at(next.level)) {
        lines.push_back(entry);
        return;
    }
    *std::min_element(lines.begin(), lines.end(),
                      [](const line& a, const line& b) { return a.last_use < b.last_use; }) = entry;
}

void paging_structure_cache::clear()
{
    for (std::vector<line>& lines : m_levels)
        lines.clear();
}

} // namespace mkclean
