#include "tb/lesson/expression.h"
#include "sim/option_set.h"
#include "tb/lesson/run.h"
#include "tb/output/glossary.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>

namespace mkclean
{

struct lesson_expression::node {
    enum class kind {
        number,
        text,
        variable,
        pointer,
        steps,
        all_steps,
        first,
        last,
        most,
        stale,
        operation
    };

    kind what = kind::number;
    double number = 0;
    std::string text;       ///< a name, a pointer, a step, an operator
    std::string detail;     ///< of steps(): what their change holds; of all_steps(): whose
    bool of_before = false; ///< about the run that this one is compared with
    std::vector<node> operands;
};

namespace
{

using node = lesson_expression::node;
using kind = node::kind;

struct operator_rank {
    std::string_view name;
    int rank;
};

// Longer ones before those that they begin with.
constexpr std::array<operator_rank, 12> operators = {{{"or", 1},
                                                      {"and", 2},
                                                      {"==", 4},
                                                      {"!=", 4},
                                                      {"<=", 4},
                                                      {">=", 4},
                                                      {"<", 4},
                                                      {">", 4},
                                                      {"+", 5},
                                                      {"-", 5},
                                                      {"*", 6},
                                                      {"/", 6}}};
constexpr int rank_of_not = 3;
constexpr int rank_of_minus = 7;

bool is_letter(char c)
{
    return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
}

bool is_of_name(char c)
{
    return is_letter(c) || std::isdigit(static_cast<unsigned char>(c)) != 0;
}

bool is_of_number(char c)
{
    return std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '.';
}

bool is_of_pointer(char c)
{
    return is_of_name(c) || c == '/' || c == '.';
}

class expression_parser
{
public:
    expression_parser(std::string_view text, const origin& where,
                      const std::vector<std::string>& variables)
        : m_rest(text),
          m_where(where),
          m_variables(variables)
    {
    }

    node parse()
    {
        node all = parse_binary(1);
        if (!m_rest.empty())
            throw error("expected an operator or the end, got " + in_quotes(m_rest));
        return all;
    }

private:
    node parse_binary(int lowest)
    {
        node left = parse_unary();
        for (;;) {
            skip_blanks();
            const operator_rank* const found = next_operator();
            if (found == nullptr || found->rank < lowest)
                return left;
            m_rest.remove_prefix(found->name.size());
            left = operation(found->name, {std::move(left), parse_binary(found->rank + 1)});
        }
    }

    node parse_unary()
    {
        skip_blanks();
        if (take_word("not"))
            return operation("not", {parse_binary(rank_of_not)});
        if (take("-"))
            return operation("negative", {parse_binary(rank_of_minus)});
        return parse_primary();
    }

    node parse_primary()
    {
        if (take("("))
            return parse_in_brackets();
        if (take_word("before"))
            return about_before(parse_unary());
        node leaf;
        const char next = m_rest.empty() ? '\0' : m_rest.front();
        if (next == '"') {
            leaf.what = kind::text;
            leaf.text = take_text();
        } else if (is_of_number(next)) {
            leaf.number = take_number();
        } else if (next == '/') {
            leaf.what = kind::pointer;
            leaf.text = take_while(is_of_pointer);
        } else if (is_letter(next)) {
            return parse_name();
        } else {
            throw error("expected a value, got " +
                        (m_rest.empty() ? "the end" : in_quotes(m_rest)));
        }
        return leaf;
    }

    node parse_in_brackets()
    {
        node inner = parse_binary(1);
        expect(")");
        return inner;
    }

    node parse_name()
    {
        const std::string name = take_while(is_of_name);
        node made;
        if (const std::optional<kind> function = function_of(name)) {
            made.what = *function;
            parse_arguments(made);
            return made;
        }
        made.what = kind::variable;
        made.text = name;
        if (std::find(m_variables.begin(), m_variables.end(), name) == m_variables.end())
            throw error("nothing is called " + in_quotes(name) + suggestion(name, known_names()));
        return made;
    }

    void parse_arguments(node& call)
    {
        expect("(");
        skip_blanks();
        call.text = take_text();
        if (call.what != kind::most && explain_step(call.text) == nullptr)
            throw error("no step is called " + in_quotes(call.text) +
                        suggestion(call.text, step_names()));
        skip_blanks();
        if ((call.what == kind::steps || call.what == kind::all_steps) && take(",")) {
            skip_blanks();
            call.detail = take_text();
        }
        expect(")");
    }

    node about_before(node about) const
    {
        if (about.what == kind::operation || about.what == kind::number ||
            about.what == kind::text || about.what == kind::variable)
            throw error("'before' stands before a pointer or a function");
        about.of_before = true;
        return about;
    }

