#pragma once

#include "sim/number.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mkclean
{

/// A line of --log, taken apart again.
struct log_line {
    std::uint64_t cycle = 0;
    std::string where; ///< "core1", "disk"
    std::string who;
    std::string step; ///< of the glossary
    enum class kind { step, begins, ends } what = kind::step;
    bool is_of_a_page = false;
    bool is_of_the_device = false; ///< a page of metadata
    bool is_of_an_address = false; ///< of which it says no page
    inode_number ino;
    page_index page;
    std::optional<unsigned> block; ///< of the page
    std::string change;            ///< "PTE PWD -> P--", or ""
};

/// Nothing if it is no line of a log.
std::optional<log_line> parse_log_line(std::string_view text);

} // namespace mkclean
