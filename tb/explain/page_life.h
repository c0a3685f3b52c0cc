#pragma once

#include "tb/explain/log_line.h"

#include <cstddef>
#include <istream>
#include <map>
#include <string>
#include <vector>

namespace mkclean
{

/// What the log lets one know of a page at some moment, in its letters.
struct known_state {
    std::string pte;                        ///< the last one that was changed
    std::map<std::string, std::string> tlb; ///< by core
    std::string flags;
    std::string tags;
    std::map<unsigned, std::string> buffers;
    std::uint64_t stores = 0;

    void apply(const log_line& line);
};

/// The lines of a log that are about one page, and what was known after each.
struct page_life {
    struct step {
        log_line line;
        known_state after;
    };
    std::vector<step> steps;
};

/// Reads a log; `name` is what errors call it. Which page is meant is by its file and its index.
/// A log that was cut short by an interrupt is read up to there.
/// Error: input_error with the line's number, for what is no line of a log.
page_life read_life(std::istream& log, const std::string& name, inode_number ino, page_index page);

} // namespace mkclean
