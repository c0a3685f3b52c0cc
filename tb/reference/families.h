#pragma once

#include "sim/option_set.h"

#include <string>
#include <vector>

namespace mkclean
{

/// Options whose names begin alike.
struct option_family {
    std::string name;  ///< "tlb" of "tlb.entries"; "general" for names without a dot
    std::string about; ///< what they are about; "" if nobody has said
    std::vector<option_info> options;
};

/// All options by family, each in the order of declaration.
std::vector<option_family> families_of(const option_set& options);

} // namespace mkclean
