#include "tb/museum/exhibit.h"
#include "tb/config_file.h"
#include "tb/output/log_writer.h"

#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace mkclean
{

exhibit::exhibit(const std::string& path, state how)
{
    m_config.declare(m_options);
    configure(m_options, {path}, {});
    if (!m_config.museum.is_exhibit())
        throw input_error({path, 0}, "is no exhibit: it has no museum.title");
    m_config.check(m_options);
    if (how == state::broken)
        return;
    const origin here = m_options.info("museum.fixed").where;
    for (const auto& [name, value] : m_config.museum.fixes())
        m_options.set(name, value, here);
    m_config.check(m_options);
}

std::string exhibit_card::text_of_fix(exhibit::state how) const
{
    std::string text;
    for (const change& c : fix)
        text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", c.option,
                            how == exhibit::state::broken ? c.broken : c.mended);
    return text;
}

exhibit_card read_card(const std::string& path)
{
    const exhibit broken(path, exhibit::state::broken);
    const exhibit mended(path, exhibit::state::mended);
    exhibit_card card;
    card.name = std::filesystem::path(path).stem().string();
    card.path = path;
    card.about = broken.about();
    for (const auto& [name, value] : card.about.fixes())
        card.fix.push_back(
            {name, broken.options().info(name).text, mended.options().info(name).text});
    return card;
}

std::string exhibit_verdict::text() const
{
    const std::string with_bug = broken.found.has(shows)
                                     ? fmt::format("{} in order {}", name_of(shows), broken.orders)
                                     : fmt::format("nothing of that kind in {} orders, but {}",
                                                   broken.orders, broken.found.text());
    const std::string with_fix =
        mended.broken == 0
            ? fmt::format("nothing in {}", mended.orders)
            : fmt::format("{} in {} of {}", mended.found.text(), mended.broken, mended.orders);
    return with_bug + "; mended, " + with_fix;
}

static nlohmann::ordered_json json_of(const exhibit_result& r)
{
    nlohmann::ordered_json j;
    j["orders"] = r.orders;
    j["broken"] = r.broken;
    j["found"] = r.found.text();
    j["first"] = nlohmann::ordered_json::array();
    for (const stall& s : r.first)
        j["first"].push_back({{"thread", s.thread}, {"turn", s.turn + 1}});
    return j;
}

nlohmann::ordered_json exhibit_verdict::json() const
{
    nlohmann::ordered_json j;
    j["as_stated"] = as_stated();
    j["shows"] = name_of(shows);
    j["text"] = text();
    j["broken"] = json_of(broken);
    j["mended"] = json_of(mended);
    return j;
}

exhibit_verdict judge_exhibit(const std::string& path,
                              const std::function<void(std::uint64_t)>& tell)
{
    const exhibit broken(path, exhibit::state::broken);
    const exhibit mended(path, exhibit::state::mended);
    exhibit_verdict v;
    v.shows = broken.about().shows;
    order_limits up_to_the_first;
    up_to_the_first.stops_at = v.shows;
    up_to_the_first.tell = tell;
    v.broken = try_orders(broken.get(), up_to_the_first);
    order_limits all;
    all.tell = [&](std::uint64_t orders) { tell(v.broken.orders + orders); };
    v.mended = try_orders(mended.get(), all);
    return v;
}

std::string story_of_order(const config& c, const std::vector<stall>& stalls)
{
    std::optional<biographer> told;
    std::string story;
    run_in_order(
        c, stalls,
        [&](world& w) {
            told.emplace(w);
            w.log().attach(*told);
        },
        [&](world& w) {
            if (w.judge() == nullptr)
                return;
            const verdict& v = w.judge()->result();
            if (v.first_loss || v.first_lie)
                story = told->story_of(v.first_loss ? *v.first_loss : *v.first_lie);
            told.reset();
        });
    return story;
}

std::string text_of_order(const std::vector<stall>& stalls)
{
    std::string text;
    for (const stall& s : stalls)
        text += fmt::format("{}{} stands still before its turn {}", text.empty() ? "" : ", then ",
                            s.thread, s.turn + 1);
    return text.empty() ? "everybody goes in the order of time" : text;
}

} // namespace mkclean
