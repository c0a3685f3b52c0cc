#pragma once

#include "tb/sweep/axes.h"
#include "tb/sweep/table.h"

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace mkclean
{

/// Finds the columns that would show nothing but dashes.
class column_check
{
public:
    /// With `summed`, a line is the sum of several runs.
    column_check(const std::vector<sweep_column>& columns, const std::vector<sweep_axis>& axes,
                 bool summed);

    /// What is wrong with a column, as far as one run's stats can tell; "" if nothing is. A figure
    /// that another point may have is none that is missing.
    std::string complaint(const nlohmann::ordered_json& stats) const;

    /// The same once all runs are done: no point has the figure.
    std::string complaint(const std::vector<sweep_result>& results) const;

private:
    struct figure {
        std::string pointer;
        bool has_to_be_number;
    };

    bool is_there(const figure& wanted, const nlohmann::ordered_json& stats) const;
    bool may_come(const figure& wanted) const;

    std::vector<figure> m_figures;
    std::vector<sweep_axis> m_axes;
};

} // namespace mkclean
