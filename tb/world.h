#pragma once

#include "mmu/frame_sharing.h"
#include "mmu/storage_keys.h"
#include "storage/disk/controller.h"
#include "storage/fs/mkfs.h"
#include "tb/config.h"
#include "tb/oracle/dma_tap.h"
#include "tb/oracle/invariants.h"
#include "tb/oracle/oracle.h"
#include "tb/platform/interconnect.h"
#include "vm/user_task.h"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mkclean
{

/// A program, as the world runs it.
class workload
{
public:
    struct counter {
        std::string name;
        std::uint64_t value;
    };
    virtual ~workload() = default;
    /// Sizes of the files that exist when the machine starts; the first is inode 1.
    virtual std::vector<std::uint64_t> files() const = 0;
    /// Starts its threads.
    virtual void start(class world& w) = 0;
    /// What it has found out itself, for the statistics.
    virtual std::vector<counter> report() const = 0;
    /// How much of its work it has done, 0..1, for who waits; 0 if it cannot tell.
    virtual double part_done() const { return 0; }
    /// Whether what comes before an explorer is to look at every order is over.
    virtual bool begun() const { return true; }
    /// How often it saw something else than it had been told to expect.
    virtual std::uint64_t failed_expectations() const { return 0; }
};

/// A whole machine with its kernel, its disk and a program: built from a config, run once.
///
/// Holds no SystemC of its own: what it is built on (executor, interconnect) may be either.
class world
{
public:
    enum class ending {
        finished,    ///< every thread ended, everything was synced
        power_cut,   ///< as the config asked
        out_of_time, ///< time.limit
        interrupted, ///< from outside: the user has had enough
        deadlock     ///< nobody can go on
    };

    world(const config& c, executor& exec, physical_memory& memory, interconnect& bus,
          workload& program);
    ~world();
    world(const world&) = delete;
    world& operator=(const world&) = delete;

    /// For workloads: a new address space, and a thread in one.
    mm_struct& new_process() { return m_kernel->new_mm(); }
    void start_thread(const std::string& name, unsigned cpu, mm_struct& mm,
                      std::function<void(user_task&)> body);

    /// run() calls `attend` soon after somebody has set `flag`, and ends if that returns true.
    void watch(const std::atomic<bool>& flag, std::function<bool()> attend)
    {
        m_executor.watch(flag, std::move(attend));
    }
    /// For those who draw what SystemC sees.
    void show_every_instant() { m_executor.show_every_instant(); }
    /// To be called once, in a context that the executor can run from.
    void run();

    ending how_it_ended() const { return m_ending; }
    picoseconds ended_at() const { return m_ended_at; }
    picoseconds now() const { return m_executor.now(); }
    const config& options() const { return m_config; }
    event_log& log() { return m_log; }
    const event_log& log() const { return m_log; }
    kernel& the_kernel() const { return *m_kernel; }
    const std::vector<std::unique_ptr<core>>& cores() const { return m_cores; }
    disk_controller& disk() { return *m_controller; }
    const disk_controller& disk() const { return *m_controller; }
    const disk_media& media() const { return m_media; }
    const block_device& block() const { return *m_block; }
    const filesystem& files() const { return *m_fs; }
    const workload& program() const { return m_program; }
    unsigned threads_running() const { return m_threads_running; }
    executor& time() const { return m_executor; }
    /// Whoever judges in the oracle's place. Before run().
    void set_judges(kernel_observer& of_kernel, access_observer& of_accesses);
    invariant_checker& invariants() { return *m_invariants; }
    const oracle* judge() const { return m_oracle.get(); }
    const invariant_checker& invariants() const { return *m_invariants; }
    std::uint64_t signals() const { return m_signals; }

private:
    struct disk_registers_port;
    struct disk_interrupt;

    void give_keys_to(physical_memory& memory);
    void build_machine(interconnect& bus);
    void build_kernel(physical_memory& memory, interconnect& bus);
    void run_init(core& cpu);
    void finish(ending how);

    const config& m_config;
    executor& m_executor;
    workload& m_program;
    event_log m_log;
    disk_media m_media;
    super_block_layout m_layout;
    page_cache m_cache;
    std::unique_ptr<storage_keys> m_keys; ///< null: dirtiness is in PTEs
    frame_sharing m_sharing;
    walker_ports m_walkers;
    deferred_stores m_deferred;
    std::vector<std::unique_ptr<core>> m_cores;
    std::unique_ptr<access_timing> m_timing;
    std::unique_ptr<disk_registers_port> m_registers;
    std::unique_ptr<disk_interrupt> m_interrupt;
    std::unique_ptr<dma_tap> m_dma;
    std::unique_ptr<disk_controller> m_controller;
    std::unique_ptr<block_device> m_block;
    std::unique_ptr<buffer_io> m_io;
    backing_dev_info m_bdi;
    std::unique_ptr<filesystem> m_fs;
    std::unique_ptr<kernel> m_kernel;
    std::unique_ptr<oracle> m_oracle;
    std::unique_ptr<invariant_checker> m_invariants;
    std::unique_ptr<executor::timer> m_power;
    std::vector<mm_struct*> m_processes;
    unsigned m_threads_running = 0;
    wait_queue m_all_ended;
    std::uint64_t m_signals = 0;
    ending m_ending = ending::deadlock;
    picoseconds m_ended_at;
};

} // namespace mkclean
