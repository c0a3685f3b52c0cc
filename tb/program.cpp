#include "tb/program.h"
#include "tb/command_line.h"
#include "tb/config.h"
#include "tb/verb_bench.h"
#include "tb/verb_compare.h"
#include "tb/verb_explain.h"
#include "tb/verb_explore.h"
#include "tb/verb_lesson.h"
#include "tb/verb_museum.h"
#include "tb/verb_options.h"
#include "tb/verb_reference.h"
#include "tb/verb_run.h"

#include <cstdlib>
#include <iostream>
#include <systemc>
#include <unistd.h>

namespace mkclean
{

int run_program(const std::vector<std::string>& words, const additions& own)
{
    config c;
    for (const tlb_replacement_kind* kind : own.replacements)
        c.tlb.replacements.push_back(kind);
    option_set model;
    c.declare(model);

    run_options run;
    verb run_entry;
    run_entry.name = "run";
    run_entry.operands = "CONFIG...";
    run_entry.kind = operand_kind::config;
    run_entry.help = "one run, or with --vary every combination";
    run_entry.more =
        "\nIn a config that is a sweep, --vary replaces the axis of that name, or adds one;\n"
        "--sweep.vary= drops what the config varies.\n"
        "--sweep.columns 'walks=/walker/walks fault_ns=/vm/fault_ps:/vm/pgfault:1e3' chooses what "
        "a\n"
        "sweep shows, TITLE=POINTER[:DIVISOR]...; --stats - prints all that a pointer can name.\n";
    run.declare(run_entry.own);
    run_entry.run = [&](const arguments& given) {
        let_json_be_stats(run.json, run.stats);
        return run_verb(run, given, model, c, std::cout, std::cerr);
    };

    explore_verb_options explore;
    bench_options bench;
    listing_options listing;
    lesson_verb_options lesson;
    museum_verb_options museum;
    explain_options explaining;
    compare_options comparing;
    const bool asks = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
    program known{"a cycle-level page-writeback emulator with a virtual MMU",
                  program_version,
                  {run_entry, explore_verb(explore, model, c, std::cout, std::cerr),
                   options_verb(listing, model, std::cout), bench_verb(bench, std::cout, std::cerr),
                   museum_verb(museum, std::cout, std::cerr),
                   explain_verb(explaining, std::cin, asks, std::cout),
                   compare_verb(comparing, std::cout), lesson_verb(lesson, std::cin, std::cout)},
                  model};
    known.verbs.push_back(reference_verb(known, std::cout));
    return run_command_line(words, known, std::cout, std::cerr);
}

int start_systemc(int argc, char* argv[])
{
    // SystemC's banner would be on the standard error of every run.
    setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
    return sc_core::sc_elab_and_sim(argc, argv);
}

} // namespace mkclean
