#include "tb/output/log_writer.h"
#include "tb/oracle/page_state.h"

#include <algorithm>

#include <fmt/format.h>

namespace mkclean
{

namespace
{

std::string event_line(const event& e, const world& w)
{
    return event_text(e, w.log(), w.the_kernel(), w.cores().front()->period());
}

} // namespace

void log_writer::on_event(const event& e)
{
    write_until(e.time);
    m_file.write(event_line(e, m_world) + '\n');
}

// Whoever enters a function may be ahead of the others, who have things to tell that came before.
void log_writer::on_span(const span_mark& mark)
{
    const auto later =
        std::upper_bound(m_early.begin(), m_early.end(), mark.time,
                         [](picoseconds time, const early_line& line) { return time < line.time; });
    m_early.insert(later, {mark.time, span_text(mark, m_world.log(), m_world.the_kernel(),
                                                m_world.cores().front()->period()) +
                                          '\n'});
}

void log_writer::write_until(picoseconds now)
{
    for (; !m_early.empty() && m_early.front().time <= now; m_early.pop_front())
        m_file.write(m_early.front().text);
}

void biographer::on_event(const event& e)
{
    inode_number ino;
    page_index page;
    if (!page_of_event(e, m_world.the_kernel(), ino, page))
        return;
    if (!is_change_of_pmd(e))
        return keep(e, ino, page);
    for_each_page_of_event(m_world.the_kernel(), e, [&](const struct page& mapped) {
        keep(e, mapped.mapping->host().ino, mapped.index); // it is part of all their lives
    });
}

void biographer::keep(const event& e, inode_number ino, page_index page)
{
    entry kept{ino, page, e};
    kept.what.what.ino = ino;
    kept.what.what.page = page;
    m_entries.push_back(kept);
}

std::string biographer::story_of(const finding& f) const
{
    std::string story = fmt::format("The life of inode {} page {}:\n{}", f.ino.raw(), f.page.raw(),
                                    event_text_header());
    const entry* const lost = lost_store(f);
    for (const entry& e : m_entries) {
        if (e.ino != f.ino || e.page != f.page)
            continue;
        std::string line = event_line(e.what, m_world);
        if (&e == lost)
            line = fmt::format("{:<118} <- lost", line);
        else if (f.dropped && f.dropped->time == e.what.time && f.dropped->site == e.what.site)
            line = fmt::format("{:<118} <- nothing knows of it any more", line);
        story += line + '\n';
    }
    return story;
}

// The store that the lost bytes are from: the last that landed when the oracle saw them.
const biographer::entry* biographer::lost_store(const finding& f) const
{
    const entry* last = nullptr;
    for (const entry& e : m_entries)
        if (f.store && e.ino == f.ino && e.page == f.page && e.what.actor == f.store->by &&
            std::string_view(e.what.site->name) == "store" && e.what.before == f.store->offset &&
            e.what.time <= f.store->time())
            last = &e;
    return last;
}

} // namespace mkclean
