#pragma once

#include "sim/input_error.h"
#include "tb/world.h"

#include <fstream>

namespace mkclean
{

/// One line of what `valgrind --tool=lackey --trace-mem=yes` writes.
struct lackey_line {
    enum class kind { instruction, load, store, modify, noise } what = kind::noise;
    std::uint64_t address = 0;
    std::uint64_t size = 0; ///< bytes, 1..4096
};

/// Reads one line; what valgrind itself says (`==pid== ...`) and empty lines are noise.
/// Error: input_error that names `where` and what was expected.
lackey_line parse_lackey_line(const std::string& text, const origin& where);

/// Any program, as valgrind has seen it: its accesses in [workload.lackey_start,
/// workload.lackey_end) become stores and loads in a shared mapping of a file of that length.
/// Every other access, and every instruction, is workload.lackey_cycles of computation.
///
/// The trace says where a program stored, but not what: byte k of the store in line n is
/// 1 + (n + k) mod 255. It is read while the program runs, however long it is.
class lackey final : public workload
{
public:
    /// Opens the trace. Error: file_error.
    explicit lackey(const workload_options& options);

    std::vector<std::uint64_t> files() const override { return {m_length}; }
    void start(world& w) override;
    std::vector<counter> report() const override;
    double part_done() const override;

private:
    void run(user_task& self);
    void play(user_task& self, const lackey_line& line);
    void access(user_task& self, const lackey_line& line);
    void compute(user_task& self);

    const workload_options& m_options;
    std::uint64_t m_length;
    std::ifstream m_trace;
    std::uint64_t m_line = 0;
    std::uint64_t m_bytes_read = 0;
    virtual_address m_map;
    std::uint64_t m_pending = 0; ///< cycles not yet computed
    std::uint64_t m_instructions = 0;
    std::uint64_t m_outside = 0;
    std::uint64_t m_loads = 0;
    std::uint64_t m_stores = 0;
};

} // namespace mkclean
