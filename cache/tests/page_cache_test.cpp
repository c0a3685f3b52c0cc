#include "cache/tests/cache_world.h"

#include <doctest/doctest.h>

#include <set>

using namespace mkclean;

namespace
{

constexpr std::uint64_t ns = 1'000;

} // namespace

TEST_CASE("of many who create the same page one does, and all get it, one after the other")
{
    for (std::uint64_t seed = 0; seed < 500; ++seed) {
        CAPTURE(seed);
        cache_world world({seed, 200 * ns, 2});
        std::set<page*> got;
        unsigned inside = 0;
        unsigned most = 0;
        for (int i = 0; i < 4; ++i) {
            world.spawn([&](kernel_thread& self) {
                page& pg =
                    world.cache.find_or_create_page(self, world.first.mapping, page_index(9));
                most = std::max(most, ++inside);
                got.insert(&pg);
                self.pause(self.below(100 * ns));
                --inside;
                unlock_page(self, pg);
                world.cache.put_page(pg);
            });
        }
        REQUIRE(world.run());
        REQUIRE(got.size() == 1);
        const page& pg = **got.begin();
        CHECK(most == 1);
        CHECK(pg.count == 1);
        CHECK(pg.index == page_index(9));
        CHECK(pg.mapping == &world.first.mapping);
        CHECK(world.cache.stats.nr_file_pages == 1);
        CHECK(world.cache.free_pages() == 63);
        CHECK(world.cache.lru.size() == 1);
    }
}

TEST_CASE("a page removed while others wait for its lock is not given to them")
{
    for (std::uint64_t seed = 0; seed < 500; ++seed) {
        CAPTURE(seed);
        cache_world world({seed, 200 * ns, 2});
        unsigned wrong = 0;
        for (int i = 0; i < 4; ++i) {
            world.spawn([&](kernel_thread& self) {
                for (unsigned turn = 0; turn < 6; ++turn) {
                    page& pg = world.cache.find_or_create_page(self, world.first.mapping,
                                                               page_index(turn % 2));
                    wrong += pg.mapping != &world.first.mapping || !pg.locked() ||
                             world.first.mapping.pages.lookup(pg.index) != &pg;
                    if (self.below(2) == 0)
                        world.cache.remove_from_page_cache(self, pg);
                    unlock_page(self, pg);
                    world.cache.put_page(pg);
                }
            });
        }
        REQUIRE(world.run());
        CHECK(wrong == 0);
        CHECK(world.cache.free_pages() + world.first.mapping.pages.size() == 64);
        for (const page& pg : world.cache.lru)
            CHECK(pg.count == 1);
    }
}

TEST_CASE("a frame comes back with its last reference, and as new")
{
    cache_world world;
    world.run([&](kernel_thread& self) {
        page& pg = world.cache.find_or_create_page(self, world.first.mapping, page_index(1));
        create_empty_buffers(self, pg, 1024);
        set_page_uptodate(self, pg);
        world.cache.remove_from_page_cache(self, pg);
        CHECK(world.cache.free_pages() == 63);
        CHECK(pg.mapping == nullptr);
        unlock_page(self, pg);
        world.cache.put_page(pg);
        CHECK(world.cache.free_pages() == 64);
        page& again = world.cache.alloc_page(self);
        CHECK(&again == &pg);
        CHECK(again.flags.raw() == 0);
        CHECK_FALSE(again.has_buffers());
        CHECK(again.count == 1);
    });
    CHECK(world.run());
}

TEST_CASE("no frame is given out twice, and reclaim is asked when there is none")
{
    cache_world world({}, {}, 4);
    std::vector<page*> mine;
    unsigned asked = 0;
    world.cache.set_reclaim([&](actor&) -> std::uint64_t {
        ++asked;
        if (mine.empty())
            return 0;
        world.cache.put_page(*mine.back());
        mine.pop_back();
        return 1;
    });
    bool refused = false;
    world.run([&](kernel_thread& self) {
        for (int i = 0; i < 4; ++i)
            mine.push_back(&world.cache.alloc_page(self));
        CHECK(std::set<page*>(mine.begin(), mine.end()).size() == 4);
        CHECK(asked == 0);
        page* const last = mine.back();
        CHECK(&world.cache.alloc_page(self) == last);
        CHECK(asked == 1);
        mine.clear();
        try {
            world.cache.alloc_page(self);
        } catch (const out_of_memory&) {
            refused = true;
        }
    });
    CHECK(world.run());
    CHECK(refused);
}

