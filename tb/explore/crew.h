#pragma once

#include "tb/explore/explored_world.h"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/types.h>

namespace mkclean
{

/// A state, and which of the moves from it are wanted.
struct moves_wanted {
    image::id state = 0;
    std::uint64_t made = 0;   ///< bit n: not its n-th move, which has been made
    std::uint64_t last_s = 0; ///< bit n: a story came here by entry n
    bool any = false;         ///< or else those that are no switch to one of the stories
};

/// Where somebody who moved last can go on, another one's move is a switch.
bool is_switch(const std::vector<explored_world::move>& all, explored_world::move last,
               explored_world::move next);

/// What the moves from a state lead to.
struct moves_made {
    struct one {
        image::id state = 0;
        flaw_set flaws = 0;
        explored_world::move last = 0;
        bool made = false; ///< false: it was not wanted
        bool ended = false;
        bool suspicious = false;
    };
    std::vector<explored_world::move> moves; ///< all there are
    std::vector<one> results;                ///< as many
    std::size_t whose = 0;                   ///< the move of the first assertion,
    std::string says;                        ///< and what it said; or ""
};

/// One of a crew's processes has ended (crashed, where the kernel would oops).
struct crew_broken : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Nobody wants to wait any longer.
struct crew_stopped {
};

/// Makes moves from many states at once, in processes that were forked from this one and have their
/// block_store in common with it. What is told of them does not depend on how many there are.
class crew
{
public:
    static constexpr std::size_t most_orders = 256;        ///< of one call
    static constexpr explored_world::move last_mover = 63; ///< as many bits as there are

    /// `jobs` processes, this one counted. Error: std::system_error.
    crew(explored_world& w, std::size_t jobs);
    ~crew();
    crew(const crew&) = delete;
    crew& operator=(const crew&) = delete;

    /// Makes the moves that each order wants; to be read by of(). Throws what making them did,
    /// crew_broken, or crew_stopped if it takes long and `wants_no_more()`; after these two there
    /// is no more to be made.
    void make(const std::vector<moves_wanted>& orders, const std::function<bool()>& wants_no_more);
    /// What has come of order `n` of the last make(), until the next.
    const moves_made& of(std::size_t n);

private:
    struct answer;
    struct desk;
    class worker;

    void work();
    void carry_out(const moves_wanted& order, answer& to);
    [[noreturn]] void serve(pid_t parent) noexcept;
    void wait_for_all(const std::function<bool()>& wants_no_more);

    explored_world& m_world;
    shared_memory m_shared;
    desk* m_desk;
    std::vector<std::unique_ptr<worker>> m_workers;
    moves_made m_read;
};

} // namespace mkclean
