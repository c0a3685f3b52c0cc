#include "mmu/pte.h"
#include "mmu/tlb.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <list>
#include <map>
#include <random>

using namespace mkclean;

namespace
{

tlb_options geometry(std::uint64_t entries, std::uint64_t ways)
{
    tlb_options o;
    o.entries = entries;
    o.ways = ways;
    return o;
}

tlb_entry translation(std::uint64_t page, std::uint64_t frame, std::uint64_t space = 0)
{
    tlb_entry e;
    e.page = virtual_page(page);
    e.space = asid(space);
    e.frame = frame_number(frame);
    return e;
}

/// A TLB as lists, one a set, the most recently used entry first.
class reference_tlb
{
public:
    reference_tlb(std::uint64_t sets, std::uint64_t ways) : m_sets(sets), m_ways(ways) {}

    const tlb_entry* lookup(std::uint64_t page, std::uint64_t space)
    {
        std::list<tlb_entry>& set = m_lists[page % m_sets];
        const auto found = find(set, page, space);
        if (found == set.end())
            return nullptr;
        set.splice(set.begin(), set, found);
        return &set.front();
    }
    void insert(const tlb_entry& e)
    {
        std::list<tlb_entry>& set = m_lists[e.page.raw() % m_sets];
        const auto known = find(set, e.page.raw(), e.space.raw());
        if (known != set.end())
            set.erase(known);
        set.push_front(e);
        if (set.size() > m_ways) {
            set.pop_back();
            ++evictions;
        }
    }
    bool invalidate(std::uint64_t page, std::uint64_t space)
    {
        std::list<tlb_entry>& set = m_lists[page % m_sets];
        const auto found = find(set, page, space);
        if (found == set.end())
            return false;
        set.erase(found);
        return true;
    }
    void flush_all() { m_lists.clear(); }
    std::size_t size() const
    {
        std::size_t n = 0;
        for (const auto& [index, set] : m_lists)
            n += set.size();
        return n;
    }
    std::uint64_t evictions = 0;

private:
    static std::list<tlb_entry>::iterator find(std::list<tlb_entry>& set, std::uint64_t page,
                                               std::uint64_t space)
    {
        return std::find_if(set.begin(), set.end(), [=](const tlb_entry& e) {
            return e.page.raw() == page && e.space.raw() == space;
        });
    }
    std::uint64_t m_sets;
    std::uint64_t m_ways;
    std::map<std::uint64_t, std::list<tlb_entry>> m_lists;
};

std::size_t valid_entries(const tlb& t)
{
    std::size_t count = 0;
    t.for_each([&](const tlb_entry&) { ++count; });
    return count;
}

void compare_with_reference(std::uint64_t sets, std::uint64_t ways, std::uint64_t seed)
{
    CAPTURE(sets);
    CAPTURE(ways);
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    tlb real(geometry(sets * ways, ways));
    reference_tlb reference(sets, ways);
    std::uint64_t fills = 0;
    std::uint64_t flushed_pages = 0;
    std::uint64_t flushes = 0;
    for (int i = 0; i < 400; ++i) {
        const std::uint64_t page = random() % (2 * sets * ways + 1);
        const std::uint64_t space = random() % 2;
        const std::uint64_t dice = random() % 100;
        if (dice < 45) {
            const tlb_entry* const found = real.lookup(virtual_page(page), asid(space));
            const tlb_entry* const expected = reference.lookup(page, space);
            REQUIRE((found != nullptr) == (expected != nullptr));
            if (found == nullptr)
                continue;
            REQUIRE(found->page == virtual_page(page));
            REQUIRE(found->frame == expected->frame);
            REQUIRE(found->writable == expected->writable);
            REQUIRE(found->dirty == expected->dirty);
        } else if (dice < 85) {
            tlb_entry e = translation(page, random(), space);
            e.writable = random() % 2 == 0;
            e.dirty = random() % 2 == 0;
            const tlb_entry& inserted = real.insert(e);
            REQUIRE(inserted.valid);
            REQUIRE(inserted.frame == e.frame);
            reference.insert(e);
            ++fills;
        } else if (dice < 98) {
            const bool dropped = real.invalidate(virtual_page(page), asid(space));
            REQUIRE(dropped == reference.invalidate(page, space));
            flushed_pages += dropped ? 1U : 0U;
        } else {
            real.flush_all();
            reference.flush_all();
            ++flushes;
        }
        REQUIRE(valid_entries(real) == reference.size());
        REQUIRE(real.stats().evictions == reference.evictions);
    }
    REQUIRE(real.stats().fills == fills);
    REQUIRE(real.stats().flushed_pages == flushed_pages);
    REQUIRE(real.stats().flushes == flushes);
    REQUIRE(real.stats().hits == 0); // the MMU knows how often an answer was used
    REQUIRE(real.stats().misses == 0);
}

} // namespace

