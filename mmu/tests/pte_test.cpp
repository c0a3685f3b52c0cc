#include "mmu/pte.h"

#include <doctest/doctest.h>

#include <random>

using namespace mkclean;

TEST_CASE("a PTE's bits are where the manual puts them")
{
    // Intel SDM vol. 3, table 4-20.
    CHECK(pte(0x01).present());
    CHECK(pte(0x02).writable());
    CHECK(pte(0x20).accessed());
    CHECK(pte(0x40).dirty());
    CHECK(pte(0x1234'5000).frame() == frame_number(0x12345));
    CHECK(pte().none());
    CHECK_FALSE(pte(0x40).none());                         // a stray D bit is not nothing
    CHECK(pte::of_page(frame_number(7)).raw() == 0x7025);  // P U A
    CHECK(pte::of_table(frame_number(7)).raw() == 0x7007); // P W U
}

TEST_CASE("whatever else is in a PTE, each operation changes its own bit only")
{
    std::mt19937_64 random(1);
    for (int i = 0; i < 10'000; ++i) {
        const std::uint64_t raw = random();
        const pte entry(raw);
        REQUIRE(entry.mkdirty().raw() == (raw | 0x40));
        REQUIRE(entry.mkclean().raw() == (raw & ~0x40ull));
        REQUIRE(entry.mkyoung().raw() == (raw | 0x20));
        REQUIRE(entry.mkold().raw() == (raw & ~0x20ull));
        REQUIRE(entry.mkwrite().raw() == (raw | 0x02));
        REQUIRE(entry.wrprotect().raw() == (raw & ~0x02ull));
        REQUIRE(entry.frame().raw() == (raw >> 12 & 0xff'ffff'ffff));
        REQUIRE(entry.none() == (raw == 0));
        REQUIRE(entry.present() == (raw % 2 == 1));
        REQUIRE((entry == pte(raw ^ 1)) == false);
        REQUIRE((entry != pte(raw ^ 1)));

        const frame_number frame(random() >> 24);
        REQUIRE(pte::of_page(frame).frame() == frame);
        REQUIRE(pte::of_table(frame).frame() == frame);
    }
}

TEST_CASE("people read a PTE as its P, W and D")
{
    CHECK(show_pte(0) == "---");
    CHECK(show_pte(0x01) == "P--");
    CHECK(show_pte(0x02) == "-W-");
    CHECK(show_pte(0x40) == "--D");
    CHECK(show_pte(~std::uint64_t{0}) == "PWD");
    CHECK(show_pte_change(0x43, 0x01) == "PTE PWD -> P--");
}
