#pragma once

#include "tb/lesson/lesson.h"

#include <nlohmann/json_fwd.hpp>

namespace mkclean
{

/// The steps of a life that a lesson shows, up to forty, as WaveJSON (https://wavedrom.com): a lane
/// for each place where the page is dirty or not, a column a step, arrows from what made a step
/// happen, as far as letters for them last. Steps are numbered as in numbered_life_table(); "disk
/// lags" is how many bytes of the page the disk has otherwise than memory.
nlohmann::ordered_json wave_of(const lesson& l, const run_record& of);

} // namespace mkclean
