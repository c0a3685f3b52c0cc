#include "mmu/physical_memory.h"

#include <doctest/doctest.h>

#include <cstring>
#include <random>
#include <vector>

using namespace mkclean;

namespace
{

constexpr physical_address at(std::uint64_t address)
{
    return physical_address(address);
}

std::vector<std::byte> random_bytes(std::mt19937_64& random, std::size_t length)
{
    std::vector<std::byte> bytes(length);
    for (std::byte& b : bytes)
        b = std::byte(random());
    return bytes;
}

} // namespace

TEST_CASE("memory holds what was written, across frames, and zeros elsewhere")
{
    constexpr std::size_t size = 5 * page_size;
    std::mt19937_64 random(1);
    for (int round = 0; round < 20; ++round) {
        physical_memory memory(size);
        std::vector<std::byte> flat(size);
        for (int i = 0; i < 200; ++i) {
            const std::size_t where = random() % size;
            const std::size_t length = random() % std::min<std::size_t>(size - where, 9000) + 1;
            if (random() % 2 == 0) {
                const std::vector<std::byte> bytes = random_bytes(random, length);
                memory.write(at(where), bytes.data(), length);
                std::memcpy(&flat[where], bytes.data(), length);
            }
            std::vector<std::byte> read(length, std::byte{0xee});
            memory.read(at(where), read.data(), length);
            REQUIRE(std::memcmp(read.data(), &flat[where], length) == 0);
        }
        for (std::size_t f = 0; f < size / page_size; ++f)
            REQUIRE(std::memcmp(memory.frame(frame_number(f)), &flat[f * page_size], page_size) ==
                    0);
    }
}

TEST_CASE("a 64-bit word may lie across frames")
{
    physical_memory memory(2 * page_size);
    memory.write64(at(page_size - 3), 0x1122'3344'5566'7788);
    CHECK(memory.read64(at(page_size - 3)) == 0x1122'3344'5566'7788);
    CHECK(memory.frame(frame_number(0))[page_size - 3] == std::byte{0x88}); // little-endian
    CHECK(memory.frame(frame_number(1))[0] == std::byte{0x55});
}

TEST_CASE("memory has whole frames, and a frame stays where it is")
{
    physical_memory memory(3 * page_size + 1);
    CHECK(memory.frames() == 4);
    CHECK(memory.bytes() == 4 * page_size);
    const std::byte* const before = memory.frame(frame_number(2));
    memory.write64(at(0), 1);
    memory.write64(at(3 * page_size), 1);
    CHECK(memory.frame(frame_number(2)) == before);
}

TEST_CASE("nobody answers outside memory, and nothing is left of what reached past its end")
{
    constexpr std::uint64_t end = 2 * page_size;
    physical_memory memory(end);
    std::vector<std::byte> bytes(page_size, std::byte{7});
    CHECK_THROWS_AS(memory.frame(frame_number(2)), bus_error);
    CHECK_THROWS_AS(memory.write(at(end - 100), bytes.data(), 101), bus_error);
    for (std::uint64_t i = end - 100; i < end; ++i)
        REQUIRE(memory.frame(frame_number(1))[i - page_size] == std::byte{0});
    CHECK_THROWS_AS(memory.read(at(end), bytes.data(), 1), bus_error);
    CHECK_THROWS_AS(memory.read64(at(end - 7)), bus_error);
    CHECK_NOTHROW(memory.read64(at(end - 8)));
    CHECK_NOTHROW(memory.read(at(end), bytes.data(), 0));
    // Addresses whose sum with a length wraps around.
    CHECK_THROWS_AS(memory.write(at(~std::uint64_t{0} - 3), bytes.data(), 8), bus_error);
    CHECK_THROWS_AS(memory.read(at(8), bytes.data(), ~std::size_t{0}), bus_error);
    CHECK_FALSE(memory.contains(at(1), end));
    CHECK(memory.contains(at(0), end));
    try {
        memory.read64(at(end + 16));
    } catch (const bus_error& e) {
        CHECK(e.address == at(end + 16));
    }
}

TEST_CASE("the direct port takes its latency and does one thing at a time")
{
    physical_memory memory(page_size);
    direct_memory_port port(memory, picoseconds(70));
    std::uint64_t word = 5;
    CHECK(port.write(at(16), &word, 8) == picoseconds(70));
    word = 0;
    CHECK(port.read(at(16), &word, 8) == picoseconds(70));
    CHECK(word == 5);
    CHECK_THROWS_AS(port.read(at(page_size), &word, 8), bus_error);

    SUBCASE("a compare-exchange that finds what it expects writes")
    {
        bool exchanged = false;
        std::uint64_t expected = 5;
        CHECK(port.compare_exchange(at(16), expected, 9, exchanged) == picoseconds(70));
        CHECK(exchanged);
        CHECK(expected == 5);
        CHECK(memory.read64(at(16)) == 9);
    }
    SUBCASE("one that does not says what it found and leaves it")
    {
        bool exchanged = true;
        std::uint64_t expected = 6;
        port.compare_exchange(at(16), expected, 9, exchanged);
        CHECK_FALSE(exchanged);
        CHECK(expected == 5);
        CHECK(memory.read64(at(16)) == 5);
    }
}
