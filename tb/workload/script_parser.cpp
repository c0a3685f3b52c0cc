#include "tb/workload/script_parser.h"
#include "sim/option_set.h"
#include "tb/text_file.h"
#include "tb/workload/script_checks.h"

#include <algorithm>
#include <limits>
#include <optional>

#include <fmt/format.h>

namespace mkclean
{

namespace
{

constexpr std::uint64_t most_bytes = std::uint64_t{16}
                                     << 30U; ///< of a file, at least, on 1 KiB blocks
constexpr std::uint64_t longest_access = std::uint64_t{1} << 20U;
constexpr std::uint64_t latest_time = 1'000'000'000'000'000'000; ///< ps: 11 days
constexpr std::uint64_t most_times = 1'000'000'000;
constexpr std::size_t most_threads = 64;
constexpr std::size_t most_names = 1000; ///< of a kind: looking one up is linear
constexpr std::string_view blanks = " \t";

/// What a number is and may be; `name` is how complaints call it.
struct number_form {
    std::string_view name;
    option_type type;
    std::uint64_t lowest;
    std::uint64_t highest;
};

constexpr number_form file_size{"the file's size", option_type::bytes, 0, most_bytes};
constexpr number_form map_size{"the mapping's size", option_type::bytes, 1, most_bytes};
constexpr number_form first_page{"the first page", option_type::count, 0,
                                 most_bytes / page_size - 1};
constexpr number_form access_offset{"the offset", option_type::bytes, 0,
                                    most_bytes - longest_access};
constexpr number_form access_size{"the size", option_type::bytes, 1, longest_access};
constexpr number_form in_page{"the offset in the page", option_type::bytes, 0, page_size - 1};
constexpr number_form some_pages{"the number of pages", option_type::count, 0, most_bytes};
constexpr number_form byte_value{"the byte", option_type::count, 0, 255};
constexpr number_form some_time{"the time", option_type::duration, 0, latest_time};
constexpr number_form some_cycles{"the cycles", option_type::clock_cycles, 0, 1'000'000'000'000};
constexpr number_form some_times{"the count", option_type::count, 0, most_times};
constexpr number_form core_number{"the core", option_type::count, 0, 63};

bool is_name(std::string_view text)
{
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz"
                                         "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

std::uint64_t add(std::uint64_t a, std::uint64_t b)
{
    return a > std::numeric_limits<std::uint64_t>::max() - b
               ? std::numeric_limits<std::uint64_t>::max()
               : a + b;
}

/// The words of one line, taken one by one.
class words
{
public:
    words(std::string_view line, origin where) : m_rest(line), m_where(std::move(where)) { skip(); }

    bool more() const { return !m_rest.empty(); }
    bool next_is(std::string_view word) const { return peek() == word; }

    /// The next word; `expected` is what a complaint says if there is none.
    std::string_view take(std::string_view expected)
    {
        if (!more())
            throw error(fmt::format("expected {} at the end of the line", expected));
        const std::string_view word = peek();
        m_rest.remove_prefix(word.size());
        skip();
        return word;
    }
    /// A word of the language.
    void take_keyword(std::string_view keyword)
    {
        const std::string expected = in_quotes(keyword);
        const std::string_view word = take(expected);
        if (word != keyword)
            throw error(fmt::format("expected {}, got {}{}", expected, in_quotes(word),
                                    suggestion(word, {std::string(keyword)})));
    }
    /// Takes the next word if it is that one.
    bool take_if(std::string_view keyword)
    {
        const bool there = more() && next_is(keyword);
        if (there)
            take(keyword);
        return there;
    }
    std::string take_name(std::string_view expected)
    {
        const std::string_view word = take(expected);
        if (!is_name(word))
            throw error(fmt::format("expected {} (letters, digits, '_', '-', '.'), got {}",
                                    expected, in_quotes(word)));
        return std::string(word);
    }
    void end(const std::vector<std::string>& possible = {}) const
    {
        if (more())
            throw error(fmt::format("expected the line to end, got {}{}", in_quotes(peek()),
                                    suggestion(peek(), possible)));
    }

    const origin& where() const { return m_where; }
    input_error error(const std::string& message) const { return input_error(m_where, message); }

private:
    std::string_view peek() const { return m_rest.substr(0, m_rest.find_first_of(blanks)); }
    void skip() { m_rest.remove_prefix(std::min(m_rest.find_first_not_of(blanks), m_rest.size())); }

    std::string_view m_rest;
    origin m_where;
};

/// Reads a whole script, line by line.
class script_parser
{
public:
    script_parser(const std::string& path, const script_surroundings& around) : m_around(around)
    {
        m_script.path = path;
    }

    script_program parse(std::string_view text);

private:
    using operation = script_operation;
    using kind = script_operation::kind;
    struct verb {
        const char* name;
        void (script_parser::*parse)(words&);
        bool needs_thread = true;
    };
    static const std::vector<verb>& verbs();

    void parse_line(std::string_view text);

    void parse_file(words& line);
    void parse_process(words& line);
    void parse_thread(words& line);
    void parse_map(words& line);
    void parse_anonymous(words& line, operation& map);
    void parse_mapped_file(words& line, operation& map);
    void parse_unmap(words& line) { variable_only(line, kind::unmap); }
    void parse_madvise(words& line);
    void parse_mremap(words& line);
    void parse_remap(words& line);
    void parse_store(words& line);
    void parse_load(words& line);
    void parse_write(words& line);
    void parse_read(words& line);
    void parse_msync(words& line);
    void parse_fsync(words& line);
    void parse_result(words& line);
    void parse_sync(words&) { add_operation(kind::sync); }
    void parse_reclaim(words&) { add_operation(kind::reclaim); }
    void parse_migrate(words& line) { file_only(line, kind::migrate); }
    void parse_drop(words& line) { file_only(line, kind::drop); }
    void parse_truncate(words& line);
    void parse_durable(words& line);
    void parse_dirty_pages(words& line);
    void parse_fail(words& line);
    void parse_pin(words& line);
    void parse_dma(words& line);
    void parse_unpin(words& line);
    void parse_sleep(words& line);
    void parse_until(words& line);
    void parse_compute(words& line);
    void parse_meet(words& line);
    void parse_repeat(words& line);
    void parse_end(words& line);

    void variable_only(words& line, kind what);
    void file_only(words& line, kind what);
    void parse_expectation(words& line, operation& op);
    void parse_place(words& line, kind what);
    void expect_pin(const words& line, std::string_view what) const;

    std::uint64_t number(words& line, const number_form& form);
    std::uint64_t number(const words& line, std::string_view text, const number_form& form);
    std::uint64_t term(const words& line, std::string_view text, const number_form& form);
    std::byte byte(words& line) { return static_cast<std::byte>(number(line, byte_value)); }

    /// A name that was declared: its index. `what` is as in "a file's name".
    template <class Declared, class NameOf>
    std::size_t declared(words& line, std::string_view what, const Declared& all, NameOf name_of);
    std::size_t file_name(words& line);
    std::size_t variable_name(std::string_view name, const words& line);

    void check_room(const words& line, std::size_t present, std::string_view what,
                    std::size_t most = most_names) const
    {
        if (present >= most)
            throw line.error(fmt::format("there are more than {} {}", most, what));
    }
    script_program::thread& thread() { return m_script.threads.back(); }
    operation& add_operation(kind what);
    void close_thread() const;

    script_surroundings m_around;
    script_program m_script;
    origin m_here;
    unsigned m_pinned_at = 0;                ///< line of the present thread's pin; 0: none is open
    std::vector<std::size_t> m_open_repeats; ///< of the present thread: indices of its operations
};

const std::vector<script_parser::verb>& script_parser::verbs()
{
    static const std::vector<verb> all = {{"file", &script_parser::parse_file, false},
                                          {"process", &script_parser::parse_process, false},
                                          {"thread", &script_parser::parse_thread, false},
                                          {"map", &script_parser::parse_map},
                                          {"unmap", &script_parser::parse_unmap},
                                          {"madvise", &script_parser::parse_madvise},
                                          {"mremap", &script_parser::parse_mremap},
                                          {"remap", &script_parser::parse_remap},
                                          {"store", &script_parser::parse_store},
                                          {"load", &script_parser::parse_load},
                                          {"write", &script_parser::parse_write},
                                          {"read", &script_parser::parse_read},
                                          {"msync", &script_parser::parse_msync},
                                          {"fsync", &script_parser::parse_fsync},
                                          {"sync", &script_parser::parse_sync},
                                          {"reclaim", &script_parser::parse_reclaim},
                                          {"migrate", &script_parser::parse_migrate},
                                          {"drop", &script_parser::parse_drop},
                                          {"truncate", &script_parser::parse_truncate},
                                          {"durable", &script_parser::parse_durable},
                                          {"dirty_pages", &script_parser::parse_dirty_pages},
                                          {"fail", &script_parser::parse_fail},
                                          {"pin", &script_parser::parse_pin},
                                          {"dma", &script_parser::parse_dma},
                                          {"unpin", &script_parser::parse_unpin},
                                          {"sleep", &script_parser::parse_sleep},
                                          {"until", &script_parser::parse_until},
                                          {"compute", &script_parser::parse_compute},
                                          {"meet", &script_parser::parse_meet},
                                          {"repeat", &script_parser::parse_repeat},
                                          {"end", &script_parser::parse_end}};
    return all;
}

script_program script_parser::parse(std::string_view text)
{
    m_here.file = m_script.path;
    text = without_byte_order_mark(text);
    while (!text.empty()) {
        ++m_here.line;
        parse_line(take_line(text));
    }
    if (m_script.threads.empty())
        throw input_error(origin{m_script.path, 0}, "expected at least one 'thread'");
    close_thread();
    check_script(m_script);
    return std::move(m_script);
}

void script_parser::parse_line(std::string_view text)
{
    if (!is_printable(text))
        throw input_error(m_here, "the line holds bytes that are not printable text");
    words line(without_comment(text), m_here);
    if (!line.more())
        return;
    const std::string_view word = line.take("an operation");
    for (const verb& known : verbs()) {
        if (word != known.name)
            continue;
        if (known.needs_thread && m_script.threads.empty())
            throw line.error("expected a 'thread' before " + in_quotes(word));
        (this->*known.parse)(line);
        line.end();
        return;
    }
    std::vector<std::string> names;
    for (const verb& known : verbs())
        names.emplace_back(known.name);
    throw line.error(fmt::format("expected one of {}; got {}{}", fmt::join(names, ", "),
                                 in_quotes(word), suggestion(word, names)));
}

// ---- numbers and names --------------------------------------------------------------------------

std::uint64_t script_parser::number(words& line, const number_form& form)
{
    return number(line, line.take(form.name), form);
}

std::uint64_t script_parser::number(const words& line, std::string_view text,
                                    const number_form& form)
{
    std::uint64_t sum = 0;
    std::string_view rest = text;
    for (;;) {
        const std::size_t plus = rest.find('+');
        sum = add(sum, term(line, rest.substr(0, plus), form));
        if (plus == std::string_view::npos)
            break;
        rest.remove_prefix(plus + 1);
    }
    if (sum < form.lowest || sum > form.highest)
        throw line.error(fmt::format("{} must be {}..{}, got {}{}", form.name,
                                     print_whole_number(form.type, form.lowest),
                                     print_whole_number(form.type, form.highest), in_quotes(text),
                                     text.find('$') == std::string_view::npos
                                         ? ""
                                         : ", which is " + print_whole_number(form.type, sum)));
    return sum;
}

std::uint64_t script_parser::term(const words& line, std::string_view text, const number_form& form)
{
    if (text.substr(0, 1) == "$") {
        const bool time = form.type == option_type::duration;
        const std::string expected = time ? "$delay" : "$value";
        if (text != expected)
            throw line.error(fmt::format("{}: expected a number or {}, got {}{}", form.name,
                                         in_quotes(expected), in_quotes(text),
                                         suggestion(text, {expected})));
        return time ? m_around.delay : m_around.value;
    }
    try {
        return parse_whole_number(form.type, text);
    } catch (const bad_value& wrong) {
        throw line.error(fmt::format("{}: {}", form.name, wrong.what()));
    }
}

template <class Declared, class NameOf>
std::size_t script_parser::declared(words& line, std::string_view what, const Declared& all,
                                    NameOf name_of)
{
    const std::string_view word = line.take(what);
    std::vector<std::string> names;
    for (const auto& one : all) {
        if (name_of(one) == word)
            return names.size();
        names.push_back(name_of(one));
    }
    throw line.error(
        fmt::format("expected {}, got {}{}", what, in_quotes(word), suggestion(word, names)));
}

std::size_t script_parser::file_name(words& line)
{
    return declared(line, "the name of a file", m_script.files,
                    [](const script_program::file& f) { return f.name; });
}

// Known from its first mention on; whether anybody maps it is checked when all is known.
std::size_t script_parser::variable_name(std::string_view name, const words& line)
{
    if (!is_name(name))
        throw line.error(fmt::format("expected the name of a mapping, got {}", in_quotes(name)));
    std::vector<script_program::variable>& all = m_script.variables;
    const std::size_t process = thread().process;
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& known) {
        return known.process == process && known.name == name;
    });
    if (found != all.end())
        return static_cast<std::size_t>(found - all.begin());
    check_room(line, all.size(), "mappings");
    all.push_back({std::string(name), process, 0});
    return all.size() - 1;
}

// ---- declarations -------------------------------------------------------------------------------

void script_parser::parse_file(words& line)
{
    const std::string name = line.take_name("a name for the file");
    if (name == "anonymous")
        throw line.error("no file can be called 'anonymous'");
    for (const script_program::file& other : m_script.files)
        if (other.name == name)
            throw line.error(fmt::format("there is a file {} already", in_quotes(name)));
    check_room(line, m_script.files.size(), "files");
    m_script.files.push_back({name, number(line, file_size)});
}

void script_parser::parse_process(words& line)
{
    const std::string name = line.take_name("a name for the process");
    const std::vector<std::string>& all = m_script.processes;
    if (std::find(all.begin(), all.end(), name) != all.end())
        throw line.error(fmt::format("there is a process {} already", in_quotes(name)));
    check_room(line, all.size(), "processes");
    m_script.processes.push_back(name);
}

void script_parser::parse_thread(words& line)
{
    close_thread();
    script_program::thread made;
    made.line = m_here.line;
    made.name = line.take_name("a name for the thread");
    for (const script_program::thread& other : m_script.threads)
        if (other.name == made.name)
            throw line.error(fmt::format("there is a thread {} already", in_quotes(made.name)));
    line.take_keyword("in");
    made.process = declared(line, "the name of a process", m_script.processes,
                            [](const std::string& name) { return name; });
    line.take_keyword("on");
    const std::uint64_t core = number(line, core_number);
    if (core >= m_around.cores)
        throw line.error(fmt::format("there is no core {}: 'cores' is {}", core, m_around.cores));
    made.core = static_cast<unsigned>(core);
    check_room(line, m_script.threads.size(), "threads", most_threads);
    m_script.threads.push_back(std::move(made));
}

void script_parser::close_thread() const
{
    if (m_pinned_at != 0)
        throw input_error(origin{m_script.path, m_pinned_at}, "expected an 'unpin' for this 'pin'");
    if (m_open_repeats.empty())
        return;
    const unsigned line = m_script.threads.back().operations[m_open_repeats.back()].line;
    throw input_error(origin{m_script.path, line}, "expected an 'end' for this 'repeat'");
}

// ---- operations ---------------------------------------------------------------------------------

script_operation& script_parser::add_operation(kind what)
{
    operation op;
    op.what = what;
    op.line = m_here.line;
    thread().operations.push_back(op);
    return thread().operations.back();
}

void script_parser::variable_only(words& line, kind what)
{
    const std::string_view name = line.take("the name of a mapping");
    const std::size_t variable = variable_name(name, line);
    add_operation(what).variable = variable;
}

void script_parser::file_only(words& line, kind what)
{
    const std::size_t file = file_name(line);
    add_operation(what).file = file;
}

void script_parser::parse_msync(words& line)
{
    variable_only(line, kind::msync);
    parse_result(line);
}

void script_parser::parse_fsync(words& line)
{
    file_only(line, kind::fsync);
    parse_result(line);
}

void script_parser::parse_result(words& line)
{
    if (!line.more())
        return;
    line.take_keyword("expect");
    line.take_keyword("ok");
    thread().operations.back().expects = true;
}

void script_parser::parse_map(words& line)
{
    const std::string_view name = line.take("a name for the mapping");
    const std::size_t variable = variable_name(name, line);
    line.take_keyword("=");
    operation& map = add_operation(kind::map);
    map.variable = variable;
    if (line.take_if("anonymous"))
        parse_anonymous(line, map);
    else
        parse_mapped_file(line, map);
    script_program::variable& known = m_script.variables[variable];
    const std::uint64_t pages = (map.size + page_size - 1) / page_size;
    known.largest = std::max(known.largest, pages * page_size);
}

void script_parser::parse_anonymous(words& line, operation& map)
{
    map.is_private = true;
    map.size = number(line, map_size);
}

void script_parser::parse_mapped_file(words& line, operation& map)
{
    map.file = file_name(line);
    const std::uint64_t bytes = m_script.files[map.file].size;
    std::optional<std::uint64_t> size;
    while (line.more()) {
        if (line.take_if("private"))
            map.is_private = true;
        else if (line.take_if("readonly"))
            map.readonly = true;
        else if (line.take_if("from"))
            map.offset = number(line, first_page) * page_size;
        else if (line.take_if("for"))
            size = number(line, map_size);
        else
            line.end({"private", "readonly", "from", "for"});
    }
    if (!size && map.offset >= bytes)
        throw line.error("the file ends before the mapping begins: expected 'for SIZE'");
    map.size = size ? *size : bytes - map.offset;
}

void script_parser::parse_madvise(words& line)
{
    const std::string_view name = line.take("the name of a mapping");
    const std::size_t variable = variable_name(name, line);
    operation& op = add_operation(kind::madvise);
    op.variable = variable;
    line.take_keyword("dontneed");
    while (line.more()) {
        if (line.take_if("from"))
            op.offset = number(line, first_page) * page_size;
        else if (line.take_if("for"))
            op.size = number(line, map_size);
        else
            line.end({"from", "for"});
    }
}

void script_parser::parse_mremap(words& line)
{
    variable_only(line, kind::mremap);
    thread().operations.back().dontunmap = line.take_if("dontunmap");
    line.end({"dontunmap"});
}

void script_parser::parse_remap(words& line)
{
    variable_only(line, kind::remap);
    line.take_keyword("to");
    thread().operations.back().times = number(line, first_page);
}

void script_parser::parse_place(words& line, kind what)
{
    const std::string_view place = line.take("VAR+OFFSET");
    const std::size_t plus = place.find('+');
    const std::size_t variable = variable_name(place.substr(0, plus), line);
    operation& op = add_operation(what);
    op.variable = variable;
    if (plus != std::string_view::npos)
        op.offset = number(line, place.substr(plus + 1), access_offset);
}

void script_parser::parse_store(words& line)
{
    parse_place(line, kind::store);
    operation& op = thread().operations.back();
    op.size = number(line, access_size);
    op.byte = byte(line);
}

void script_parser::parse_load(words& line)
{
    parse_place(line, kind::load);
    operation& op = thread().operations.back();
    op.size = number(line, access_size);
    parse_expectation(line, op);
}

void script_parser::parse_expectation(words& line, operation& op)
{
    if (!line.more())
        return;
    line.take_keyword("expect");
    op.expects = true;
    op.byte = byte(line);
}

void script_parser::parse_write(words& line)
{
    const std::size_t file = file_name(line);
    operation& op = add_operation(kind::write);
    op.file = file;
    op.offset = number(line, access_offset);
    op.size = number(line, access_size);
    op.byte = byte(line);
}

void script_parser::parse_read(words& line)
{
    const std::size_t file = file_name(line);
    operation& op = add_operation(kind::read);
    op.file = file;
    op.offset = number(line, access_offset);
    op.size = number(line, access_size);
    parse_expectation(line, op);
}

void script_parser::parse_truncate(words& line)
{
    const std::size_t file = file_name(line);
    operation& op = add_operation(kind::truncate);
    op.file = file;
    op.size = number(line, file_size);
    if (op.size < m_script.files[file].size && !m_around.files_shrink)
        throw line.error("files only grow without fs.files_shrink, and this one begins with " +
                         print_whole_number(option_type::bytes, m_script.files[file].size));
}

void script_parser::parse_durable(words& line)
{
    parse_read(line);
    operation& op = thread().operations.back();
    if (!op.expects)
        line.take_keyword("expect");
    op.what = kind::durable;
}

void script_parser::parse_dirty_pages(words& line)
{
    const std::uint64_t most = number(line, some_pages);
    add_operation(kind::dirty_pages).times = most;
}

void script_parser::parse_fail(words& line)
{
    const std::size_t file = file_name(line);
    operation& op = add_operation(kind::fail);
    op.file = file;
    op.offset = number(line, access_offset);
}

void script_parser::expect_pin(const words& line, std::string_view what) const
{
    if (m_pinned_at == 0)
        throw line.error(fmt::format("expected a 'pin' before {}", in_quotes(what)));
}

void script_parser::parse_pin(words& line)
{
    if (m_pinned_at != 0)
        throw line.error("expected an 'unpin' before another 'pin'");
    parse_place(line, kind::pin);
    thread().operations.back().size = 1;
    m_pinned_at = m_here.line;
}

void script_parser::parse_dma(words& line)
{
    expect_pin(line, "dma");
    operation& op = add_operation(kind::dma);
    op.offset = number(line, in_page);
    op.size = number(line, access_size);
    if (op.offset + op.size > page_size)
        throw line.error("a device stores to the page that is pinned, and this ends behind it");
    op.byte = byte(line);
}

void script_parser::parse_unpin(words& line)
{
    expect_pin(line, "unpin");
    add_operation(kind::unpin);
    m_pinned_at = 0;
}

void script_parser::parse_sleep(words& line)
{
    const picoseconds time(number(line, some_time));
    add_operation(kind::sleep).time = time;
}

void script_parser::parse_until(words& line)
{
    const picoseconds time(number(line, some_time));
    add_operation(kind::until).time = time;
}

void script_parser::parse_compute(words& line)
{
    const cycles duration(number(line, some_cycles));
    add_operation(kind::compute).duration = duration;
}

void script_parser::parse_meet(words& line)
{
    const std::string name = line.take_name("a name for the meeting");
    std::vector<std::string>& all = m_script.meetings;
    const auto found = std::find(all.begin(), all.end(), name);
    const auto meeting = static_cast<std::size_t>(found - all.begin());
    if (found == all.end()) {
        check_room(line, all.size(), "meetings");
        all.push_back(name);
    }
    add_operation(kind::meet).meeting = meeting;
}

void script_parser::parse_repeat(words& line)
{
    const std::uint64_t times = number(line, some_times);
    m_open_repeats.push_back(thread().operations.size());
    add_operation(kind::repeat).times = times;
}

void script_parser::parse_end(words& line)
{
    if (m_open_repeats.empty())
        throw line.error("expected a 'repeat' before this 'end'");
    const std::size_t begin = m_open_repeats.back();
    m_open_repeats.pop_back();
    const std::size_t end = thread().operations.size();
    add_operation(kind::end).partner = begin;
    thread().operations[begin].partner = end;
}

} // namespace

bool script_program::attends(const thread& t, std::size_t meeting)
{
    return std::any_of(t.operations.begin(), t.operations.end(), [&](const auto& op) {
        return op.what == script_operation::kind::meet && op.meeting == meeting;
    });
}

bool script_program::names(const thread& t, std::size_t variable)
{
    return std::any_of(t.operations.begin(), t.operations.end(), [&](const auto& op) {
        return script_operation::has_variable(op.what) && op.variable == variable;
    });
}

script_program parse_script(std::string_view text, const std::string& path,
                            const script_surroundings& around)
{
    return script_parser(path, around).parse(text);
}

} // namespace mkclean
