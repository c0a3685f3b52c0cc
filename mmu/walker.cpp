#include "mmu/walker.h"
#include "mmu/keyed_format.h"

namespace mkclean
{

namespace
{

// Which of the pages of a leaf `va` is in.
std::uint64_t page_in_leaf(virtual_address va, unsigned level)
{
    return page_of(va).raw() % pages_of(pte_format::order_of_level(level));
}

const step_site walker_sets_a{"walker sets A", place::pte, show_pte_change};
const step_site walker_sets_d{"walker sets D", place::pte, show_pte_change};
constexpr unsigned highest_leaf = 2; // 1 GiB

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
      m_log(options.dirty_log_entries),
      m_tables(options.tables)
{
}

void walker::wait_for_line(actor& self, std::optional<std::uint64_t> cached, picoseconds by_bus)
{
    if (cached)
        self.spend(*cached);
    else
        self.elapse(by_bus);
}

walker::table_entry walker::read_entry(actor& self, frame_number table, virtual_address va,
                                       unsigned level)
{
    table_entry entry{address_of(table) + pte_format::entry_offset(va, level), level, 0};
    if (level > highest_leaf) // tables come, but do not go or move
        self.settle();
    else
        self.sync();
    const picoseconds by_bus = m_memory.read(entry.at, &entry.raw, sizeof entry.raw);
    ++m_stats.reads;
    const std::optional<std::uint64_t> cached =
        m_lines.exists() ? m_lines.read(entry.at, line_of(entry.at)) : std::nullopt;
    if (cached)
        ++m_stats.line_hits;
    wait_for_line(self, cached, by_bus);
    return entry;
}

const std::byte* walker::line_of(physical_address at)
{
    constexpr std::uint64_t line = table_line_cache::line_size;
    return m_memory.direct_frame(frame_of(at)) + at.raw() % page_size / line * line;
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
        what.frame = after.frame() + (after.huge() ? page_in_leaf(va, entry.level) : 0);
        what.va = va;
        self.note(sets_d ? walker_sets_d : walker_sets_a, what, before.raw(), after.raw());
        logs = sets_d && m_log.in_use();
    } else {
        ++m_stats.retries;
    }
    // Who has changed the entry has the line.
    if (m_lines.exists() && exchanged)
        self.spend(m_lines.change(entry.at, line_of(entry.at)));
    else if (m_lines.exists())
        wait_for_line(self, m_lines.read(entry.at, line_of(entry.at)), took);
    else
        self.elapse(took);
    self.spend(m_options.assist);
    if (logs)
        log_dirtied(self, decode(entry).frame() + page_in_leaf(va, entry.level), va);
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

// The entry that a walk reads first: of the root, or of a table that was remembered.
walker::table_entry walker::read_first(actor& self, frame_number root, virtual_address va)
{
    const std::optional<paging_structure_cache::table> known = m_tables.lowest(root, va);
    if (!known)
        return read_entry(self, root, va, m_format.levels() - 1);
    ++(known->level == 0 ? m_stats.cache_hits : m_stats.upper_cache_hits);
    return read_entry(self, known->at, va, known->level);
}

// Goes down from an entry to one that points to no table.
walker::table_entry walker::find_leaf(actor& self, frame_number root, virtual_address va,
                                      table_entry entry)
{
    for (pte found = decode(entry); is_table(entry, found); found = decode(entry)) {
        if (sets_dirty() && !found.accessed()) {
            mark(self, entry, false, va);
            continue;
        }
        m_tables.remember(root, va, {found.frame(), entry.level - 1});
        entry = read_entry(self, found.frame(), va, entry.level - 1);
    }
    return entry;
}

walk_result walker::walk(actor& self, frame_number root, virtual_address va, access_kind access)
{
    ++m_stats.walks;
    const bool store = access == access_kind::store;
    const auto fault = [store](bool present) {
        return walk_result{true, page_fault_error{present, store}, pte()};
    };

    table_entry entry = read_first(self, root, va);
    for (;;) {
        // What was a leaf when it was read may point to a table when it is read again.
        entry = find_leaf(self, root, va, entry);
        const auto translation = [&entry](pte leaf) {
            return walk_result{false, {}, leaf, pte_format::order_of_level(entry.level)};
        };
        const pte found = decode(entry);
        if (!found.present())
            return fault(false);
        if (store && !found.writable())
            return fault(true);
        if (setter() == dirty_setter::storage_key)
            return translation(found);
        if (found.accessed() && (found.dirty() || !store))
            return translation(found);
        if (!sets_dirty())
            return fault(true);
        if (store && !found.dirty() && m_log.full())
            return walk_result{true, {}, pte(), page_order::small, true};
        if (mark(self, entry, store, va))
            return translation(decode(entry));
        if (m_options.rechecks == dirty_recheck::always)
            continue;
        while (!mark(self, entry, store, va)) {
        }
        if (m_options.rechecks == dirty_recheck::never)
            return translation(store ? found.mkyoung().mkdirty() : found.mkyoung());
    }
}

} // namespace mkclean
