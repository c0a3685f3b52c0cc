#pragma once

#include "tb/sweep/axes.h"
#include "tb/sweep/column.h"

#include <string>
#include <vector>

namespace mkclean
{

/// sweep.*: an experiment that is a sweep says so in its config, and `run CONFIG` does all of it.
struct sweep_options {
    std::string vary;    ///< as for --vary, with blanks between
    std::string columns; ///< TITLE=POINTER[:DIVISOR]..., with blanks between
    std::string sum;     ///< one of the options that vary

    void declare(option_set& options);
    /// Error: input_error that blames whoever set sweep.columns.
    std::vector<sweep_column> table(const option_set& options) const;
    std::vector<std::string> axes() const;
    /// Error: input_error for what the command line says of the table of a sweep that is none.
    void refuse_without_sweep(const option_set& options) const;
};

} // namespace mkclean
