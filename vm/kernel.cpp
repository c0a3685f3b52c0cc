#include "vm/kernel.h"
#include "vm/fault.h"
#include "vm/page_writeback.h"
#include "vm/reclaim.h"
#include "vm/tlb_flush.h"

namespace mkclean
{

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
      stats(pages.stats),
      tlb_flush_queues(cores.size()),
      ratelimits(cores.size())
{
    for (core* cpu : cores)
        cpu->set_kernel(*this);
    // Only kernel code on a core runs out of memory.
    cache.set_reclaim(
        [this](actor& self) { return try_to_free_pages(*this, static_cast<core&>(self)); });
}

kernel::~kernel() = default;

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
        memory, [this] { return cache.alloc_boot_page().frame; },
        [this](frame_number frame) { cache.put_page(cache.page_of(frame)); }));
    return *m_mms.back();
}

void kernel::handle_page_fault(core& cpu, const page_fault& fault)
{
    do_page_fault(*this, cpu, fault);
}

void kernel::handle_interrupt(core& cpu, interrupt vector)
{
    if (vector == interrupt::tlb_shootdown)
        flush_tlb_interrupt(*this, cpu);
    else if (vector == interrupt::disk)
        disk.handle_interrupt(cpu);
}

page_table::allocate_frame table_allocator(kernel& k, core& cpu)
{
    return [&k, &cpu] { return k.cache.alloc_page(cpu).frame; };
}

} // namespace mkclean
