#include "tb/lesson/wave.h"
#include "tb/lesson/rendering.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace mkclean
{

namespace
{

using json = nlohmann::ordered_json;

constexpr std::size_t most_steps = 40;
// WaveDrom shows the name of a node if it is a small letter, and knows no others.
constexpr std::string_view letters_of_nodes = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr char same = '.';
constexpr char clean = '2'; // WaveDrom's numbers are colours: white,
constexpr char dirty = '5'; // and blue
constexpr char absent = 'x';

/// What a lane shows at one step.
struct lane_value {
    std::string text;
    char colour = clean;

    bool operator!=(const lane_value& other) const
    {
        return text != other.text || colour != other.colour;
    }
};

std::string letters(std::uint32_t value, std::string_view names)
{
    std::string text;
    for (std::size_t i = 0; i < names.size(); ++i)
        text += (value >> i & 1U) != 0 ? names[i] : '-';
    return text;
}

bool is_between(std::uint16_t number, std::uint16_t first, std::uint16_t end)
{
    return number >= first && number < end;
}

lane_value entry_value(std::uint32_t value)
{
    if ((value & 1U) == 0)
        return {"", absent};
    return {letters(value, "PWD"), (value & 4U) != 0 ? dirty : clean};
}

lane_value value_of(std::uint16_t number, std::uint32_t value)
{
    if (number >= lane::tlbs || is_between(number, lane::ptes, lane::tlbs))
        return entry_value(value);
    if (number == lane::flags)
        return {letters(value & 7U, "LDW"), (value & 2U) != 0 ? dirty : clean};
    if (number == lane::tags)
        return {letters(value & 3U, "DW"), (value & 1U) != 0 ? dirty : clean};
    if (is_between(number, lane::buffers, lane::ptes))
        return {letters(value & 3U, "DL"), (value & 1U) != 0 ? dirty : clean};
    return {fmt::format("{}", value), value > 0 ? dirty : clean};
}

std::string name_of_lane(std::uint16_t number)
{
    if (number >= lane::tlbs)
        return fmt::format("TLB core{}", number - lane::tlbs);
    if (is_between(number, lane::ptes, lane::tlbs))
        return fmt::format("PTE {}", number - lane::ptes);
    if (is_between(number, lane::buffers, lane::ptes))
        return fmt::format("BH {}", number - lane::buffers);
    if (number == lane::flags)
        return "PG";
    return number == lane::tags ? "TAG" : "disk lags";
}

bool is_drawn(std::uint16_t number)
{
    return number == lane::flags || number == lane::tags || number == lane::disk ||
           number >= lane::buffers;
}

// The order in which information moves: TLB, PTE, PG, tags, buffers, disk.
int rank_of(std::uint16_t number)
{
    if (number >= lane::tlbs)
        return 0;
    if (is_between(number, lane::ptes, lane::tlbs))
        return 1;
    if (number == lane::flags)
        return 2;
    if (number == lane::tags)
        return 3;
    return number == lane::disk ? 5 : 4;
}

class wave_drawer
{
public:
    wave_drawer(const lesson& l, const run_record& of) : m_lesson(l), m_record(of)
    {
        for (const shown_step& s : shown_steps(l, of))
            if (m_steps.size() < most_steps)
                m_steps.push_back(s.step);
        find_lanes();
    }

    json draw()
    {
        find_arrows();
        json signals = json::array();
        signals.push_back(number_lane());
        for (const std::uint16_t number : m_lanes)
            signals.push_back(drawn_lane(number));
        json wave;
        wave["signal"] = signals;
        wave["edge"] = m_edges;
        wave["config"] = {{"hscale", 1}};
        wave["head"] = {{"text", fmt::format("Lesson {}. {}", m_lesson.number, m_lesson.title)}};
        return wave;
    }

private:
    void find_lanes()
    {
        std::set<std::uint16_t> met;
        for (const life_step* const s : m_steps)
            for (const auto& [number, value] : s->state)
                if (is_drawn(number))
                    met.insert(number);
        m_lanes.assign(met.begin(), met.end());
        std::stable_sort(m_lanes.begin(), m_lanes.end(),
                         [](std::uint16_t a, std::uint16_t b) { return rank_of(a) < rank_of(b); });
    }

    json number_lane() const
    {
        json lane_of_numbers = {{"name", "step"}, {"wave", std::string(m_steps.size(), clean)}};
        for (std::size_t i = 0; i < m_steps.size(); ++i)
            lane_of_numbers["data"].push_back(fmt::format("{}", i + 1));
        return lane_of_numbers;
    }

    json drawn_lane(std::uint16_t number) const
    {
        std::string wave;
        json data = json::array();
        lane_value last;
        for (const life_step* const s : m_steps) {
            const auto found = s->state.find(number);
            const lane_value now = value_of(number, found == s->state.end() ? 0 : found->second);
            const bool is_new = wave.empty() || now != last;
            wave += is_new ? now.colour : same;
            if (is_new && now.colour != absent)
                data.push_back(now.text);
            last = now;
        }
        json drawn = {{"name", name_of_lane(number)}, {"wave", wave}, {"data", data}};
        const auto nodes = m_nodes.find(number);
        if (nodes != m_nodes.end())
            drawn["node"] = nodes->second;
        return drawn;
    }

    // ---- arrows ---------------------------------------------------------------------------------

    void find_arrows()
    {
        for (std::size_t effect = 0; effect < m_steps.size(); ++effect) {
            const std::size_t cause = shown_cause(*m_steps[effect]);
            if (cause == life_step::none)
                continue;
            const char from = node_at(cause);
            const char to = node_at(effect);
            if (from != same && to != same)
                m_edges.push_back(fmt::format("{}~>{}", from, to));
        }
    }

    // The nearest of its causes' causes that the lesson shows.
    std::size_t shown_cause(const life_step& s) const
    {
        for (std::size_t cause = s.cause; cause != life_step::none;
             cause = m_record.life[cause].cause) {
            const life_step* const at = &m_record.life[cause];
            const auto shown = std::find(m_steps.begin(), m_steps.end(), at);
            if (shown != m_steps.end())
                return static_cast<std::size_t>(shown - m_steps.begin());
        }
        return life_step::none;
    }

    // The letter of a step's node in the lane of what it touches, or `same` if it has no lane.
    char node_at(std::size_t step)
    {
        const std::uint16_t number = lane_of(*m_steps[step]);
        if (std::find(m_lanes.begin(), m_lanes.end(), number) == m_lanes.end())
            return same;
        std::string& nodes =
            m_nodes.try_emplace(number, std::string(m_steps.size(), same)).first->second;
        if (nodes[step] == same && m_letters < letters_of_nodes.size())
            nodes[step] = letters_of_nodes[m_letters++];
        return nodes[step];
    }

    std::uint16_t lane_of(const life_step& s) const
    {
        switch (s.touches) {
        case place::tlb:
            return first_lane(lane::tlbs);
        case place::pte:
            return first_lane(lane::ptes);
        case place::page:
            return lane::flags;
        case place::tag:
            return lane::tags;
        case place::buffer:
            return first_lane(lane::buffers);
        default:
            return lane::disk;
        }
    }

    std::uint16_t first_lane(std::uint16_t from) const
    {
        const auto found = std::find_if(m_lanes.begin(), m_lanes.end(), [&](std::uint16_t number) {
            return rank_of(number) == rank_of(from);
        });
        return found == m_lanes.end() ? from : *found;
    }

    const lesson& m_lesson;
    const run_record& m_record;
    std::vector<const life_step*> m_steps;
    std::vector<std::uint16_t> m_lanes;
    std::map<std::uint16_t, std::string> m_nodes; ///< by lane
    std::size_t m_letters = 0;
    json m_edges = json::array();
};

} // namespace

nlohmann::ordered_json wave_of(const lesson& l, const run_record& of)
{
    return wave_drawer(l, of).draw();
}

} // namespace mkclean
