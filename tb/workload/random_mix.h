#pragma once

#include "tb/world.h"

namespace mkclean
{

/// Threads that do everything to one file, and to memory of their own, in an order that depends on
/// the seed alone: what no scenario was written for is found here.
///
/// Thread t runs on core t modulo cores, in process t modulo workload.processes. Each has a shared
/// mapping of the file of its own, which comes and goes, and uses that of its whole process and
/// those of its siblings as well; the threads of one process share its page tables. What they store
/// to the file is the oracle's to judge; private and anonymous memory a thread checks itself.
class random_mix final : public workload
{
public:
    random_mix(const workload_options& options, std::uint64_t seed);
    ~random_mix() override;

    std::vector<std::uint64_t> files() const override;
    void start(world& w) override;
    /// Memory that no file is behind, and that nobody else can store to, has to be as it was left.
    std::uint64_t failed_expectations() const override
    {
        return m_counts.bad_private_bytes + m_counts.bad_anonymous_bytes;
    }
    std::vector<counter> report() const override;
    double part_done() const override;

private:
    class program_thread;
    struct process;

    /// What happened; every field is a row of report().
    struct counts {
        std::uint64_t operations = 0;
        std::uint64_t bus_errors = 0;          ///< accesses beyond the end of the file
        std::uint64_t segmentation_faults = 0; ///< accesses to what a sibling has just unmapped
        std::uint64_t kills = 0;               ///< accesses that met a corrupt page table
        std::uint64_t refused_truncates = 0;   ///< by the kernel: files only grow
        std::uint64_t failed_calls = 0;        ///< any other error from a system call
        std::uint64_t bad_private_bytes = 0;
        std::uint64_t bad_anonymous_bytes = 0;
    };

    std::uint64_t largest_file() const { return m_options.pages * page_size; }

    const workload_options& m_options;
    std::uint64_t m_seed;
    std::uint64_t m_file_size; ///< bytes that surely are in the file: it grows before this does
    counts m_counts;
    std::vector<std::unique_ptr<process>> m_processes;
    std::vector<std::unique_ptr<program_thread>> m_threads;
};

} // namespace mkclean
