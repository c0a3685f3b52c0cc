#pragma once

#include "tb/explore/search.h"

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace mkclean
{

/// What one page is like: all the places that its dirtiness can be in, as a table shows them.
struct page_view {
    std::string ptes;    ///< PWD of each mapping's PTE
    std::string tlbs;    ///< PWD of each core's entry
    std::string flags;   ///< PG_locked, PG_dirty, PG_writeback: LDW
    std::string tags;    ///< TAG_DIRTY, TAG_WRITEBACK: DW
    std::string buffers; ///< of each block: D dirty, L locked, B both
    std::string memory;  ///< the byte at each place that was stored to
    std::string disk;    ///< what a power cut would leave there

    bool operator==(const page_view& o) const
    {
        return ptes == o.ptes && tlbs == o.tlbs && flags == o.flags && tags == o.tags &&
               buffers == o.buffers && memory == o.memory && disk == o.disk;
    }
};

/// A counterexample told move by move.
struct story {
    struct step {
        std::size_t first_move = 0; ///< from 1; moves that did nothing to see are in one step
        std::size_t moves = 0;
        std::string who;
        std::vector<std::string> what; ///< the steps of the kernel and of the hardware
        page_view after;
    };
    flaw what = flaw::lost;
    std::string says; ///< what an assertion said
    std::uint32_t switches = 0;
    std::size_t done_for =
        0;            ///< the move with which the last that knew of the bytes was gone; or 0
    std::string page; ///< which one `after` is about: "ino 1 page 0"
    std::vector<step> steps;
    std::vector<std::string> moves; ///< names, for a schedule
};

/// Makes the moves again and looks on. What it says after that is about the same world.
story tell(explored_world& w, const search_result::counterexample& of);

/// As a table of lines.
std::string table_of(const story& s);
nlohmann::ordered_json json_of(const story& s);

} // namespace mkclean
