#include "mmu/mmu.h"

#include <stdexcept>

namespace mkclean
{

namespace
{

std::string show_tlb_change(std::uint64_t before, std::uint64_t after)
{
    return "TLB " + show_pte(before) + " -> " + show_pte(after);
}

const step_site tlb_fill{"TLB fill", place::tlb, show_tlb_change};
const step_site tlb_evict{"TLB evict", place::tlb, show_tlb_change};
const step_site tlb_invlpg{"invlpg", place::tlb, show_tlb_change};
const step_site access_sets_key{"access sets key", place::key, show_key_change};

} // namespace

mmu::mmu(bus_port& bus, const tlb_options& tlb_opts, const walker_options& walker_opts,
         storage_keys* keys)
    : m_bus(bus),
      m_tlb(tlb_opts),
      m_walker(bus, walker_opts),
      m_keys(keys),
      m_l2_latency(tlb_opts.l2_latency),
      m_asids(tlb_opts.asids),
      m_asks_pte(!tlb_opts.caches_dirty),
      m_rewalks(tlb_opts.rewalks)
{
    if ((keys != nullptr) != (walker_opts.sets_dirty == dirty_setter::storage_key))
        throw std::invalid_argument("storage keys without mmu.sets_dirty = storage_key, or that "
                                    "without them");
    if (keys != nullptr)
        keys->watch(m_tlb);
}

void mmu::load_root(frame_number root)
{
    m_root = root;
    m_space = asid();
    reload_root();
}

void mmu::reload_root()
{
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
    tlb::displaced gone;
    tlb_entry* const promoted = m_tlb.promote(page, m_space, gone);
    note_evictions(self, gone);
    if (promoted != nullptr && m_asks_pte)
        promoted->dirty = false;
    return promoted;
}

bool mmu::record_in_key(actor& self, virtual_address va, access_kind access)
{
    tlb_entry* const entry = m_keys == nullptr ? nullptr : m_tlb.peek(page_of(va), m_space);
    if (entry == nullptr)
        return false;
    const bool stores = access == access_kind::store && entry->writable;
    subject what;
    what.va = va;
    // One bit of the entry says that the keys are set, so that it has to be all it maps.
    for (std::uint64_t i = 0; i < pages_of(entry->order); ++i) {
        what.frame = entry->frame + i;
        const std::uint8_t before = m_keys->raw(what.frame);
        stores ? m_keys->stored(what.frame) : m_keys->referenced(what.frame);
        if (m_keys->raw(what.frame) != before)
            self.note(access_sets_key, what, before, m_keys->raw(what.frame));
    }
    entry->reference_due = false;
    entry->dirty = entry->dirty || stores;
    return stores || access == access_kind::load;
}

// What it has read may be what it was to forget, if somebody said so meanwhile.
walk_result mmu::walk(actor& self, virtual_address va, access_kind access)
{
    walk_result found;
    if (m_ports != nullptr)
        m_ports->take(self);
    m_walking = true;
    do {
        m_overtaken = false;
        found = m_walker.walk(self, m_root, va, access);
        self.settle(); // an interrupt that is due during the last transaction comes after it
    } while (m_overtaken);
    m_walking = false;
    if (m_ports != nullptr)
        m_ports->give_back();
    return found;
}

bool mmu::miss(actor& self, virtual_address va, access_kind access, page_fault& fault)
{
    const bool store = access == access_kind::store;
    const tlb_entry* const entry = find_entry(self, page_of(va));
    if (entry == nullptr) {
        ++m_tlb.stats().misses;
    } else if (!store || (entry->writable && (entry->dirty || m_keys != nullptr))) {
        ++m_tlb.stats().l2_hits;
        return true;
    } else if (entry->writable ? !m_walker.sets_dirty() && !m_asks_pte : !m_rewalks) {
        // A permission fault drops the entry that caused it, so that one made stale by the kernel
        // granting W costs at most one spurious fault (rule R3).
        m_tlb.invalidate(page_of(va), m_space);
        fault = page_fault{va, {true, true}};
        return false;
    }
    const walk_result found = walk(self, va, access);
    if (found.log_full) {
        fault.log_full = true;
        return false;
    }
    if (found.faulted) {
        m_tlb.invalidate(page_of(va), m_space);
        fault = page_fault{va, found.error};
        return false;
    }
    fill(self, va, access, found);
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

void mmu::fill(actor& self, virtual_address va, access_kind access, const walk_result& found)
{
    const std::uint64_t into_page = page_of(va).raw() % pages_of(found.order);
    tlb_entry entry;
    entry.page = virtual_page(page_of(va).raw() - into_page);
    entry.order = found.order;
    entry.space = m_space;
    entry.frame = found.leaf.frame();
    entry.host = bytes_of(entry.frame, entry.order);
    entry.writable = found.leaf.writable();
    // What a load has seen of D says nothing to the next store, if that is to look for itself.
    entry.dirty = found.leaf.dirty() && !(m_asks_pte && access == access_kind::load);
    entry.reference_due = m_keys != nullptr;
    const tlb_entry* const stale = m_tlb.peek(page_of(va), m_space);
    const std::uint64_t before = stale == nullptr ? 0 : stale->raw();
    tlb::displaced gone;
    tlb_entry& filled = m_tlb.insert(entry, page_of(va), gone);
    note_evictions(self, gone);
    if (m_asks_pte && access == access_kind::store)
        m_walked_for = &filled;
    subject what;
    what.frame = entry.frame + into_page;
    what.va = va;
    self.note(tlb_fill, what, before, filled.raw());
}

void mmu::note_evictions(actor& self, const tlb::displaced& gone) const
{
    if (!self.log().listening())
        return;
    for (const tlb_entry& entry : gone) {
        if (!entry.valid || m_tlb.holds(entry.page, entry.space))
            continue;
        subject what;
        what.frame = entry.frame;
        what.va = virtual_address(entry.page.raw() * page_size);
        self.note(tlb_evict, what, entry.raw(), 0);
    }
}

void mmu::invlpg(actor& self, virtual_address va)
{
    subject what;
    what.va = va;
    std::uint64_t before = 0;
    if (const tlb_entry* const entry = m_tlb.peek(page_of(va), m_space)) {
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

void mmu::invalidate_from_outside(const tlb_invalidation& what)
{
    if (what.everything)
        m_tlb.flush_space(what.space);
    else
        for (std::uint64_t i = 0; i < what.pages; ++i)
            m_tlb.invalidate(what.first + i * pages_of(what.stride), what.space);
    m_walker.forget_tables();
    m_overtaken = m_walking;
}

} // namespace mkclean
