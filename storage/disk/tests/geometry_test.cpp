#include "storage/disk/geometry.h"

#include <doctest/doctest.h>

#include <stdexcept>

using namespace mkclean;

namespace
{

void check_place(const disk_geometry& disk, std::uint64_t sector, std::uint64_t cylinder,
                 std::uint64_t head, std::uint64_t slot)
{
    CAPTURE(sector);
    const disk_geometry::place p = disk.find(sector_number(sector));
    CHECK(p.cylinder == cylinder);
    CHECK(p.head == head);
    CHECK(p.slot == slot);
}

} // namespace

TEST_CASE("sectors fill a track, then the cylinder's next track, then the next cylinder")
{
    // 2 surfaces; 10 sectors a track, then 8; cylinder 2 belongs to nobody.
    const disk_geometry disk({{0, 1, 10, 3, 4, 5}, {3, 4, 8, 2, 3, 0}}, 2);
    CHECK(disk.capacity() == 2 * 2 * 10 - 5 + 2 * 2 * 8);
    check_place(disk, 0, 0, 0, 0);
    check_place(disk, 9, 0, 0, 9);
    check_place(disk, 10, 0, 1, 3);
    check_place(disk, 17, 0, 1, 0);
    check_place(disk, 20, 1, 0, 7); // 3 for the head, 4 for the cylinder
    check_place(disk, 30, 1, 1, 0);
    check_place(disk, 34, 1, 1, 4); // the zone's last: 5 are spare
    check_place(disk, 35, 3, 0, 0);
    check_place(disk, 43, 3, 1, 2);
    check_place(disk, 51, 4, 0, 5);
    CHECK_THROWS_AS(disk.find(sector_number(disk.capacity())), std::out_of_range);
}

TEST_CASE("the Cheetah 9LP has room for the sectors that the drive offers")
{
    const disk_geometry disk(cheetah_9lp_zones(), 12);
    CHECK(disk.capacity() == 17'918'387);
    check_place(disk, 253, 0, 0, 253);
    check_place(disk, 254, 0, 1, 97);
    check_place(disk, 254 * 12, 1, 0, (11 * 97 + 133) % 254);
    CHECK(disk.find(sector_number(17'783'239)).sectors_per_track == 167);
    CHECK(disk.find(sector_number(disk.capacity() - 1)).cylinder == 6961);
}

TEST_CASE("shapes that no disk has are refused")
{
    using zones = std::vector<disk_zone>;
    CHECK_THROWS_AS(disk_geometry(zones{}, 1), std::invalid_argument);
    CHECK_THROWS_AS(disk_geometry(zones{{0, 1, 10, 0, 0, 0}}, 0), std::invalid_argument);
    CHECK_THROWS_AS(disk_geometry(zones{{0, 1, 0, 0, 0, 0}}, 1), std::invalid_argument);
    CHECK_THROWS_AS(disk_geometry(zones{{2, 1, 10, 0, 0, 0}}, 1), std::invalid_argument);
    CHECK_THROWS_AS(disk_geometry(zones{{0, 1, 10, 10, 0, 0}}, 1), std::invalid_argument);
    CHECK_THROWS_AS(disk_geometry(zones{{0, 1, 10, 0, 0, 20}}, 1), std::invalid_argument);
    CHECK_THROWS_AS(disk_geometry(zones{{0, 1, 10, 0, 0, 0}, {1, 2, 10, 0, 0, 0}}, 1),
                    std::invalid_argument);
}
