// How a search is put by and taken up again; see search::save() and search::resume().

#include "tb/explore/search.h"

#include <algorithm>
#include <istream>
#include <type_traits>

#include <boost/crc.hpp>

namespace mkclean
{

namespace
{

constexpr std::string_view first_line = "mkclean search 1\n";
constexpr std::size_t piece = std::size_t{1} << 20; // bytes that are read at once

/// Numbers as this machine keeps them, and a checksum behind them.
class file_writer
{
public:
    explicit file_writer(const std::function<void(std::string_view)>& write) : m_write(write) {}

    void end()
    {
        const std::uint32_t sum = m_sum.checksum();
        one(sum);
    }

    template <class T>
    void one(const T& value)
    {
        static_assert(std::is_trivially_copyable_v<T>);
        bytes({reinterpret_cast<const char*>(&value), sizeof value});
    }
    template <class T>
    void all(const std::vector<T>& values)
    {
        static_assert(std::is_trivially_copyable_v<T>);
        one(std::uint64_t{values.size()});
        bytes({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
    }
    void all(const std::string& text) { all(std::vector<char>(text.begin(), text.end())); }
    template <class T>
    void all(const std::vector<std::vector<T>>& values)
    {
        one(std::uint64_t{values.size()});
        for (const std::vector<T>& v : values)
            all(v);
    }

private:
    void bytes(std::string_view all)
    {
        m_sum.process_bytes(all.data(), all.size());
        m_write(all);
    }

    const std::function<void(std::string_view)>& m_write;
    boost::crc_32_type m_sum;
};

/// The same back.
class file_reader
{
public:
    explicit file_reader(std::istream& from) : m_from(from) {}

    void expect_end()
    {
        const std::uint32_t sum = m_sum.checksum();
        std::uint32_t written = 0;
        one(written);
        if (sum != written || m_from.peek() != std::istream::traits_type::eof())
            throw not_that_search("expected a saved search: this file has been changed");
    }

    void one(bool& value)
    {
        char byte = 0;
        bytes(&byte, 1);
        value = byte != 0;
    }
    template <class T>
    void one(T& value)
    {
        bytes(reinterpret_cast<char*>(&value), sizeof value);
    }
    // A number of things may be anything in a file that is none of ours.
    template <class T>
    void all(std::vector<T>& values)
    {
        std::uint64_t count = 0;
        one(count);
        values.clear();
        while (values.size() < count) {
            const std::size_t before = values.size();
            values.resize(std::min<std::uint64_t>(count, before + piece / sizeof(T)));
            bytes(reinterpret_cast<char*>(values.data() + before),
                  (values.size() - before) * sizeof(T));
        }
    }
    void all(std::string& text)
    {
        std::vector<char> characters;
        all(characters);
        text.assign(characters.begin(), characters.end());
    }
    template <class T>
    void all(std::vector<std::vector<T>>& values)
    {
        std::uint64_t count = 0;
        one(count);
        values.clear();
        for (; count > 0; --count)
            all(values.emplace_back());
    }

private:
    void bytes(char* to, std::size_t count)
    {
        m_from.read(to, static_cast<std::streamsize>(count));
        if (!m_from)
            throw not_that_search("expected a saved search: this file ends in the middle of one");
        m_sum.process_bytes(to, count);
    }
    std::istream& m_from;
    boost::crc_32_type m_sum;
};

void expect(bool it_is_so)
{
    if (!it_is_so)
        throw not_that_search("expected a saved search: this file does not fit together");
}

} // namespace

void search::save(const std::string& program,
                  const std::function<void(std::string_view)>& write) const
{
    write(first_line);
    file_writer file(write);
    file.all(program);
    file.one(m_limits.order);
    file.all(m_records);
    file.all(m_visits);
    std::vector<number> edges;
    edges.reserve(m_edges.size() * 2);
    for (const auto& [from, to] : m_edges) {
        edges.push_back(from);
        edges.push_back(to);
    }
    file.all(edges);
    file.all(std::vector<char>(m_can_end.begin(), m_can_end.end()));
    file.all(m_now);
    file.all(m_later);
    file.one(m_switches);
    file.one(m_result.transitions);
    file.one(m_result.ends);
    file.one(m_result.depth);
    file.one(m_result.switches_done.has_value());
    file.one(m_result.switches_done.value_or(0));
    for (const std::optional<finding>& f : m_found) {
        file.one(f.has_value());
        if (!f)
            continue;
        file.one(f->parent);
        file.one(f->by);
        file.one(f->switches);
        file.one(f->depth);
        file.all(f->says);
        file.all(f->rest);
    }
    file.end();
}

bool search::resume(const std::string& program, std::istream& from, const listener& tell)
{
    std::string line(first_line.size(), '\0');
    from.read(line.data(), static_cast<std::streamsize>(line.size()));
    if (!from || line != first_line)
        throw not_that_search("expected what explore --save has written");
    file_reader file(from);
    std::string of_program;
    file.all(of_program);
    search_order order{};
    file.one(order);
    if (of_program != program || order != m_limits.order)
        throw not_that_search("expected a search of this program, on this kernel and hardware, in "
                              "this explore.order, by this build of mkclean: it was another");
    file.all(m_records);
    file.all(m_visits);
    std::vector<number> edges;
    file.all(edges);
    expect(edges.size() % 2 == 0 && !m_records.empty() && !m_visits.empty());
    for (std::size_t i = 0; i < edges.size(); i += 2) {
        expect(std::max(edges[i], edges[i + 1]) < m_records.size());
        m_edges.emplace_back(edges[i], edges[i + 1]);
    }
    std::vector<char> can_end;
    file.all(can_end);
    expect(can_end.size() <= m_records.size());
    m_can_end.assign(can_end.begin(), can_end.end());
    file.all(m_now);
    file.all(m_later);
    for (const auto* const waiting : {&m_now, &m_later})
        for (const std::vector<number>& stories : *waiting) {
            m_waiting += stories.size();
            for (const number story : stories)
                expect(story < m_visits.size());
        }
    file.one(m_switches);
    file.one(m_result.transitions);
    file.one(m_result.ends);
    file.one(m_result.depth);
    bool is_there = false;
    std::uint32_t switches_done = 0;
    file.one(is_there);
    file.one(switches_done);
    if (is_there)
        m_result.switches_done = switches_done;
    for (std::size_t i = 0; i < flaws; ++i) {
        file.one(is_there);
        if (!is_there)
            continue;
        finding f{};
        f.what = static_cast<flaw>(i);
        file.one(f.parent);
        file.one(f.by);
        file.one(f.switches);
        file.one(f.depth);
        file.all(f.says);
        file.all(f.rest);
        expect(f.parent == nowhere || f.parent < m_visits.size());
        m_found[i] = std::move(f);
    }
    file.expect_end();
    return make_states_again(tell);
}

// A state is made once, by the first story that came to it, and all that come from one state are
// made together.
bool search::make_states_again(const listener& tell)
{
    struct birth {
        number from, child;
        explored_world::move by;
    };
    std::vector<birth> births;
    number next = 1;
    const visit& start = m_visits.front();
    expect(start.to == 0 && start.parent == nowhere && start.last <= crew::last_mover);
    for (std::size_t i = 1; i < m_visits.size(); ++i) {
        const visit& v = m_visits[i];
        expect(v.parent < i && v.to <= next && std::max(v.by, v.last) <= crew::last_mover);
        if (v.to == next) {
            births.push_back({m_visits[v.parent].to, v.to, v.by});
            ++next;
        }
    }
    expect(next == m_records.size());
    for (record& r : m_records)
        r.state = 0;
    m_records.front().state = m_world.start();
    m_known.find_or_add(m_world.start(), 0);
    // Parents come before their children, and their children are in the order in which they were
    // gone on from; those of one parent need not be neighbours.
    std::stable_sort(births.begin(), births.end(),
                     [](const birth& a, const birth& b) { return a.from < b.from; });
    for (auto at = births.begin(); at != births.end();) {
        m_orders.clear();
        const auto first = at;
        std::vector<std::size_t> order_of;
        while (at != births.end() && m_orders.size() < crew::most_orders) {
            const number from = at->from;
            if (m_records[from].state == 0)
                break;
            moves_wanted wanted{m_records[from].state, 0, 0, false};
            for (; at != births.end() && at->from == from; ++at) {
                wanted.last_s |= std::uint64_t{1} << at->by;
                order_of.push_back(m_orders.size());
            }
            m_orders.push_back(wanted);
        }
        expect(at != first);
        const search::progress so_far{m_known.size(), m_result.transitions, m_waiting, m_switches,
                                      m_result.depth};
        try {
            m_crew.make(m_orders, [&] { return tell(so_far); });
        } catch (const crew_stopped&) {
            return false;
        }
        for (auto b = first; b != at; ++b) {
            const moves_made& made = m_crew.of(order_of[static_cast<std::size_t>(b - first)]);
            const auto by = std::find(made.moves.begin(), made.moves.end(), b->by);
            expect(by != made.moves.end());
            const moves_made::one& one =
                made.results[static_cast<std::size_t>(by - made.moves.begin())];
            expect(one.made && !one.ended);
            m_records[b->child].state = one.state;
            expect(m_known.find_or_add(one.state, b->child) == b->child);
        }
        if (tell(so_far))
            return false;
    }
    return true;
}

} // namespace mkclean
