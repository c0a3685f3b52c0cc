#pragma once

#include "tb/command_line.h"
#include "tb/config.h"
#include "tb/sweep/sweep.h"

#include <iosfwd>

namespace mkclean
{

/// The columns of the story's table, for sweeps.
std::vector<sweep_column> run_columns();

/// `mkclean run`: one run, or every point of --vary in a process of its own. Returns the exit code.
/// With SystemC it may be called once in a process.
int run_verb(const run_options& options, const arguments& given, option_set& model, const config& c,
             std::ostream& out, std::ostream& err);

} // namespace mkclean
