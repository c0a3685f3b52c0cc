#include "vm/kernel.h"
#include "vm/asid.h"
#include "vm/dirty_log.h"
#include "vm/fault.h"
#include "vm/page_writeback.h"
#include "vm/reclaim.h"
#include "vm/shootdown.h"
#include "vm/switch_mm.h"

#include <string>

namespace mkclean
{

std::string show_bytes(std::uint64_t first, std::uint64_t last)
{
    return "bytes " + std::to_string(first) + ".." + std::to_string(last);
}

namespace
{

const step_site site_store{"store", place::none, show_bytes};

} // namespace

kernel::kernel(const vm_options& vm, const vm_policies& chosen, physical_memory& ram,
               page_cache& pages, filesystem& files, block_device& device,
               std::vector<core*> processors)
    : options(vm),
      policies(chosen),
      memory(ram),
      cache(pages),
      fs(files),
      disk(device),
      cores(std::move(processors)),
      format(cores.front()->memory_unit().page_walker().format()),
      hardware_sets_dirty(cores.front()->memory_unit().page_walker().setter() !=
                          dirty_setter::fault),
      stats(pages.stats),
      tlb_flush_queues(cores.size()),
      ratelimits(cores.size())
{
    for (core* cpu : cores) {
        cpu->set_kernel(*this);
        cpu->set_store_listener(this);
        asids.push_back(
            make_asid_allocator(options.tlb.asids, cpu->memory_unit().asids(), last_global_asid));
    }
    if (policies.dirty_tracking == dirty_tracking_policy::dirty_log)
        give_memory_to_logs();
    // Only kernel code on a core runs out of memory.
    cache.set_reclaim(
        [this](actor& self) { return try_to_free_pages(*this, static_cast<core&>(self)); });
}

kernel::~kernel() = default;

void kernel::give_memory_to_logs()
{
    for (core* cpu : cores)
        cpu->memory_unit().log_of_dirtied().use(cache.alloc_boot_page().frame);
}

void kernel::start()
{
    core& flusher = *cores.at(options.flusher_core % cores.size());
    flusher.start_thread("pdflush", thread::kind::kernel, nullptr,
                         [this, &flusher] { run_pdflush(*this, flusher); });
    core& home = *cores.at(options.journal_core % cores.size());
    fs.start([&home](const std::string& name, std::function<void(actor&)> body) {
        home.start_thread(name, thread::kind::kernel, nullptr,
                          [&home, body = std::move(body)] { body(home); });
    });
}

mm_struct& kernel::new_mm()
{
    m_mms.push_back(std::make_unique<mm_struct>(
        memory, format, [this] { return cache.alloc_boot_page().frame; },
        [this](frame_number frame) { cache.put_page(cache.page_of(frame)); }));
    return *m_mms.back();
}

void kernel::handle_page_fault(core& cpu, const page_fault& fault)
{
    do_page_fault(*this, cpu, fault);
}

void kernel::handle_dirty_log_full(core& cpu)
{
    dirty_log_full(*this, cpu);
}

void kernel::handle_interrupt(core& cpu, interrupt vector)
{
    if (vector == interrupt::tlb_shootdown)
        flush_tlb_interrupt(*this, cpu);
    else if (vector == interrupt::dirty_log)
        dirty_log_interrupt(*this, cpu);
    else if (vector == interrupt::disk)
        disk.handle_interrupt(cpu);
}

void kernel::switch_mm(core& cpu, address_context& next)
{
    mkclean::switch_mm(*this, cpu, static_cast<mm_struct&>(next));
}

// Which bytes of which file a store is to: the log would otherwise have nothing of those that hit,
// which the story of a page is about.
void kernel::on_landing(core& cpu, virtual_address va, std::size_t length)
{
    subject what;
    what.va = va;
    const vm_area_struct* const vma =
        static_cast<mm_struct*>(cpu.current().context())->find_vma(va);
    if (vma != nullptr && vma->flags.shared && vma->file != nullptr) {
        what.ino = vma->file->ino;
        what.page = vma->index_of(va);
    }
    const std::uint64_t first = va.raw() % page_size;
    cpu.note(site_store, what, first, first + length - 1);
}

page_table::allocate_frame table_allocator(kernel& k, core& cpu)
{
    return [&k, &cpu] { return k.cache.alloc_page(cpu).frame; };
}

} // namespace mkclean
