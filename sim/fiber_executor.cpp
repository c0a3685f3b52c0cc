#include "sim/fiber_executor.h"
#include "sim/sanitizer_fibers.h"

#include <boost/context/fiber.hpp>
#include <boost/context/pooled_fixedsize_stack.hpp>

#include <deque>

namespace mkclean
{

namespace
{

constexpr std::size_t stack_size = std::size_t{128} << 10;

struct fiber_state {
    boost::context::fiber fiber;
    stack_bounds bounds;
    void* kept_by_sanitizer = nullptr;
};

} // namespace

struct fiber_executor::stacks {
    boost::context::pooled_fixedsize_stack pool{stack_size};
    std::deque<fiber_state> states;
    fiber_state callers;         // run()'s caller's
    fiber_state* left = nullptr; // whose stack was running before the latest switch

    fiber_state& of(task* t)
    {
        return t == nullptr ? callers : *static_cast<fiber_state*>(stack_of(*t));
    }

    // Every arrival on a stack stores what was left behind, so that it can be gone back to.
    void arrived(boost::context::fiber&& from, void* kept)
    {
        const stack_bounds bounds = after_stack_switch(kept);
        if (left != nullptr) {
            left->fiber = std::move(from);
            left->bounds = bounds.bottom != nullptr ? bounds : left->bounds;
        }
        left = nullptr;
    }
};

fiber_executor::fiber_executor() : m_stacks(std::make_unique<stacks>())
{
    others_act_at(picoseconds::max());
}

fiber_executor::~fiber_executor()
{
    cancel_all();
}

void fiber_executor::create_stack(task& t)
{
    namespace context = boost::context;
    fiber_state& state = m_stacks->states.emplace_back();
    stack_of(t) = &state;
    context::stack_context stack = m_stacks->pool.allocate();
    state.bounds = {static_cast<const char*>(stack.sp) - stack.size, stack.size};
    state.fiber =
        context::fiber(std::allocator_arg, context::preallocated(stack.sp, stack.size, stack),
                       m_stacks->pool, [this, &t](context::fiber&& from) {
                           m_stacks->arrived(std::move(from), nullptr);
                           task* const to = run_body(t);
                           fiber_state& target = m_stacks->of(to);
                           m_stacks->left = nullptr;
                           before_stack_switch(target.bounds, true);
                           return std::move(target.fiber);
                       });
}

void fiber_executor::switch_stacks(task* from, task* to)
{
    fiber_state& source = m_stacks->of(from);
    fiber_state& target = m_stacks->of(to);
    m_stacks->left = &source;
    source.kept_by_sanitizer = before_stack_switch(target.bounds, false);
    boost::context::fiber back = std::move(target.fiber).resume();
    m_stacks->arrived(std::move(back), source.kept_by_sanitizer);
}

} // namespace mkclean
