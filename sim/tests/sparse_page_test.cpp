#include "sim/sparse_page.h"

#include <doctest/doctest.h>

#include <random>

using namespace mkclean;

TEST_CASE("a sparse page is an array of bytes that takes memory only where it is not zeros")
{
    for (unsigned seed = 0; seed < 500; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        sparse_page page;
        page_bytes model{};
        for (unsigned i = 0; i < 40; ++i) {
            const std::size_t offset = random() % page_size;
            const std::size_t length = random() % (random() % 4 == 0 ? page_size - offset + 1 : 9) %
                                       (page_size - offset + 1);
            page_bytes bytes{};
            if (random() % 3 > 0)
                for (std::size_t b = 0; b < length; ++b)
                    bytes[b] = static_cast<std::byte>(random() % 3);
            page.write(offset, bytes.data(), length);
            std::copy_n(bytes.begin(), length, model.begin() + static_cast<std::ptrdiff_t>(offset));
            if (random() % 20 == 0) {
                page.zero_from(offset);
                std::fill(model.begin() + static_cast<std::ptrdiff_t>(offset), model.end(),
                          std::byte{});
            }
            REQUIRE(page.all() == model);
            REQUIRE(same(model, page));
            REQUIRE(page[offset] == model[offset]);
            REQUIRE(page.equals(model.data() + offset, offset, length));
            model[offset] ^= std::byte{1};
            REQUIRE_FALSE(same(model, page));
            model[offset] ^= std::byte{1};
        }
    }
}

TEST_CASE("a word costs a sector, and zeros cost nothing")
{
    sparse_page page;
    const page_bytes zeros{};
    page.write(0, zeros.data(), page_size);
    CHECK(page.resident_bytes() == 0);
    CHECK(page.find(8, 8) == nullptr);
    const std::uint64_t word = 1;
    page.write(520, &word, sizeof word);
    CHECK(page.resident_bytes() == sector_size);
    CHECK(page.find(520, 8) != nullptr);
    CHECK(page.find(1020, 8) == nullptr); // crosses into the next
    page.zero_from(512);
    CHECK(page.resident_bytes() == 0);
}
