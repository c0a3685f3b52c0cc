#include "tb/workload/script_checks.h"
#include "sim/option_set.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>

#include <fmt/format.h>

namespace mkclean
{

namespace
{

using kind = script_operation::kind;
using thread = script_program::thread;

constexpr std::uint64_t too_often = std::numeric_limits<std::uint64_t>::max();

std::uint64_t multiply(std::uint64_t a, std::uint64_t b)
{
    return b != 0 && a > too_often / b ? too_often : a * b;
}

bool uses_variable(const script_operation& op)
{
    return op.what == kind::store || op.what == kind::load || op.what == kind::msync ||
           op.what == kind::unmap || op.what == kind::madvise || op.what == kind::mremap ||
           op.what == kind::remap || op.what == kind::pin;
}

bool maps(const thread& t, std::size_t variable)
{
    return std::any_of(t.operations.begin(), t.operations.end(), [&](const script_operation& op) {
        return op.what == kind::map && op.variable == variable;
    });
}

class checker
{
public:
    explicit checker(const script_program& script) : m_script(script) {}

    void check_meetings() const;
    void check_variables() const;

private:
    input_error error(unsigned line, const std::string& message) const
    {
        return input_error(origin{m_script.path, line}, message);
    }
    std::uint64_t times_met(const thread& t, std::size_t meeting) const;
    unsigned line_of_meeting(const thread& t, std::size_t meeting) const;
    void check_meeting(std::size_t meeting) const;

    void check_variables_of(const thread& t) const;
    void check_use(const thread& t, const script_operation& use, std::optional<bool> mapped_here,
                   bool met) const;
    const thread* other_mapper(const thread& t, std::size_t variable) const;
    input_error nobody_maps(const thread& t, const script_operation& use) const;

    const script_program& m_script;
};

// ---- meetings -----------------------------------------------------------------------------------

std::uint64_t checker::times_met(const thread& t, std::size_t meeting) const
{
    std::vector<std::uint64_t> factors{1};
    std::uint64_t sum = 0;
    for (const script_operation& op : t.operations) {
        if (op.what == kind::repeat)
            factors.push_back(multiply(factors.back(), op.times));
        else if (op.what == kind::end)
            factors.pop_back();
        else if (op.what == kind::meet && op.meeting == meeting)
            sum = factors.back() > too_often - sum ? too_often : sum + factors.back();
    }
    return sum;
}

unsigned checker::line_of_meeting(const thread& t, std::size_t meeting) const
{
    const auto at = std::find_if(t.operations.begin(), t.operations.end(), [&](const auto& op) {
        return op.what == kind::meet && op.meeting == meeting;
    });
    return at->line;
}

void checker::check_meeting(std::size_t meeting) const
{
    const std::string& name = m_script.meetings[meeting];
    const thread* first = nullptr;
    std::uint64_t one = 0;
    bool alone = true;
    for (const thread& t : m_script.threads) {
        if (!script_program::attends(t, meeting))
            continue;
        if (first == nullptr) {
            first = &t;
            one = times_met(t, meeting);
            continue;
        }
        alone = false;
        const std::uint64_t other = times_met(t, meeting);
        if (one != other)
            throw error(line_of_meeting(t, meeting),
                        fmt::format("expected all to meet {} equally often: {} does {} times, {} "
                                    "{} times",
                                    in_quotes(name), first->name, one, t.name, other));
    }
    if (!alone)
        return;
    std::vector<std::string> others = m_script.meetings;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(meeting));
    throw error(line_of_meeting(*first, meeting),
                fmt::format("expected another thread to meet {}{}", in_quotes(name),
                            suggestion(name, others)));
}

void checker::check_meetings() const
{
    for (std::size_t meeting = 0; meeting < m_script.meetings.size(); ++meeting)
        check_meeting(meeting);
}

// ---- variables ----------------------------------------------------------------------------------

const thread* checker::other_mapper(const thread& t, std::size_t variable) const
{
    for (const thread& other : m_script.threads)
        if (&other != &t && other.process == t.process && maps(other, variable))
            return &other;
    return nullptr;
}

input_error checker::nobody_maps(const thread& t, const script_operation& use) const
{
    std::vector<std::string> mapped;
    for (const script_program::variable& v : m_script.variables)
        if (v.process == t.process && v.largest > 0)
            mapped.push_back(v.name);
    const std::string& name = m_script.variables[use.variable].name;
    return error(use.line, fmt::format("expected a mapping of process {}, got {}{}",
                                       in_quotes(m_script.processes[t.process]), in_quotes(name),
                                       suggestion(name, mapped)));
}

// `mapped_here`: what this thread itself has done to it last, if anything.
void checker::check_use(const thread& t, const script_operation& use,
                        std::optional<bool> mapped_here, bool met) const
{
    const script_program::variable& v = m_script.variables[use.variable];
    if (v.largest == 0)
        throw nobody_maps(t, use);
    if (mapped_here.value_or(false))
        return;
    const thread* const other = other_mapper(t, use.variable);
    if (other == nullptr)
        throw error(use.line, fmt::format("{} is {} here", in_quotes(v.name),
                                          mapped_here ? "not mapped any more" : "not mapped yet"));
    if (!met)
        throw error(use.line, fmt::format("{} is mapped by thread {}: expected a 'meet' before it "
                                          "is used",
                                          in_quotes(v.name), in_quotes(other->name)));
}

void checker::check_variables_of(const thread& t) const
{
    std::map<std::size_t, bool> mapped;
    bool met = false;
    for (const script_operation& op : t.operations) {
        if (op.what == kind::meet)
            met = true;
        if (op.what == kind::map)
            mapped[op.variable] = true;
        if (!uses_variable(op))
            continue;
        const auto known = mapped.find(op.variable);
        check_use(t, op, known == mapped.end() ? std::nullopt : std::optional(known->second), met);
        const std::uint64_t bytes = m_script.variables[op.variable].largest;
        if (op.what == kind::madvise && op.offset >= bytes)
            throw error(op.line,
                        fmt::format("page {} is beyond the mapping of {}", op.offset / page_size,
                                    print_whole_number(option_type::bytes, bytes)));
        if (op.offset + op.size > bytes)
            throw error(op.line, fmt::format("bytes {} to {} are beyond the mapping of {}",
                                             op.offset, op.offset + op.size - 1,
                                             print_whole_number(option_type::bytes, bytes)));
        if (op.what == kind::unmap)
            mapped[op.variable] = false;
    }
}

void checker::check_variables() const
{
    for (const thread& t : m_script.threads)
        check_variables_of(t);
}

} // namespace

void check_script(const script_program& script)
{
    const checker all(script);
    all.check_meetings();
    all.check_variables();
}

} // namespace mkclean
