#include "storage/disk/media.h"

#include <doctest/doctest.h>

#include <stdexcept>
#include <vector>

using namespace mkclean;

namespace
{

std::vector<std::byte> sectors_of(std::uint64_t count, unsigned value)
{
    return std::vector<std::byte>(count * sector_size, static_cast<std::byte>(value));
}

std::vector<std::byte> read(const disk_media& media, std::uint64_t first, std::uint64_t count)
{
    std::vector<std::byte> bytes(count * sector_size);
    media.read(sector_number(first), count, bytes.data());
    return bytes;
}

} // namespace

TEST_CASE("the media returns what was written, sector by sector, across chunks")
{
    disk_media media(1000, leftover::zeros);
    media.write(sector_number(6), 5, sectors_of(5, 0xaa).data());
    media.write(sector_number(8), 1, sectors_of(1, 0xbb).data());

    CHECK(read(media, 5, 1) == sectors_of(1, 0));
    CHECK(read(media, 6, 2) == sectors_of(2, 0xaa));
    CHECK(read(media, 8, 1) == sectors_of(1, 0xbb));
    CHECK(read(media, 9, 2) == sectors_of(2, 0xaa));
    CHECK(read(media, 11, 1) == sectors_of(1, 0));
}

TEST_CASE("the media takes host memory only for what was written")
{
    disk_media media(std::uint64_t{1} << 40, leftover::pattern);
    CHECK(media.resident_bytes() == 0);
    read(media, 1234567, 100);
    CHECK(media.resident_bytes() == 0);
    media.write(sector_number(std::uint64_t{1} << 39), 8, sectors_of(8, 1).data());
    CHECK(media.resident_bytes() == 4096);
    media.write(sector_number(16), 8, sectors_of(8, 0).data());
    CHECK(media.resident_bytes() == 4096);
    CHECK(read(media, 16, 8) == sectors_of(8, 0));
}

TEST_CASE("sectors never written hold old bytes that differ from sector to sector")
{
    disk_media media(1000, leftover::pattern);
    disk_media same(1000, leftover::pattern);
    const std::vector<std::byte> before = read(media, 0, 64);
    CHECK(before == read(same, 0, 64));
    for (std::uint64_t a = 0; a < 64; ++a) {
        CHECK(read(media, a, 1) != sectors_of(1, 0));
        for (std::uint64_t b = a + 1; b < 64; ++b)
            CHECK(read(media, a, 1) != read(media, b, 1));
    }
    // Writing a neighbour in the same chunk does not change them.
    media.write(sector_number(3), 1, sectors_of(1, 7).data());
    CHECK(read(media, 0, 3) == read(same, 0, 3));
    CHECK(read(media, 4, 60) == read(same, 4, 60));
}

TEST_CASE("the media refuses whatever reaches past its end, and moves nothing of it")
{
    disk_media media(100, leftover::zeros);
    std::vector<std::byte> bytes = sectors_of(8, 0xcc);
    CHECK_THROWS_AS(media.write(sector_number(99), 2, bytes.data()), std::out_of_range);
    CHECK_THROWS_AS(media.read(sector_number(101), 0, bytes.data()), std::out_of_range);
    CHECK_THROWS_AS(media.read(sector_number::max(), 2, bytes.data()), std::out_of_range);
    CHECK_THROWS_AS(media.read(sector_number(1), ~std::uint64_t{0}, bytes.data()),
                    std::out_of_range);
    CHECK(media.resident_bytes() == 0);
    CHECK_NOTHROW(media.write(sector_number(99), 1, bytes.data()));
    CHECK_NOTHROW(media.read(sector_number(100), 0, bytes.data()));
}