TEST_CASE("a TLB of any geometry is sets of lists, the least recently used entry last")
{
    for (const auto& [sets, ways] : std::vector<std::pair<std::uint64_t, std::uint64_t>>{
             {1, 1}, {1, 4}, {4, 1}, {3, 2}, {8, 4}, {16, 8}, {1, 64}})
        for (std::uint64_t seed = 0; seed < 100; ++seed)
            compare_with_reference(sets, ways, seed);
}

TEST_CASE("pages of one set drive each other out while other sets are empty")
{
    tlb t(geometry(8, 2)); // four sets
    for (const std::uint64_t page : {0U, 4U, 8U})
        t.insert(translation(page, page));
    CHECK(t.lookup(virtual_page(0), asid()) == nullptr);
    CHECK(t.lookup(virtual_page(4), asid()) != nullptr);
    CHECK(t.lookup(virtual_page(8), asid()) != nullptr);
    CHECK(t.stats().evictions == 1);
    t.lookup(virtual_page(4), asid()); // is younger now than 8
    t.insert(translation(12, 12));
    CHECK(t.lookup(virtual_page(4), asid()) != nullptr);
    CHECK(t.lookup(virtual_page(8), asid()) == nullptr);
}

TEST_CASE("a page that is filled again replaces its entry: there are never two")
{
    tlb t(geometry(4, 4));
    t.insert(translation(5, 1));
    tlb_entry again = translation(5, 1);
    again.writable = again.dirty = true;
    t.insert(again);
    CHECK(valid_entries(t) == 1);
    CHECK(t.lookup(virtual_page(5), asid())->dirty);
    CHECK(t.stats().evictions == 0);
    CHECK(t.invalidate(virtual_page(5), asid()));
    CHECK(t.lookup(virtual_page(5), asid()) == nullptr);
}

TEST_CASE("an invlpg that is broken leaves what the second level has")
{
    for (const bool broken : {false, true}) {
        tlb_options o = geometry(8, 8);
        o.l2_entries = 64;
        if (broken)
            o.invlpg = tlb_options::reach::first_level;
        tlb t(o);
        t.insert(translation(5, 1));
        CHECK(t.invalidate(virtual_page(5), asid()));
        CHECK(t.lookup(virtual_page(5), asid()) == nullptr);
        CHECK((t.promote(virtual_page(5), asid()) != nullptr) == broken);
        t.flush_all();
        CHECK(t.lookup(virtual_page(5), asid()) == nullptr);
        CHECK(t.promote(virtual_page(5), asid()) == nullptr);
    }
}

TEST_CASE("who goes may be who came first, however much it is used since, or walked for again")
{
    struct first_in final : tlb_replacement {
        std::size_t victim(const tlb_entry* set, std::size_t ways) override
        {
            return std::size_t(std::min_element(set, set + ways,
                                                [](const tlb_entry& a, const tlb_entry& b) {
                                                    return a.filled < b.filled;
                                                }) -
                               set);
        }
    };
    static const tlb_replacement_kind fifo{"fifo", "first in, first out",
                                           [](std::uint64_t) -> std::unique_ptr<tlb_replacement> {
                                               return std::make_unique<first_in>();
                                           }};
    tlb_options o = geometry(8, 8);
    o.replacement = &fifo;
    tlb t(o);
    std::list<std::uint64_t> queue;
    std::mt19937_64 random(3);
    for (int i = 0; i < 20'000; ++i) {
        const std::uint64_t page = random() % 12;
        const bool known = std::find(queue.begin(), queue.end(), page) != queue.end();
        REQUIRE((t.lookup(virtual_page(page), asid()) != nullptr) == known);
        if (known && random() % 4 != 0)
            continue;
        t.insert(translation(page, page));
        if (!known)
            queue.push_back(page);
        if (queue.size() > 8)
            queue.pop_front();
    }
}

TEST_CASE("a freed way is used before anybody is evicted")
{
    tlb t(geometry(4, 4));
    for (std::uint64_t page = 0; page < 4; ++page)
        t.insert(translation(page, page));
    t.invalidate(virtual_page(3), asid());
    t.insert(translation(9, 9));
    CHECK(t.stats().evictions == 0);
    for (std::uint64_t page = 0; page < 3; ++page)
        CHECK(t.lookup(virtual_page(page), asid()) != nullptr);
}

TEST_CASE("an entry reads as the PTE bits that it caches")
{
    tlb_entry e;
    e.writable = e.dirty = true;
    CHECK(e.raw() == 0); // nothing is cached
    e.valid = true;
    CHECK(e.raw() == (pte::present_bit | pte::write_bit | pte::dirty_bit));
    e.writable = false;
    CHECK(e.raw() == (pte::present_bit | pte::dirty_bit));
    e.dirty = false;
    CHECK(e.raw() == pte::present_bit);
}
