#include "tb/oracle/shadow_page.h"

#include <algorithm>
#include <cstring>

namespace mkclean
{

void shadow_page::store(std::uint64_t id, picoseconds time, actor_id by, std::uint32_t offset,
                        const std::byte* bytes, std::size_t length, bool continues)
{
    std::memcpy(m_expected.data() + offset, bytes, length);
    for (std::size_t i = 0; i < length; ++i) {
        m_lost.reset(offset + i);
        m_lied.reset(offset + i);
    }
    // However finely time cut it, a run of stores is one record: the verdict must not depend on it.
    if (continues && !m_stores.empty() && m_stores.back().by == by &&
        m_stores.back().end() == offset) {
        m_stores.back().bytes.insert(m_stores.back().bytes.end(), bytes, bytes + length);
        return;
    }
    m_stores.push_back({id, time, by, offset, {bytes, bytes + length}});
}

void shadow_page::zero_from(std::uint32_t at)
{
    std::fill(m_expected.begin() + at, m_expected.end(), std::byte{});
    std::fill(m_base.begin() + at, m_base.end(), std::byte{});
    for (store_record& s : m_stores)
        if (s.end() > at)
            std::fill(s.bytes.begin() + (std::max(s.offset, at) - s.offset), s.bytes.end(),
                      std::byte{});
}

void shadow_page::all_durable()
{
    m_base = m_expected;
    for (const store_record& s : m_stores)
        for (std::uint32_t at = s.offset; at < s.end(); ++at)
            m_in_base.set(at);
    m_stores.clear();
    m_long_history = worth_a_look;
}

page_bytes shadow_page::version_before(std::uint64_t id) const
{
    page_bytes version = m_base;
    for (const store_record& s : m_stores) {
        if (s.id >= id)
            break;
        std::memcpy(version.data() + s.offset, s.bytes.data(), s.bytes.size());
    }
    return version;
}

bool shadow_page::had_value_since(std::uint64_t id, std::uint32_t at, std::byte value) const
{
    std::byte version = m_base[at];
    for (const store_record& s : m_stores) {
        if (!s.covers(at))
            continue;
        if (s.id >= id && version == value)
            return true;
        version = s.bytes[at - s.offset];
    }
    return version == value;
}

bool shadow_page::stored_before(std::uint64_t id, std::uint32_t at) const
{
    return m_in_base.test(at) ||
           std::any_of(m_stores.begin(), m_stores.end(),
                       [&](const store_record& s) { return s.id < id && s.covers(at); });
}

bool shadow_page::is_of_store(std::uint32_t at, std::uint64_t id) const
{
    return std::any_of(m_stores.begin(), m_stores.end(),
                       [&](const store_record& s) { return s.id == id && s.covers(at); });
}

const store_record* shadow_page::last_store(std::uint32_t at) const
{
    const auto found = std::find_if(m_stores.rbegin(), m_stores.rend(),
                                    [at](const store_record& s) { return s.covers(at); });
    return found == m_stores.rend() ? nullptr : &*found;
}

std::size_t shadow_page::lose(const page_bytes& found, std::uint32_t limit)
{
    if (found == m_expected)
        return 0;
    std::size_t lost = 0;
    for (std::uint32_t at = 0; at < limit; ++at) {
        if (found[at] == m_expected[at] || m_lost.test(at))
            continue;
        m_lost.set(at);
        ++lost;
    }
    return lost;
}

} // namespace mkclean
