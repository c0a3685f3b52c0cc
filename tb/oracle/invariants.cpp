#include "tb/oracle/invariants.h"
#include "tb/oracle/page_state.h"
#include "vm/fault.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace mkclean
{

namespace
{

constexpr std::uint64_t pg_dirty = static_cast<std::uint64_t>(page_flag::dirty);
constexpr std::uint64_t pg_locked = static_cast<std::uint64_t>(page_flag::locked);
constexpr std::uint64_t bh_dirty = static_cast<std::uint64_t>(buffer_flag::dirty);
constexpr std::uint64_t tag_dirty = 1;

bool became_set(const event& e, std::uint64_t bit)
{
    return (~e.before & e.after & bit) != 0;
}
bool became_clear(const event& e, std::uint64_t bit)
{
    return (e.before & ~e.after & bit) != 0;
}

} // namespace

void invariant_checker::on_event(const event& e)
{
    if (e.what.frame == frame_number())
        return;
    const page* const pg = page_of_event(m_kernel, e);
    if (pg == nullptr) {
        const bool removed = std::string_view(e.site->name) == "remove_from_page_cache";
        if (removed && (e.before & pg_dirty) != 0)
            found_broken(4, e);
        return;
    }
    follow_window(e, *pg);
    if (e.site->touches == place::pte || e.site->touches == place::page ||
        e.site->touches == place::tag || e.site->touches == place::buffer)
        for_each_page_of_event(m_kernel, e, [&](const page& mapped) { check(e, mapped); });
}

// An actor is in the middle of making a page dirty from the first thing it sets (a writable PTE, a
// buffer, PG_dirty) to the last (the tag), or until it finds PG_dirty set already.
void invariant_checker::follow_window(const event& e, const page& pg)
{
    switch (e.site->touches) {
    case place::pte:
        if (became_set(e, pte::write_bit) && !strict())
            m_windows[e.actor] = {&pg, true};
        break;
    case place::buffer:
        if (became_set(e, bh_dirty))
            m_windows[e.actor] = {&pg, false};
        break;
    case place::page:
        if (became_set(e, pg_dirty))
            m_windows[e.actor] = {&pg, false};
        else if (e.before == e.after && (e.after & pg_dirty) != 0)
            close(e.actor, pg, false);
        else if (became_clear(e, pg_locked))
            close(e.actor, pg, true);
        break;
    case place::tag:
        if ((e.after & tag_dirty) != 0)
            close(e.actor, pg, false);
        break;
    default:
        break;
    }
}

// An interrupt handler has the name of whom it interrupted, and other pages. 2.6.23 unlocks the
// page between the PTE and set_page_dirty().
void invariant_checker::close(actor_id who, const page& pg, bool at_unlock)
{
    const auto open = m_windows.find(who);
    if (open != m_windows.end() && open->second.on == &pg && !(at_unlock && open->second.by_pte))
        m_windows.erase(open);
}

bool invariant_checker::dirtying(const page& pg) const
{
    return std::any_of(m_windows.begin(), m_windows.end(),
                       [&](const auto& open) { return open.second.on == &pg; });
}

void invariant_checker::check(const event& e, const page& pg)
{
    const address_space& mapping = *pg.mapping;
    const bool quiet = !pg.locked() && !dirtying(pg);
    if (quiet && pg.dirty() && !mapping.pages.tagged(pg.index, page_tag::dirty))
        found_broken(2, e);
    if (!mapping.tree_lock.held() && !pg.writeback() &&
        mapping.pages.tagged(pg.index, page_tag::writeback))
        found_broken(3, e);
    if (quiet && !pg.dirty() &&
        std::any_of(pg.buffers.begin(), pg.buffers.end(),
                    [](const buffer_head& bh) { return bh.dirty(); }))
        found_broken(6, e);
    if (pg.writeback() && m_kernel.policies.stable_pages && mapping.backing().stable_writes)
        for_each_pte(pg, [&](const vm_area_struct& vma, pte entry) {
            if (entry.writable() && vma.flags.shared)
                found_broken(7, e);
        });
    if (pg.dirty() || (!quiet && !strict()))
        return;
    for_each_pte(pg, [&](const vm_area_struct& vma, pte entry) {
        if (vma_wants_writenotify(m_kernel, vma) && (entry.writable() || entry.dirty()))
            found_broken(5, e);
    });
}

void invariant_checker::found_broken(std::size_t invariant, const event& e)
{
    ++m_broken[invariant - 1];
    if (!m_first)
        m_first = violation{invariant, e};
}

std::uint64_t invariant_checker::accounting_skew() const
{
    std::int64_t dirty = 0;
    for (frame_number frame; frame < m_kernel.cache.first_unused(); ++frame) {
        const page& pg = m_kernel.cache.page_of(frame);
        if (pg.mapping != nullptr && pg.dirty() && mapping_cap_account_dirty(*pg.mapping))
            ++dirty;
    }
    return static_cast<std::uint64_t>(std::abs(m_kernel.stats.nr_dirty - dirty));
}

void invariant_checker::check_quiet()
{
    if (accounting_skew() != 0)
        found_broken(1, event());
}

bool invariant_checker::all_hold() const
{
    return std::all_of(m_broken.begin(), m_broken.end(), [](std::uint64_t n) { return n == 0; });
}

} // namespace mkclean
