#include "tb/verb_run.h"
#include "storage/fs/mkfs.h"
#include "tb/explore/explored_world.h"
#include "tb/explore/schedule.h"
#include "tb/output/log_writer.h"
#include "tb/output/perfetto.h"
#include "tb/output/progress.h"
#include "tb/output/recorder.h"
#include "tb/output/report.h"
#include "tb/output/statistics.h"
#include "tb/platform/waves.h"
#include "tb/program.h"
#include "tb/run.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <csignal>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <optional>
#include <ostream>

namespace mkclean
{

namespace
{

// What a run writes besides its table; each is there only if it was asked for.
class outputs
{
public:
    outputs(const run_options& options, report_heading heading, std::ostream& out)
        : m_options(options),
          m_heading(std::move(heading)),
          m_out(out)
    {
        if (!options.stats.empty())
            m_stats.emplace(options.stats, out);
        if (!options.log.empty())
            m_log.emplace(options.log, out);
        if (!options.vcd.empty())
            m_vcd.emplace(options.vcd, out);
        if (!options.trace.empty())
            m_trace.emplace(options.trace, out);
        if (!options.report.empty())
            m_report.emplace(options.report, out);
    }

    void attach(world& w)
    {
        if (m_log) {
            m_log_writer.emplace(*m_log, w);
            w.log().attach(*m_log_writer);
        }
        if (m_vcd)
            m_waves.emplace(w, page_index(m_options.vcd_page));
        if (m_report || m_trace)
            m_recorder.emplace(w);
        if (m_options.biography) {
            m_biographer.emplace(w);
            w.log().attach(*m_biographer);
        }
    }

    void finish(const world& w, const option_set& model, double wall_seconds)
    {
        if (m_log) {
            m_log_writer->finish();
            if (w.how_it_ended() == world::ending::interrupted)
                m_log->write("interrupted: what follows is missing\n");
            m_log->commit();
        }
        if (m_vcd) {
            m_waves->copy_to(*m_vcd);
            m_vcd->commit();
        }
        if (m_recorder)
            write_recording(m_recorder->finish(), w, model);
        if (m_stats) {
            nlohmann::ordered_json stats = statistics_of(w, model);
            stats["host"] = host_figures(w, wall_seconds);
            m_stats->write(stats.dump(2) + '\n');
            m_stats->commit();
        }
        if (!m_options.quiet && !is_busy())
            m_out << summary_of(w, palette(m_out));
        if (m_biographer && w.judge() != nullptr && w.judge()->result().first_loss) {
            m_out << '\n' << m_biographer->story_of(*w.judge()->result().first_loss);
        }
    }

private:
    void write_recording(const recording& r, const world& w, const option_set& model)
    {
        if (m_trace) {
            write_perfetto(r, w.log(), w.cores().front()->period(), w.ended_at(),
                           [this](std::string_view bytes) { m_trace->write(bytes); });
            m_trace->commit();
        }
        if (m_report) {
            m_report->write(
                report_html({report_data(r, w, model, m_heading, m_options.report_events)}));
            m_report->commit();
        }
    }
    // Something else is on the standard output.
    bool is_busy() const
    {
        const std::string* const files[] = {&m_options.stats, &m_options.log, &m_options.vcd,
                                            &m_options.trace, &m_options.report};
        return std::any_of(std::begin(files), std::end(files),
                           [](const std::string* file) { return *file == "-"; });
    }