    static std::optional<kind> function_of(std::string_view name)
    {
        if (name == "steps")
            return kind::steps;
        if (name == "all_steps")
            return kind::all_steps;
        if (name == "first")
            return kind::first;
        if (name == "last")
            return kind::last;
        if (name == "most")
            return kind::most;
        if (name == "stale")
            return kind::stale;
        return std::nullopt;
    }

    std::vector<std::string> known_names() const
    {
        std::vector<std::string> names = {"steps", "all_steps", "first",  "last",
                                          "most",  "stale",     "before", "not"};
        names.insert(names.end(), m_variables.begin(), m_variables.end());
        return names;
    }

    static std::vector<std::string> step_names()
    {
        std::vector<std::string> names;
        for (const glossary_entry& entry : glossary_of_steps())
            names.emplace_back(entry.name);
        return names;
    }

    static node operation(std::string_view name, std::vector<node> operands)
    {
        node made;
        made.what = kind::operation;
        made.text = name;
        made.operands = std::move(operands);
        return made;
    }

    const operator_rank* next_operator() const
    {
        const auto found =
            std::find_if(operators.begin(), operators.end(),
                         [this](const operator_rank& one) { return next_is(one.name); });
        return found == operators.end() ? nullptr : &*found;
    }

    bool next_is(std::string_view word) const
    {
        const bool is = m_rest.substr(0, word.size()) == word;
        const bool goes_on = m_rest.size() > word.size() && is_of_name(m_rest[word.size()]);
        return is && !(is_letter(word.front()) && goes_on);
    }

    void skip_blanks()
    {
        m_rest.remove_prefix(std::min(m_rest.find_first_not_of(" \t\n"), m_rest.size()));
    }

    bool take(std::string_view what)
    {
        if (m_rest.substr(0, what.size()) != what)
            return false;
        m_rest.remove_prefix(what.size());
        return true;
    }

    bool take_word(std::string_view word) { return next_is(word) && take(word); }

    void expect(std::string_view what)
    {
        skip_blanks();
        if (!take(what))
            throw error(fmt::format("expected {}, got {}", in_quotes(what),
                                    m_rest.empty() ? "the end" : in_quotes(m_rest)));
    }

    template <class Belongs>
    std::string take_while(Belongs belongs)
    {
        const auto end = std::find_if_not(m_rest.begin(), m_rest.end(), belongs);
        std::string taken(m_rest.begin(), end);
        m_rest.remove_prefix(taken.size());
        return taken;
    }

    double take_number()
    {
        const std::string digits = take_while(is_of_number);
        if (std::count(digits.begin(), digits.end(), '.') > 1 || digits == ".")
            throw error("expected a number, got " + in_quotes(digits));
        return std::stod(digits);
    }

    std::string take_text()
    {
        if (!take("\""))
            throw error("expected a text in double quotes, got " +
                        (m_rest.empty() ? "the end" : in_quotes(m_rest)));
        const std::size_t end = m_rest.find('"');
        if (end == std::string_view::npos)
            throw error("expected '\"' at the end of " + in_quotes(m_rest));
        std::string text(m_rest.substr(0, end));
        m_rest.remove_prefix(end + 1);
        return text;
    }

    input_error error(const std::string& message) const { return input_error(m_where, message); }

    std::string_view m_rest;
    const origin& m_where;
    const std::vector<std::string>& m_variables;
};

class evaluator
{
public:
    evaluator(const lesson_evidence& of, const lesson_expression& from) : m_of(of), m_from(from) {}

    lesson_value value(const node& n) const
    {
        switch (n.what) {
        case kind::number:
            return n.number;
        case kind::text:
            return n.text;
        case kind::variable:
            return variable(n.text);
        case kind::pointer:
            return figure(n);
        case kind::steps:
        case kind::all_steps:
            return count(n);
        case kind::first:
        case kind::last:
            return cycle(n);
        case kind::most:
            return highest(n);
        case kind::stale:
            return bytes_that_differ(n);
        case kind::operation:
            break;
        }
        return operation(n);
    }

    bool condition(const node& n) const
    {
        const lesson_value v = value(n);
        const auto* const flag = std::get_if<bool>(&v);
        if (flag == nullptr)
            throw error(fmt::format("expected a condition, got {}, {}", kind_of(v), text_of(v)));
        return *flag;
    }

private:
    // A whole number is one; anything else, "2ms" or "linux-2.6.20", is a text.
    lesson_value variable(const std::string& name) const
    {
        const std::string& chosen = m_of.chosen.at(name);
        if (!chosen.empty() && chosen.find_first_not_of("0123456789") == std::string::npos)
            return std::stod(chosen);
        return chosen;
    }

    const lesson_run& run_of(const node& n) const
    {
        const lesson_run* const run = n.of_before ? m_of.before : m_of.run;
        if (run == nullptr)
            throw error(n.of_before ? "there is no run before this one"
                                    : "nothing has been run yet, so that it has no value");
        return *run;
    }

