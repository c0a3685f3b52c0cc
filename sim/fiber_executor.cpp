#include "sim/fiber_executor.h"
#include "sim/sanitizer_fibers.h"

#include <boost/context/fiber.hpp>
#include <boost/context/pooled_fixedsize_stack.hpp>

#include <cstring>
#include <deque>
#include <new>

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

namespace
{

// As Boost.Context wants its stack allocators.
struct stacks_by_new {
    std::size_t bytes;
    boost::context::stack_context allocate() const
    {
        boost::context::stack_context made;
        made.size = bytes;
        made.sp = static_cast<std::byte*>(::operator new(bytes)) + bytes;
        return made;
    }
    void deallocate(boost::context::stack_context& stack) const
    {
        ::operator delete(static_cast<std::byte*>(stack.sp) - stack.size);
    }
};

} // namespace

struct fiber_executor::stacks {
    explicit stacks(std::size_t bytes) : stack_bytes(bytes) {}
    std::size_t stack_bytes; // 0: from the pool
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

fiber_executor::fiber_executor(std::size_t stack_bytes)
    : m_stacks(std::make_unique<stacks>(stack_bytes))
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
    const auto life = [this, &t](context::fiber&& from) {
        m_stacks->arrived(std::move(from), nullptr);
        task* const to = run_body(t);
        fiber_state& target = m_stacks->of(to);
        m_stacks->left = nullptr;
        before_stack_switch(target.bounds, true);
        return std::move(target.fiber);
    };
    const auto begin_on = [&](auto source) {
        context::stack_context stack = source.allocate();
        state.bounds = {static_cast<const char*>(stack.sp) - stack.size, stack.size};
        state.fiber = context::fiber(
            std::allocator_arg, context::preallocated(stack.sp, stack.size, stack), source, life);
    };
    if (m_stacks->stack_bytes > 0)
        begin_on(stacks_by_new{m_stacks->stack_bytes});
    else
        begin_on(m_stacks->pool);
}

// A fiber is a pointer to where its stack was left, and nothing else.
fiber_executor::stack_view fiber_executor::view_of(const task& t) const
{
    const fiber_state& state = *static_cast<fiber_state*>(stack_of(t));
    stack_view view{};
    view.of = t.number();
    static_assert(sizeof state.fiber == sizeof view.pointer);
    std::memcpy(&view.pointer, static_cast<const void*>(&state.fiber), sizeof view.pointer);
    view.bottom = reinterpret_cast<std::byte*>(
        const_cast<char*>(static_cast<const char*>(state.bounds.bottom)));
    view.size = state.bounds.size;
    return view;
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
