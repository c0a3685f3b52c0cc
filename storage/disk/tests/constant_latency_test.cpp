#include "storage/disk/constant_latency.h"

#include <doctest/doctest.h>

#include <stdexcept>

using namespace mkclean;

TEST_CASE("a device of constant latency waits once an access and then streams")
{
    constant_latency_options options;
    options.read_latency = 100'000'000;
    options.write_latency = 200'000'000;
    options.bandwidth = 512'000'000;
    constant_latency device(options);

    sector_window window = device.begin(picoseconds(5), sector_number(9), media_access::read);
    CHECK(window.start == picoseconds(100'000'005));
    CHECK(window.end == picoseconds(101'000'005));
    window = device.next(window.end);
    CHECK(window.start == picoseconds(101'000'005));
    CHECK(window.end == picoseconds(102'000'005));
    CHECK(device.would_start(picoseconds(0), sector_number(1), media_access::write) ==
          picoseconds(200'000'000));
}

TEST_CASE("a device that moves nothing, or never gets there, is refused")
{
    constant_latency_options options;
    options.bandwidth = 0;
    CHECK_THROWS_AS(constant_latency{options}, std::invalid_argument);
    options = constant_latency_options();
    options.read_latency = ~std::uint64_t{0};
    CHECK_THROWS_AS(constant_latency{options}, std::invalid_argument);
}
