#include "storage/disk/write_cache.h"

#include <cstring>
#include <stdexcept>

namespace mkclean
{

volatile_write_cache::volatile_write_cache(std::uint64_t capacity)
    : m_capacity(capacity / sector_size)
{
    if (m_capacity == 0)
        throw std::invalid_argument("volatile_write_cache: no room for a single sector");
}

volatile_write_cache::version volatile_write_cache::put(sector_number s, const void* from)
{
    if (!has_room_for(s))
        throw std::logic_error("volatile_write_cache: put without room");
    const version accepted = ++m_latest;
    entry& e = m_entries[s.raw()];
    std::memcpy(e.data.data(), from, sector_size);
    e.current = accepted;
    if (e.waits_since == 0) {
        e.waits_since = accepted;
        m_by_age.emplace(accepted, s.raw());
    }
    if (e.first_after == 0)
        e.first_after = accepted;
    return accepted;
}

bool volatile_write_cache::read(sector_number s, void* to) const
{
    const auto found = m_entries.find(s.raw());
    if (found == m_entries.end())
        return false;
    std::memcpy(to, found->second.data.data(), sector_size);
    return true;
}

volatile_write_cache::version volatile_write_cache::oldest() const
{
    return m_by_age.empty() ? any_version : m_by_age.begin()->first;
}

std::optional<sector_run> volatile_write_cache::next_run(destage_order order, sector_number arm,
                                                         std::uint64_t longest,
                                                         version not_after) const
{
    if (oldest() > not_after || empty())
        return std::nullopt;
    if (order == destage_order::fifo)
        return run_at(sector_number(m_by_age.begin()->second), longest);
    // Somebody is old enough, so one full turn of the elevator finds them.
    auto at = m_entries.lower_bound(arm.raw());
    for (;;) {
        if (at == m_entries.end())
            at = m_entries.begin();
        if (at->second.waits_since <= not_after)
            return run_at(sector_number(at->first), longest);
        ++at;
    }
}

sector_run volatile_write_cache::run_at(sector_number first, std::uint64_t longest) const
{
    sector_run run{first, 0};
    for (auto at = m_entries.find(first.raw());
         at != m_entries.end() && at->first == first.raw() + run.count && run.count < longest; ++at)
        ++run.count;
    return run;
}

volatile_write_cache::version volatile_write_cache::begin_destage(sector_number s, void* to)
{
    entry& e = m_entries.at(s.raw());
    e.first_after = 0;
    std::memcpy(to, e.data.data(), sector_size);
    return e.current;
}

void volatile_write_cache::destaged(sector_number s, version written)
{
    const auto found = m_entries.find(s.raw());
    if (found == m_entries.end())
        throw std::logic_error("volatile_write_cache: destaged a sector that is not here");
    entry& e = found->second;
    m_by_age.erase(e.waits_since);
    if (e.current == written) {
        m_entries.erase(found);
        return;
    }
    e.waits_since = e.first_after;
    e.first_after = 0;
    m_by_age.emplace(e.waits_since, s.raw());
}

void volatile_write_cache::drop()
{
    m_entries.clear();
    m_by_age.clear();
}

} // namespace mkclean
