// touch's order is random as the seed says, and goes through all that it has.

#include "tb/tests/run_settings.h"
#include "tb/workload/touch.h"

#include <doctest/doctest.h>

#include <set>

using namespace mkclean;

namespace
{

constexpr std::uint64_t words_of_16_pages = 16 * page_size / sizeof(std::uint64_t);

std::vector<std::uint64_t> first_pages(scattered_order order)
{
    std::vector<std::uint64_t> pages;
    for (unsigned i = 0; i < 64; ++i)
        pages.push_back(order.next() * sizeof(std::uint64_t) / page_size);
    return pages;
}

/// Which translations 2 threads missed, and when, is all of their order that statistics show.
std::string found_with(const std::string& seed)
{
    json stats = run({{"workload.kind", "touch"},
                      {"seed", seed},
                      {"cores", "2"},
                      {"workload.threads", "0"},
                      {"workload.pages", "64"},
                      {"workload.operations", "2000"},
                      {"workload.sync_every", "500"},
                      {"tlb.entries", "16"}});
    return stats["tlb"].dump() + stats["time"].dump();
}

} // namespace

TEST_CASE("touch: every order comes to each word once a round")
{
    for (const std::uint64_t which : {0U, 1U, 2U, 64U, 999U, ~0U}) {
        CAPTURE(which);
        scattered_order order(words_of_16_pages, which);
        std::set<std::uint64_t> seen;
        for (std::uint64_t i = 0; i < words_of_16_pages; ++i)
            seen.insert(order.next());
        CHECK(seen.size() == words_of_16_pages);
        CHECK(*seen.rbegin() == words_of_16_pages - 1);
    }
}

TEST_CASE("touch: orders differ in more than the names of the pages")
{
    std::set<std::vector<bool>> comes_back;
    for (std::uint64_t which = 0; which < 100; ++which) {
        const std::vector<std::uint64_t> pages =
            first_pages(scattered_order(words_of_16_pages, which));
        std::vector<bool> again;
        std::set<std::uint64_t> seen;
        for (const std::uint64_t page : pages)
            again.push_back(!seen.insert(page).second);
        comes_back.insert(again);
    }
    CHECK(comes_back.size() > 90);
}

TEST_CASE("touch: a seed is an order, and another seed another")
{
    std::set<std::string> different;
    for (const char* const seed : {"0", "1", "2", "3", "18446744073709551615"}) {
        CAPTURE(seed);
        const std::string found = found_with(seed);
        CHECK(found == found_with(seed));
        different.insert(found);
    }
    CHECK(different.size() == 5);
}
