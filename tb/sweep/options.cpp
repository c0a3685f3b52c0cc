#include "tb/sweep/options.h"

#include <charconv>
#include <cmath>
#include <sstream>

#include <nlohmann/json.hpp>

namespace mkclean
{

namespace
{

std::vector<std::string> words_of(const std::string& text)
{
    std::istringstream in(text);
    std::vector<std::string> words;
    for (std::string word; in >> word;)
        words.push_back(word);
    return words;
}

bool is_pointer(const std::string& text)
{
    if (text.empty() || text.front() != '/')
        return false;
    try {
        const nlohmann::ordered_json::json_pointer well_formed(text);
        return true;
    } catch (const nlohmann::ordered_json::exception&) { // ~ stands before 0 or 1
        return false;
    }
}

// A number, or null if it is none that can be divided by.
std::optional<double> divisor_of(const std::string& text)
{
    double value = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, problem] = std::from_chars(text.data(), end, value);
    if (problem != std::errc() || stopped != end || !std::isfinite(value) || value == 0)
        return std::nullopt;
    return value;
}

// "" or what is wrong.
std::string read_column(const std::string& word, sweep_column& column)
{
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0)
        return "expected TITLE=POINTER, got ";
    column.title = word.substr(0, equals);
    column.csv_title = column.title;
    std::istringstream parts(word.substr(equals + 1));
    std::getline(parts, column.pointer, ':');
    if (!is_pointer(column.pointer))
        return "expected a pointer such as /vm/pgfault behind the title, got ";
    for (std::string part; std::getline(parts, part, ':');) {
        const std::optional<double> number = divisor_of(part);
        if (number)
            column.divisor *= *number;
        else if (is_pointer(part) && column.per.empty())
            column.per = part;
        else
            return "expected a number, or one pointer, to divide by in ";
    }
    return "";
}

} // namespace

void sweep_options::declare(option_set& o)
{
    o.text("sweep.vary", vary,
           "what varies, as for --vary, with blanks between; run does a run for each combination; "
           "--vary changes an axis or adds one, and --sweep.vary= drops them all");
    o.text(
        "sweep.columns", columns,
        "the table of that sweep: TITLE=POINTER[:DIVISOR]... with blanks between, where a "
        "pointer is one of what --stats - prints, as in /vm/pgfault, and a divisor is a number or "
        "another pointer");
    o.text("sweep.sum", sum, "one of what varies: its values share a line, which has their sums");
}

void sweep_options::refuse_without_sweep(const option_set& options) const
{
    for (const char* const name : {"sweep.columns", "sweep.sum"}) {
        const option_info about = options.info(name);
        // A config's are there for when it is a sweep.
        if (!about.text.empty() && about.where.file.empty())
            throw options.complaint(name, "is for a sweep");
    }
}

std::vector<std::string> sweep_options::axes() const
{
    return words_of(vary);
}

std::vector<sweep_column> sweep_options::table(const option_set& options) const
{
    std::vector<sweep_column> all;
    for (const std::string& word : words_of(columns)) {
        sweep_column column;
        column.decimals = sweep_column::four_digits;
        const std::string wrong = read_column(word, column);
        if (!wrong.empty())
            throw options.complaint("sweep.columns", wrong + in_quotes(word));
        all.push_back(column);
    }
    return all;
}

} // namespace mkclean
