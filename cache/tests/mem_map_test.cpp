#include "cache/mem_map.h"

#include <doctest/doctest.h>

using namespace mkclean;

TEST_CASE("a cached page of one block takes at most 160 bytes, its place in the tree included")
{
    constexpr std::size_t in_tree = 9; // a slot, and its part of the node's tags
    CHECK(sizeof(page) + sizeof(buffer_head) + in_tree <= 160);
}

TEST_CASE("every frame has its page, which stays where it is")
{
    mem_map map(std::uint64_t{1} << 28); // a terabyte, of which the test uses three frames
    CHECK(map.frames() == std::uint64_t{1} << 28);
    for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{513}, map.frames() - 1}) {
        page& pg = map.page_of(frame_number(number));
        CHECK(pg.frame == frame_number(number));
        CHECK(&map.page_of(frame_number(number)) == &pg);
    }
    CHECK_THROWS_AS(map.page_of(frame_number(map.frames())), std::out_of_range);
}
