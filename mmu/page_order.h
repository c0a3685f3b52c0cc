#pragma once

#include <cstdint>

namespace mkclean
{

/// How many pages of 4 KiB one entry of a page table maps, as the kernel counts them: 2 to the
/// power of `order`.
enum class page_order : unsigned {
    small = 0, ///< 4 KiB
    mega = 9,  ///< 2 MiB: a PMD, a RISC-V megapage, an AArch64 level-2 block
    giga = 18  ///< 1 GiB: a PUD, a gigapage, a level-1 block
};

constexpr std::uint64_t pages_of(page_order order)
{
    return std::uint64_t{1} << static_cast<unsigned>(order);
}

} // namespace mkclean
