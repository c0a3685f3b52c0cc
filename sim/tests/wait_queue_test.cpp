#include "sim/tests/device_world.h"
#include "sim/wait_queue.h"

#include <doctest/doctest.h>

#include <memory>
#include <random>
#include <vector>

using namespace mkclean;

namespace
{

struct sleeper final : waiter {
    sleeper(std::vector<int>& order, int number) : woken_order(order), me(number) {}
    void woken() override
    {
        CHECK_FALSE(is_linked()); // it is off the queue already, and may go onto another
        woken_order.push_back(me);
    }
    std::vector<int>& woken_order;
    int me;
};

constexpr picoseconds ps(std::uint64_t time)
{
    return picoseconds(time);
}

} // namespace

TEST_CASE("those who wait are woken in the order in which they came, each once")
{
    std::vector<int> woken;
    wait_queue queue;
    CHECK(queue.empty());
    queue.wake_one(); // nobody
    queue.wake_all();

    std::vector<std::unique_ptr<sleeper>> sleepers;
    for (int i = 0; i < 5; ++i) {
        sleepers.push_back(std::make_unique<sleeper>(woken, i));
        queue.add(*sleepers.back());
    }
    queue.wake_one();
    CHECK(woken == std::vector<int>{0});
    queue.add(*sleepers[0]);              // goes to the end
    sleepers.erase(sleepers.begin() + 2); // who is destroyed waits no longer
    queue.wake_all();
    CHECK(woken == std::vector<int>{0, 1, 3, 4, 0});
    CHECK(queue.empty());
}

TEST_CASE("an engine sleeps until it is woken, and no longer than it said")
{
    device_world w;
    wait_queue queue;
    std::vector<std::uint64_t> times;
    w.start(0, [&](engine& self) {
        self.block_on(queue);
        times.push_back(self.now().raw());
        CHECK(self.block_on(queue, ps(50)));
        times.push_back(self.now().raw());
        CHECK_FALSE(self.block_on(queue, ps(50)));
        times.push_back(self.now().raw());
        CHECK(queue.empty()); // it has left the queue
        self.spin_on(queue);
        times.push_back(self.now().raw());
    });
    w.start(1, [&](engine& self) {
        self.delay(ps(10));
        queue.wake_one();
        self.wait_until(ps(25));
        queue.wake_one();
        self.wait_until(ps(20));  // has passed
        self.spend(cycles(1000)); // a device counts no cycles
        CHECK(self.now() == ps(25));
        self.elapse(ps(75));
        queue.wake_all();
    });
    CHECK(w.exec.run() == executor::outcome::idle);
    CHECK(times == std::vector<std::uint64_t>{10, 25, 75, 100});
}

TEST_CASE("an engine that somebody resumes without waking it goes on sleeping")
{
    device_world w;
    wait_queue queue;
    executor::task* task = nullptr;
    std::uint64_t woken_at = 0;
    w.start(0, [&](engine& self) {
        task = w.exec.running();
        self.block_on(queue);
        woken_at = self.now().raw();
    });
    w.start(1, [&](engine& self) {
        w.exec.resume_at(*task, ps(5));
        self.delay(ps(10));
        queue.wake_one();
    });
    w.exec.run();
    CHECK(woken_at == 10);
}

// Delays are so short that wake-ups and ends of patience often fall on the same instant.
TEST_CASE("no wake-up is lost: every one that found somebody let exactly one go on")
{
    for (std::uint64_t seed = 0; seed < 3000; ++seed) {
        CAPTURE(seed);
        device_world w;
        wait_queue queue;
        std::mt19937_64 random(seed);
        unsigned produced = 0;
        unsigned wakes = 0;
        unsigned woken = 0;
        unsigned taken = 0;
        unsigned waiting = 0;
        const std::size_t consumers = 1 + random() % 4;
        const std::size_t producers = 1 + random() % 3;
        const unsigned each = 6;
        for (std::size_t i = 0; i < consumers; ++i) {
            w.start(unsigned(random() % 3), [&](engine& self) {
                while (taken < producers * each) {
                    ++waiting;
                    const bool was_woken = self.block_on(queue, ps(random() % 4));
                    --waiting;
                    woken += was_woken ? 1U : 0U;
                    if (produced > taken)
                        ++taken;
                    self.delay(ps(random() % 3));
                }
            });
        }
        for (std::size_t i = 0; i < producers; ++i) {
            w.start(unsigned(random() % 3), [&](engine& self) {
                for (unsigned n = 0; n < each; ++n) {
                    self.delay(ps(random() % 5));
                    ++produced;
                    wakes += queue.empty() ? 0U : 1U;
                    queue.wake_one();
                }
            });
        }
        REQUIRE(w.exec.run() == executor::outcome::idle);
        REQUIRE(taken == producers * each);
        REQUIRE(waiting == 0);
        REQUIRE(woken == wakes);
        REQUIRE(queue.empty());
    }
}

TEST_CASE("a producer's one wake-up is enough for one item: nobody sleeps beside a full store")
{
    for (std::uint64_t seed = 0; seed < 3000; ++seed) {
        CAPTURE(seed);
        device_world w;
        wait_queue queue;
        std::mt19937_64 random(seed);
        unsigned in_store = 0;
        unsigned taken = 0;
        const unsigned consumers = 1 + unsigned(random() % 4);
        const unsigned each = 5;
        for (unsigned i = 0; i < consumers; ++i) {
            w.start(unsigned(random() % 3), [&](engine& self) {
                for (unsigned n = 0; n < each; ++n) {
                    self.block_until(queue, [&] { return in_store > 0; });
                    --in_store;
                    ++taken;
                    self.delay(ps(random() % 3));
                }
            });
        }
        w.start(unsigned(random() % 3), [&](engine& self) {
            for (unsigned n = 0; n < consumers * each; ++n) {
                self.delay(ps(random() % 3));
                ++in_store;
                queue.wake_one();
            }
        });
        REQUIRE(w.exec.run() == executor::outcome::idle);
        REQUIRE(taken == consumers * each);
    }
}
