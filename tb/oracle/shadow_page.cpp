#include "tb/oracle/shadow_page.h"

#include <algorithm>

namespace mkclean
{

// ---- storing ------------------------------------------------------------------------------------

void shadow_page::store_slowly(std::uint64_t id, actor_id by, std::uint32_t offset,
                               const std::byte* bytes, std::size_t length, store_part part)
{
    const bool goes_on = (part == store_part::continues || part == store_part::ends) && m_goes_on &&
                         m_records.back().by == by && m_records.back().end() == offset;
    if (!goes_on)
        begin_record({id, m_epoch, 0, by, static_cast<std::uint16_t>(offset), 0});
    remember_replaced(offset, length);
    overwrite(offset, bytes, length);
    m_goes_on = part == store_part::begins || part == store_part::continues;
    if (part == store_part::ends)
        give_to_predecessor();
}

void shadow_page::write(std::uint64_t id, actor_id by, std::uint32_t offset, const std::byte* bytes,
                        std::size_t length, std::uint64_t promises)
{
    see_promises(promises);
    ++m_epoch;
    store_slowly(id, by, offset, bytes, length, store_part::whole);
    ++m_epoch;
}

void shadow_page::begin_record(const store_record& record)
{
    const store_record* const before = latest_in_granule(record.offset);
    m_predecessor = before == nullptr ? nobody : number_of(*before);
    m_records.push_back(record);
    m_records.back().old_at = static_cast<std::uint32_t>(m_replaced.size());
    if (m_records.size() == worth_an_index)
        index_records();
    else if (!m_latest.empty())
        m_latest[record.offset / granule] = number_of(m_records.back());
}

void shadow_page::remember_replaced(std::uint32_t offset, std::size_t length)
{
    const std::size_t before = m_replaced.size();
    m_replaced.resize(before + length);
    m_expected.read(offset, m_replaced.data() + before, length);
    m_records.back().length = static_cast<std::uint16_t>(m_records.back().length + length);
}

// A store that arrived in parts ends up where it would have if it had been whole.
void shadow_page::give_to_predecessor()
{
    if (m_predecessor == nobody)
        return;
    const store_record& last = m_records.back();
    store_record& earlier = m_records[m_predecessor];
    if (last.epoch != m_epoch || !may_take_over(earlier, last.offset, last.length))
        return;
    earlier.id = last.id;
    earlier.by = last.by;
    m_replaced.resize(last.old_at);
    if (!m_latest.empty())
        m_latest[last.offset / granule] = m_predecessor;
    m_records.pop_back();
}

void shadow_page::index_records()
{
    m_latest.assign(page_size / granule, nobody);
    for (const store_record& r : m_records)
        m_latest[r.offset / granule] = number_of(r);
}

std::uint32_t shadow_page::number_of(const store_record& record) const
{
    return static_cast<std::uint32_t>(&record - m_records.data());
}

void shadow_page::zero_from(std::uint32_t at)
{
    m_expected.zero_from(at);
    for (const store_record& r : m_records)
        for (std::uint32_t i = std::max<std::uint32_t>(r.offset, at); i < r.end(); ++i)
            m_replaced[r.old_at + (i - r.offset)] = std::byte{};
}

void shadow_page::forget_from(std::uint32_t at)
{
    zero_from(at);
    for (store_record& r : m_records)
        if (r.end() > at)
            r.length = static_cast<std::uint16_t>(std::max<std::uint32_t>(r.offset, at) - r.offset);
    for (std::uint32_t byte = at; m_in_base != nullptr && byte < page_size; ++byte)
        m_in_base->reset(byte);
    clear_marks(at, page_size - at);
    m_goes_on = false;
}

void shadow_page::all_durable()
{
    for (const store_record& r : m_records)
        for (std::uint32_t at = r.offset; at < r.end(); ++at)
            mark(m_in_base, at);
    m_records = {};
    m_replaced = {};
    m_latest = {};
    m_goes_on = false;
    m_long_history = worth_a_look;
}

// ---- versions -----------------------------------------------------------------------------------

page_bytes shadow_page::version_before(std::uint64_t id) const
{
    page_bytes version = m_expected.all();
    for (auto r = m_records.rbegin(); r != m_records.rend(); ++r)
        if (r->id >= id)
            std::memcpy(version.data() + r->offset, m_replaced.data() + r->old_at, r->length);
    return version;
}

bool shadow_page::had_value_since(std::uint64_t id, std::uint32_t at, std::byte value) const
{
    return m_expected[at] == value ||
           std::any_of(m_records.begin(), m_records.end(), [&](const store_record& r) {
               return r.id >= id && r.covers(at) && replaced(r, at) == value;
           });
}

bool shadow_page::stored_before(std::uint64_t id, std::uint32_t at) const
{
    return (m_in_base != nullptr && m_in_base->test(at)) ||
           std::any_of(m_records.begin(), m_records.end(),
                       [&](const store_record& r) { return r.id < id && r.covers(at); });
}

bool shadow_page::is_of_store(std::uint32_t at, std::uint64_t id) const
{
    return std::any_of(m_records.begin(), m_records.end(),
                       [&](const store_record& r) { return r.id == id && r.covers(at); });
}

const store_record* shadow_page::last_store(std::uint32_t at) const
{
    const store_record* last = nullptr;
    for (const store_record& r : m_records)
        if (r.covers(at) && (last == nullptr || r.id > last->id))
            last = &r;
    return last;
}

// ---- marks --------------------------------------------------------------------------------------

void shadow_page::mark(byte_marks& marks, std::uint32_t at)
{
    if (marks == nullptr)
        marks = std::make_unique<std::bitset<page_size>>();
    marks->set(at);
}

void shadow_page::clear_marks(std::uint32_t offset, std::size_t length)
{
    for (byte_marks* const marks : {&m_lost, &m_lied})
        for (std::size_t i = 0; *marks != nullptr && i < length; ++i)
            (*marks)->reset(offset + i);
}

std::size_t shadow_page::lose(const page_bytes& found, std::uint32_t limit)
{
    if (same(found, m_expected))
        return 0;
    std::size_t lost = 0;
    for (std::uint32_t at = 0; at < limit; ++at) {
        if (found[at] == m_expected[at] || is_lost(at))
            continue;
        mark(m_lost, at);
        ++lost;
    }
    return lost;
}

} // namespace mkclean
