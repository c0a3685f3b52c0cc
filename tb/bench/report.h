#pragma once

#include "tb/bench/measure.h"
#include "tb/bench/scale.h"

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace mkclean
{

/// What the figures were measured on: processor, number of them, compiler, kind of build.
nlohmann::ordered_json bench_host();

/// The tables for people. Ratios are of medians.
std::string bench_header(const nlohmann::ordered_json& host);
std::string bench_columns();
std::string bench_row(const bench_result& r);
std::string growth_table(const growth& g);
/// A line a case.
std::string bench_listing();

/// All samples.
nlohmann::ordered_json bench_json(const std::vector<bench_result>& results);
nlohmann::ordered_json growth_json(const growth& g);

} // namespace mkclean
