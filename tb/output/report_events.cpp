#include "tb/output/report_events.h"

#include <array>
#include <map>

namespace mkclean
{

namespace
{

class column
{
public:
    void put(std::uint64_t value)
    {
        constexpr unsigned bits = 7;
        constexpr std::uint64_t more = 1U << bits;
        for (; value >= more; value >>= bits)
            m_bytes += static_cast<char>(value | more);
        m_bytes += static_cast<char>(value);
    }
    const std::string& bytes() const { return m_bytes; }

private:
    std::string m_bytes;
};

enum columns : std::size_t { time, actor, site, page, block, arguments, cause, changes, count };

// The page reads numbers as doubles.
std::uint64_t exact_in_a_double(std::uint64_t value)
{
    constexpr std::uint64_t limit = std::uint64_t{1} << 53;
    return value < limit ? value : value % limit;
}

// What a PTE, a flag word or a tag was and is, the changes say.
bool says_it_in_changes(place touched)
{
    return touched != place::disk && touched != place::memory && touched != place::none;
}

class encoder
{
public:
    encoder(const recording& r, const event_selection& selected) : m_r(r), m_selected(selected) {}

    std::string encode()
    {
        for (std::uint32_t at = 0; at < m_selected.events.size(); ++at)
            put(at, m_r.events[m_selected.events[at]]);
        column all;
        all.put(m_selected.events.size());
        std::string bytes = all.bytes();
        for (const column& c : m_columns) {
            column length;
            length.put(c.bytes().size());
            bytes += length.bytes() + c.bytes();
        }
        return bytes;
    }

private:
    void put(std::uint32_t at, const recorded_event& e)
    {
        const recorded_site& of = m_r.sites[e.site];
        m_columns[time].put((e.time - m_last).raw());
        m_last = e.time;
        m_columns[actor].put(e.actor);
        m_columns[site].put(e.site * 4U + static_cast<unsigned>(e.what));
        const bool of_a_page = e.page != recorded_event::no_page;
        m_columns[page].put(of_a_page ? 1 + m_selected.rank_of[e.page] : 0);
        m_columns[block].put(e.block == recorded_event::no_block ? 0 : 1U + e.block);
        const bool args = of.is_span || !says_it_in_changes(of.touches);
        m_columns[arguments].put(args ? exact_in_a_double(e.before) : 0);
        m_columns[arguments].put(args ? exact_in_a_double(e.after) : 0);
        m_columns[cause].put(cause_of(at, e));
        put_changes(at, e);
    }

    std::uint32_t cause_of(std::uint32_t at, const recorded_event& e) const
    {
        if (e.cause == 0)
            return 0;
        const std::uint32_t from = m_selected.number_of[m_selected.events[at] - e.cause];
        return from == event_selection::left_out ? 0 : at - from;
    }

    void put_changes(std::uint32_t at, const recorded_event& e)
    {
        if (m_selected.cut > 0 && e.page != recorded_event::no_page && !m_state_told) {
            m_state_told = true;
            return put_state(m_selected.events[at]);
        }
        m_columns[changes].put(e.changes);
        for (std::uint32_t i = 0; i < e.changes; ++i) {
            const lane_change& c = m_r.changes[e.first_change + i];
            m_columns[changes].put(c.lane);
            m_columns[changes].put(c.value);
        }
    }

    // All that was before is left out: the first event that is there tells what came of it.
    void put_state(std::uint32_t until)
    {
        std::map<std::uint16_t, std::uint32_t> state;
        for (std::uint32_t at = 0; at <= until; ++at) {
            const recorded_event& e = m_r.events[at];
            if (e.page != m_r.events[until].page)
                continue;
            for (std::uint32_t i = 0; i < e.changes; ++i) {
                const lane_change& c = m_r.changes[e.first_change + i];
                state[c.lane] = c.value;
            }
        }
        m_columns[changes].put(state.size());
        for (const auto& [lane, value] : state) {
            m_columns[changes].put(lane);
            m_columns[changes].put(value);
        }
    }

    const recording& m_r;
    const event_selection& m_selected;
    std::array<column, count> m_columns;
    picoseconds m_last;
    bool m_state_told = false;
};

} // namespace

std::string encode_events(const recording& r, const event_selection& selected)
{
    return encoder(r, selected).encode();
}

} // namespace mkclean
