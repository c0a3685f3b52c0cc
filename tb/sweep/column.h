#pragma once

#include <string>
#include <utility>

namespace mkclean
{

/// A column of the table: the value at `pointer` (RFC 6901, as in "/time/ps") of a run's stats,
/// divided by `divisor`, and by the value at `per` if that is not "", and rounded to `decimals`.
struct sweep_column {
    static constexpr int four_digits = -1; ///< instead of so many behind the point

    sweep_column() = default;
    sweep_column(std::string of_title, std::string of_value, double by = 1,
                 int behind_the_point = 0)
        : title(of_title),
          csv_title(std::move(of_title)),
          pointer(std::move(of_value)),
          divisor(by),
          decimals(behind_the_point)
    {
    }

    std::string title;
    std::string csv_title; ///< in a CSV; "" if it is not for programs
    std::string pointer;
    double divisor = 1;
    int decimals = 0;
    std::string per;
};

} // namespace mkclean
