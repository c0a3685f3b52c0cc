#include "storage/disk/write_cache.h"

#include <doctest/doctest.h>

#include <stdexcept>

using namespace mkclean;

namespace
{

using sector_bytes = std::array<std::byte, sector_size>;

sector_bytes filled(unsigned value)
{
    sector_bytes bytes;
    bytes.fill(static_cast<std::byte>(value));
    return bytes;
}

struct small_cache : volatile_write_cache {
    explicit small_cache(std::uint64_t sectors) : volatile_write_cache(sectors * sector_size) {}

    version put(std::uint64_t s, unsigned value)
    {
        return volatile_write_cache::put(sector_number(s), filled(value).data());
    }
    version begin(std::uint64_t s)
    {
        sector_bytes bytes;
        return begin_destage(sector_number(s), bytes.data());
    }
    void end(std::uint64_t s, version written) { destaged(sector_number(s), written); }
    bool has(std::uint64_t s) const { return contains(sector_number(s)); }
    sector_run next(destage_order order, std::uint64_t arm, version not_after = any_version) const
    {
        return next_run(order, sector_number(arm), 100, not_after).value();
    }
};

bool is(const sector_run& run, std::uint64_t first, std::uint64_t count)
{
    return run.first == sector_number(first) && run.count == count;
}

} // namespace

TEST_CASE("the write cache returns the newest of what it accepted")
{
    small_cache cache(4);
    sector_bytes bytes = filled(0);
    CHECK_FALSE(cache.read(sector_number(5), bytes.data()));
    cache.put(5, 1);
    cache.put(5, 2);
    CHECK(cache.read(sector_number(5), bytes.data()));
    CHECK(bytes == filled(2));
    CHECK(cache.held_sectors() == 1);
}

TEST_CASE("a full write cache has room only for the sectors it holds")
{
    small_cache cache(2);
    cache.put(1, 0);
    cache.put(2, 0);
    CHECK(cache.has_room_for(sector_number(1)));
    CHECK_FALSE(cache.has_room_for(sector_number(3)));
    CHECK_THROWS_AS(cache.put(3, 0), std::logic_error);
    CHECK_NOTHROW(cache.put(2, 1));
}

TEST_CASE("a write cache without room for one sector is refused")
{
    CHECK_THROWS_AS(volatile_write_cache(511), std::invalid_argument);
}

TEST_CASE("a destaged sector leaves the write cache")
{
    small_cache cache(4);
    cache.put(5, 1);
    cache.end(5, cache.begin(5));
    CHECK(cache.empty());
    CHECK(cache.oldest() == volatile_write_cache::any_version);
}

TEST_CASE("a sector rewritten while the head writes it stays dirty, with the newer bytes")
{
    small_cache cache(4);
    cache.put(5, 1);
    const auto written = cache.begin(5);
    cache.put(5, 2);
    const auto newest = cache.put(5, 3);
    cache.end(5, written);

    REQUIRE(cache.has(5));
    CHECK(cache.oldest() == 2);
    sector_bytes bytes = filled(0);
    CHECK(cache.begin_destage(sector_number(5), bytes.data()) == newest);
    CHECK(bytes == filled(3));
    cache.end(5, newest);
    CHECK(cache.empty());
}

TEST_CASE("a sector rewritten before the head comes is as old as its first version")
{
    small_cache cache(4);
    cache.put(5, 1);
    cache.put(6, 1);
    cache.put(5, 2);
    CHECK(cache.oldest() == 1);
    cache.end(5, cache.begin(5));
    CHECK(cache.oldest() == 2);
}

TEST_CASE("the elevator goes upwards from the arm and begins again at the lowest sector")
{
    small_cache cache(16);
    for (const std::uint64_t s : {20U, 10U, 11U, 30U, 12U})
        cache.put(s, 0);
    CHECK(is(cache.next(destage_order::elevator, 0), 10, 3));
    CHECK(is(cache.next(destage_order::elevator, 11), 11, 2));
    CHECK(is(cache.next(destage_order::elevator, 13), 20, 1));
    CHECK(is(cache.next(destage_order::elevator, 31), 10, 3));
}

TEST_CASE("in fifo order the run of what has waited longest is next")
{
    small_cache cache(16);
    for (const std::uint64_t s : {20U, 10U, 11U, 21U})
        cache.put(s, 0);
    CHECK(is(cache.next(destage_order::fifo, 0), 20, 2));
    cache.end(20, cache.begin(20));
    CHECK(is(cache.next(destage_order::fifo, 0), 10, 2));
}

TEST_CASE("a run begins with a sector that is old enough")
{
    small_cache cache(16);
    const auto old = cache.put(50, 0);
    cache.put(10, 0);
    CHECK(is(cache.next(destage_order::elevator, 0, old), 50, 1));
    cache.end(50, cache.begin(50));
    CHECK_FALSE(cache.next_run(destage_order::elevator, sector_number(0), 100, old));
    CHECK(is(cache.next(destage_order::elevator, 20), 10, 1));
}

TEST_CASE("a run is no longer than asked for, and ends with the cache's last sector")
{
    small_cache cache(16);
    for (std::uint64_t s = 0; s < 10; ++s)
        cache.put(s, 0);
    CHECK(is(cache.run_at(sector_number(2), 4), 2, 4));
    CHECK(is(cache.run_at(sector_number(7), 100), 7, 3));
    CHECK(is(cache.run_at(sector_number(11), 100), 11, 0));
    CHECK_FALSE(small_cache(1).next_run(destage_order::fifo, sector_number(0), 1));
}

TEST_CASE("without power the write cache holds nothing")
{
    small_cache cache(16);
    cache.put(1, 0);
    cache.put(2, 0);
    cache.begin(1);
    cache.drop();
    CHECK(cache.empty());
    CHECK_FALSE(cache.next_run(destage_order::elevator, sector_number(0), 1));
}
