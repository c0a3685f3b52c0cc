#include "sim/fiber_executor.h"
#include "sim/fifo.h"

#include <doctest/doctest.h>

#include <deque>
#include <random>
#include <string>

using namespace mkclean;

namespace
{

/// Lets those go whose numbers it was given, in that order, and then nobody.
class by_number final : public arbiter
{
public:
    explicit by_number(std::deque<std::uint32_t> order) : m_order(std::move(order)) {}
    executor::entry* choose(const executor& exec) override
    {
        executor::entry* chosen = nullptr;
        if (m_order.empty())
            return nullptr;
        exec.for_each_ready([&](executor::entry& e) {
            if (e.number() == m_order.front())
                chosen = &e;
        });
        m_order.pop_front();
        return chosen;
    }

private:
    std::deque<std::uint32_t> m_order;
};

std::string run_two(std::deque<std::uint32_t> order, bool timeless, executor::outcome& how,
                    picoseconds& ended)
{
    by_number by(std::move(order));
    fiber_executor exec;
    exec.obey(by, timeless);
    std::string said;
    for (const char* const name : {"a", "b"})
        exec.spawn(name, 0, [&exec, &said, name] {
            for (int i = 0; i < 3; ++i) {
                said += name;
                exec.give_way(exec.now() + picoseconds(10));
            }
        });
    how = exec.run();
    ended = exec.now();
    return said;
}

} // namespace

TEST_CASE("an arbiter decides who goes next and not time")
{
    executor::outcome how = executor::outcome::idle;
    picoseconds ended;
    CHECK(run_two({2, 2, 2, 1}, false, how, ended) == "bbba");
    CHECK(how == executor::outcome::held);
    CHECK(ended == picoseconds(20)); // a begins late
    CHECK(run_two({1, 2, 1, 2, 1, 1, 2, 2}, true, how, ended) == "ababab");
    CHECK(how == executor::outcome::idle);
    CHECK(ended == picoseconds(0));
}

TEST_CASE("under an arbiter who waits for something may not go before it is so")
{
    by_number by({1, 1, 2, 1});
    fiber_executor exec;
    exec.obey(by, true);
    bool ready = false;
    std::string said;
    exec.spawn("waits", 0, [&] {
        exec.give_way_until(exec.now(), [&ready] { return ready; });
        said += "went on";
    });
    exec.spawn("sees to it", 0, [&] { ready = true; });
    CHECK(exec.run() == executor::outcome::held); // it was not among those to choose from
    CHECK(said.empty());
    CHECK(exec.run() == executor::outcome::idle);
    CHECK(said == "went on");
}

TEST_CASE("a fifo is first in and first out whatever its size")
{
    std::mt19937 random(3); // NOLINT: the same every time
    fifo<int> queue;
    std::deque<int> model;
    for (int i = 1; i < 5000; ++i) {
        if (random() % 2 == 0) {
            queue.push_back(i);
            model.push_back(i);
        } else if (!model.empty()) {
            REQUIRE(queue.front() == model.front());
            queue.pop_front();
            model.pop_front();
        }
        REQUIRE(queue.size() == model.size());
        REQUIRE(queue.empty() == model.empty());
    }
}
