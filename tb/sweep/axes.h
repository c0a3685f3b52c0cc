#pragma once

#include "sim/option_set.h"
#include "tb/command_line.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mkclean
{

/// An option and the values it takes in turn, in canonical form.
struct sweep_axis {
    std::string name;
    std::vector<std::string> values;
    option_type type = option_type::text;
};

/// Where it says what varies, to be blamed: an option, and who gave it its value.
struct axes_source {
    std::string option = "vary";
    origin where;
};

/// One combination: (option, value), in the order of the axes.
using sweep_point = std::vector<std::pair<std::string, std::string>>;

/// Reads `name=a,b,c`; an item may also be lo..hi*factor or lo..hi+step, both ends included, with
/// units as in 10us..1ms*10. Whole numbers stay whole; steps of a real are rounded to 12 digits.
/// Error: input_error that blames `source`, for an unknown option, a value it refuses, a value
/// twice, a range that is empty, endless or over 100,000 values, or a range of what has no numbers.
sweep_axis parse_axis(std::string_view text, const option_set& model,
                      const axes_source& source = {});

/// The axes of a command line or a config. Error: as in parse_axis(); an option that varies twice,
/// or that varies and is given as well.
std::vector<sweep_axis> parse_axes(const std::vector<std::string>& vary, const arguments& given,
                                   const option_set& model, const axes_source& source = {});

/// `axes`, where one that `changes` has as well is as it is there; the rest of `changes` follows.
std::vector<sweep_axis> with_changes(std::vector<sweep_axis> axes,
                                     const std::vector<sweep_axis>& changes);

/// Error: input_error that blames `source` if there are more than 100,000 combinations.
void check_size(const std::vector<sweep_axis>& axes, const axes_source& source);

/// Every combination; the last axis varies fastest.
std::vector<sweep_point> sweep_points(const std::vector<sweep_axis>& axes);

} // namespace mkclean
