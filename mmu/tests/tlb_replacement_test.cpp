// Who goes when a set is full: tree-PLRU against the textbook's tree of bits, random against
// chance.

#include "mmu/tlb.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <vector>

using namespace mkclean;

namespace
{

tlb_options one_array(const tlb_replacement_kind& kind, std::uint64_t sets, std::uint64_t ways)
{
    tlb_options o;
    o.entries = sets * ways;
    o.ways = ways;
    o.replacement = &kind;
    return o;
}

tlb_entry translation(std::uint64_t page)
{
    tlb_entry e;
    e.page = virtual_page(page);
    e.frame = frame_number(page);
    return e;
}

/// One set as hardware has it: ways, and ways-1 bits in a binary tree, node 1 the root, the
/// children of node n being 2n and 2n+1. A bit of 1 says that the next victim is on the right.
/// * A use of a way, be it a hit or a fill, makes every bit on the way down point away from it.
/// * A victim is looked for only if no way is free; the first free one is taken otherwise, without
///   a look at the bits, and that is a use as any other.
/// * An invalidation leaves the bits alone.
class textbook_set
{
public:
    explicit textbook_set(std::size_t ways) : m_pages(ways), m_bits(ways, false) {}

    bool hit(std::uint64_t page)
    {
        const auto at = find(page);
        if (at == m_pages.end())
            return false;
        use(std::size_t(at - m_pages.begin()));
        return true;
    }
    /// Who had to go.
    std::optional<std::uint64_t> fill(std::uint64_t page)
    {
        if (hit(page))
            return std::nullopt;
        const auto unused = std::find(m_pages.begin(), m_pages.end(), std::nullopt);
        const std::size_t way =
            unused != m_pages.end() ? std::size_t(unused - m_pages.begin()) : victim();
        const std::optional<std::uint64_t> gone = m_pages[way];
        m_pages[way] = page;
        use(way);
        return gone;
    }
    void invalidate(std::uint64_t page)
    {
        std::replace(m_pages.begin(), m_pages.end(), std::optional(page),
                     std::optional<std::uint64_t>());
    }
    void flush() { std::fill(m_pages.begin(), m_pages.end(), std::nullopt); }

private:
    std::vector<std::optional<std::uint64_t>>::iterator find(std::uint64_t page)
    {
        return std::find(m_pages.begin(), m_pages.end(), std::optional(page));
    }
    std::size_t victim() const
    {
        std::size_t node = 1;
        while (node < m_pages.size())
            node = 2 * node + (m_bits[node] ? 1 : 0);
        return node - m_pages.size();
    }
    // From the leaf up: a bit is set if who was used is on the left.
    void use(std::size_t way)
    {
        for (std::size_t node = way + m_pages.size(); node > 1; node /= 2)
            m_bits[node / 2] = node % 2 == 0;
    }

    std::vector<std::optional<std::uint64_t>> m_pages;
    std::vector<bool> m_bits;
};

std::uint64_t compare_with_textbook(std::size_t ways, std::uint64_t seed)
{
    CAPTURE(ways);
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    const std::uint64_t sets = 1 + random() % 2;
    tlb real(one_array(tree_plru_replacement, sets, ways));
    std::vector<textbook_set> textbook(sets, textbook_set(ways));
    const std::uint64_t pages = sets * (ways + 1 + random() % ways);
    const std::uint64_t invalidations = random() % 3 * 5; // in %; none, some, many
    std::uint64_t victims = 0;
    for (int i = 0; i < 200; ++i) {
        const std::uint64_t page = random() % pages;
        textbook_set& set = textbook[page % sets];
        const std::uint64_t dice = random() % 100;
        if (dice < invalidations) {
            real.invalidate(virtual_page(page), asid());
            set.invalidate(page);
        } else if (invalidations > 0 && dice == 99) {
            real.flush_all();
            for (textbook_set& s : textbook)
                s.flush();
        } else if (dice < 30) { // a fill, of what is there as well: D has to be set, say
            const std::uint64_t evictions = real.stats().evictions;
            real.insert(translation(page));
            const std::optional<std::uint64_t> gone = set.fill(page);
            REQUIRE(real.stats().evictions - evictions == (gone ? 1 : 0));
            victims += gone ? 1U : 0U;
        } else {
            const bool hit = real.lookup(virtual_page(page), asid()) != nullptr;
            REQUIRE(hit == set.hit(page));
            if (!hit) {
                real.insert(translation(page));
                const std::optional<std::uint64_t> gone = set.fill(page);
                victims += gone ? 1U : 0U;
                if (gone) // a look must not be a use: for_each is none
                    real.for_each([&](const tlb_entry& e) { REQUIRE(e.page.raw() != *gone); });
            }
        }
    }
    return victims;
}

std::vector<std::size_t> victims_of(const tlb_replacement_kind& kind, std::uint64_t seed,
                                    std::size_t ways, std::size_t number)
{
    const std::vector<tlb_entry> set(ways);
    const std::unique_ptr<tlb_replacement> policy = kind.make(seed);
    std::vector<std::size_t> all(number);
    std::generate(all.begin(), all.end(), [&] { return policy->victim(set.data(), ways); });
    return all;
}

/// Pearson's statistic of counts that should all be equal.
double chi_square(const std::vector<std::uint64_t>& counts)
{
    double sum = 0;
    for (const std::uint64_t n : counts)
        sum += double(n);
    const double expected = sum / double(counts.size());
    double statistic = 0;
    for (const std::uint64_t n : counts)
        statistic += (double(n) - expected) * (double(n) - expected) / expected;
    return statistic;
}

/// The quantile of chi-square that one in 10 000 samples is above, by ways - 1 degrees of freedom.
const std::map<std::size_t, double> chi_square_bounds{{2, 15.14}, {3, 18.42}, {4, 21.11},
                                                      {7, 27.86}, {8, 29.88}, {16, 44.26}};

/// Drives fills of ever new pages through a full TLB, and counts who goes where: entries stay in
/// place, so that the distance to the first of a set is the way.
std::vector<std::uint64_t> ways_filled(std::uint64_t seed, std::size_t ways, std::uint64_t fills)
{
    tlb_options o = one_array(random_replacement, 1, ways);
    o.seed = seed;
    tlb t(o);
    const tlb_entry* const first = &t.insert(translation(0));
    for (std::uint64_t page = 1; page < ways; ++page)
        t.insert(translation(page));
    std::vector<std::uint64_t> counts(ways);
    for (std::uint64_t i = 0; i < fills; ++i)
        ++counts.at(std::size_t(&t.insert(translation(ways + i)) - first));
    CHECK(t.stats().evictions == fills);
    return counts;
}

std::set<std::uint64_t> pages_left(std::uint64_t seed)
{
    tlb_options o = one_array(random_replacement, 4, 8);
    o.seed = seed;
    tlb t(o);
    for (std::uint64_t page = 0; page < 100; ++page)
        t.insert(translation(page));
    std::set<std::uint64_t> left;
    t.for_each([&](const tlb_entry& e) { left.insert(e.page.raw()); });
    return left;
}

} // namespace

