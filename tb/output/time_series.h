#pragma once

#include "tb/output/recording.h"

#include <vector>

namespace mkclean
{

/// A figure that is looked at again and again, kept with bounded memory: where it changes faster
/// than can be kept, of each stretch of time its lowest, its highest and its last value, each at
/// its own time.
class time_series
{
public:
    /// Times never go back. O(1).
    void add(picoseconds now, double value);
    /// What was kept, in the order of time.
    std::vector<recorded_counter::point> points() const;
    /// How much the figure grew in each of `stretches` of a run of that length, as a rate: per ms.
    std::vector<recorded_counter::point> rates(picoseconds end, unsigned stretches) const;

private:
    struct stretch {
        recorded_counter::point first, low, high, last;
        void merge(const stretch& next);
    };
    static constexpr std::size_t most = 2048;
    void thin_out();

    std::vector<stretch> m_stretches;
    picoseconds m_width{0}; ///< of a stretch; 0: every change is kept
    bool m_any = false;
    double m_value = 0;
};

} // namespace mkclean