    lesson_value figure(const node& n) const
    {
        const nlohmann::ordered_json& all = run_of(n).statistics;
        const nlohmann::ordered_json::json_pointer pointer(n.text);
        if (!all.contains(pointer))
            throw error("the statistics have no " + in_quotes(n.text) +
                        suggestion(n.text, pointers_of(all)));
        const nlohmann::ordered_json& found = all.at(pointer);
        if (found.is_number())
            return found.get<double>();
        if (found.is_boolean())
            return found.get<bool>();
        if (found.is_string())
            return found.get<std::string>();
        throw error("expected a number, a text or a flag at " + in_quotes(n.text));
    }

    static std::vector<std::string> pointers_of(const nlohmann::ordered_json& all)
    {
        std::vector<std::string> pointers;
        const nlohmann::ordered_json flat = all.flatten();
        for (const auto& figure : flat.items())
            pointers.push_back(figure.key());
        return pointers;
    }

    lesson_value count(const node& n) const
    {
        const run_record& of = run_of(n).record;
        if (n.what == kind::all_steps)
            return static_cast<double>(of.count(n.text, n.detail));
        return static_cast<double>(
            std::count_if(of.life.begin(), of.life.end(), [&](const life_step& s) {
                return s.step == n.text && s.change.find(n.detail) != std::string::npos;
            }));
    }

    lesson_value bytes_that_differ(const node& n) const
    {
        for (const life_step& s : run_of(n).record.life)
            if (s.step == n.text) {
                const auto found = s.state.find(lane::disk);
                return found == s.state.end() ? 0.0 : static_cast<double>(found->second);
            }
        return std::numeric_limits<double>::quiet_NaN();
    }

    lesson_value highest(const node& n) const
    {
        const auto& counters = run_of(n).record.highest;
        const auto found = counters.find(n.text);
        if (found == counters.end())
            throw error("no counter is called " + in_quotes(n.text));
        return found->second;
    }

    lesson_value cycle(const node& n) const
    {
        double found = std::numeric_limits<double>::quiet_NaN();
        for (const life_step& s : run_of(n).record.life) {
            const bool is_later = n.what == kind::last || std::isnan(found);
            if (s.step == n.text && is_later)
                found = static_cast<double>(s.cycle);
        }
        return found;
    }

    lesson_value operation(const node& n) const
    {
        if (n.text == "not")
            return !condition(n.operands[0]);
        if (n.text == "and")
            return condition(n.operands[0]) && condition(n.operands[1]);
        if (n.text == "or")
            return condition(n.operands[0]) || condition(n.operands[1]);
        if (n.text == "negative")
            return -number(n.operands[0]);
        if (n.text == "==" || n.text == "!=")
            return equal(value(n.operands[0]), value(n.operands[1])) == (n.text == "==");
        return of_numbers(n.text, number(n.operands[0]), number(n.operands[1]));
    }

    static lesson_value of_numbers(const std::string& name, double a, double b)
    {
        if (name == "<")
            return a < b;
        if (name == "<=")
            return a <= b;
        if (name == ">")
            return a > b;
        if (name == ">=")
            return a >= b;
        if (name == "+")
            return a + b;
        if (name == "-")
            return a - b;
        return name == "*" ? a * b : a / b;
    }

    double number(const node& n) const
    {
        const lesson_value v = value(n);
        if (const auto* const found = std::get_if<double>(&v))
            return *found;
        throw error(fmt::format("expected a number, got {}, {}", kind_of(v), text_of(v)));
    }

    bool equal(const lesson_value& a, const lesson_value& b) const
    {
        if (a.index() != b.index())
            throw error(fmt::format("{} cannot be compared with {}", kind_of(a), kind_of(b)));
        return a == b;
    }

    input_error error(const std::string& message) const
    {
        return input_error(m_from.where(),
                           fmt::format("{}: {}", in_quotes(m_from.text()), message));
    }

    const lesson_evidence& m_of;
    const lesson_expression& m_from;
};

bool is_about_a_run(const node& n)
{
    const bool is_leaf = n.what == kind::number || n.what == kind::text ||
                         n.what == kind::variable || n.what == kind::operation;
    return !is_leaf || std::any_of(n.operands.begin(), n.operands.end(), is_about_a_run);
}

} // namespace

lesson_expression::lesson_expression(std::string_view text, origin where,
                                     const std::vector<std::string>& variables)
    : m_text(text),
      m_where(std::move(where)),
      m_root(std::make_shared<const node>(expression_parser(m_text, m_where, variables).parse()))
{
}

lesson_value lesson_expression::value(const lesson_evidence& of) const
{
    return evaluator(of, *this).value(*m_root);
}

bool lesson_expression::holds(const lesson_evidence& of) const
{
    return evaluator(of, *this).condition(*m_root);
}

bool lesson_expression::needs_run() const
{
    return is_about_a_run(*m_root);
}

} // namespace mkclean
