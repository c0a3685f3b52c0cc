// The experiments of configs/, run as they are delivered.

#include "storage/fs/mkfs.h"
#include "tb/config_file.h"
#include "tb/oracle/page_state.h"
#include "tb/output/event_text.h"
#include "tb/output/statistics.h"
#include "tb/run.h"
#include "tb/sweep/sweep.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

using namespace mkclean;

namespace
{

constexpr std::uint64_t nanoseconds = 1'000; ///< ps
constexpr std::uint64_t milliseconds = 1'000'000 * nanoseconds;

/// The steps of a run that are about page 0 of file 1, as "actor: step change".
class page_story final : public event_sink
{
public:
    void listen(world& w)
    {
        m_world = &w;
        w.log().attach(*this);
    }
    void on_event(const event& e) override
    {
        inode_number ino;
        page_index page;
        if (!page_of_event(e, m_world->the_kernel(), ino, page) || ino != inode_number(1))
            return;
        std::string step = m_world->log().name_of(e.actor).who + ": " + e.site->name;
        if (e.site->show != nullptr)
            step += " " + e.site->show(e.before, e.after);
        m_steps.push_back(step);
    }

    /// Where the step is, at or behind `from`. Fails the test if it is nowhere.
    std::size_t find(const std::string& step, std::size_t from = 0) const
    {
        for (std::size_t i = from; i < m_steps.size(); ++i)
            if (m_steps[i] == step)
                return i;
        FAIL("no step '" << step << "' from " << from << " on");
        return 0;
    }
    std::size_t count(const std::string& step) const
    {
        return static_cast<std::size_t>(std::count(m_steps.begin(), m_steps.end(), step));
    }

private:
    world* m_world = nullptr;
    std::vector<std::string> m_steps;
};

struct outcome {
    verdict judged;
    std::array<std::uint64_t, invariant_checker::count> broken{};
    bool expected = false;
    std::uint64_t faults = 0;
    std::uint64_t dirty_set = 0; ///< by walkers
    std::uint64_t late = 0;
    std::uint64_t failed_expectations = 0;

    std::uint64_t breaches() const
    {
        return judged.lost_bytes + judged.fsync_lies + judged.stale_reads + judged.invented_bytes +
               judged.livelocks + broken[4];
    }
};

/// A config of configs/, to be changed and run.
class experiment
{
public:
    explicit experiment(const std::string& name)
    {
        m_config.declare(m_model);
        configure(m_model, {std::string(MKCLEAN_SOURCE_DIR) + "/configs/" + name}, {});
    }
    experiment& with(const std::string& option, const std::string& value)
    {
        m_model.set(option, value, origin());
        return *this;
    }
    experiment& delayed(std::uint64_t ps)
    {
        m_config.workload.delay = ps;
        return *this;
    }

    experiment& cut_at(std::uint64_t ps)
    {
        m_config.power_cut_at = ps;
        return *this;
    }

    outcome run(page_story* story = nullptr)
    {
        m_config.check(m_model);
        outcome found;
        run_on_fibers(
            m_config,
            [&](world& w) {
                if (story != nullptr)
                    story->listen(w);
            },
            [&](world& w) { found = outcome_of(w); });
        CHECK(found.late == 0);
        return found;
    }

private:
    static outcome outcome_of(const world& w)
    {
        CHECK(w.how_it_ended() ==
              (w.options().power_cut_at == 0 ? world::ending::finished : world::ending::power_cut));
        outcome found;
        found.judged = w.judge()->result();
        found.broken = w.invariants().broken();
        found.expected = as_expected(w);
        found.faults = w.the_kernel().stats.pgfault;
        for (const auto& cpu : w.cores())
            found.dirty_set += cpu->memory_unit().page_walker().stats().dirty_set;
        for (const workload::counter& c : w.program().report()) {
            if (c.name == "late")
                found.late = c.value;
            if (c.name == "expectations_failed")
                found.failed_expectations = c.value;
        }
        return found;
    }

    config m_config;
    option_set m_model;
};

} // namespace

// ---- the FIXME race -----------------------------------------------------------------------------

