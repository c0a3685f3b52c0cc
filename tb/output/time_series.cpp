#include "tb/output/time_series.h"

#include <algorithm>

namespace mkclean
{

void time_series::stretch::merge(const stretch& next)
{
    low = next.low.value < low.value ? next.low : low;
    high = next.high.value > high.value ? next.high : high;
    last = next.last;
}

void time_series::add(picoseconds now, double value)
{
    if (m_any && value == m_value)
        return;
    m_any = true;
    m_value = value;
    const recorded_counter::point p{now, value};
    const stretch fresh{p, p, p, p};
    if (!m_stretches.empty() && now - m_stretches.back().first.time < m_width)
        m_stretches.back().merge(fresh);
    else
        m_stretches.push_back(fresh);
    if (m_stretches.size() > most)
        thin_out();
}

// Wider and wider until half of them will do.
void time_series::thin_out()
{
    const picoseconds length = m_stretches.back().first.time - m_stretches.front().first.time;
    m_width = std::max({m_width * 2, picoseconds(length.raw() / most), picoseconds(1)});
    while (m_stretches.size() > most / 2) {
        std::vector<stretch> wider;
        for (const stretch& s : m_stretches)
            if (!wider.empty() && s.first.time - wider.back().first.time < m_width)
                wider.back().merge(s);
            else
                wider.push_back(s);
        m_stretches = std::move(wider);
        m_width = m_width * 2;
    }
}

std::vector<recorded_counter::point> time_series::points() const
{
    std::vector<recorded_counter::point> all;
    for (const stretch& s : m_stretches) {
        std::vector<recorded_counter::point> kept = {s.first, s.low, s.high, s.last};
        std::stable_sort(kept.begin(), kept.end(),
                         [](const auto& a, const auto& b) { return a.time < b.time; });
        for (const recorded_counter::point& p : kept)
            if (all.empty() || all.back().time != p.time || all.back().value != p.value)
                all.push_back(p);
    }
    return all;
}

std::vector<recorded_counter::point> time_series::rates(picoseconds end, unsigned stretches) const
{
    constexpr double ps_per_ms = 1e9;
    const picoseconds width = std::max(picoseconds(end.raw() / stretches), picoseconds(1));
    std::vector<recorded_counter::point> all;
    double value = 0;
    std::size_t next = 0;
    const std::vector<recorded_counter::point> kept = points();
    for (picoseconds begin; begin < end; begin += width) {
        const double before = value;
        for (; next < kept.size() && kept[next].time < begin + width; ++next)
            value = kept[next].value;
        all.push_back({begin, (value - before) * ps_per_ms / static_cast<double>(width.raw())});
    }
    return all;
}

} // namespace mkclean
