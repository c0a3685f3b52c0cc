#include "tb/verb_explore.h"
#include "tb/config_file.h"
#include "tb/explore/schedule.h"
#include "tb/explore/story.h"
#include "tb/explore/walks.h"
#include "tb/output/progress.h"
#include "tb/output/statistics.h"
#include "tb/sweep/processes.h"
#include "tb/text_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <new>
#include <optional>
#include <ostream>

#include <boost/crc.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace mkclean
{

namespace
{

using clock = std::chrono::steady_clock;

std::string grouped(std::uint64_t n)
{
    std::string digits = std::to_string(n);
    for (std::size_t at = digits.size(); at > 3;) {
        at -= 3;
        digits.insert(at, ",");
    }
    return digits;
}

std::string counted(std::uint64_t n, const char* one, const char* many)
{
    return fmt::format("{} {}", grouped(n), n == 1 ? one : many);
}

const char* sentence_of(flaw f)
{
    switch (f) {
    case flaw::lost:
        return "bytes are lost";
    case flaw::lie:
        return "a sync says that bytes are durable, and they are not";
    case flaw::stale:
        return "a load sees something else than was stored";
    case flaw::expect:
        return "a program finds something else than it expects";
    case flaw::deadlock:
        return "nobody can go on";
    case flaw::livelock:
        return "there is no way to an end any more";
    case flaw::assertion:
        return "the model catches itself in something";
    default:
        return "an invariant is broken";
    }
}

/// One search: what was asked for, and what came of it.
class exploration
{
public:
    /// `program` tells it from others. With `save` a search that has not come to its end is put by
    /// there.
    exploration(const config& c, const explore_verb_options& options, std::string program,
                output_file* save, std::ostream& err)
        : m_config(c),
          m_options(options),
          m_program(std::move(program)),
          m_save(save),
          m_line(err, options.quiet)
    {
    }

    void run()
    {
        block_store store(m_config.explore.memory);
        explored_world w(m_config, store);
        m_kernel = kernel_name();
        interrupt_watch interrupts;
        m_started = clock::now();
        result = look(w, [&](const search::progress& p) {
            tell(p);
            return interrupts.interrupted();
        });
        seconds = std::chrono::duration<double>(clock::now() - m_started).count();
        interrupted = interrupts.interrupted();
        m_line.clear();
        for (const search_result::counterexample& c : result.found)
            stories.push_back(mkclean::tell(w, c));
    }

    const std::string& kernel() const { return m_kernel; }
    bool walks() const
    {
        return m_config.explore.order == search_order::random ||
               m_config.explore.order == search_order::pct;
    }

    search_result result;
    std::vector<story> stories;
    double seconds = 0; ///< of the host
    bool interrupted = false;
    bool saved = false;

private:
    search_result look(explored_world& w, const std::function<bool(const search::progress&)>& tell)
    {
        const explore_options& asked = m_config.explore;
        flaw_set stops_at = 0;
        for (const flaw f : asked.stop_at)
            stops_at |= bit(f);
        if (walks()) {
            walk_limits limits;
            limits.kind = asked.order == search_order::pct ? walk_kind::pct : walk_kind::random;
            limits.walks = asked.walks;
            limits.seed = m_config.seed;
            limits.changes = asked.pct_changes;
            limits.stops_at = stops_at;
            return walk(w, limits, tell);
        }
        search_limits limits;
        limits.order = asked.order;
        limits.states = asked.states;
        limits.switches = asked.switches;
        limits.stops_at = stops_at;
        limits.jobs = static_cast<std::size_t>(m_options.jobs);
        search s(w, limits);
        if (!m_options.resume.empty() && !resume(s, tell))
            return {};
        search_result found = s.run(tell);
        if (m_save != nullptr && !found.complete)
            save(s);
        s.throw_what_has_ended_it();
        return found;
    }
    bool resume(search& s, const search::listener& tell)
    {
        std::ifstream file(m_options.resume, std::ios::binary);
        if (!file)
            throw file_error("read", m_options.resume, std::strerror(errno));
        try {
            return s.resume(m_program, file, tell);
        } catch (const not_that_search& error) {
            throw input_error({m_options.resume, 0}, error.what());
        }
    }
    void save(const search& s)
    {
        s.save(m_program, [this](std::string_view bytes) { m_save->write(bytes); });
        m_save->commit();
        saved = true;
    }
    std::string kernel_name() const
    {
        for (const auto& [name, era] : kernel_era_names())
            if (era == m_config.era.era)
                return name;
        return "?";
    }
    void tell(const search::progress& p)
    {
        const auto now = clock::now();
        if (!m_line.is_seen() || now - m_told < std::chrono::milliseconds(250))
            return;
        m_told = now;
        const double past = std::chrono::duration<double>(now - m_started).count();
        std::string text = fmt::format("{} states, {:.0f} a second, {} {}", grouped(p.states),
                                       static_cast<double>(p.states) / past, grouped(p.waiting),
                                       walks() ? "walks to go" : "moves to be made");
        if (m_config.explore.order == search_order::switches)
            text += fmt::format(", {}", counted(p.switches, "switch", "switches"));
        m_line.show(text + fmt::format(", depth {}", p.depth));
    }

    const config& m_config;
    const explore_verb_options& m_options;
    std::string m_program;
    output_file* m_save;
    progress_line m_line;
    std::string m_kernel;
    clock::time_point m_started;
    clock::time_point m_told;
};

std::string coverage_of(const exploration& e, const config& c)
{
    const search_result& r = e.result;
    std::string text =
        fmt::format("{}: {}, {}, in {:.1f} s ({:.0f} states a second)\n", e.kernel(),
                    counted(r.states, "state", "states"), counted(r.transitions, "move", "moves"),
                    e.seconds, static_cast<double>(r.states) / std::max(e.seconds, 1e-3));
    if (r.out_of_memory)
        text += "explore.memory is full\n";
    if (e.walks())
        return text + fmt::format("{}, up to {} long, and nothing beside them\n",
                                  counted(r.ends, "walk", "walks"),
                                  counted(r.depth, "move", "moves"));
    if (r.complete)
        return text +
               fmt::format("all of them: every order of steps, up to {} deep; {} to an end\n",
                           counted(r.depth, "move", "moves"), counted(r.ends, "way", "ways"));
    if (c.explore.order == search_order::switches && r.switches_done)
        return text + fmt::format("not all of them: every order with up to {}\n",
                                  counted(*r.switches_done, "switch", "switches"));
    return text + "not all of them\n";
}

std::string finding_text(const story& s, search_order order)
{
    std::string text = fmt::format("\nfound: {} ({})", name_of(s.what), sentence_of(s.what));
    text += fmt::format(", in {}", counted(s.moves.size(), "move", "moves"));
    if (order == search_order::switches)
        text += fmt::format(" with {}", counted(s.switches, "switch", "switches"));
    if (s.done_for > 0)
        text += fmt::format("; move {} seals it", s.done_for);
    text += '\n';
    if (!s.says.empty())
        text += fmt::format("  {}\n", s.says);
    return text;
}

nlohmann::ordered_json json_of(const exploration& e, const option_set& model)
{
    nlohmann::ordered_json j;
    const search_result& r = e.result;
    j["explore"] = {{"complete", r.complete}, {"out_of_memory", r.out_of_memory},
                    {"states", r.states},     {"transitions", r.transitions},
                    {"ends", r.ends},         {"depth", r.depth}};
    j["explore"]["switches_done"] =
        r.switches_done ? nlohmann::ordered_json(*r.switches_done) : nlohmann::ordered_json();
    j["found"] = nlohmann::ordered_json::array();
    for (const story& s : e.stories)
        j["found"].push_back(mkclean::json_of(s));
    for (const std::string& name : model.names())
        j["config"][name] = model.info(name).text;
    j["host"]["wall_s"] = e.seconds;
    j["host"]["peak_rss_bytes"] = peak_resident_bytes();
    return j;
}

int exit_code_of(const exploration& e, const config& c)
{
    if (e.interrupted)
        return exit_code::interrupted;
    const auto any_of = [&](std::initializer_list<flaw> what) {
        return std::any_of(what.begin(), what.end(),
                           [&](flaw f) { return e.result.of(f) != nullptr; });
    };
    const bool broken = any_of({flaw::lost, flaw::lie, flaw::stale, flaw::expect});
    if (any_of({flaw::deadlock, flaw::livelock, flaw::assertion}))
        return exit_code::not_as_expected;
    // The others break the invariants now and then, and so does a golden of which nothing is said.
    if (c.era.era == kernel_era::golden && c.expect.lost != expectation::choice::any && !broken &&
        !e.result.found.empty())
        return exit_code::not_as_expected;
    if (e.result.out_of_memory && !broken)
        return exit_code::not_as_expected; // nobody has asked for less than all
    return c.expect.met(c.era.era, broken) ? exit_code::as_expected : exit_code::not_as_expected;
}

/// This program itself, as far as a checksum tells one from another.
std::uint32_t build_checksum()
{
    std::ifstream file("/proc/self/exe", std::ios::binary);
    boost::crc_32_type checksum;
    std::array<char, std::size_t{1} << 16> piece;
    while (file.read(piece.data(), piece.size()) || file.gcount() > 0)
        checksum.process_bytes(piece.data(), static_cast<std::size_t>(file.gcount()));
    return checksum.checksum();
}

/// All that the states and the moves between them depend on.
std::string what_is_explored(const config& c, const option_set& model)
{
    std::string text = fmt::format("{:08x}\n", build_checksum());
    for (const std::string& name : model.names())
        if (name.rfind("explore.", 0) != 0 && name.rfind("expect.", 0) != 0)
            text += fmt::format("{} = {}\n", name, model.info(name).text);
    return text + read_text_file(c.workload.file, model.info("workload.file").where);
}

int run_explore(const explore_verb_options& options, const arguments& given, option_set& model,
                const config& c, std::ostream& out, std::ostream& err)
{
    configure(model, given.operands, given.model);
    c.check(model);
    c.sweep.refuse_without_sweep(model);
    if (c.workload.kind != workload_kind::script)
        throw model.complaint("workload.kind", "expected script for explore: the other programs "
                                               "are too large for every order of their steps");
    const bool walks =
        c.explore.order == search_order::random || c.explore.order == search_order::pct;
    if (walks && !(options.save.empty() && options.resume.empty()))
        throw input_error(origin(), "save and resume are for searches: explore.order = moves or "
                                    "switches");
    std::optional<output_file> stats;
    std::optional<output_file> schedule_file;
    std::optional<output_file> saved_search;
    if (!options.stats.empty())
        stats.emplace(options.stats, out);
    if (!options.schedule.empty())
        schedule_file.emplace(options.schedule, out);
    if (!options.save.empty())
        saved_search.emplace(options.save, out);
    const bool may_go_on = !options.save.empty() || !options.resume.empty();
    exploration e(c, options, may_go_on ? what_is_explored(c, model) : "",
                  saved_search ? &*saved_search : nullptr, err);
    try {
        e.run();
    } catch (const program_not_explored& error) {
        throw input_error(model.info("workload.file").where, "workload.file", error.what());
    } catch (const std::bad_alloc&) {
        throw input_error(model.info("workload.kind").where, "workload.kind",
                          "this does not fit into what explore copies back and forth: expected a "
                          "few cores, threads and pages");
    } catch (const store_full& error) {
        throw input_error(model.info("explore.memory").where, "explore.memory", error.what());
    }

    const bool busy = options.stats == "-" || options.schedule == "-";
    if (!options.quiet && !busy) {
        out << coverage_of(e, c);
        if (e.saved)
            out << fmt::format("put by: --resume {} goes on from there\n", options.save);
        for (const story& s : e.stories)
            out << finding_text(s, c.explore.order);
        if (!e.stories.empty())
            out << fmt::format("\n{}, {}:\n", name_of(e.stories.front().what),
                               e.stories.front().page)
                << table_of(e.stories.front());
    }
    if (schedule_file && !e.stories.empty()) {
        schedule s;
        s.moves = e.stories.front().moves;
        schedule_file->write(
            schedule_text(s, fmt::format("{} on {}", name_of(e.stories.front().what), e.kernel())));
        schedule_file->commit();
    }
    if (stats) { // last: an error would be one more object
        stats->write(json_of(e, model).dump(2) + '\n');
        stats->commit();
    }
    return exit_code_of(e, c);
}

} // namespace

void explore_verb_options::declare(option_set& own)
{
    own.path("schedule", schedule, "write the story that was found, for run --schedule to follow");
    own.path("save", save,
             "where to put by a search that ends before it has looked at everything: "
             "interrupted, or at one of its limits");
    own.path("resume", resume, "go on with a search that was put by");
    own.path("stats", stats, "write what was found as JSON; - is the standard output");
    own.flag("json", json, "print JSON: what was found, as --stats - does, or the error");
    own.count("jobs", jobs, {1, 256},
              "processes that make moves at once; what is found does not depend on it, and walks "
              "are made by one");
    own.flag("quiet", quiet, "print nothing but errors");
}

verb explore_verb(explore_verb_options& options, option_set& model, config& c, std::ostream& out,
                  std::ostream& err)
{
    verb v;
    v.name = "explore";
    v.operands = "CONFIG...";
    v.kind = operand_kind::config;
    v.help = "every order of a small program's steps, instead of the one that time brings about";
    v.more =
        "\nA script says by `meet explored` where orders begin to matter; time stands still, "
        "so\n"
        "that options in seconds or cycles say nothing. configs/explore has programs that are\n"
        "small enough.\n";
    v.least_operands = 1;
    options.declare(v.own);
    v.run = [&options, &model, &c, &out, &err](const arguments& given) {
        let_json_be_stats(options.json, options.stats);
        return run_explore(options, given, model, c, out, err);
    };
    return v;
}

} // namespace mkclean
