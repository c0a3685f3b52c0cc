#pragma once

#include "tb/command_line.h"
#include "tb/world.h"

#include <systemc>

#include <string>
#include <vector>

namespace mkclean
{

/// --vcd: waves of a run for a viewer such as GTKWave, written by SystemC's own tracer: the
/// counters of the kernel, what each core runs, and the six places of dirtiness of one page.
///
/// Signals follow the event log, so that a wave changes at the very picosecond of the step that
/// changed it. Must be made before the simulation starts; takes no simulated time.
class waves final : public event_sink
{
public:
    /// SystemC names the file itself, so it is a temporary one. Error: file_error.
    waves(world& w, page_index watched);
    ~waves() override;

    /// Once the simulation has ended. Error: file_error.
    void copy_to(output_file& file);

    void on_event(const event& e) override;

private:
    struct core_signals {
        unsigned thread = 0; ///< its number in the legend at the top of the file
        bool tlb_valid = false, tlb_writable = false, tlb_dirty = false;
    };
    struct page_signals {
        bool pte_present = false, pte_writable = false, pte_dirty = false;
        bool locked = false, dirty = false, writeback = false;
        unsigned buffers_dirty = 0; ///< a bit a block
        bool tag_dirty = false, tag_writeback = false, tag_towrite = false;
        bool inode_dirty = false;
    };

    void close();
    void declare();
    void sample_kernel();
    void sample_cores();
    void sample_page();
    void sample_tlbs(frame_number frame);

    world& m_world;
    page_index m_watched;
    std::string m_path;
    sc_core::sc_trace_file* m_file;
    std::int64_t m_nr_dirty = 0;
    std::int64_t m_nr_writeback = 0;
    std::uint64_t m_queued = 0;
    std::vector<core_signals> m_cores;
    page_signals m_page;
    const page* m_cached = nullptr; ///< the watched page, while it is in the cache
};

} // namespace mkclean
