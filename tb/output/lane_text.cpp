#include "tb/output/lane_text.h"

#include <fmt/format.h>

namespace mkclean
{

namespace
{

// A letter for each bit that is set, from the lowest on.
std::string letters(std::uint32_t value, const char* names)
{
    std::string text;
    bool any = false;
    for (unsigned bit = 0; names[bit] != '\0'; ++bit) {
        const bool set = (value >> bit & 1U) != 0;
        text += set ? names[bit] : '-';
        any = any || set;
    }
    return any ? text : "";
}

std::string bytes_behind(std::uint32_t value)
{
    return value == 0 ? "" : fmt::format("{} bytes behind", value);
}

} // namespace

std::string name_of_lane(std::uint16_t lane, const recorded_page& of)
{
    if (lane >= lane::tlbs)
        return fmt::format("TLB core{}", lane - lane::tlbs);
    if (lane >= lane::ptes) {
        const std::size_t number = lane - lane::ptes;
        if (number >= of.mappings.size())
            return fmt::format("PTE {}", number);
        const recorded_page::mapping& m = of.mappings[number];
        return fmt::format("PTE {} {:#x}", m.process, m.va.raw());
    }
    if (lane >= lane::buffers)
        return fmt::format("buffer {}", lane - lane::buffers);
    static constexpr const char* names[] = {"PG_flags", "tags",  "inode", "storage key",
                                            "disk",     "cache", "media", "memory"};
    return names[lane];
}

std::string text_of_lane(std::uint16_t lane, std::uint32_t value)
{
    if (lane >= lane::ptes)
        return letters(value, "PWD");
    if (lane >= lane::buffers)
        return letters(value & 3U, "DL");
    switch (lane) {
    case lane::flags:
        return letters(value & 7U, "LDW");
    case lane::tags:
        return letters(value, "DWT");
    case lane::key:
        return letters(value, "CR");
    case lane::inode:
        return value != 0 ? "dirty" : "";
    case lane::cached:
        return value != 0 ? "cached" : "";
    case lane::version:
        return value == 0 ? "" : fmt::format("v{}", value);
    default:
        return bytes_behind(value);
    }
}

} // namespace mkclean
