#include "tb/explore/explored_world.h"
#include "storage/fs/ext3.h"
#include "tb/explore/schedule.h"
#include "tb/run.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace mkclean
{

namespace
{

#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t stack_bytes = std::size_t{128} << 10;
#else
constexpr std::size_t stack_bytes = std::size_t{64} << 10;
#endif
constexpr std::size_t longest_end = 5000;    // moves
constexpr std::size_t never_zero_for = 4096; ///< bytes: what is below so many zeros was never used

} // namespace

config to_be_scheduled(config c)
{
    c.memory = std::uint64_t{1} << 20;
    c.core.sync = time_sync::every_access;
    c.power_cut_at = 0;
    c.disk.destage_idle = 0;
    c.vm.dirty_expire = 0; // what pdflush writes when it wakes up, which it may at any time
    return c;
}

config to_be_explored(config c)
{
    c = to_be_scheduled(std::move(c));
    c.memory_latency = 0;
    c.oracle = false;
    return c;
}

/// Lets one entry go, and then nobody.
class explored_world::one_move final : public arbiter
{
public:
    void set(move m)
    {
        m_next = m;
        m_last = 0;
        m_have_run = 0;
    }
    /// Who has had the last turn.
    move last() const { return m_last; }
    executor::entry* choose(const executor& exec) override
    {
        executor::entry* chosen = nullptr;
        exec.for_each_ready([&](executor::entry& e) {
            if (e.number() == m_next)
                chosen = &e;
        });
        m_next = 0;
        return chosen;
    }
    void goes(const executor::entry& e) override
    {
        m_last = e.number();
        m_have_run |= std::uint64_t{1} << m_last % 64;
    }
    /// False: for sure not since set().
    bool has_run(move task) const { return (m_have_run >> task % 64 & 1) != 0; }

private:
    move m_next = 0;
    move m_last = 0;
    std::uint64_t m_have_run = 0;
};

struct explored_world::in_arena {
    in_arena(const config& c, std::byte* ram, arbiter& by, event_sink& listener)
        : memory(ram, c.memory),
          bus(memory, picoseconds(c.memory_latency)),
          program(make_workload(c)),
          exec(stack_bytes)
    {
        exec.obey(by, true);
        machine = std::make_unique<world>(c, exec, memory, bus, *program);
        judge = std::make_unique<exploring_judge>(machine->the_kernel(), machine->disk(),
                                                  machine->media());
        machine->set_judges(*judge, *judge);
        machine->log().attach(listener);
        machine->log().set_sweeps_stacks();
    }
    physical_memory memory;
    plain_interconnect bus;
    std::unique_ptr<workload> program;
    fiber_executor exec;
    std::unique_ptr<world> machine;
    std::unique_ptr<exploring_judge> judge;
};

explored_world::explored_world(const config& c, block_store& store)
    : m_config(to_be_explored(c)),
      m_image(m_arena, store),
      m_arbiter(std::make_unique<one_move>())
{
    {
        const arena::scope all_of_it(m_arena);
        m_ram = static_cast<std::byte*>(::operator new(m_config.memory));
        m_in = new in_arena(m_config, m_ram, *m_arbiter, m_listening);
    }
    m_world = m_in->machine.get();
    m_judge = m_in->judge.get();
    m_executor = &m_in->exec;
    m_arena.set_owner(
        [](const void* exec) {
            const executor::task* const who = static_cast<const executor*>(exec)->running();
            return static_cast<std::uint16_t>(who == nullptr ? 0 : who->number());
        },
        static_cast<const executor*>(m_executor));

    for (const auto& cpu : m_world->cores()) {
        count_is_at(&cpu->stats(), sizeof cpu->stats());
        count_is_at(&cpu->memory_unit().translations().stats(), sizeof(tlb_stats));
        count_is_at(&cpu->memory_unit().page_walker().stats(), sizeof(walker_stats));
    }
    count_is_at(&m_world->disk().stats(), sizeof(disk_stats));
    count_is_at(&m_world->block().stats(), sizeof(block_stats));
    if (const auto* const journalled = dynamic_cast<const ext3*>(&m_world->files()))
        count_is_at(&journalled->stats(), sizeof(journal_stats));
    const vmstat& vm = m_world->the_kernel().stats;
    count_is_at(&vm.nr_dirtied, sizeof vm - offsetof(vmstat, nr_dirtied));

    if (m_world->program().begun())
        throw program_not_explored();
    // Up to where orders matter, one of them.
    move last_timer = 0;
    while (!m_world->program().begun()) {
        executor::entry* const chosen = choose_before_exploring(*m_executor, last_timer);
        const move first = chosen->number();
        step_result ignored;
        if (run_one(first, ignored) != executor::outcome::held)
            throw program_not_explored();
    }
    m_judge->begin();
    m_world->invariants().forget();
    forget_counts();
    m_start = m_image.take();
    m_image.load(m_start);
    m_arena.watch().begin();
}

explored_world::~explored_world()
{
    m_image.load(m_start);
    const arena::scope all_of_it(m_arena);
    delete m_in;
    ::operator delete(m_ram);
}

void explored_world::count_is_at(const void* from, std::size_t bytes)
{
    m_counters.emplace_back(const_cast<void*>(from), bytes);
}

void explored_world::forget_counts()
{
    for (const auto& [from, bytes] : m_counters)
        std::memset(from, 0, bytes);
}

std::vector<explored_world::move> explored_world::moves() const
{
    std::vector<move> all;
    move first_task = 0;
    m_executor->for_each_ready([&](const executor::entry& e) {
        all.push_back(e.number());
        if (e.is_task() && first_task == 0)
            first_task = e.number();
    });
    // Nobody is left whom another order could surprise.
    if (winding_down() && first_task != 0)
        return {first_task};
    return all;
}

executor::outcome explored_world::run_one(move m, step_result& result)
{
    m_stacks_before.clear();
    m_executor->for_each_stack(
        [&](const fiber_executor::stack_view& s) { m_stacks_before.push_back(s); });
    m_arbiter->set(m);
    executor::outcome how = executor::outcome::stopped;
    try {
        const arena::scope all_of_it(m_arena);
        how = m_executor->run();
    } catch (const std::exception& error) {
        result.flaws |= bit(flaw::assertion);
        result.what = error.what();
        result.ended = true;
    }
    sweep_stacks();
    return how;
}

// What calls have left behind below a stack's end says nothing, and would tell equal states apart.
void explored_world::sweep_stacks()
{
    auto before = m_stacks_before.begin();
    m_executor->for_each_stack([&](const fiber_executor::stack_view& s) {
        while (before != m_stacks_before.end() && before->of < s.of)
            ++before; // that one has ended
        if (!m_arbiter->has_run(s.of))
            return;
#if defined(__SANITIZE_ADDRESS__)
        __asan_unpoison_memory_region(s.bottom, s.size);
#endif
        const bool is_new = before == m_stacks_before.end() || before->of != s.of;
        sweep(s, is_new ? s.pointer : std::min(before->pointer, s.pointer));
    });
}

void explored_world::sweep(const fiber_executor::stack_view& s, std::byte* low)
{
    std::size_t zeros = 0;
    while (low > s.bottom && zeros < never_zero_for) {
        low -= sizeof(std::uint64_t);
        std::uint64_t word = 0;
        std::memcpy(&word, low, sizeof word);
        zeros = word == 0 ? zeros + sizeof word : 0;
    }
    low += zeros;
    if (low <= s.bottom + 64)
        throw std::runtime_error("a stack of an explored world is too small");
    if (low < s.pointer)
        std::memset(low, 0, static_cast<std::size_t>(s.pointer - low));
}

explored_world::step_result explored_world::make(move m)
{
    step_result result;
    const std::uint64_t surprises = m_world->program().failed_expectations();
    const executor::outcome how = run_one(m, result);
    if (how == executor::outcome::stopped && !result.ended) {
        m_judge->judge_end();
        m_world->invariants().check_quiet();
        result.ended = true;
    }
    const exploring_judge::counts found = m_judge->take_counts();
    if (found.lost > 0)
        result.flaws |= bit(flaw::lost);
    if (found.lies > 0)
        result.flaws |= bit(flaw::lie);
    if (found.stale > 0)
        result.flaws |= bit(flaw::stale);
    if (m_world->program().failed_expectations() > surprises)
        result.flaws |= bit(flaw::expect);
    const auto& broken = m_world->invariants().broken();
    for (std::size_t i = 0; i < broken.size(); ++i)
        if (broken[i] > 0)
            result.flaws |= flaw_set{1} << (static_cast<std::size_t>(flaw::invariant_1) + i);
    m_world->invariants().forget();
    forget_counts();
    result.state = m_image.take();
    result.last = m_arbiter->last();
    result.suspicious = !result.ended && m_judge->suspects_loss();
    return result;
}

std::vector<explored_world::move> explored_world::run_out(image::id from, move last,
                                                          step_result& end)
{
    std::vector<move> way;
    flaw_set found = 0;
    while (way.size() < longest_end) {
        load(from);
        const std::vector<move> all = moves();
        if (all.empty())
            return {};
        // Whoever has moved goes on; or else everybody gets a turn.
        if (std::find(all.begin(), all.end(), last) == all.end()) {
            const auto after = std::upper_bound(all.begin(), all.end(), last);
            last = after == all.end() ? all.front() : *after;
        }
        way.push_back(last);
        end = make(last);
        found |= end.flaws;
        end.flaws = found;
        if (end.ended)
            return way;
        from = end.state;
        last = end.last;
    }
    return {};
}

std::string explored_world::name_of_move(move m) const
{
    std::string name;
    m_executor->for_each_ready([&](const executor::entry& e) {
        if (e.number() == m)
            name = mkclean::name_of(e);
    });
    return name;
}

void explored_world::set_listener(std::function<void(const event&)> listener)
{
    m_listening.to = std::move(listener);
}

std::string explored_world::where(std::size_t offset) const
{
    const std::byte* const at = m_arena.begin() + offset;
    std::vector<std::string> names;
    m_executor->for_each_task([&](const executor::task& t) {
        if (!t.finished())
            names.push_back(t.name());
    });
    std::string found;
    auto name = names.begin();
    m_executor->for_each_stack([&](const fiber_executor::stack_view& s) {
        if (at >= s.bottom && at < s.bottom + s.size)
            found = "stack of " + *name + ", " + std::to_string(s.bottom + s.size - at) +
                    " bytes below its top";
        ++name;
    });
    return found.empty() ? m_arena.describe(offset) : found;
}

} // namespace mkclean
