#pragma once

#include <string>
#include <vector>

namespace mkclean
{

/// What one figure of a run's statistics is.
struct figure_words {
    /// Where it stands (RFC 6901), as in "/time/ps"; "*" is any element of an array or any option.
    std::string pointer;
    std::string unit; ///< "" for a count, and for what is no number
    std::string meaning;
};

/// Every figure that statistics_of() and host_figures() give of any run, in their order.
const std::vector<figure_words>& figures();

} // namespace mkclean
