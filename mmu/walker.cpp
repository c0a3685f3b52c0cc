#include "mmu/walker.h"
#include "mmu/keyed_format.h"

#include <algorithm>

namespace mkclean
{

namespace
{

constexpr unsigned region_shift = 21; // one leaf table maps 2 MiB

const step_site walker_sets_a{"walker sets A", place::pte, show_pte_change};
const step_site walker_sets_d{"walker sets D", place::pte, show_pte_change};
const step_site walker_logs{"walker logs", place::none, nullptr};

const pte_format& format_for(const walker_options& options)
{
    return options.sets_dirty == dirty_setter::storage_key ? format_with_keys(options.layout)
                                                           : format_of(options.layout);
}

} // namespace

walker::walker(bus_port& memory, const walker_options& options)
    : m_memory(memory),
      m_format(format_for(options)),
      m_options(options),
      m_lines(options.lines),
      m_log(options.dirty_log_entries)
{
}

walker::table_entry walker::read_entry(actor& self, frame_number table, virtual_address va,
                                       unsigned level)
{
    table_entry entry{address_of(table) + pte_format::entry_offset(va, level), level, 0};
    self.sync();
    const picoseconds by_bus = m_memory.read(entry.at, &entry.raw, sizeof entry.raw);
    ++m_stats.reads;
    if (!m_lines.exists()) {
        self.elapse(by_bus);
    } else if (const auto cached = m_lines.read(entry.at, line_of(entry.at))) {
        ++m_stats.line_hits;
        self.spend(*cached);
    } else {
        self.elapse(by_bus);
    }
    return entry;
}

const std::byte* walker::line_of(physical_address at)
{
    constexpr std::uint64_t line = table_line_cache::line_size;
    return m_memory.direct_frame(frame_of(at)) + at.raw() % page_size / line * line;
}

pte walker::decode(const table_entry& entry) const
{
    return entry.level == 0 ? m_format.decode_page(entry.raw) : m_format.decode_table(entry.raw);
}

// Sets A, and D if `dirty`, in one locked operation, unless the entry is not what was read any
// more. Either way `entry` is what it is now.
bool walker::mark(actor& self, table_entry& entry, bool dirty, virtual_address va)
{
    self.sync();
    const pte before = decode(entry);
    const std::uint64_t marked = m_format.mark(entry.raw, dirty);
    bool exchanged = false;
    bool logs = false;
    const picoseconds took = m_memory.compare_exchange(entry.at, entry.raw, marked, exchanged);
    if (exchanged) {
        entry.raw = marked;
        const pte after = decode(entry);
        const bool sets_d = !before.dirty() && after.dirty();
        if (!before.accessed() && after.accessed())
            ++m_stats.accessed_set;
        if (sets_d)
            ++m_stats.dirty_set;
        subject what;
        what.frame = after.frame();
        what.va = va;
        self.note(sets_d ? walker_sets_d : walker_sets_a, what, before.raw(), after.raw());
        logs = sets_d && m_log.in_use();
    } else {
        ++m_stats.retries;
    }
    if (m_lines.exists())
        self.spend(m_lines.change(entry.at, line_of(entry.at)));
    else
        self.elapse(took);
    self.spend(m_options.assist);
    if (logs)
        log_dirtied(self, decode(entry).frame(), va);
    return exchanged;
}

void walker::log_dirtied(actor& self, frame_number frame, virtual_address va)
{
    self.sync();
    const std::uint64_t used = m_log.raw();
    const picoseconds took = m_log.append(m_memory, frame);
    ++m_stats.logged;
    subject what;
    what.frame = frame;
    what.va = va;
    self.note(walker_logs, what, used, m_log.raw());
    self.elapse(took);
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
    for (unsigned level = m_format.levels() - 1; level > 0; --level) {
        table_entry entry = read_entry(self, table, va, level);
        while (sets_dirty() && decode(entry).present() && !decode(entry).accessed())
            mark(self, entry, false, va);
        if (!decode(entry).present())
            return false;
        table = decode(entry).frame();
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

    table_entry entry = read_entry(self, table, va, 0);
    for (;;) {
        const pte found = decode(entry);
        if (!found.present())
            return fault(false);
        if (store && !found.writable())
            return fault(true);
        if (setter() == dirty_setter::storage_key)
            return walk_result{false, {}, found};
        if (found.accessed() && (found.dirty() || !store))
            return walk_result{false, {}, found};
        if (!sets_dirty())
            return fault(true);
        if (store && !found.dirty() && m_log.full())
            return walk_result{true, {}, pte(), true};
        if (mark(self, entry, store, va))
            return walk_result{false, {}, decode(entry)};
        if (m_options.rechecks == dirty_recheck::always)
            continue;
        while (!mark(self, entry, store, va)) {
        }
        if (m_options.rechecks == dirty_recheck::never)
            return walk_result{false, {}, store ? found.mkyoung().mkdirty() : found.mkyoung()};
    }
}

} // namespace mkclean
