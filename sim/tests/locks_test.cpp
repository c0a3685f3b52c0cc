#include "sim/locks.h"
#include "sim/tests/device_world.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <vector>

using namespace mkclean;

namespace
{

constexpr picoseconds ps(std::uint64_t time)
{
    return picoseconds(time);
}

/// Whether a lock is handed on at the very instant at which it is given back.
struct handover {
    void asked(const engine& self)
    {
        ++wanting;
        first_asked = wanting == 1 ? std::optional<picoseconds>(self.now()) : first_asked;
    }
    // Whoever gets it, at that time either it became free, or nobody had wanted it before.
    void got(const engine& self)
    {
        REQUIRE((self.now() == freed || self.now() == first_asked));
        --wanting;
        first_asked = std::nullopt;
    }
    unsigned wanting = 0;
    picoseconds freed;
    std::optional<picoseconds> first_asked;
};

template <class Lock>
void only_one_holds(std::uint64_t seed)
{
    CAPTURE(seed);
    device_world w;
    Lock lock;
    handover watch;
    std::mt19937_64 random(seed);
    const unsigned parties = 1 + unsigned(random() % 5);
    unsigned inside = 0;
    unsigned turns = 0;
    for (unsigned i = 0; i < parties; ++i) {
        w.start(unsigned(random() % 3), [&](engine& self) {
            for (unsigned n = 0; n < 6; ++n) {
                self.delay(ps(random() % 4));
                watch.asked(self);
                const lock_guard<Lock> guard(self, lock);
                watch.got(self);
                REQUIRE(inside == 0);
                ++inside;
                self.delay(ps(random() % 4));
                --inside;
                ++turns;
                watch.freed = self.now();
            }
        });
    }
    REQUIRE(w.exec.run() == executor::outcome::idle);
    REQUIRE(turns == parties * 6);
}

} // namespace

TEST_CASE("a spinlock, an irq_spinlock, a mutex: one holds, and it goes on at once")
{
    for (std::uint64_t seed = 0; seed < 1500; ++seed) {
        only_one_holds<spinlock>(seed);
        only_one_holds<irq_spinlock>(seed);
        only_one_holds<mutex>(seed);
    }
}

TEST_CASE("a lock says whether it is held")
{
    device_world w;
    spinlock spin;
    irq_spinlock irq_spin;
    w.start(0, [&](engine& self) {
        CHECK_FALSE(spin.held());
        CHECK_FALSE(irq_spin.held());
        {
            const lock_guard<spinlock> a(self, spin);
            const lock_guard<irq_spinlock> b(self, irq_spin);
            CHECK(spin.held());
            CHECK(irq_spin.held());
        }
        CHECK_FALSE(spin.held());
        CHECK_FALSE(irq_spin.held());
    });
    w.exec.run();
}

TEST_CASE("rw_semaphore: many read or one writes, and a writer that waits keeps readers out")
{
    unsigned most_readers = 0;
    for (std::uint64_t seed = 0; seed < 3000; ++seed) {
        CAPTURE(seed);
        device_world w;
        rw_semaphore lock;
        std::mt19937_64 random(seed);
        unsigned readers = 0;
        unsigned writers = 0;
        unsigned writers_waiting = 0;
        unsigned turns = 0;
        const unsigned parties = 1 + unsigned(random() % 6);
        const auto read = [&](engine& self) {
            const read_guard guard(self, lock);
            REQUIRE(writers == 0);
            REQUIRE(writers_waiting == 0);
            most_readers = std::max(most_readers, ++readers);
            self.delay(ps(random() % 6));
            --readers;
        };
        const auto write = [&](engine& self) {
            ++writers_waiting;
            const write_guard guard(self, lock);
            --writers_waiting;
            REQUIRE(writers == 0);
            REQUIRE(readers == 0);
            ++writers;
            self.delay(ps(random() % 6));
            --writers;
        };
        for (unsigned i = 0; i < parties; ++i) {
            w.start(unsigned(random() % 3), [&](engine& self) {
                for (unsigned n = 0; n < 6; ++n) {
                    self.delay(ps(random() % 6));
                    if (random() % 3 == 0)
                        write(self);
                    else
                        read(self);
                    ++turns;
                }
            });
        }
        REQUIRE(w.exec.run() == executor::outcome::idle);
        REQUIRE(turns == parties * 6);
    }
    CHECK(most_readers > 2); // they do share it
}

TEST_CASE("rw_semaphore: readers that never all go away do not keep a writer out")
{
    device_world w;
    rw_semaphore lock;
    std::uint64_t written_at = 0;
    const auto reader = [&](std::uint64_t first) {
        return [&lock, first](engine& self) {
            self.wait_until(ps(first));
            while (self.now() < ps(10'000)) {
                const read_guard guard(self, lock);
                self.delay(ps(20)); // the other one comes before this one goes
            }
        };
    };
    w.start(0, reader(0));
    w.start(1, reader(10));
    w.start(2, [&](engine& self) {
        self.delay(ps(105));
        const write_guard guard(self, lock);
        written_at = self.now().raw();
        self.delay(ps(5));
    });
    w.exec.run();
    CHECK(written_at == 120); // as soon as those who read when it asked have left
}

TEST_CASE("a world may be taken down while its locks are held and waited for")
{
    device_world w;
    mutex outer;
    spinlock inner;
    rw_semaphore sem;
    for (unsigned i = 0; i < 3; ++i) {
        w.start(i, [&](engine& self) {
            const lock_guard<mutex> a(self, outer);
            const lock_guard<spinlock> b(self, inner);
            const write_guard c(self, sem);
            self.delay(ps(1000));
        });
    }
    CHECK(w.exec.run(ps(500)) == executor::outcome::out_of_time);
    w.exec.cancel_all(); // unwinds through the guards
    CHECK_FALSE(inner.held());
}