TEST_CASE("tree-PLRU goes by times of use as the textbook does by its tree of bits")
{
    for (const std::size_t ways : {1U, 2U, 4U, 8U, 16U, 32U}) {
        std::uint64_t victims = 0;
        for (std::uint64_t seed = 0; seed < 2000; ++seed)
            victims += compare_with_textbook(ways, seed);
        CHECK(victims > 40'000);
    }
}

TEST_CASE("tree-PLRU is not LRU: the way used before the last may go")
{
    tlb t(one_array(tree_plru_replacement, 1, 4));
    for (std::uint64_t page = 0; page < 4; ++page)
        t.insert(translation(page));
    // 3 points the root to the left, where 0 was used after 1. Nobody has asked for 2 yet.
    for (const std::uint64_t page : {1U, 0U, 3U})
        t.lookup(virtual_page(page), asid());
    t.insert(translation(4));
    CHECK(t.lookup(virtual_page(1), asid()) == nullptr);
    CHECK(t.lookup(virtual_page(2), asid()) != nullptr);
}

TEST_CASE("random replacement takes every way about equally often")
{
    for (const auto& [ways, bound] : chi_square_bounds) {
        CAPTURE(ways);
        for (const std::uint64_t seed : {1U, 2U, 77U}) {
            CAPTURE(seed);
            std::vector<std::uint64_t> counts(ways);
            for (const std::size_t way : victims_of(random_replacement, seed, ways, 20'000))
                ++counts.at(way);
            CHECK(chi_square(counts) < bound);
            CHECK(chi_square(ways_filled(seed, ways, 20'000)) < bound);
        }
    }
}

// Equal counts alone would let a round robin through.
TEST_CASE("random replacement takes every way about equally often after any other")
{
    constexpr std::size_t ways = 4;
    std::vector<std::uint64_t> pairs(ways * ways);
    const std::vector<std::size_t> victims = victims_of(random_replacement, 3, ways, 40'000);
    for (std::size_t i = 1; i < victims.size(); ++i)
        ++pairs.at(victims[i - 1] * ways + victims[i]);
    CHECK(chi_square(pairs) < chi_square_bounds.at(16));
}

TEST_CASE("random replacement is the same for a seed and another for another")
{
    const auto victims = [](std::uint64_t seed) {
        return victims_of(random_replacement, seed, 8, 64);
    };
    std::set<std::vector<std::size_t>> different;
    std::set<std::set<std::uint64_t>> different_tlbs;
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        CHECK(victims(seed) == victims(seed));
        CHECK(pages_left(seed) == pages_left(seed));
        different.insert(victims(seed));
        different_tlbs.insert(pages_left(seed));
    }
    CHECK(different.size() == 50);
    CHECK(different_tlbs.size() == 50);
}

TEST_CASE(
    "the levels of one TLB draw by themselves: who goes from the first may stay in the second")
{
    tlb_options o = one_array(random_replacement, 1, 8);
    o.l2_entries = o.l2_ways = 8;
    tlb t(o);
    for (std::uint64_t page = 0; page < 1000; ++page)
        t.insert(translation(page));
    std::uint64_t only_in_second = 0;
    for (std::uint64_t page = 0; page < 1000; ++page)
        if (t.lookup(virtual_page(page), asid()) == nullptr)
            only_in_second += t.promote(virtual_page(page), asid()) != nullptr ? 1U : 0U;
    CHECK(only_in_second > 0);
}

TEST_CASE("a free way is used before anybody goes, whoever it is that would choose")
{
    for (const tlb_replacement_kind* kind : tlb_options().replacements) {
        CAPTURE(kind->name);
        for (std::uint64_t hole = 0; hole < 8; ++hole) {
            tlb t(one_array(*kind, 1, 8));
            for (std::uint64_t page = 0; page < 8; ++page)
                t.insert(translation(page));
            t.invalidate(virtual_page(hole), asid());
            t.insert(translation(8));
            CHECK(t.stats().evictions == 0);
            for (std::uint64_t page = 0; page <= 8; ++page)
                CHECK((t.lookup(virtual_page(page), asid()) != nullptr) == (page != hole));
        }
    }
}
