#pragma once

#include <cstdint>
#include <vector>

namespace mkclean
{

/// Repetitions of one measurement.
struct samples {
    std::vector<double> values;

    bool empty() const { return values.empty(); }
    double min() const;
    /// Of an even number, the mean of the middle two.
    double median() const;
    double max() const;
};

/// The exponent e of the power law y = c x^e that fits best: the slope of the least-squares line
/// through the logarithms. At least two different x, all positive.
double growth_exponent(const std::vector<double>& x, const std::vector<double>& y);

} // namespace mkclean
