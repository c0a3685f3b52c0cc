#pragma once

#include "tb/world.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <ostream>
#include <string>
#include <thread>

namespace mkclean
{

/// One line on a terminal that is written again and again, ten times a second at most, and gone at
/// the end. Where the standard error is a file or a pipe nothing is written at all.
class progress_line
{
public:
    /// `quiet` is what the user wants: nothing is written.
    explicit progress_line(std::ostream& err, bool quiet = false);
    ~progress_line();
    progress_line(const progress_line&) = delete;
    progress_line& operator=(const progress_line&) = delete;

    bool is_seen() const { return m_is_seen; }
    /// Cut off at the terminal's width. The last of some texts that come too soon after each other
    /// is seen when its time has come.
    void show(const std::string& text);
    void clear();

private:
    using clock = std::chrono::steady_clock;

    void write_waiting();
    void write_in_time();

    std::ostream& m_err;
    bool m_is_seen;
    std::mutex m_mutex;
    std::optional<std::string> m_waiting; // to be written
    bool m_shown = false;
    clock::time_point m_written;
    std::condition_variable m_news; // a text that waits, or the end
    bool m_ending = false;
    std::thread m_writer; // once a text has had to wait
};

/// Sets a flag again and again, from a thread of its own.
class ticker
{
public:
    ticker(std::atomic<bool>& flag, std::chrono::milliseconds interval);
    ~ticker();
    ticker(const ticker&) = delete;
    ticker& operator=(const ticker&) = delete;

private:
    std::mutex m_mutex;
    std::condition_variable m_enough;
    bool m_ending = false;
    std::thread m_thread; // last: it uses the others
};

/// How far a run is, in words: simulated time, stores per second of the host since the last time
/// somebody asked, dirty pages, and what is left if the program can tell.
class run_progress
{
public:
    using clock = std::chrono::steady_clock;

    explicit run_progress(clock::time_point begin) : m_began(begin), m_asked(begin) {}
    std::string text(const world& w, clock::time_point now);

private:
    clock::time_point m_began;
    clock::time_point m_asked;
    std::uint64_t m_stores = 0;
};

/// "850 ns", "12.3 ms", "4.56 s": three digits of a simulated time.
std::string short_time(picoseconds time);
/// "950", "12.3 k", "4.56 M": three digits of a count.
std::string short_count(double count);

} // namespace mkclean
