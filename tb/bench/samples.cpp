#include "tb/bench/samples.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>

namespace mkclean
{

double samples::min() const
{
    return *std::min_element(values.begin(), values.end());
}

double samples::max() const
{
    return *std::max_element(values.begin(), values.end());
}

double samples::median() const
{
    std::vector<double> sorted = values;
    std::sort(sorted.begin(), sorted.end());
    const std::size_t middle = sorted.size() / 2;
    return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

double growth_exponent(const std::vector<double>& x, const std::vector<double>& y)
{
    assert(x.size() == y.size() && x.size() >= 2);
    const auto n = static_cast<double>(x.size());
    double sum_x = 0;
    double sum_y = 0;
    double sum_xx = 0;
    double sum_xy = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double lx = std::log(x[i]);
        const double ly = std::log(y[i]);
        sum_x += lx;
        sum_y += ly;
        sum_xx += lx * lx;
        sum_xy += lx * ly;
    }
    return (n * sum_xy - sum_x * sum_y) / (n * sum_xx - sum_x * sum_x);
}

} // namespace mkclean
