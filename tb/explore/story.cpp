#include "tb/explore/story.h"
#include "tb/oracle/page_state.h"
#include "tb/output/event_text.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace mkclean
{

namespace
{

std::string pwd(std::uint64_t raw)
{
    return {(raw & 1) != 0 ? 'P' : '-', (raw & 2) != 0 ? 'W' : '-', (raw & 0x40) != 0 ? 'D' : '-'};
}

std::string or_dash(const std::string& text)
{
    return text.empty() ? "-" : text;
}

/// The page that a story is about, and how it is.
class page_watcher
{
public:
    page_watcher(explored_world& w, const inode& file, page_index index)
        : m_world(w.inside()),
          m_judge(w.judge()),
          m_file(file),
          m_index(index)
    {
    }

    std::string name() const
    {
        return fmt::format("ino {} page {}", m_file.ino.raw(), m_index.raw());
    }
    page_view look() const
    {
        page_view v;
        const page* const pg = m_file.mapping.pages.lookup(m_index);
        v.ptes = or_dash(ptes());
        v.tlbs = or_dash(pg == nullptr ? "" : tlbs(*pg));
        v.flags = pg == nullptr ? "no page" : flags(*pg);
        v.tags = {tag(page_tag::dirty, 'D'), tag(page_tag::writeback, 'W')};
        v.buffers = or_dash(pg == nullptr ? "" : buffers(*pg));
        for (const exploring_judge::place& p : m_judge.places())
            if (p.ino == m_file.ino && p.offset / page_size == m_index.raw())
                add_bytes(v, pg, p);
        return v;
    }

private:
    std::string ptes() const
    {
        std::string text;
        for (const vm_area_struct* vma : m_file.mapping.i_mmap) {
            if (!vma->maps(m_index))
                continue;
            const auto slot = vma->mm->pgd.find(vma->address_of(m_index));
            text += (text.empty() ? "" : " ") + pwd(slot ? bits(slot->get()) : 0);
        }
        return text;
    }
    static std::uint64_t bits(pte entry)
    {
        return (entry.present() ? 1U : 0U) | (entry.writable() ? 2U : 0U) |
               (entry.dirty() ? 0x40U : 0U);
    }
    std::string tlbs(const page& pg) const
    {
        std::string text;
        for (const auto& cpu : m_world.cores()) {
            std::uint64_t raw = 0;
            cpu->memory_unit().translations().for_each([&](const tlb_entry& e) {
                if (e.maps(pg.frame))
                    raw |= e.raw();
            });
            text += (text.empty() ? "" : " ") + pwd(raw);
        }
        return text;
    }
    static std::string flags(const page& pg)
    {
        return {pg.locked() ? 'L' : '-', pg.dirty() ? 'D' : '-', pg.writeback() ? 'W' : '-'};
    }
    char tag(page_tag t, char letter) const
    {
        return m_file.mapping.pages.tagged(m_index, t) ? letter : '-';
    }
    static std::string buffers(const page& pg)
    {
        std::string text;
        for (const buffer_head& bh : pg.buffers)
            text += bh.dirty() ? (bh.locked() ? 'B' : 'D') : (bh.locked() ? 'L' : '-');
        return text;
    }
    void add_bytes(page_view& v, const page* pg, const exploring_judge::place& p) const
    {
        const char* const blank = v.memory.empty() ? "" : " ";
        const auto at = p.offset % page_size;
        v.memory += blank;
        v.memory +=
            pg == nullptr
                ? "--"
                : fmt::format("{:02x}", std::to_integer<unsigned>(
                                            m_world.the_kernel().memory.frame(pg->frame)[at]));
        v.disk += fmt::format("{}{:02x}", blank, std::to_integer<unsigned>(m_judge.durable(p)));
    }

    world& m_world;
    const exploring_judge& m_judge;
    const inode& m_file;
    page_index m_index;
};

struct subject_page {
    const inode* file = nullptr; ///< null: none
    page_index index;
};

// The first place that the end finds wrong; or the first that was stored to; or what it was about.
subject_page page_in_question(const exploring_judge& judge, const subject_page& last)
{
    const auto page_of = [](const exploring_judge::place& p) {
        return subject_page{p.file, page_index(p.offset / page_size)};
    };
    for (const exploring_judge::place& p : judge.places())
        if (p.lost || judge.durable(p) != p.current)
            return page_of(p);
    return judge.places().empty() ? last : page_of(judge.places().front());
}

subject_page page_of(const event& e, kernel& k)
{
    const page* const pg = page_of_event(k, e);
    if (pg == nullptr || pg->mapping->host().ino == device_inode_number)
        return {};
    return {&pg->mapping->host(), pg->index};
}

void make_all(explored_world& w, const std::vector<explored_world::move>& moves,
              const std::function<void(explored_world::move)>& before,
              const std::function<void(const explored_world::step_result&)>& after)
{
    w.load(w.start());
    for (std::size_t i = 0; i < moves.size(); ++i) {
        before(moves[i]);
        const explored_world::step_result made = w.make(moves[i]);
        after(made);
        if (i + 1 < moves.size())
            w.load(made.state);
    }
}

std::string what_happened(const event& e, kernel& k, bool with_subject)
{
    std::string text = e.site->name;
    const std::string subject = with_subject ? subject_text(e, k) : std::string();
    const std::string change = change_text(e);
    if (!subject.empty())
        text += " " + subject;
    if (!change.empty())
        text += " (" + change + ")";
    return text;
}

} // namespace

story tell(explored_world& w, const search_result::counterexample& of)
{
    story s;
    s.what = of.what;
    s.says = of.says;
    s.switches = of.switches;
    subject_page last;
    subject_page about;
    w.set_listener([&](const event& e) {
        const subject_page now = page_of(e, w.inside().the_kernel());
        last = now.file != nullptr ? now : last;
    });
    make_all(
        w, of.moves, [](explored_world::move) {},
        [&](const explored_world::step_result&) { about = page_in_question(w.judge(), last); });
    std::optional<page_watcher> watcher;
    if (about.file != nullptr)
        watcher.emplace(w, *about.file, about.index);
    s.page = watcher ? watcher->name() : "no page";

    story::step now;
    const auto last_knew = [&](const explored_world::step_result& made) {
        return made.suspicious || made.ended;
    };
    bool suspicious_before = false;
    w.set_listener([&](const event& e) {
        if (e.site->touches != place::disk || e.site->name != std::string("disk_on_media"))
            now.what.push_back(what_happened(e, w.inside().the_kernel(), true));
    });
    std::size_t made_moves = 0;
    make_all(
        w, of.moves,
        [&](explored_world::move m) {
            const std::string name = w.name_of_move(m);
            s.moves.push_back(name);
            const bool goes_on = now.what.empty() && now.moves > 0 && now.who == name;
            if (!goes_on && now.moves > 0)
                s.steps.push_back(std::exchange(now, {}));
            if (now.moves == 0)
                now.first_move = made_moves + 1;
            now.who = name;
        },
        [&](const explored_world::step_result& made) {
            ++made_moves;
            ++now.moves;
            if (watcher)
                now.after = watcher->look();
            if (of.what == flaw::lost && last_knew(made) && !suspicious_before)
                s.done_for = made_moves;
            suspicious_before = last_knew(made);
        });
    if (now.moves > 0)
        s.steps.push_back(now);
    w.set_listener(nullptr);
    w.load(w.start());
    return s;
}

// ---- for people ---------------------------------------------------------------------------------

namespace
{

struct columns {
    std::size_t who = 3, what = 4, ptes = 3, tlbs = 3, flags = 2, tags = 4, buffers = 3, memory = 6;

    void fit(const story::step& s)
    {
        who = std::max(who, s.who.size());
        for (const std::string& w : s.what)
            what = std::max(what, w.size());
        ptes = std::max(ptes, s.after.ptes.size());
        tlbs = std::max(tlbs, s.after.tlbs.size());
        flags = std::max(flags, s.after.flags.size());
        buffers = std::max(buffers, s.after.buffers.size());
        memory = std::max(memory, s.after.memory.size());
    }
    std::string line(const std::string& number, const std::string& w, const std::string& did,
                     const page_view& v) const
    {
        std::string text =
            fmt::format("{:>5}  {:<{}}  {:<{}}  {:<{}}  {:<{}}  {:<{}}  {:<{}}  {:<{}}  {:<{}}  {}",
                        number, w, who, did, what, v.ptes, ptes, v.tlbs, tlbs, v.flags, flags,
                        v.tags, tags, v.buffers, buffers, v.memory, memory, v.disk);
        text.erase(text.find_last_not_of(' ') + 1);
        return text + '\n';
    }
};

} // namespace

// What did nothing that can be seen here is left out; the numbers tell.
static std::vector<story::step> steps_to_show(const story& s)
{
    std::vector<story::step> shown;
    for (const story::step& step : s.steps) {
        if (s.done_for > 0 && step.first_move > s.done_for)
            break;
        const bool changed = shown.empty() || !(shown.back().after == step.after);
        const bool is_last = &step == &s.steps.back();
        if (!step.what.empty() || changed || is_last)
            shown.push_back(step);
    }
    return shown;
}

std::string table_of(const story& s)
{
    std::vector<story::step> shown = steps_to_show(s);
    std::string in_memory;
    for (story::step& step : shown) {
        if (step.what.empty() && step.after.memory != in_memory)
            step.what.emplace_back("store"); // user code logs nothing
        in_memory = step.after.memory;
    }
    columns c;
    for (const story::step& step : shown)
        c.fit(step);
    std::string text =
        c.line("move", "who", "what", {"PTE", "TLB", "PG", "tags", "bufs", "memory", "disk"});
    for (const story::step& step : shown) {
        const std::size_t number = step.first_move + step.moves - 1;
        for (std::size_t i = 0; i + 1 < step.what.size(); ++i)
            text += c.line(i == 0 ? std::to_string(number) : "", i == 0 ? step.who : "",
                           step.what[i], {});
        const bool one_line = step.what.size() < 2;
        text += c.line(one_line ? std::to_string(number) : "", one_line ? step.who : "",
                       step.what.empty() ? "" : step.what.back(), step.after);
    }
    if (s.what == flaw::lie)
        text += "       ^ a sync returns 0, and after a power cut now the disk would not have what "
                "it promised\n";
    if (s.done_for > 0)
        text +=
            fmt::format("       ^ nothing says any more that the disk is behind memory\n"
                        "{:>5}  when everything is unmapped and synced, the bytes are not there\n",
                        s.moves.size());
    return text;
}

nlohmann::ordered_json json_of(const story& s)
{
    nlohmann::ordered_json j;
    j["found"] = name_of(s.what);
    if (!s.says.empty())
        j["says"] = s.says;
    j["switches"] = s.switches;
    j["moves"] = s.moves.size();
    if (s.done_for > 0)
        j["done_for"] = s.done_for;
    j["page"] = s.page;
    for (const story::step& step : s.steps)
        j["steps"].push_back({{"move", step.first_move + step.moves - 1},
                              {"who", step.who},
                              {"what", step.what},
                              {"pte", step.after.ptes},
                              {"tlb", step.after.tlbs},
                              {"flags", step.after.flags},
                              {"tags", step.after.tags},
                              {"buffers", step.after.buffers},
                              {"memory", step.after.memory},
                              {"disk", step.after.disk}});
    return j;
}

} // namespace mkclean