    const run_options& m_options;
    const report_heading m_heading;
    std::ostream& m_out;
    std::optional<output_file> m_stats;
    std::optional<output_file> m_log;
    std::optional<output_file> m_vcd;
    std::optional<output_file> m_trace;
    std::optional<output_file> m_report;
    std::optional<waves> m_waves;
    std::optional<recorder> m_recorder;
    std::optional<log_writer> m_log_writer;
    std::optional<biographer> m_biographer;
};

// Signal handlers know no objects.
std::atomic<bool> attention{false}; // somebody wants to be attended to
std::atomic<bool> interrupted{false};

// From the first Ctrl-C on the run ends as soon as it can, with what it has; the second kills it.
class signal_watch
{
public:
    signal_watch()
    {
        struct sigaction action = {};
        action.sa_handler = [](int) {
            interrupted = true;
            attention = true;
        };
        action.sa_flags = static_cast<int>(SA_RESETHAND);
        ::sigaction(SIGINT, &action, &m_interrupt_before);
        ::sigaction(SIGTERM, &action, &m_terminate_before);
    }
    ~signal_watch()
    {
        ::sigaction(SIGINT, &m_interrupt_before, nullptr);
        ::sigaction(SIGTERM, &m_terminate_before, nullptr);
    }
    signal_watch(const signal_watch&) = delete;
    signal_watch& operator=(const signal_watch&) = delete;

private:
    struct sigaction m_interrupt_before = {};
    struct sigaction m_terminate_before = {};
};

/// The line that tells a waiting user how far the run is.
class watched_run
{
public:
    watched_run(const run_options& options, std::ostream& err, run_progress::clock::time_point now)
        : m_line(err),
          m_progress(now)
    {
        if (m_line.is_seen() && !options.quiet && options.log != "-")
            m_ticker.emplace(attention, std::chrono::milliseconds(250));
    }
    /// True if the run is to end.
    bool attend(const world& w)
    {
        attention = false;
        if (interrupted)
            return true;
        m_line.show(m_progress.text(w, run_progress::clock::now()));
        return false;
    }
    void end()
    {
        m_ticker.reset();
        m_line.clear();
    }

private:
    progress_line m_line;
    run_progress m_progress;
    std::optional<ticker> m_ticker;
};

void check_names(const run_options& options)
{
    const std::pair<const char*, const std::string&> outputs[] = {{"stats", options.stats},
                                                                  {"log", options.log},
                                                                  {"vcd", options.vcd},
                                                                  {"trace", options.trace},
                                                                  {"report", options.report}};
    for (const auto& [name, path] : outputs)
        for (const auto& [other, its_path] : outputs)
            if (name != other && !path.empty() && path == its_path)
                throw input_error(origin(), name,
                                  fmt::format("expected another file than --{}'s, got {}", other,
                                              in_quotes(path)));
}

// Before hours of work, and before a file is replaced. What it leaves `model` with is the last
// point; the runs are processes of their own and read the command line again.
void check_every_point(const sweep_plan& plan, option_set& model, const config& c)
{
    std::string of_all;
    try {
        c.check(model);
    } catch (const input_error& error) {
        of_all = error.what(); // some point may mend it
    }
    check_points(plan, of_all, [&](const sweep_point& point) {
        for (const auto& [name, value] : point)
            model.set(name, value, origin());
        c.check(model);
    });
}

std::string joined(const std::vector<std::string>& names)
{
    return fmt::format("{}", fmt::join(names, " + "));
}

report_heading heading_of(const arguments& given, const option_set& model)
{
    report_heading heading;
    heading.tool = fmt::format("mkclean {}", program_version);
    std::vector<std::string> names;
    heading.command = "mkclean run";
    for (const std::string& path : given.operands) {
        names.push_back(std::filesystem::path(path).stem().string());
        heading.command += ' ' + path;
    }
    for (const setting& s : given.model)
        heading.command += fmt::format(" --{}={}", s.name, s.value);
    heading.title = joined(names);
    heading.subtitle =
        fmt::format("{}, {} {}, cores: {}", model.info("kernel").text, model.info("fs.type").text,
                    model.info("fs.data").text, model.info("cores").text);
    return heading;
}

int exit_code_of(const world& w)
{
    if (w.how_it_ended() == world::ending::deadlock)
        return exit_code::internal;
    if (w.how_it_ended() == world::ending::interrupted)
        return exit_code::interrupted;
    return as_expected(w) ? exit_code::as_expected : exit_code::not_as_expected;
}

} // namespace

std::vector<sweep_column> run_columns()
{
    const auto column = [](const char* title, const char* csv_title, const char* pointer,
                           double divisor = 1, int decimals = 0) {
        sweep_column made(title, pointer, divisor, decimals);
        made.csv_title = csv_title;
        return made;
    };
    return {column("stores", "stores", "/workload/stores"),
            column("faults", "faults", "/vm/pgfault"),
            column("walks", "walks", "/walker/walks"),
            column("mkclean", "mkclean", "/vm/page_mkclean"),
            column("TLB flushes", "tlb_flushes", "/vm/nr_tlb_local_flush_one"),
            column("IPIs", "ipis", "/vm/nr_tlb_remote_flush_received"),
            column("pages written", "pages_written", "/vm/nr_written"),
            column("blocks written", "blocks_written", "/block/blocks_written"),
            column("no-I/O writepages", "no_io_writepages", "/fs/no_io_writepages"),
            column("lost bytes", "lost_bytes", "/verdict/lost_bytes"),
            column("fsync lies", "fsync_lies", "/verdict/fsync_lies"),
            column("simulated s", "simulated_s", "/time/ps", 1e12, 1),
            column("host s", "", "/host/wall_s", 1, 2)}; // a CSV is the same every time
}

int run_verb(const run_options& options, const arguments& given, option_set& model, const config& c,
             std::ostream& out, std::ostream& err)
{
    configure(model, given.operands, given.model);
    if (!options.vary.empty() || !c.sweep.vary.empty()) {
        const sweep_plan plan = plan_sweep(options, c.sweep, given, model, run_columns());
        check_every_point(plan, model, c);
        return run_sweep(plan, out, err);
    }
    c.check(model);
    c.sweep.refuse_without_sweep(model);
    if (!options.csv.empty())
        throw input_error(origin(), "csv", "is for a sweep");

    if (!options.vcd.empty() && options.executor == run_options::executor_choice::fibers)
        throw input_error(origin(), "vcd", "SystemC draws the waves; leave out --executor fibers");
    check_names(options);
    outputs wanted(options, heading_of(given, model), out);
    int code = exit_code::internal;
    const auto started = run_progress::clock::now();
    watched_run watched(options, err, started);
    const auto after = [&](world& w) {
        const std::chrono::duration<double> wall = run_progress::clock::now() - started;
        watched.end();
        wanted.finish(w, model, wall.count());
        code = exit_code_of(w);
        if (code == exit_code::interrupted)
            err << fmt::format("interrupted after {:.6f} s of simulated time\n",
                               static_cast<double>(w.ended_at().raw()) * 1e-12);
    };
    const signal_watch watch;
    std::optional<schedule> orders;
    std::optional<schedule_follower> follower;
    if (!options.schedule.empty()) {
        orders = read_schedule(options.schedule, origin());
        follower.emplace(*orders);
    }
    const config run = follower ? to_be_scheduled(c) : c;
    arbiter* const by = follower ? &*follower : nullptr;
    const auto before = [&](world& w) {
        if (follower)
            follower->drive(w);
        w.watch(attention, [&] { return watched.attend(w); });
        wanted.attach(w);
    };
    try {
        if (options.executor == run_options::executor_choice::fibers)
            run_on_fibers(run, before, after, by);
        else
            run_on_systemc(run, before, after, by);
    } catch (const disk_too_small& error) {
        throw input_error(model.info("disk.capacity").where, "disk.capacity",
                          fmt::format("{}; got {}", error.what(), c.disk.capacity));
    } catch (const out_of_memory& error) {
        throw input_error(
            model.info("memory").where, "memory",
            fmt::format("{}; expected more than {}", error.what(), model.info("memory").text));
    }
    return code;
}

} // namespace mkclean