TEST_CASE("2.6.20 lies when a write fault gets between page_mkclean and TestClearPageDirty")
{
    page_story story;
    const outcome found = experiment("fixme-race.cfg").run(&story);
    CHECK(found.expected);
    CHECK(found.judged.fsync_lies == 8);
    CHECK(found.judged.lost_bytes == 0); // munmap found PTE.D
    CHECK(found.broken[4] > 0);          // I5
    REQUIRE(found.judged.first_lie);
    CHECK(found.judged.first_lie->offset == 16);
    CHECK(found.judged.first_lie->length == 8);
    CHECK(found.judged.first_lie->expected == std::byte{0x43});

    const std::size_t installed = story.find("writer: set_pte PTE P-- -> PWD");
    const std::size_t seen_dirty = story.find("writer: TestSetPageDirty PG LD- -> LD-", installed);
    const std::size_t cleaned = story.find("syncer: TestClearPageDirty PG LD- -> L--");
    CHECK(seen_dirty < cleaned);
    // The cleaner had the page locked all the while, and had been past the writer's PTE.
    CHECK(story.find("syncer: lock_page PG -D- -> LD-") < installed);
    CHECK(story.count("syncer: page_mkclean PTE --- -> P--") == 1);
    // The second msync() found nothing to clean.
    CHECK(story.count("syncer: TestClearPageDirty PG LD- -> L--") == 1);
}

TEST_CASE("the FIXME window is 360 cycles wide, in one piece")
{
    experiment race("fixme-race.cfg");
    constexpr std::uint64_t period = 333;
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::uint64_t lies = 0;
    for (std::uint64_t delay = 590 * nanoseconds; delay < 760 * nanoseconds; delay += period) {
        const outcome found = race.delayed(delay).run();
        const bool lied = found.judged.fsync_lies > 0;
        CHECK(lied == (found.broken[4] > 0));
        CHECK(found.judged.lost_bytes == 0);
        if (!lied)
            continue;
        first = first == 0 ? delay : first;
        last = delay;
        ++lies;
    }
    CHECK(lies == 360);
    CHECK((last - first) / period + 1 == lies);
}

TEST_CASE("2.6.23 and golden keep their promise whenever the fault comes")
{
    for (const std::string kernel : {"linux-2.6.23", "golden"}) {
        CAPTURE(kernel);
        experiment race("fixme-race.cfg");
        race.with("kernel", kernel);
        for (std::uint64_t delay = 0; delay <= 2'000 * nanoseconds; delay += 5 * nanoseconds) {
            CAPTURE(delay);
            const outcome found = race.delayed(delay).run();
            CHECK(found.breaches() == 0);
            CHECK(found.expected);
        }
    }
}

// ---- no TLB flush -------------------------------------------------------------------------------

TEST_CASE("without a shootdown, a stale TLB entry lets a store through that nobody knows of")
{
    for (const std::string flush : {"none", "local"}) {
        CAPTURE(flush);
        page_story story;
        const outcome found =
            experiment("no-tlb-flush.cfg").with("vm.mkclean_flush", flush).run(&story);
        CHECK(found.expected);
        CHECK(found.judged.lost_bytes == 8);
        CHECK(found.judged.fsync_lies == 8);
        REQUIRE(found.judged.first_loss);
        CHECK(found.judged.first_loss->offset == 16);
        CHECK(found.judged.first_loss->expected == std::byte{0x43});
        // The writer has its entry from before, and never faults again.
        const std::size_t cleaned = story.find("syncer: page_mkclean PTE --- -> P--");
        CHECK(story.find("writer: TLB fill TLB --- -> PWD") < cleaned);
        CHECK(story.count("writer: page fault PTE P-- -> P--") == 0);
    }
}

