#pragma once

#include "sim/option_set.h"
#include "tb/output/terminal.h"
#include "tb/world.h"

#include <cstdint>
#include <nlohmann/json_fwd.hpp>

namespace mkclean
{

/// Whether something that was promised was broken: bytes lost, a sync that lied, a stale read, ...
bool promise_broken(const world& w);
/// Whether that is what the config expects.
bool as_expected(const world& w);

/// Everything about a run that can be had again by running it again: no host figures.
nlohmann::ordered_json statistics_of(const world& w, const option_set& options);
/// What it took on this machine, for the key `host`.
nlohmann::ordered_json host_figures(const world& w, double wall_seconds);
/// The most memory of the host that this process has had.
std::uint64_t peak_resident_bytes();

/// The table for people.
std::string summary_of(const world& w, const palette& colours = palette());

} // namespace mkclean
