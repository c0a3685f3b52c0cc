#include "tb/verb_explain.h"
#include "tb/explain/stepper.h"

#include <cerrno>
#include <fstream>
#include <istream>
#include <ostream>
#include <system_error>

#include <fmt/format.h>

namespace mkclean
{

namespace
{

page_life life_in(const std::string& path, const explain_options& options)
{
    std::ifstream log(path);
    if (!log)
        throw file_error("read", path, std::generic_category().message(errno));
    page_life life = read_life(log, path, inode_number(options.ino), page_index(options.page));
    if (life.steps.empty())
        throw input_error(
            {path, 0}, fmt::format("has nothing of inode {} page {}", options.ino, options.page));
    return life;
}

} // namespace

void explain_options::declare(option_set& own)
{
    own.count("page", page, {}, "which page of the file");
    own.count("ino", ino, {1, 0xffff'ffff}, "which file, by its inode; the first is 1");
    own.flag("table", table, "print all steps, a line each, on a terminal as well");
}

verb explain_verb(explain_options& options, std::istream& in, bool asks, std::ostream& out)
{
    verb v;
    v.name = "explain";
    v.operands = "FILE.log";
    v.kind = operand_kind::file;
    v.help = "the life of a page, step by step, from what --log has written";
    v.least_operands = 1;
    v.most_operands = 1;
    v.takes_model_options = false;
    options.declare(v.own);
    v.run = [&options, &in, asks, &out](const arguments& given) {
        const page_life life = life_in(given.operands.front(), options);
        if (asks && !options.table)
            step_through(life, in, out);
        else
            out << life_table(life);
        return exit_code::as_expected;
    };
    return v;
}

} // namespace mkclean
