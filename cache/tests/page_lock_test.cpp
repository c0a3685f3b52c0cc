#include "cache/tests/cache_world.h"

#include <doctest/doctest.h>

using namespace mkclean;

namespace
{

constexpr std::uint64_t ns = 1'000;

} // namespace

TEST_CASE("only one holds a page's lock, and everybody gets it")
{
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        CAPTURE(seed);
        cache_world world({seed, 50 * ns});
        page pg;
        unsigned inside = 0;
        unsigned most = 0;
        unsigned turns = 0;
        for (int i = 0; i < 4; ++i) {
            world.spawn([&](kernel_thread& self) {
                for (int turn = 0; turn < 5; ++turn) {
                    if (turn % 2 == 0)
                        lock_page(self, pg);
                    else if (!trylock_page(self, pg))
                        continue;
                    most = std::max(most, ++inside);
                    self.pause(self.below(100 * ns));
                    --inside;
                    unlock_page(self, pg);
                    turns += turn % 2 == 0;
                }
            });
        }
        REQUIRE(world.run());
        CHECK(most == 1);
        CHECK(turns == 12);
        CHECK_FALSE(pg.locked());
    }
}

TEST_CASE("only one holds a buffer's lock, and everybody gets it")
{
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        CAPTURE(seed);
        cache_world world({seed, 50 * ns});
        page pg;
        pg.buffers.create(pg, 4096);
        buffer_head& bh = *pg.buffers.begin();
        unsigned inside = 0;
        unsigned most = 0;
        unsigned turns = 0;
        for (int i = 0; i < 4; ++i) {
            world.spawn([&](kernel_thread& self) {
                for (int turn = 0; turn < 5; ++turn) {
                    if (turn % 2 == 0)
                        lock_buffer(self, bh);
                    else if (!trylock_buffer(self, bh))
                        continue;
                    most = std::max(most, ++inside);
                    self.pause(self.below(100 * ns));
                    --inside;
                    unlock_buffer(self, bh);
                    turns += turn % 2 == 0;
                    wait_on_buffer(self, bh);
                }
            });
        }
        REQUIRE(world.run());
        CHECK(most == 1);
        CHECK(turns == 12);
        CHECK_FALSE(bh.locked());
    }
}

TEST_CASE("who waits for a page's lock or its writeback goes on when that has ended, not before")
{
    cache_world world;
    picoseconds lock_seen;
    picoseconds writeback_seen;
    picoseconds lock_taken;
    world.run([&](kernel_thread& self) {
        page& pg = world.cache.find_or_create_page(self, world.first.mapping, page_index(3));
        set_page_writeback(self, pg);
        world.spawn([&](kernel_thread& waiter) {
            wait_on_page_locked(waiter, pg);
            lock_seen = waiter.now();
        });
        world.spawn([&](kernel_thread& waiter) {
            wait_on_page_writeback(waiter, pg);
            writeback_seen = waiter.now();
        });
        world.spawn([&](kernel_thread& waiter) {
            lock_page(waiter, pg);
            lock_taken = waiter.now();
        });
        self.pause(100 * ns);
        unlock_page(self, pg);
        self.pause(100 * ns);
        end_page_writeback(self, pg);
        wait_on_page_writeback(self, pg); // ended already: does not wait
    });
    CHECK(world.run());
    CHECK(lock_taken == picoseconds(100 * ns));
    CHECK(writeback_seen == picoseconds(200 * ns));
    CHECK(lock_seen == picoseconds(100 * ns));
}
