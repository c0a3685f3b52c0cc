#include "tb/verb_compare.h"
#include "tb/compare/comparison.h"
#include "tb/output/report.h"

#include <ostream>

namespace mkclean
{

namespace
{

// The page takes a run by its number: what was the first one's becomes the second's.
std::string as_second(std::string data)
{
    for (const char* name : {"meta", "events"}) {
        const std::string first = std::string("id=\"") + name + "-0\"";
        data.replace(data.find(first), first.size(), std::string("id=\"") + name + "-1\"");
    }
    return data;
}

void write_report(const run_file& a, const run_file& b, const std::string& path, std::ostream& out)
{
    for (const run_file* run : {&a, &b})
        if (run->name == path)
            throw input_error(origin(), "report", "expected another file than those compared");
    for (const run_file* run : {&a, &b})
        if (!run->is_report())
            throw input_error(origin(), "report",
                              "expected two reports to make one of; " + in_quotes(run->name) +
                                  " is none");
    output_file file(path, out);
    file.write(report_html({a.report_data, as_second(b.report_data)}));
    file.commit();
}

} // namespace

void compare_options::declare(option_set& own)
{
    own.path("report", report, "of two reports, write one that shows both runs side by side");
}

verb compare_verb(compare_options& options, std::ostream& out)
{
    verb v;
    v.name = "compare";
    v.operands = "A B";
    v.kind = operand_kind::file;
    v.help = "what two runs differ in: of their --stats or their --report";
    v.least_operands = 2;
    v.most_operands = 2;
    v.takes_model_options = false;
    options.declare(v.own);
    v.run = [&options, &out](const arguments& given) {
        const run_file a = read_run_file(given.operands[0]);
        const run_file b = read_run_file(given.operands[1]);
        if (!options.report.empty())
            write_report(a, b, options.report, out);
        if (options.report != "-")
            out << comparison_of(a, b);
        return exit_code::as_expected;
    };
    return v;
}

} // namespace mkclean
