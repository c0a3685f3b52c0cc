#include "tb/platform/waves.h"
#include "tb/oracle/page_state.h"

#include <filesystem>
#include <fstream>
#include <string_view>
#include <unistd.h>
#include <utility>

namespace mkclean
{

namespace
{

constexpr inode_number first_file{1};

// "core0: rtorrent" lines, so that a viewer's reader knows what a thread's number stands for.
std::string legend(const world& w)
{
    std::string text = "threads:";
    for (std::size_t id = 0; id < w.log().actors(); ++id) {
        const event_log::actor_name& name = w.log().name_of(static_cast<actor_id>(id));
        text += ' ' + std::to_string(id) + '=' + name.where + ':' + name.who;
    }
    return text;
}

constexpr const char* suffix = ".vcd"; // that SystemC appends

std::string temporary_path()
{
    const std::string name = "mkclean-" + std::to_string(::getpid()) + suffix;
    return (std::filesystem::temp_directory_path() / name).string();
}

sc_core::sc_trace_file* create(const std::string& path)
{
    if (!std::ofstream(path)) // SystemC would say it at the first wave
        throw file_error("write", path, "it cannot be opened");
    const std::string stem = path.substr(0, path.size() - std::string_view(suffix).size());
    sc_core::sc_trace_file* const file = sc_core::sc_create_vcd_trace_file(stem.c_str());
    const sc_core::sc_actions before = sc_core::sc_report_handler::set_actions(
        sc_core::SC_INFO, sc_core::SC_DO_NOTHING); // that it sets the unit
    file->set_time_unit(1, sc_core::SC_PS);
    sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, before);
    return file;
}

} // namespace

waves::waves(world& w, page_index watched)
    : m_world(w),
      m_watched(watched),
      m_path(temporary_path()),
      m_file(create(m_path)),
      m_cores(w.cores().size())
{
    sc_core::sc_write_comment(m_file, legend(w));
    declare();
    w.show_every_instant();
    w.log().attach(*this);
}

waves::~waves()
{
    close();
    ::unlink(m_path.c_str());
}

void waves::close()
{
    if (m_file != nullptr)
        sc_core::sc_close_vcd_trace_file(std::exchange(m_file, nullptr));
}

void waves::copy_to(output_file& file)
{
    close();
    std::ifstream written(m_path, std::ios::binary);
    std::vector<char> piece(1 << 20);
    while (written.read(piece.data(), static_cast<std::streamsize>(piece.size())) ||
           written.gcount() > 0)
        file.write({piece.data(), static_cast<std::size_t>(written.gcount())});
    if (!written.eof())
        throw file_error("read", m_path, "its end cannot be reached");
}

void waves::declare()
{
    using sc_core::sc_trace;
    sc_trace(m_file, m_nr_dirty, "vm.nr_dirty");
    sc_trace(m_file, m_nr_writeback, "vm.nr_writeback");
    sc_trace(m_file, m_queued, "block.queued");
    for (std::size_t i = 0; i < m_cores.size(); ++i) {
        const std::string scope = "core" + std::to_string(i) + '.';
        sc_trace(m_file, m_cores[i].thread, scope + "thread");
        sc_trace(m_file, m_cores[i].tlb_valid, scope + "page_tlb_P");
        sc_trace(m_file, m_cores[i].tlb_writable, scope + "page_tlb_W");
        sc_trace(m_file, m_cores[i].tlb_dirty, scope + "page_tlb_D");
    }
    const auto page_signal = [this](const auto& field, const char* name) {
        sc_trace(m_file, field, std::string("page.") + name);
    };
    page_signal(m_page.pte_present, "pte_P");
    page_signal(m_page.pte_writable, "pte_W");
    page_signal(m_page.pte_dirty, "pte_D");
    page_signal(m_page.locked, "PG_locked");
    page_signal(m_page.dirty, "PG_dirty");
    page_signal(m_page.writeback, "PG_writeback");
    page_signal(m_page.buffers_dirty, "BH_Dirty");
    page_signal(m_page.tag_dirty, "TAG_DIRTY");
    page_signal(m_page.tag_writeback, "TAG_WRITEBACK");
    page_signal(m_page.tag_towrite, "TAG_TOWRITE");
    page_signal(m_page.inode_dirty, "I_DIRTY");
}

void waves::on_event(const event& e)
{
    sample_kernel();
    sample_cores();
    const page* const pg = page_of_event(m_world.the_kernel(), e);
    if (pg != nullptr && pg->mapping->host().ino == first_file && pg->index == m_watched)
        m_cached = pg;
    sample_page();
}

void waves::sample_kernel()
{
    m_nr_dirty = m_world.the_kernel().stats.nr_dirty;
    m_nr_writeback = m_world.the_kernel().stats.nr_writeback;
    m_queued = m_world.block().queued();
}

void waves::sample_cores()
{
    for (std::size_t i = 0; i < m_cores.size(); ++i)
        m_cores[i].thread = m_world.cores()[i]->current().id();
}

// The watched page as it is now; all low while it is not in the cache.
void waves::sample_page()
{
    if (m_cached == nullptr)
        return;
    m_page = page_signals();
    const address_space* const mapping = m_cached->mapping;
    if (mapping == nullptr || mapping->host().ino != first_file || m_cached->index != m_watched) {
        m_cached = nullptr;
        return;
    }
    m_page.locked = m_cached->locked();
    m_page.dirty = m_cached->dirty();
    m_page.writeback = m_cached->writeback();
    unsigned bit = 1;
    for (const buffer_head& bh : m_cached->buffers) {
        m_page.buffers_dirty |= bh.dirty() ? bit : 0;
        bit <<= 1;
    }
    m_page.tag_dirty = mapping->pages.tagged(m_watched, page_tag::dirty);
    m_page.tag_writeback = mapping->pages.tagged(m_watched, page_tag::writeback);
    m_page.tag_towrite = mapping->pages.tagged(m_watched, page_tag::towrite);
    m_page.inode_dirty = mapping->host().any_dirty();
    for_each_pte(*m_cached, [this](const vm_area_struct&, pte entry) {
        m_page.pte_present = true;
        m_page.pte_writable = m_page.pte_writable || entry.writable();
        m_page.pte_dirty = m_page.pte_dirty || entry.dirty();
    });
    sample_tlbs(m_cached->frame);
}

void waves::sample_tlbs(frame_number frame)
{
    for (std::size_t i = 0; i < m_cores.size(); ++i) {
        core_signals& signals = m_cores[i];
        signals.tlb_valid = signals.tlb_writable = signals.tlb_dirty = false;
        m_world.cores()[i]->memory_unit().translations().for_each([&](const tlb_entry& entry) {
            if (!entry.maps(frame))
                return;
            signals.tlb_valid = true;
            signals.tlb_writable = signals.tlb_writable || entry.writable;
            signals.tlb_dirty = signals.tlb_dirty || entry.dirty;
        });
    }
}

} // namespace mkclean
