#pragma once

#include "sim/fiber_executor.h"
#include "tb/config.h"
#include "tb/explore/arena.h"
#include "tb/explore/flaw.h"
#include "tb/explore/image.h"
#include "tb/explore/judge.h"
#include "tb/platform/plain_interconnect.h"
#include "tb/world.h"

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace mkclean
{

/// A script without `meet explored`, or whose threads do not all come there; or one too large.
struct program_not_explored : std::runtime_error {
    using std::runtime_error::runtime_error;
    program_not_explored()
        : std::runtime_error("expected a program all of whose threads `meet explored`: this one "
                             "does not say so, or ends or waits for ever before that")
    {
    }
};

/// Changes a config into that of a world in which explore's choices can be made.
config to_be_scheduled(config c);
/// The same, for a world whose time stands still and that nobody but its explorer drives.
config to_be_explored(config c);

/// A world in an arena, and the bytes it is now: what one move leads to can be asked again and
/// again, from any state.
class explored_world
{
public:
    /// Builds it and runs it up to where its program wants to be explored. Throws as running it
    /// would.
    explored_world(const config& c, block_store& store);
    ~explored_world();

    using move = std::uint32_t; ///< the number of an executor's entry

    image::id start() const { return m_start; }
    void load(image::id state) { m_image.load(state); }
    /// What can be done in the loaded state. Empty: it is an end.
    std::vector<move> moves() const;
    struct step_result {
        image::id state = 0;
        flaw_set flaws = 0;
        bool ended = false;
        move last = 0;           ///< who has moved, and can go on; 0: nobody
        bool suspicious = false; ///< see exploring_judge::suspects_loss()
        std::string what;        ///< of an assertion
    };
    /// Makes a move from the loaded state; the state it leads to is what the world is in until
    /// load() or back().
    step_result make(move m);
    void back() { m_image.back(); }
    /// There is no room for many more states, when a search takes so many bytes for what it knows
    /// of them; what has been found can still be told.
    bool memory_is_low(std::size_t beside = 0) const { return m_image.store_nearly_full(beside); }
    /// Goes on from a state as if nobody were ever held up, to the end. The moves, or none if that
    /// end does not come.
    std::vector<move> run_out(image::id from, move last, step_result& end);

    /// Counters that say what has been and not what is: zero in every state.
    const std::vector<std::pair<void*, std::size_t>>& counters() const { return m_counters; }
    const arena& memory() const { return m_arena; }
    /// What is at that place of it, for whoever wonders what tells two states apart.
    std::string where(std::size_t offset) const;
    world& inside() { return *m_world; }
    const exploring_judge& judge() const { return *m_judge; }
    std::string name_of_move(move m) const;
    /// Who is to be told of every step from now on; null: nobody.
    void set_listener(std::function<void(const event&)> listener);

private:
    class one_move;

    executor::outcome run_one(move m, step_result& result);
    void sweep_stacks();
    static void sweep(const fiber_executor::stack_view& s, std::byte* low);
    void forget_counts();
    void count_is_at(const void* from, std::size_t bytes);
    bool winding_down() const { return m_world->threads_running() == 0; }

    /// Not in the arena: who listens is no part of a state.
    struct listening final : event_sink {
        void on_event(const event& e) override
        {
            const arena::pause what_is_noted_is_no_part_of_the_world;
            if (to)
                to(e);
        }
        bool follows_stores() const override { return false; }
        std::function<void(const event&)> to;
    };

    config m_config;
    listening m_listening;
    arena m_arena;
    image m_image;
    std::unique_ptr<one_move> m_arbiter;
    struct in_arena;
    in_arena* m_in = nullptr;
    world* m_world = nullptr;
    exploring_judge* m_judge = nullptr;
    fiber_executor* m_executor = nullptr;
    std::byte* m_ram = nullptr;
    std::vector<std::pair<void*, std::size_t>> m_counters; ///< that say what has been, not what is
    std::vector<fiber_executor::stack_view> m_stacks_before;
    image::id m_start = 0;
};

} // namespace mkclean
