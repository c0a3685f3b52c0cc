#pragma once

#include "mmu/core.h"
#include "sim/costs.h"
#include "storage/block/block_device.h"
#include "storage/disk/options.h"
#include "storage/options.h"
#include "tb/explore/options.h"
#include "tb/museum/options.h"
#include "tb/sweep/options.h"
#include "tb/workload/options.h"
#include "vm/options.h"

namespace mkclean
{

class option_set;

/// expect.*: what a run is for.
struct expectation {
    enum class choice { no, yes, any };
    choice lost = choice::no;
    std::vector<kernel_era> kernels; ///< that `yes` is about; none: all of them

    void declare(option_set& options);
    /// Whether it is as expected of this kernel that promises were broken, or were not.
    bool met(kernel_era era, bool broken) const;
};

/// Everything that a run depends on: with equal configs two runs give equal bytes.
struct config {
    std::uint64_t cores = 1;
    std::uint64_t memory = 256ull << 20;  ///< bytes
    std::uint64_t memory_latency = 5'000; ///< ps of one bus transaction
    std::uint64_t seed = 1;
    std::uint64_t time_limit = 3'600'000'000'000'000; ///< ps
    std::uint64_t power_cut_at = 0;                   ///< ps; 0: never
    bool oracle = true;
    expectation expect;

    core_options core;
    tlb_options tlb;
    walker_options walker;
    costs cost;
    vm_options vm;
    era_options era;
    filesystem_options fs;
    block_options block;
    disk_options disk;
    workload_options workload;
    sweep_options sweep;
    explore_options explore;
    museum_options museum;

    /// Binds every option to this object, which must then stay where it is.
    void declare(option_set& options);
    /// Rules between options. Error: input_error that blames whoever set one of them.
    void check(const option_set& options) const;
};

} // namespace mkclean
