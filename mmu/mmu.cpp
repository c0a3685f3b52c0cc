#include "mmu/mmu.h"

namespace mkclean
{

namespace
{

std::string show_tlb_change(std::uint64_t before, std::uint64_t after)
{
    return "TLB " + show_pte(before) + "->" + show_pte(after);
}

const step_site tlb_fill{"TLB fill", place::tlb, show_tlb_change};
const step_site tlb_invlpg{"invlpg", place::tlb, show_tlb_change};

} // namespace

mmu::mmu(bus_port& bus, const tlb_options& tlb_opts, const walker_options& walker_opts)
    : m_bus(bus),
      m_tlb(tlb_opts),
      m_walker(bus, walker_opts),
      m_l2_latency(tlb_opts.l2_latency),
      m_asks_pte(!tlb_opts.caches_dirty),
      m_rewalks(tlb_opts.rewalks)
{
}

void mmu::load_root(frame_number root)
{
    m_root = root;
    m_space = asid();
    m_tlb.flush_non_global();
    m_walker.forget_tables();
}

void mmu::load_root(frame_number root, asid space)
{
    m_root = root;
    m_space = space;
}

tlb_entry* mmu::find_entry(actor& self, virtual_page page)
{
    if (tlb_entry* const entry = m_tlb.lookup(page, m_space))
        return entry;
    if (!m_tlb.has_second_level())
        return nullptr;
    self.spend(m_l2_latency);
    self.sync();
    tlb_entry* const promoted = m_tlb.promote(page, m_space);
    if (promoted != nullptr && m_asks_pte)
        promoted->dirty = false;
    return promoted;
}

bool mmu::miss(actor& self, virtual_address va, access_kind access, page_fault& fault)
{
    const bool store = access == access_kind::store;
    const tlb_entry* const entry = find_entry(self, page_of(va));
    if (entry == nullptr) {
        ++m_tlb.stats().misses;
    } else if (!store || (entry->writable && entry->dirty)) {
        ++m_tlb.stats().l2_hits;
        return true;
    } else if (entry->writable ? !m_walker.sets_dirty() : !m_rewalks) {
        // A permission fault drops the entry that caused it, so that one made stale by the kernel
        // granting W costs at most one spurious fault (rule R3).
        m_tlb.invalidate(page_of(va), m_space);
        fault = page_fault{va, {true, true}};
        return false;
    }
    const walk_result walk = m_walker.walk(self, m_root, va, access);
    self.sync(); // an interrupt that is due during the last transaction comes after it
    if (walk.faulted) {
        m_tlb.invalidate(page_of(va), m_space);
        fault = page_fault{va, walk.error};
        return false;
    }
    fill(self, va, walk);
    return true;
}

// An entry lets accesses through to all that its page reaches: the last frame has to be memory as
// well as the first.
std::byte* mmu::bytes_of(frame_number first, page_order order)
{
    std::byte* const bytes = m_bus.direct_frame(first);
    const std::uint64_t behind = pages_of(order) - 1;
    if (behind > 0 && m_bus.direct_frame(first + behind) != bytes + behind * page_size)
        throw bus_error{address_of(first + behind)};
    return bytes;
}

void mmu::fill(actor& self, virtual_address va, const walk_result& found)
{
    const std::uint64_t into_page = page_of(va).raw() % pages_of(found.order);
    tlb_entry entry;
    entry.page = virtual_page(page_of(va).raw() - into_page);
    entry.order = found.order;
    entry.space = m_space;
    entry.frame = found.leaf.frame();
    entry.host = bytes_of(entry.frame, entry.order);
    entry.writable = found.leaf.writable();
    entry.dirty = found.leaf.dirty();
    const tlb_entry& filled = m_tlb.insert(entry);
    subject what;
    what.frame = entry.frame + into_page;
    what.va = va;
    self.note(tlb_fill, what, 0, filled.raw());
}

void mmu::invlpg(actor& self, virtual_address va)
{
    subject what;
    what.va = va;
    std::uint64_t before = 0;
    if (const tlb_entry* const entry = m_tlb.lookup(page_of(va), m_space)) {
        what.frame = entry->frame + (page_of(va) - entry->page).raw();
        before = entry->raw();
    }
    m_tlb.invalidate(page_of(va), m_space);
    m_walker.forget_tables();
    self.note(tlb_invlpg, what, before, 0);
}

void mmu::flush_all(actor& self)
{
    m_tlb.flush_all();
    m_walker.forget_tables();
    self.note(tlb_invlpg, subject());
}

void mmu::flush_space(actor& self, asid space)
{
    m_tlb.flush_space(space);
    m_walker.forget_tables();
    self.note(tlb_invlpg, subject());
}

} // namespace mkclean
