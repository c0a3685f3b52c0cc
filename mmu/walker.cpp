#include "mmu/walker.h"

#include <algorithm>

namespace mkclean
{

namespace
{

constexpr unsigned region_shift = 21; // one leaf table maps 2 MiB

const step_site walker_sets_a{"walker sets A", place::pte, show_pte_change};
const step_site walker_sets_d{"walker sets D", place::pte, show_pte_change};

} // namespace

walker::walker(bus_port& memory, const walker_options& options)
    : m_memory(memory),
      m_options(options)
{
}

pte walker::read_entry(actor& self, physical_address at)
{
    self.sync();
    std::uint64_t raw = 0;
    self.elapse(m_memory.read(at, &raw, sizeof raw));
    ++m_stats.reads;
    return pte(raw);
}

bool walker::update_entry(actor& self, physical_address at, pte& expected, pte desired,
                          virtual_address va)
{
    self.sync();
    const pte wanted = expected;
    std::uint64_t found = expected.raw();
    bool exchanged = false;
    const picoseconds took = m_memory.compare_exchange(at, found, desired.raw(), exchanged);
    expected = pte(found);
    if (exchanged) {
        const bool sets_d = !wanted.dirty() && desired.dirty();
        if (!wanted.accessed() && desired.accessed())
            ++m_stats.accessed_set;
        if (sets_d)
            ++m_stats.dirty_set;
        subject what;
        what.frame = desired.frame();
        what.va = va;
        self.note(sets_d ? walker_sets_d : walker_sets_a, what, wanted.raw(), desired.raw());
    } else {
        ++m_stats.retries;
    }
    self.elapse(took);
    return exchanged;
}

void walker::remember(frame_number root, virtual_address va, frame_number table)
{
    if (m_options.walk_cache_entries == 0)
        return;
    const cached_table entry{root, va.raw() >> region_shift, table, ++m_clock};
    if (m_cache.size() < m_options.walk_cache_entries) {
        m_cache.push_back(entry);
        return;
    }
    *std::min_element(m_cache.begin(), m_cache.end(),
                      [](const cached_table& a, const cached_table& b) {
                          return a.last_use < b.last_use;
                      }) = entry;
}

bool walker::find_leaf_table(actor& self, frame_number root, virtual_address va,
                             frame_number& table)
{
    for (cached_table& cached : m_cache) {
        if (cached.root == root && cached.region == va.raw() >> region_shift) {
            cached.last_use = ++m_clock;
            ++m_stats.cache_hits;
            table = cached.table;
            return true;
        }
    }
    table = root;
    for (unsigned level = page_table::levels - 1; level > 0; --level) {
        const physical_address at = address_of(table) + page_table::entry_offset(va, level);
        pte entry = read_entry(self, at);
        while (entry.present() && !entry.accessed()) {
            if (update_entry(self, at, entry, entry.mkyoung(), va))
                entry = entry.mkyoung();
        }
        if (!entry.present())
            return false;
        table = entry.frame();
    }
    remember(root, va, table);
    return true;
}

walk_result walker::walk(actor& self, frame_number root, virtual_address va, access_kind access)
{
    ++m_stats.walks;
    const bool store = access == access_kind::store;
    const auto fault = [store](bool present) {
        return walk_result{true, page_fault_error{present, store}, pte()};
    };

    frame_number table;
    if (!find_leaf_table(self, root, va, table))
        return fault(false);

    const physical_address at = address_of(table) + page_table::entry_offset(va, 0);
    pte entry = read_entry(self, at);
    for (;;) {
        if (!entry.present())
            return fault(false);
        if (store && !entry.writable())
            return fault(true);
        const pte wanted = store ? entry.mkyoung().mkdirty() : entry.mkyoung();
        if (wanted == entry)
            return walk_result{false, {}, entry};
        if (update_entry(self, at, entry, wanted, va))
            return walk_result{false, {}, wanted};
        if (!m_options.rechecks) {
            // The defect that `walker.rechecks = off` asks for: what was read first is believed,
            // and its bits are ORed into whatever is there now.
            const std::uint64_t bits = wanted.raw() & (pte::accessed_bit | pte::dirty_bit);
            pte now = entry;
            while (!update_entry(self, at, now, pte(now.raw() | bits), va)) {
            }
            return walk_result{false, {}, wanted};
        }
    }
}

} // namespace mkclean
