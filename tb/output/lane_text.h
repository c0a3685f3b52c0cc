#pragma once

#include "tb/output/recording.h"

#include <cstdint>
#include <string>

namespace mkclean
{

/// "PTE rtorrent 0x7000...", "TLB core1", "buffer 0".
std::string name_of_lane(std::uint16_t lane, const recorded_page& of);

/// Its value in the letters of the log, "PWD", or as a number; "" if there is nothing to show: a
/// clean page, no entry, no bytes that differ.
std::string text_of_lane(std::uint16_t lane, std::uint32_t value);

} // namespace mkclean
