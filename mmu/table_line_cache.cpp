#include "mmu/table_line_cache.h"

#include <algorithm>
#include <cstring>

namespace mkclean
{

std::uint64_t table_line_cache::digest(const std::byte* bytes)
{
    std::uint64_t mixed = 0;
    for (std::uint64_t i = 0; i < line_size; i += sizeof mixed) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes + i, sizeof word);
        mixed = (mixed ^ word) * 0x9e37'79b9'7f4a'7c15;
        mixed ^= mixed >> 29;
    }
    return mixed;
}

std::uint64_t table_line_cache::latency_at(std::size_t distance) const
{
    if (distance < m_options.l1_lines)
        return m_options.l1_latency;
    if (distance < m_options.l1_lines + m_options.l2_lines)
        return m_options.l2_latency;
    return m_options.l3_latency;
}

std::optional<std::uint64_t> table_line_cache::read(physical_address at, const std::byte* now)
{
    const line fresh{at.raw() / line_size, digest(now)};
    const auto found = std::find_if(m_lines.rbegin(), m_lines.rend(),
                                    [&](const line& l) { return l.number == fresh.number; });
    if (found == m_lines.rend()) {
        if (m_lines.size() == m_options.l1_lines + m_options.l2_lines + m_options.l3_lines)
            m_lines.erase(m_lines.begin());
        m_lines.push_back(fresh);
        return std::nullopt;
    }
    const bool stale = found->contents != fresh.contents;
    const auto distance = static_cast<std::size_t>(found - m_lines.rbegin());
    m_lines.erase(std::next(found).base());
    m_lines.push_back(fresh);
    return stale ? m_options.l3_latency : latency_at(distance);
}

std::uint64_t table_line_cache::change(physical_address at, const std::byte* now)
{
    const auto found = std::find_if(m_lines.rbegin(), m_lines.rend(), [&](const line& l) {
        return l.number == at.raw() / line_size;
    });
    if (found != m_lines.rend())
        found->contents = digest(now);
    return latency_at(0);
}

std::uint64_t table_line_cache::shortest() const
{
    return std::min({m_options.l1_latency, m_options.l2_latency, m_options.l3_latency});
}

} // namespace mkclean
