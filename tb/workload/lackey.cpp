#include "tb/workload/lackey.h"
#include "tb/command_line.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <string_view>

namespace mkclean
{

namespace
{

constexpr inode_number the_file{1};
constexpr vm_flags shared_writable{true, true};
constexpr std::uint64_t largest_access = 4096; // no instruction touches more

bool is_noise(std::string_view line)
{
    return line.empty() || line.substr(0, 2) == "==" || line.substr(0, 2) == "--";
}

lackey_line::kind kind_of(std::string_view line)
{
    if (line.substr(0, 3) == "I  ")
        return lackey_line::kind::instruction;
    if (line.substr(0, 3) == " L ")
        return lackey_line::kind::load;
    if (line.substr(0, 3) == " S ")
        return lackey_line::kind::store;
    if (line.substr(0, 3) == " M ")
        return lackey_line::kind::modify;
    return lackey_line::kind::noise;
}

// The whole of `text` as a number.
bool read_number(std::string_view text, int base, std::uint64_t& number)
{
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, number, base);
    return error == std::errc() && stopped == end;
}

} // namespace

lackey_line parse_lackey_line(const std::string& text, const origin& where)
{
    lackey_line line;
    if (is_noise(text))
        return line;
    const auto wrong = [&](const char* expected) {
        return input_error(where, std::string(expected) + ", got " + in_quotes(text));
    };
    line.what = kind_of(text);
    if (line.what == lackey_line::kind::noise)
        throw wrong("expected 'I  ', ' L ', ' S ' or ' M ' and an address");
    const std::string_view access = std::string_view(text).substr(3);
    const std::size_t comma = std::min(access.find(','), access.size());
    if (!read_number(access.substr(0, comma), 16, line.address))
        throw wrong("expected a hexadecimal address");
    if (comma == access.size() || !read_number(access.substr(comma + 1), 10, line.size) ||
        line.size == 0 || line.size > largest_access)
        throw wrong("expected a comma and a size of 1..4096 behind the address");
    return line;
}

lackey::lackey(const workload_options& options)
    : m_options(options),
      m_length(options.lackey_end - options.lackey_start),
      m_trace(options.file)
{
    // A directory opens, and fails only when it is read.
    m_trace.peek();
    if (!m_trace.is_open() || m_trace.bad())
        throw input_error(origin(), "workload.file",
                          "cannot read " + in_quotes(options.file) + ": " + std::strerror(errno));
    m_trace.clear();
}

void lackey::start(world& w)
{
    w.start_thread("lackey", 0, w.new_process(), [this](user_task& self) { run(self); });
}

void lackey::run(user_task& self)
{
    m_map = self.mmap(&self.open(the_file), page_index(), m_length, shared_writable);
    if (m_map == virtual_address())
        throw input_error(origin(), "workload.lackey_end", "the range is too large to be mapped");
    std::string text;
    while (std::getline(m_trace, text)) {
        m_bytes_read += text.size() + 1;
        const origin where{m_options.file, static_cast<unsigned>(++m_line)};
        play(self, parse_lackey_line(text, where));
    }
    if (m_trace.bad())
        throw file_error("read", m_options.file, std::strerror(errno));
    compute(self);
}

void lackey::play(user_task& self, const lackey_line& line)
{
    if (line.what == lackey_line::kind::noise)
        return;
    const bool touches_file = line.what != lackey_line::kind::instruction &&
                              line.address < m_options.lackey_end &&
                              line.address + line.size > m_options.lackey_start;
    if (touches_file)
        return access(self, line);
    m_pending += m_options.lackey_cycles;
    ++(line.what == lackey_line::kind::instruction ? m_instructions : m_outside);
}

// As much of it as is in the file.
void lackey::access(user_task& self, const lackey_line& line)
{
    compute(self);
    const std::uint64_t begin = std::max(line.address, m_options.lackey_start);
    const std::uint64_t end = std::min(line.address + line.size, m_options.lackey_end);
    const virtual_address va = m_map + (begin - m_options.lackey_start);
    std::vector<std::byte> bytes(end - begin);
    if (line.what != lackey_line::kind::store) {
        self.load(va, bytes.data(), bytes.size());
        ++m_loads;
    }
    if (line.what != lackey_line::kind::load) {
        for (std::size_t k = 0; k < bytes.size(); ++k)
            bytes[k] = static_cast<std::byte>(1 + (m_line + k) % 255);
        self.store(va, bytes.data(), bytes.size());
        ++m_stores;
    }
}

// What lies between two accesses is one computation: nobody can see the inside of it.
void lackey::compute(user_task& self)
{
    self.compute(cycles(std::exchange(m_pending, 0)));
}

std::vector<workload::counter> lackey::report() const
{
    return {{"trace_lines", m_line},
            {"instructions", m_instructions},
            {"accesses_elsewhere", m_outside},
            {"file_loads", m_loads},
            {"file_stores", m_stores}};
}

double lackey::part_done() const
{
    std::error_code no_file_with_a_size; // a pipe
    const std::uintmax_t bytes = std::filesystem::file_size(m_options.file, no_file_with_a_size);
    return no_file_with_a_size ? 0 : static_cast<double>(m_bytes_read) / static_cast<double>(bytes);
}

} // namespace mkclean
