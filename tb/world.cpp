#include "tb/world.h"
#include "vm/fault.h"
#include "vm/mmap.h"
#include "vm/sync.h"

#include <algorithm>

namespace mkclean
{

namespace
{

constexpr std::uint64_t reserved_frames = 1; // frame 0 means "none" in a PTE and in events
constexpr unsigned disk_priority = 2000;     // behind every core at the same instant
constexpr unsigned power_priority = 1;

super_block_layout make_filesystem(disk_media& media, const config& c, const workload& program)
{
    const bool journalled = c.fs.type == filesystem_type::ext3;
    return mkfs(media, static_cast<std::uint32_t>(c.fs.block_size),
                journalled ? c.fs.journal.blocks : 0, program.files());
}

} // namespace

struct world::disk_registers_port final : register_target {
    explicit disk_registers_port(world& w) : owner(w) {}
    std::uint32_t read_register(std::uint64_t offset) override
    {
        return owner.m_controller->read_register(offset);
    }
    void write_register(std::uint64_t offset, std::uint32_t value) override
    {
        owner.m_controller->write_register(offset, value);
    }
    world& owner;
};

struct world::disk_interrupt final : interrupt_line {
    explicit disk_interrupt(world& w) : owner(w) {}
    void raise() override
    {
        core& cpu = *owner.m_cores.front();
        cpu.post_interrupt(interrupt::disk,
                           owner.m_executor.now() + picoseconds(cpu.options().irq_latency));
    }
    world& owner;
};

world::world(const config& c, executor& exec, physical_memory& memory, interconnect& bus,
             workload& program)
    : m_config(c),
      m_executor(exec),
      m_program(program),
      m_media(c.disk.capacity, c.disk.never_written),
      m_layout(make_filesystem(m_media, c, program)),
      m_cache(memory.frames(), reserved_frames, c.era.policies().cache),
      m_walkers(c.walker.shared_ports),
      m_bdi(c.fs.bdi)
{
    if (c.walker.sets_dirty == dirty_setter::storage_key)
        give_keys_to(memory);
    build_machine(bus);
    build_kernel(memory, bus);
    m_program.start(*this);
}

world::~world()
{
    m_executor.cancel_all();
}

void world::give_keys_to(physical_memory& memory)
{
    m_keys = std::make_unique<storage_keys>(memory);
    m_cache.keys = m_keys.get();
    m_sharing.stores_need_only_w();
}

void world::build_machine(interconnect& bus)
{
    const bool ahead_of_others = m_config.cores > 1 && m_config.core.sync == time_sync::window;
    const bool late_stores = ahead_of_others || m_config.core.store_buffer > 0;
    for (unsigned i = 0; i < m_config.cores; ++i) {
        bus_port& port = bus.add_initiator("core_" + std::to_string(i));
        tlb_options translations = m_config.tlb;
        translations.seed = m_config.seed * m_config.cores + i;
        m_cores.push_back(std::make_unique<core>(
            m_executor, m_log, m_config.cost, m_config.core, i,
            std::make_unique<mmu>(port, translations, m_config.walker, m_keys.get())));
        if (m_config.walker.shared_ports > 0)
            m_cores.back()->memory_unit().share_walkers(m_walkers);
        if (late_stores)
            m_cores.back()->defer_to(m_deferred);
        if (ahead_of_others)
            m_cores.back()->share(m_sharing, picoseconds(m_config.memory_latency));
    }
    if (late_stores)
        m_executor.before_turns(
            [this](picoseconds when, unsigned priority) { m_deferred.commit(when, priority); });
    m_timing = make_timing(m_config.disk);
    m_registers = std::make_unique<disk_registers_port>(*this);
    m_interrupt = std::make_unique<disk_interrupt>(*this);
    bus.attach(*m_registers);
    m_dma = std::make_unique<dma_tap>(bus.add_initiator("disk_dma"));
    const disk_connections to{m_executor,   m_log,  m_config.cost, *m_dma,
                              *m_interrupt, "disk", disk_priority};
    m_controller = std::make_unique<disk_controller>(m_config.disk, to, m_media, *m_timing);
}

void world::build_kernel(physical_memory& memory, interconnect& bus)
{
    m_block = std::make_unique<block_device>(m_config.block, m_cache, memory,
                                             bus.add_initiator("mmio"), disk_registers);
    m_io = std::make_unique<buffer_io>(*m_block, memory);
    m_bdi.stable_writes = m_config.disk.checksums;
    m_bdi.write_congested = [this] { return m_block->congested(); };
    if (m_config.fs.type == filesystem_type::ext3)
        m_fs = std::make_unique<ext3>(m_cache, *m_io, m_layout, m_bdi, m_config.fs.data,
                                      m_config.fs.journal);
    else
        m_fs = std::make_unique<ext2>(m_cache, *m_io, m_layout, m_bdi, m_config.fs.journal.barrier);
    std::vector<core*> cores;
    for (const auto& cpu : m_cores)
        cores.push_back(cpu.get());
    m_kernel = std::make_unique<kernel>(m_config.vm, m_config.era.policies(), memory, m_cache,
                                        *m_fs, *m_block, cores);
    m_invariants = std::make_unique<invariant_checker>(*m_kernel);
    if (m_config.oracle) {
        m_oracle = std::make_unique<oracle>(*m_kernel, *m_controller, m_media, m_sharing);
        m_kernel->observer = m_oracle.get();
        m_dma->report_to(*m_oracle);
        for (const auto& cpu : m_cores)
            cpu->set_observer(m_oracle.get());
        m_log.attach(*m_invariants);
        m_log.attach(*m_oracle);
    }
    m_kernel->start();
    core& first = *m_cores.front();
    first.start_thread("init", thread::kind::kernel, nullptr, [this, &first] { run_init(first); });
    if (m_config.power_cut_at != 0) {
        m_power = std::make_unique<executor::timer>(m_executor, power_priority, [this] {
            m_controller->cut_power();
            finish(ending::power_cut);
        });
        m_power->arm(picoseconds(m_config.power_cut_at));
    }
}

void world::set_judges(kernel_observer& of_kernel, access_observer& of_accesses)
{
    m_kernel->observer = &of_kernel;
    for (const auto& cpu : m_cores)
        cpu->set_observer(&of_accesses);
    m_log.attach(*m_invariants);
}

void world::start_thread(const std::string& name, unsigned cpu, mm_struct& mm,
                         std::function<void(user_task&)> body)
{
    core& home = *m_cores.at(cpu % m_cores.size());
    if (std::find(m_processes.begin(), m_processes.end(), &mm) == m_processes.end())
        m_processes.push_back(&mm);
    ++m_threads_running;
    home.start_thread(name, thread::kind::user, &mm, [this, &home, &mm, body = std::move(body)] {
        user_task task(*m_kernel, home, mm);
        try {
            body(task);
        } catch (const user_signal&) {
            ++m_signals;
        }
        home.sync();
        if (--m_threads_running == 0)
            m_all_ended.wake_all();
    });
}

// Waits for the program, then shuts the machine down as it should be: every process unmapped, every
// file synced. What is not on the disk after that is lost.
void world::run_init(core& cpu)
{
    cpu.block_until(m_all_ended, [this] { return m_threads_running == 0; });
    for (mm_struct* mm : m_processes)
        exit_mmap(*m_kernel, cpu, *mm);
    do_sync(*m_kernel, cpu);
    cpu.sync();
    finish(ending::finished);
}

void world::finish(ending how)
{
    m_ending = how;
    m_executor.stop();
}

void world::run()
{
    const executor::outcome how = m_executor.run(picoseconds(m_config.time_limit));
    m_log.end_of_spans();
    if (how == executor::outcome::out_of_time)
        m_ending = ending::out_of_time;
    else if (how == executor::outcome::interrupted)
        m_ending = ending::interrupted;
    // With a limit it is that: when somebody had his last turn depends on how far cores run ahead.
    m_ended_at =
        how == executor::outcome::out_of_time ? picoseconds(m_config.time_limit) : m_executor.now();
    if (m_ending == ending::finished)
        m_invariants->check_quiet();
    if (!m_oracle)
        return;
    if (m_ending == ending::finished)
        m_oracle->judge_end(m_ended_at);
    else if (m_ending == ending::power_cut)
        m_oracle->judge_power_cut(m_ended_at);
}

} // namespace mkclean