TEST_CASE("with the shootdown the store faults, whenever it comes, and nothing is lost")
{
    experiment fixed("no-tlb-flush.cfg");
    fixed.with("vm.mkclean_flush", "everyone").with("expect.lost", "no");
    page_story story;
    CHECK(fixed.run(&story).breaches() == 0);
    const std::size_t dropped = story.find("writer: invlpg TLB PWD -> ---");
    const std::size_t cleaned = story.find("syncer: page_mkclean PTE --- -> P--");
    CHECK(dropped < cleaned);
    CHECK(story.find("writer: page fault PTE P-- -> P--") > cleaned);
    for (std::uint64_t delay = 0; delay <= 3'000 * nanoseconds; delay += 20 * nanoseconds)
        CHECK(fixed.delayed(delay).run().breaches() == 0);
    for (std::uint64_t delay = 0; delay <= 40 * milliseconds; delay += milliseconds)
        CHECK(fixed.delayed(delay).run().breaches() == 0);
}

TEST_CASE("without a flush, what is stored before the disk reads the page is saved by luck")
{
    experiment lucky("no-tlb-flush.cfg");
    CHECK(lucky.delayed(milliseconds).run().breaches() == 0);
    CHECK(lucky.delayed(20 * milliseconds).run().judged.lost_bytes == 8);
}

// ---- hardware sets D ----------------------------------------------------------------------------

TEST_CASE("on 2.6.18 the walker sets PTE.D without a fault, and msync finds it")
{
    page_story story;
    const outcome found = experiment("hardware-sets-D.cfg").run(&story);
    CHECK(found.expected);
    CHECK(found.breaches() == 0);
    CHECK(found.failed_expectations == 0);
    CHECK(found.faults == 1); // the first load
    CHECK(found.dirty_set == 2);

    const std::size_t mapped = story.find("syncer: set_pte PTE --- -> PW-");
    const std::size_t dirtied = story.find("writer: walker sets D PTE PW- -> PWD", mapped);
    const std::size_t scanned = story.find("syncer: msync_pte PTE PWD -> PW-", dirtied);
    const std::size_t dropped = story.find("idle: invlpg TLB PWD -> ---", scanned);
    const std::size_t known = story.find("syncer: TestSetPageDirty PG --- -> -D-", dropped);
    const std::size_t again = story.find("writer: walker sets D PTE PW- -> PWD", known);
    CHECK(story.find("syncer: msync_pte PTE PWD -> PW-", again) > again);
}

TEST_CASE("on 2.6.18 without the flush the second store leaves PTE.D clear, and is lost")
{
    for (const std::string flush : {"none", "local"}) {
        CAPTURE(flush);
        experiment broken("hardware-sets-D.cfg");
        const outcome found = broken.with("vm.mkclean_flush", flush).run();
        CHECK_FALSE(found.expected);
        CHECK(found.judged.lost_bytes == 8);
        CHECK(found.judged.fsync_lies == 8);
        CHECK(found.failed_expectations == 1);
        CHECK(found.dirty_set == 1);
        REQUIRE(found.judged.first_loss);
        CHECK(found.judged.first_loss->offset == 8);
        CHECK(found.judged.first_loss->expected == std::byte{0x42});
    }
}

// ---- threads that share a page table ------------------------------------------------------------

TEST_CASE("on 2.6.23 a thread's msync misses a store that another thread's fault has let through")
{
    page_story story;
    const outcome found = experiment("shared-page-table.cfg").run(&story);
    CHECK(found.expected);
    CHECK(found.judged.fsync_lies == 8);
    CHECK(found.judged.lost_bytes == 0);
    const std::size_t writable = story.find("first: set_pte PTE P-- -> PWD");
    CHECK(story.find("second: TLB fill TLB --- -> PWD", writable) <
          story.find("first: set TAG_DIRTY TAG --- -> D--", writable));
    CHECK(story.count("second: TestClearPageDirty PG LD- -> L--") == 0);
}

TEST_CASE("golden's fault dirties the page first: whenever the other thread comes, msync finds it")
{
    experiment fixed("shared-page-table.cfg");
    fixed.with("kernel", "golden");
    for (std::uint64_t delay = 0; delay <= 1'500 * nanoseconds; delay += 2 * nanoseconds)
        CHECK(fixed.delayed(delay).run().breaches() == 0);
}

// ---- the power fails ----------------------------------------------------------------------------

TEST_CASE("whenever the power fails, what msync promised is there")
{
    experiment cut("power-cut.cfg");
    for (std::uint64_t at = milliseconds; at <= 60 * milliseconds; at += milliseconds / 8) {
        CAPTURE(at);
        const outcome found = cut.cut_at(at).run();
        CHECK(found.breaches() == 0);
        CHECK(found.expected);
    }
}

TEST_CASE("without a flush of the disk's cache, msync's promise is worth nothing")
{
    const auto lies = [](const std::string& barrier, const std::string& write_cache) {
        return experiment("power-cut.cfg")
            .with("fs.barrier", barrier)
            .with("disk.write_cache", write_cache)
            .run()
            .judged.fsync_lies;
    };
    CHECK(lies("off", "on") == 16);
    CHECK(lies("off", "off") == 0);
    CHECK(lies("on", "on") == 0);
}

// ---- what is delivered --------------------------------------------------------------------------

// ---- broken hardware ----------------------------------------------------------------------------

TEST_CASE("stores that drain after the acknowledgement are in memory, and nothing will write them")
{
    const outcome found = experiment("experiments/ack-before-drain.cfg").run();
    CHECK(found.expected);
    CHECK(found.judged.lost_bytes > 0);
    CHECK(found.judged.fsync_lies == found.judged.lost_bytes);
    REQUIRE(found.judged.first_loss);
    CHECK(found.judged.first_loss->expected == std::byte{0x43});
    experiment drains("experiments/ack-before-drain.cfg");
    drains.with("core.interrupts_drain", "on").with("expect.lost", "no");
    for (std::uint64_t delay = 0; delay <= 2'000 * nanoseconds; delay += 50 * nanoseconds)
        CHECK(drains.delayed(delay).run().breaches() == 0);
}

TEST_CASE("a walker that does not look again loses a store that munmap did not see")
{
    const outcome found = experiment("experiments/no-D-recheck.cfg").run();
    CHECK(found.expected);
    CHECK(found.judged.lost_bytes == 8);
    REQUIRE(found.judged.first_loss);
    CHECK(found.judged.first_loss->expected == std::byte{0x42});
    for (const std::string rechecks : {"always", "strays"}) {
        CAPTURE(rechecks);
        experiment right("experiments/no-D-recheck.cfg");
        right.with("walker.rechecks", rechecks).with("expect.lost", "no");
        for (std::uint64_t delay = 0; delay <= 400 * nanoseconds; delay += 5 * nanoseconds)
            CHECK(right.delayed(delay).run().breaches() == 0);
    }
}

TEST_CASE("Knights Landing would lose a store if its erratum let it through, and does not")
{
    const outcome found = experiment("experiments/knl-blind.cfg").run();
    CHECK(found.expected);
    CHECK(found.judged.lost_bytes == 8);
    for (const std::string rechecks : {"always", "strays"}) {
        CAPTURE(rechecks);
        experiment right("experiments/knl-blind.cfg");
        right.with("walker.rechecks", rechecks).with("expect.lost", "no");
        for (std::uint64_t delay = 700 * nanoseconds; delay <= 900 * nanoseconds;
             delay += nanoseconds)
            CHECK(right.delayed(delay).run().breaches() == 0);
    }
}

TEST_CASE("every point of the experiments that are sweeps can be run")
{
    unsigned sweeps = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator(MKCLEAN_SOURCE_DIR "/configs/experiments")) {
        CAPTURE(entry.path().string());
        config c;
        option_set model;
        c.declare(model);
        configure(model, {entry.path().string()}, {});
        if (c.sweep.vary.empty())
            continue;
        const sweep_plan plan = plan_sweep({}, c.sweep, {}, model, {});
        check_points(plan, "", [&](const sweep_point& point) {
            for (const auto& [name, value] : point)
                model.set(name, value, origin());
            c.check(model);
        });
        ++sweeps;
    }
    CHECK(sweeps == 6);
}

TEST_CASE("every experiment does what it says, and the README names it")
{
    std::ifstream file(MKCLEAN_SOURCE_DIR "/README.md");
    const std::string readme{std::istreambuf_iterator<char>(file), {}};
    unsigned configs = 0;
    for (const auto& entry : std::filesystem::directory_iterator(MKCLEAN_SOURCE_DIR "/configs")) {
        if (entry.path().extension() != ".cfg")
            continue;
        const std::string name = entry.path().filename().string();
        CAPTURE(name);
        CHECK(readme.find("configs/" + name) != std::string::npos);
        CHECK(experiment(name).run().expected);
        ++configs;
    }
    CHECK(configs >= 9);
}

TEST_CASE("a run that was cut off has shown nothing, whatever its config expects")
{
    config c;
    option_set model;
    c.declare(model);
    configure(model, {MKCLEAN_SOURCE_DIR "/configs/rtorrent-2006.cfg"}, {});
    c.time_limit = 2'000 * milliseconds;
    const auto expected = [&] {
        bool met = false;
        run_on_fibers(
            c, [](world&) {}, [&](world& w) { met = as_expected(w); });
        return met;
    };
    CHECK_FALSE(expected());
    c.expect.lost = expectation::choice::any;
    CHECK(expected());
}

TEST_CASE("a machine without room says so")
{
    config c;
    option_set model;
    c.declare(model);
    const auto run = [&] {
        run_on_fibers(
            c, [](world&) {}, [](world&) {});
    };
    c.disk.capacity = 1000;
    CHECK_THROWS_AS(run(), disk_too_small);
    c.disk.capacity = 100'000;
    c.memory = 1 << 20;
    c.era.era = kernel_era::linux_2_6_18; // nothing throttles who stores to a mapping
    CHECK_THROWS_AS(run(), out_of_memory);
}

// ---- kernels ------------------------------------------------------------------------------------

TEST_CASE("the files of configs/kernel choose the kernel they are named for")
{
    const std::vector<std::pair<std::string, kernel_era>> eras = {
        {"linux-2.6.18", kernel_era::linux_2_6_18},
        {"linux-2.6.19", kernel_era::linux_2_6_19},
        {"linux-2.6.20", kernel_era::linux_2_6_20},
        {"linux-2.6.23", kernel_era::linux_2_6_23},
        {"golden", kernel_era::golden}};
    for (const auto& [name, era] : eras) {
        CAPTURE(name);
        config c;
        option_set model;
        c.declare(model);
        configure(model, {MKCLEAN_SOURCE_DIR "/configs/kernel/" + name + ".cfg"}, {});
        CHECK(c.era.era == era);
    }
}