TEST_CASE("what is not there is not found")
{
    cache_world world;
    world.run([&](kernel_thread& self) {
        address_space& mapping = world.first.mapping;
        CHECK(world.cache.find_get_page(self, mapping, page_index(5)) == nullptr);
        CHECK(world.cache.find_lock_page(self, mapping, page_index(5)) == nullptr);
        page& pg = world.cache.find_or_create_page(self, mapping, page_index(5));
        CHECK_FALSE(pg.uptodate());
        CHECK(world.cache.find_get_page(self, mapping, page_index(5)) == &pg);
        CHECK(pg.count == 3);
        CHECK(world.cache.find_get_page(self, world.second.mapping, page_index(5)) == nullptr);
    });
    CHECK(world.run());
}

TEST_CASE("a row of frames is the lowest that is free, wherever its frames are")
{
    // 40 frames: the first 16 are a row, the next, and a half.
    constexpr auto row = static_cast<page_order>(4);
    cache_world world({}, {}, 40);
    world.run([&](kernel_thread& self) {
        page& early = world.cache.alloc_page(self);
        CHECK(early.frame == frame_number(0));
        page* const second = world.cache.alloc_pages(self, row);
        REQUIRE(second != nullptr);
        CHECK(second->frame == frame_number(16));
        CHECK(world.cache.free_pages() == 40 - 17);
        CHECK(world.cache.alloc_pages(self, row) == nullptr); // 15 and 8 are left
        // What was passed over is as free as before, the lowest first.
        page& next = world.cache.alloc_page(self);
        CHECK(next.frame == frame_number(1));
        world.cache.put_page(early);
        world.cache.put_page(next);
        page* const first = world.cache.alloc_pages(self, row);
        REQUIRE(first != nullptr);
        CHECK(first->frame == frame_number(0));
        for (std::uint64_t i = 0; i < 32; ++i) {
            CHECK(world.cache.page_of(frame_number(i)).count == 1);
            world.cache.put_page(world.cache.page_of(frame_number(i)));
        }
        CHECK(world.cache.free_pages() == 40);
        CHECK(world.cache.alloc_page(self).frame == frame_number(31)); // the last that was freed
    });
}

TEST_CASE("pages are added in a row only where none of them is cached")
{
    constexpr auto row = static_cast<page_order>(2);
    cache_world world;
    world.run([&](kernel_thread& self) {
        address_space& mapping = world.first.mapping;
        const auto fresh = [&] {
            std::vector<page*> pages;
            page* const head = world.cache.alloc_pages(self, row);
            for (std::uint64_t i = 0; i < 4; ++i)
                pages.push_back(&world.cache.page_of(head->frame + i));
            return pages;
        };
        unlock_page(self, world.cache.find_or_create_page(self, mapping, page_index(7)));
        const std::vector<page*> pages = fresh();
        CHECK_FALSE(world.cache.add_to_page_cache(self, mapping, page_index(4), pages));
        CHECK(mapping.pages.size() == 1);
        CHECK(world.cache.add_to_page_cache(self, mapping, page_index(8), pages));
        for (std::uint64_t i = 0; i < 4; ++i) {
            CHECK(mapping.pages.lookup(page_index(8 + i)) == pages[i]);
            CHECK(pages[i]->index == page_index(8 + i));
            CHECK(pages[i]->locked());
            CHECK(pages[i]->count == 2);
            unlock_page(self, *pages[i]);
        }
        CHECK(world.cache.stats.nr_file_pages == 5);
    });
}
