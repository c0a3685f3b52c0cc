#include "storage/disk/rotating_disk.h"

#include <doctest/doctest.h>

#include <random>
#include <stdexcept>

using namespace mkclean;

namespace
{

// One turn at 10045 rpm is 60 s / 10045 = 5973120955.7 ps; a sector of 254, 23516224.2 ps.
constexpr std::uint64_t turn = 5'973'120'956; // rounded up
constexpr std::uint64_t sectors_per_track = 254;
constexpr std::uint64_t surfaces = 12;

sector_number at(std::uint64_t cylinder, std::uint64_t head, std::uint64_t on_track)
{
    return sector_number((cylinder * surfaces + head) * sectors_per_track + on_track);
}

void check_window(const sector_window& window, std::uint64_t start, std::uint64_t end)
{
    CHECK(window.start.raw() == start);
    CHECK(window.end.raw() == end);
}

} // namespace

TEST_CASE("a single sector under the head takes its share of the turn")
{
    rotating_disk disk{rotating_disk_options()};
    check_window(disk.begin(picoseconds(0), sector_number(0), media_access::read), 0, 23'516'225);
}

TEST_CASE("a sector that has just gone by comes again after a turn")
{
    rotating_disk disk{rotating_disk_options()};
    check_window(disk.begin(picoseconds(1), sector_number(0), media_access::read), turn,
                 5'996'637'180);
    // The next sector begins exactly where this one ended.
    check_window(disk.next(picoseconds(5'996'637'180)), 5'996'637'180, 6'020'153'405);
}

TEST_CASE("a whole track passes in one turn, so it moves spt * 512 * rpm / 60 bytes a second")
{
    rotating_disk disk{rotating_disk_options()};
    const sector_window first =
        disk.begin(picoseconds(12'345'678), sector_number(100), media_access::read);
    sector_window window = disk.begin(first.start, sector_number(0), media_access::read);
    const picoseconds start = window.start;
    for (std::uint64_t i = 1; i < sectors_per_track; ++i) {
        const picoseconds end = window.end;
        window = disk.next(end);
        CHECK(window.start == end);
    }
    const std::uint64_t took = (window.end - start).raw();
    CHECK(took >= turn - 1);
    CHECK(took <= turn);
    const double rate = 254.0 * 512 * 1e12 / static_cast<double>(took);
    CHECK(rate == doctest::Approx(254.0 * 512 * 10045 / 60).epsilon(1e-9));
}

TEST_CASE("the skews let a sequential access go on in the next track and cylinder")
{
    rotating_disk disk{rotating_disk_options()};
    sector_window window = disk.begin(picoseconds(0), at(0, 0, 253), media_access::read);
    CHECK(window.end.raw() == turn);
    // The track's first sector lies 97 sectors on, by when the head has long been switched.
    window = disk.next(window.end);
    check_window(window, 8'254'194'707, 8'277'710'931);
    CHECK(window.cylinders_moved == 0);

    window = disk.begin(window.end, at(0, 11, 253), media_access::write);
    const picoseconds left = window.end;
    window = disk.next(left);
    CHECK(window.cylinders_moved == 1);
    // 133 sectors: enough for the seek and for settling before a write.
    CHECK((window.start - left).raw() / 23'516'224 == 133);
}

TEST_CASE("seek times lie on the curve")
{
    const rotating_disk disk{rotating_disk_options()};
    CHECK(disk.seek_time(0).raw() == 0);
    CHECK(disk.seek_time(1).raw() == 831'000'000);
    CHECK(disk.seek_time(4).raw() == 1'276'280'000);
    CHECK(disk.seek_time(100).raw() == 2'049'400'000);
    CHECK(disk.seek_time(1199).raw() == 4'429'312'631);
    CHECK(disk.seek_time(1200).raw() == 4'404'800'000);
    CHECK(disk.seek_time(6961).raw() == 10'620'919'000);
}

TEST_CASE("the head switch, the seek and the write's settling come before the rotation")
{
    const rotating_disk disk{rotating_disk_options()};
    const auto start = [&](sector_number s, media_access kind) {
        return disk.would_start(picoseconds(0), s, kind).raw();
    };
    // The sector of which the slot begins first after the arrival starts within one slot of it.
    const auto first_after = [&](std::uint64_t arrival, std::uint64_t cylinder, std::uint64_t head,
                                 media_access kind) {
        std::uint64_t least = ~std::uint64_t{0};
        for (std::uint64_t s = 0; s < sectors_per_track; ++s)
            least = std::min(least, start(at(cylinder, head, s), kind));
        CAPTURE(least);
        CAPTURE(arrival);
        return least >= arrival && least < arrival + 23'516'225;
    };
    CHECK(first_after(0, 0, 0, media_access::read));
    CHECK(first_after(0, 0, 0, media_access::write)); // nothing moved: nothing to settle
    CHECK(first_after(30'000'000, 0, 1, media_access::read));
    CHECK(first_after(491'000'000, 0, 1, media_access::write));
    CHECK(first_after(831'000'000, 1, 0, media_access::read));
    CHECK(first_after(831'000'000, 1, 5, media_access::read)); // switched during the seek
    CHECK(first_after(1'292'000'000, 1, 5, media_access::write));
}

TEST_CASE("the mean rotational latency is half a turn")
{
    const rotating_disk disk{rotating_disk_options()};
    std::mt19937_64 random(2006);
    constexpr unsigned samples = 20'000;
    double sum = 0;
    for (unsigned i = 0; i < samples; ++i) {
        const picoseconds now(random() % (1000 * turn));
        const picoseconds start =
            disk.would_start(now, at(0, 0, random() % sectors_per_track), media_access::read);
        sum += static_cast<double>((start - now).raw());
        CHECK(start - now <= picoseconds(turn));
    }
    const double mean = sum / samples;
    CHECK(mean == doctest::Approx(60e12 / 10045 / 2).epsilon(0.01));
}

TEST_CASE("the mean seek over random pairs of cylinders is the integral of the curve")
{
    const rotating_disk disk{rotating_disk_options()};
    constexpr std::uint64_t cylinders = 6962;
    double integral = 0; // distance d has probability 2 (C - d) / C^2
    for (std::uint64_t d = 1; d < cylinders; ++d)
        integral += static_cast<double>(disk.seek_time(d).raw()) *
                    static_cast<double>(2 * (cylinders - d)) / (6962.0 * 6962.0);
    CHECK(integral == doctest::Approx(5.44e9).epsilon(0.01)); // ps; the drive's own table

    std::mt19937_64 random(2006);
    constexpr unsigned samples = 50'000;
    double sum = 0;
    for (unsigned i = 0; i < samples; ++i) {
        const std::uint64_t from = random() % cylinders;
        const std::uint64_t to = random() % cylinders;
        sum += static_cast<double>(disk.seek_time(from > to ? from - to : to - from).raw());
    }
    CHECK(sum / samples == doctest::Approx(integral).epsilon(0.01));
}

TEST_CASE("an access starts when it was said it would, and moves the arm there")
{
    rotating_disk disk{rotating_disk_options()};
    std::mt19937_64 random(1);
    picoseconds now(0);
    std::uint64_t cylinder = 0;
    for (unsigned i = 0; i < 2000; ++i) {
        const sector_number s(random() % disk.capacity());
        const media_access kind = random() % 2 == 0 ? media_access::read : media_access::write;
        const picoseconds said = disk.would_start(now, s, kind);
        const sector_window window = disk.begin(now, s, kind);
        const std::uint64_t there = disk.geometry().find(s).cylinder;
        CHECK(window.start == said);
        CHECK(window.start >= now);
        CHECK(window.cylinders_moved == (there > cylinder ? there - cylinder : cylinder - there));
        CHECK(window.end > window.start);
        cylinder = there;
        now = window.end;
    }
}

TEST_CASE("the angle stays exact after months")
{
    rotating_disk disk{rotating_disk_options()};
    const picoseconds late(15'000'000'000'000'000'000U); // 173 days
    sector_window window = disk.begin(late, sector_number(0), media_access::read);
    CHECK(window.start - late < picoseconds(turn));
    for (unsigned i = 0; i < 200; ++i) {
        const picoseconds end = window.end;
        window = disk.next(end);
        CHECK(window.start == end);
    }
}

TEST_CASE("values out of range are refused")
{
    const auto refused = [](std::uint64_t rotating_disk_options::*which, std::uint64_t value) {
        rotating_disk_options options;
        options.*which = value;
        CHECK_THROWS_AS(rotating_disk{options}, std::invalid_argument);
    };
    refused(&rotating_disk_options::rpm, 0);
    refused(&rotating_disk_options::rpm, 1'000'001);
    refused(&rotating_disk_options::surfaces, 0);
    refused(&rotating_disk_options::seek_slope, ~std::uint64_t{0});
}
