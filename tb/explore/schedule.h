#pragma once

#include "sim/executor.h"
#include "sim/input_error.h"

#include <string>
#include <vector>

namespace mkclean
{

/// Who goes first, and then, for every time that somebody gives way: "core1/writer",
/// "core0/disk interrupt". What exploring finds, and what a run can follow.
struct schedule {
    std::vector<std::string> moves;
    origin where; ///< it was read from
};

/// One name a line, with " x3" behind it if it is to be three times.
std::string schedule_text(const schedule& s, const std::string& about);
/// Error: input_error, or file_error, as of read_text_file().
schedule read_schedule(const std::string& path, const origin& asked_by);

/// Of those who can go, while nobody is to be surprised yet: the first of those who compute, and
/// only if there is none the next of those who wait for time. `last_timer` is kept between calls.
executor::entry* choose_before_exploring(const executor& exec, std::uint32_t& last_timer);

/// The name of a task or a timer.
const std::string& name_of(const executor::entry& e);

class world;

/// Lets a world go the way that a schedule says, and where that ends, as time has it. Error:
/// input_error, if somebody whose turn it is cannot go: then it is another world's schedule.
class schedule_follower final : public arbiter
{
public:
    explicit schedule_follower(const schedule& s) : m_schedule(s) {}
    /// Before it runs: the world to be driven.
    void drive(const world& w) { m_world = &w; }
    executor::entry* choose(const executor& exec) override;

private:
    executor::entry* find(const executor& exec, const std::string& name) const;

    const schedule& m_schedule;
    const world* m_world = nullptr;
    std::uint32_t m_last_timer = 0;
    std::size_t m_made = 0; ///< moves
};

} // namespace mkclean
