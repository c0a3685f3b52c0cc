#pragma once

#include "sim/option_set.h"
#include "tb/output/recording.h"
#include "tb/world.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mkclean
{

/// What a report says about itself.
struct report_heading {
    std::string tool; ///< "mkclean 0.1.0"
    std::string title;
    std::string subtitle;
    std::string command; ///< that makes it again
};

/// A run for the report's page: what replaces report_data_mark, as the `nth` run of the page.
/// At most `most_events` are in it: the whole lives of the most interesting pages, as many as fit.
std::string report_data(const recording& r, const world& w, const option_set& options,
                        const report_heading& heading, std::uint64_t most_events, unsigned nth = 0);

/// The page with the data of one run or of two.
std::string report_html(const std::vector<std::string>& data);

} // namespace mkclean
