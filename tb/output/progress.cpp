#include "tb/output/progress.h"
#include "tb/output/terminal.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace mkclean
{

namespace
{

constexpr const char* to_begin_of_cleared_line = "\r\x1b[K";
constexpr std::size_t usual_columns = 80;
constexpr std::chrono::milliseconds between_two_texts{100};
/// Less done than this says nothing about the rest.
constexpr double enough_to_extrapolate = 0.01;

std::size_t terminal_columns()
{
    winsize size{};
    const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : usual_columns;
}

// Three digits, and the unit that leaves one to three of them before the point.
template <std::size_t n>
std::string in_units(double value, const std::array<const char*, n>& units)
{
    std::size_t unit = 0;
    while (unit + 1 < n && value >= 999.5) {
        value /= 1000;
        ++unit;
    }
    const int decimals = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    return fmt::format("{:.{}f}{}", value, decimals, units[unit]);
}

std::uint64_t stores_of(const world& w)
{
    std::uint64_t stores = 0;
    for (const auto& cpu : w.cores())
        stores += cpu->stats().stores;
    return stores;
}

// The program's part, or the time limit's if that ends the run first.
double part_done(const world& w)
{
    const double of_program = w.program().part_done();
    const double of_time =
        static_cast<double>(w.now().raw()) / static_cast<double>(w.options().time_limit);
    return of_program > 0 ? std::clamp(std::max(of_program, of_time), 0.0, 1.0) : 0;
}

std::string duration_text(double seconds)
{
    constexpr double minute = 60;
    constexpr double hour = 3600;
    if (seconds < 100)
        return fmt::format("{:.0f} s", seconds);
    if (seconds < 100 * minute)
        return fmt::format("{:.0f} min", seconds / minute);
    return fmt::format("{:.0f} h", seconds / hour);
}

} // namespace

progress_line::progress_line(std::ostream& err, bool quiet)
    : m_err(err),
      m_is_seen(!quiet && is_terminal(err))
{
}

progress_line::~progress_line()
{
    clear();
    if (!m_writer.joinable())
        return;
    {
        const std::lock_guard<std::mutex> lock(m_mutex);
        m_ending = true;
    }
    m_news.notify_one();
    m_writer.join();
}

void progress_line::show(const std::string& text)
{
    if (!m_is_seen)
        return;
    const std::lock_guard<std::mutex> lock(m_mutex);
    m_waiting = text;
    if (clock::now() - m_written >= between_two_texts)
        write_waiting();
    else if (!m_writer.joinable())
        m_writer = std::thread([this] { write_in_time(); });
    m_news.notify_one();
}

void progress_line::write_waiting()
{
    m_err << to_begin_of_cleared_line << m_waiting->substr(0, terminal_columns() - 1) << std::flush;
    m_waiting.reset();
    m_written = clock::now();
    m_shown = true;
}

void progress_line::write_in_time()
{
    std::unique_lock<std::mutex> lock(m_mutex);
    while (!m_ending) {
        m_news.wait(lock, [this] { return m_ending || m_waiting; });
        const bool in_vain = m_news.wait_until(lock, m_written + between_two_texts,
                                               [this] { return m_ending || !m_waiting; });
        if (!in_vain)
            write_waiting();
    }
}

void progress_line::clear()
{
    const std::lock_guard<std::mutex> lock(m_mutex);
    m_waiting.reset();
    if (std::exchange(m_shown, false))
        m_err << to_begin_of_cleared_line << std::flush;
}

ticker::ticker(std::atomic<bool>& flag, std::chrono::milliseconds interval)
    : m_thread([this, &flag, interval] {
          std::unique_lock<std::mutex> lock(m_mutex);
          while (!m_enough.wait_for(lock, interval, [this] { return m_ending; }))
              flag = true;
      })
{
}

ticker::~ticker()
{
    {
        const std::lock_guard<std::mutex> lock(m_mutex);
        m_ending = true;
    }
    m_enough.notify_one();
    m_thread.join();
}

std::string run_progress::text(const world& w, clock::time_point now)
{
    const std::chrono::duration<double> since_asked = now - std::exchange(m_asked, now);
    const std::uint64_t stores = stores_of(w);
    const std::uint64_t before = std::exchange(m_stores, stores);
    const double rate =
        since_asked.count() > 0 ? static_cast<double>(stores - before) / since_asked.count() : 0;
    std::string text = fmt::format("{} simulated, {} stores/s, {} dirty pages", short_time(w.now()),
                                   short_count(rate), w.the_kernel().stats.nr_dirty);
    const double done = part_done(w);
    const std::chrono::duration<double> taken = now - m_began;
    if (done >= 1)
        text += ", finishing";
    else if (done >= enough_to_extrapolate)
        text += fmt::format(", {:.0f} % done, {} left", std::floor(done * 100),
                            duration_text(taken.count() * (1 - done) / done));
    return text;
}

std::string short_time(picoseconds time)
{
    return in_units(static_cast<double>(time.raw()),
                    std::array<const char*, 5>{" ps", " ns", " us", " ms", " s"});
}

std::string short_count(double count)
{
    return in_units(count, std::array<const char*, 4>{"", " k", " M", " G"});
}

} // namespace mkclean
