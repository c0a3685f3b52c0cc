#include "tb/output/event_text.h"
#include "tb/oracle/page_state.h"

#include <fmt/format.h>

namespace mkclean
{

std::string subject_text(const event& e, kernel& k)
{
    inode_number ino;
    page_index page;
    if (!page_of_event(e, k, ino, page)) {
        if (e.what.va != virtual_address())
            return fmt::format("va {:#x}", e.what.va.raw());
        return {};
    }
    std::string text = ino == device_inode_number ? "device" : fmt::format("ino {}", ino.raw());
    const bool of_the_file = e.what.is_page() && e.what.frame == frame_number() &&
                             e.what.va == virtual_address() && page == page_index();
    if (!of_the_file)
        text += fmt::format(" page {}", page.raw());
    if (e.what.block != subject::no_block)
        text += fmt::format(" block {}", e.what.block);
    return text;
}

std::string change_text(const event& e)
{
    if (e.site->show != nullptr)
        return e.site->show(e.before, e.after);
    if (e.site->touches == place::disk)
        return fmt::format("{} {}", e.before, e.after);
    return {};
}

bool page_of_event(const event& e, kernel& k, inode_number& ino, page_index& page)
{
    if (e.what.is_page()) {
        ino = e.what.ino;
        page = e.what.page;
        return true;
    }
    const struct page* const pg = page_of_event(k, e);
    if (pg == nullptr)
        return false;
    ino = pg->mapping->host().ino;
    page = pg->index;
    return true;
}

std::string event_text_header()
{
    return fmt::format("{:>14}  {:<6} {:<10} {:<26} {:<28} {}\n", "cycle", "where", "who", "step",
                       "on", "change");
}

static std::string line_of(std::uint64_t cycle, const event_log::actor_name& actor,
                           const std::string& step, const std::string& on,
                           const std::string& change)
{
    std::string line = fmt::format("{:>14}  {:<6} {:<10} {:<26} {:<28} {}", cycle, actor.where,
                                   actor.who, step, on, change);
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
}

std::string event_text(const event& e, const event_log& names, kernel& k, picoseconds period)
{
    return line_of(e.time.raw() / period.raw(), names.name_of(e.actor), e.site->name,
                   subject_text(e, k), change_text(e));
}

std::string span_text(const span_mark& mark, const event_log& names, kernel& k, picoseconds period)
{
    event about;
    about.what = mark.what;
    const std::string step = fmt::format("{} {}", mark.site->name, mark.begins ? "begins" : "ends");
    const std::string result =
        mark.begins || mark.result == 0 ? "" : fmt::format("error {}", -mark.result);
    return line_of(mark.time.raw() / period.raw(), names.name_of(mark.actor), step,
                   subject_text(about, k), result);
}

} // namespace mkclean
