#include "tb/explore/schedule.h"
#include "sim/option_set.h"
#include "tb/text_file.h"
#include "tb/world.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace mkclean
{

namespace
{

constexpr const char* first_line = "mkclean schedule 1";
constexpr std::uint64_t most_times = 1'000'000;

// "core1/writer x3": the name, and how often.
std::pair<std::string, std::uint64_t> parse_line(std::string_view line, const origin& here)
{
    const std::size_t at = line.rfind(" x");
    if (at == std::string_view::npos || at + 2 == line.size() ||
        line.find_first_not_of("0123456789", at + 2) != std::string_view::npos)
        return {std::string(line), 1};
    const std::string digits(line.substr(at + 2));
    if (digits.size() > 6 || std::stoull(digits) == 0 || std::stoull(digits) > most_times)
        throw input_error(here, fmt::format("expected x1 to x{}, got x{}", most_times, digits));
    return {std::string(line.substr(0, at)), std::stoull(digits)};
}

std::string_view trimmed(std::string_view line)
{
    const std::size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos)
        return {};
    return line.substr(begin, line.find_last_not_of(" \t") - begin + 1);
}

} // namespace

const std::string& name_of(const executor::entry& e)
{
    return e.is_task() ? static_cast<const executor::task&>(e).name()
                       : static_cast<const executor::timer&>(e).name();
}

std::string schedule_text(const schedule& s, const std::string& about)
{
    std::string text = fmt::format("{}\n# {}\n", first_line, about);
    for (std::size_t i = 0; i < s.moves.size();) {
        std::size_t end = i + 1;
        while (end < s.moves.size() && s.moves[end] == s.moves[i])
            ++end;
        text += s.moves[i];
        if (end - i > 1)
            text += fmt::format(" x{}", end - i);
        text += '\n';
        i = end;
    }
    return text;
}

schedule read_schedule(const std::string& path, const origin& asked_by)
{
    const std::string whole = read_text_file(path, asked_by);
    std::string_view content = without_byte_order_mark(whole);
    schedule s;
    s.where.file = path;
    bool begun = false;
    for (unsigned number = 1; !content.empty(); ++number) {
        const std::string_view line = trimmed(without_comment(take_line(content)));
        origin here = s.where;
        here.line = number;
        if (line.empty())
            continue;
        if (!begun && line != first_line)
            throw input_error(here, fmt::format("expected the line \"{}\", as mkclean explore "
                                                "--schedule writes it",
                                                first_line));
        if (std::exchange(begun, true)) {
            const auto [name, times] = parse_line(line, here);
            s.moves.insert(s.moves.end(), times, name);
        }
    }
    if (!begun)
        throw input_error(s.where, fmt::format("expected the line \"{}\"", first_line));
    return s;
}

executor::entry* choose_before_exploring(const executor& exec, std::uint32_t& last_timer)
{
    executor::entry* first = nullptr;
    executor::entry* next_timer = nullptr;
    executor::entry* first_timer = nullptr;
    exec.for_each_ready([&](executor::entry& e) {
        if (e.is_task() && first == nullptr)
            first = &e;
        if (!e.is_task() && first_timer == nullptr)
            first_timer = &e;
        if (!e.is_task() && next_timer == nullptr && e.number() > last_timer)
            next_timer = &e;
    });
    if (first != nullptr)
        return first;
    executor::entry* const timer = next_timer != nullptr ? next_timer : first_timer;
    last_timer = timer->number();
    return timer;
}

executor::entry* schedule_follower::find(const executor& exec, const std::string& name) const
{
    executor::entry* found = nullptr;
    exec.for_each_ready([&](executor::entry& e) {
        if (found == nullptr && name_of(e) == name)
            found = &e;
    });
    return found;
}

executor::entry* schedule_follower::choose(const executor& exec)
{
    if (!m_world->program().begun())
        return choose_before_exploring(exec, m_last_timer);
    if (m_made < m_schedule.moves.size()) {
        const std::string& name = m_schedule.moves[m_made++];
        if (executor::entry* const chosen = find(exec, name))
            return chosen;
        std::vector<std::string> others;
        exec.for_each_ready([&](const executor::entry& e) { others.push_back(name_of(e)); });
        throw input_error(m_schedule.where,
                          fmt::format("its move {}, {}, cannot be made there; expected one of "
                                      "{}: is it the schedule of another config?",
                                      m_made, in_quotes(name), fmt::join(others, ", ")));
    }
    executor::entry* soonest = nullptr;
    exec.for_each_ready([&](executor::entry& e) {
        const auto rank = [](const executor::entry& x) {
            return std::make_tuple(x.due(), x.priority(), x.number());
        };
        if (soonest == nullptr || rank(e) < rank(*soonest))
            soonest = &e;
    });
    return soonest;
}

} // namespace mkclean
