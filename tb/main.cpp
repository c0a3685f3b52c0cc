#include "tb/command_line.h"
#include "tb/config.h"
#include "tb/verb_bench.h"
#include "tb/verb_options.h"
#include "tb/verb_run.h"

#include <cstdlib>
#include <iostream>
#include <systemc>

namespace
{

constexpr const char* version = "0.1.0";

} // namespace

// SystemC calls this once it is ready; it is where our main() goes on.
int sc_main(int argc, char* argv[])
{
    using namespace mkclean;
    const std::vector<std::string> words(argv + 1, argv + argc);

    config c;
    option_set model;
    c.declare(model);

    run_options run;
    verb run_entry;
    run_entry.name = "run";
    run_entry.operands = "CONFIG...";
    run_entry.help = "one run, or with --vary every combination";
    run.declare(run_entry.own);
    run_entry.run = [&](const arguments& given) {
        return run_verb(run, given, model, c, std::cout, std::cerr);
    };

    bench_options bench;
    listing_options listing;
    program known{"a cycle-level page-writeback emulator with a virtual MMU",
                  version,
                  {run_entry, options_verb(listing, model, std::cout),
                   bench_verb(bench, std::cout, std::cerr)},
                  model};
    return run_command_line(words, known, std::cout, std::cerr);
}

int main(int argc, char* argv[])
{
    // SystemC's banner would be on the standard error of every run.
    setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
    return sc_core::sc_elab_and_sim(argc, argv);
}
