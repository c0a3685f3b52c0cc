#include "sim/number.h"

#include <doctest/doctest.h>

#include <random>
#include <type_traits>
#include <unordered_set>

using namespace mkclean;

namespace
{

template <class A, class B, class = void>
struct can_add : std::false_type {
};
template <class A, class B>
struct can_add<A, B, std::void_t<decltype(std::declval<A>() + std::declval<B>())>>
    : std::true_type {
};
template <class A, class B, class = void>
struct can_compare : std::false_type {
};
template <class A, class B>
struct can_compare<A, B, std::void_t<decltype(std::declval<A>() == std::declval<B>())>>
    : std::true_type {
};

// What the type is for: none of these may ever compile.
static_assert(!std::is_convertible_v<std::uint64_t, page_index>);
static_assert(!std::is_convertible_v<page_index, std::uint64_t>);
static_assert(!std::is_constructible_v<frame_number, page_index>);
static_assert(!std::is_assignable_v<picoseconds&, cycles>);
static_assert(!can_add<picoseconds, cycles>::value);
static_assert(!can_add<virtual_address, physical_address>::value);
static_assert(!can_compare<page_index, frame_number>::value);
static_assert(can_add<picoseconds, picoseconds>::value);
static_assert(can_compare<cycles, cycles>::value);

static_assert(sizeof(picoseconds) == sizeof(std::uint64_t));

} // namespace

TEST_CASE("numbers of a kind count and compare as the integers they hold")
{
    std::mt19937_64 random(1);
    for (int i = 0; i < 10'000; ++i) {
        const std::uint64_t x = random() >> (random() % 64);
        const std::uint64_t y = i % 16 == 0 ? x : random() >> (random() % 64);
        const page_index a(x);
        const page_index b(y);
        REQUIRE((a + b).raw() == x + y);
        REQUIRE((a - b).raw() == x - y);
        REQUIRE((a + y).raw() == x + y);
        REQUIRE((a * y).raw() == x * y);
        REQUIRE((a == b) == (x == y));
        REQUIRE((a != b) == (x != y));
        REQUIRE((a < b) == (x < y));
        REQUIRE((a <= b) == (x <= y));
        REQUIRE((a > b) == (x > y));
        REQUIRE((a >= b) == (x >= y));
        page_index c = a;
        REQUIRE((c += b) == page_index(x + y));
        REQUIRE((c -= b) == a);
        REQUIRE(++c == page_index(x + 1));
        REQUIRE(a <= page_index::max());
    }
    CHECK(page_index() == page_index(0));
    CHECK(page_index::max().raw() == 0xffff'ffff'ffff'ffff);
}

TEST_CASE("an address is its frame's address and the offset in it")
{
    std::mt19937_64 random(2);
    for (int i = 0; i < 10'000; ++i) {
        const physical_address a(random() >> (random() % 64));
        REQUIRE(address_of(frame_of(a)) + offset_in_page(a) == a);
        REQUIRE(offset_in_page(a) < 4096);
        REQUIRE(frame_of(a).raw() == a.raw() / 4096);
        REQUIRE(offset_in_page(virtual_address(a.raw())) == a.raw() % 4096);
    }
    CHECK(address_of(frame_number(3)) == physical_address(3 * 4096));
}

TEST_CASE("numbers are keys of hash tables")
{
    std::unordered_set<frame_number> frames;
    for (std::uint64_t i = 0; i < 1000; ++i)
        frames.insert(frame_number(i % 100));
    CHECK(frames.size() == 100);
    CHECK(frames.count(frame_number(99)) == 1);
    CHECK(frames.count(frame_number(100)) == 0);
}
