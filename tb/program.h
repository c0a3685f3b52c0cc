#pragma once

#include "mmu/tlb_replacement.h"

#include <string>
#include <vector>

/// SystemC calls it once it is ready: yours to define.
extern "C" int sc_main(int argc, char* argv[]);

namespace mkclean
{

constexpr const char* program_version = "0.1.0";

/// What a program of your own adds to what configs can name; see docs/extending.md.
struct additions {
    std::vector<const tlb_replacement_kind*> replacements; ///< for tlb.replacement
};

/// All that mkclean does, given the words behind its name. To be called from sc_main(), once.
/// Returns the exit code.
int run_program(const std::vector<std::string>& words, const additions& own);

/// What main() is for: has SystemC call sc_main().
int start_systemc(int argc, char* argv[]);

} // namespace mkclean
