// A TLB of two levels, pages of three sizes and several address spaces against a model that has
// nothing to do with how it is made: lists that are searched from end to end.

#include "mmu/tlb.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <list>
#include <map>
#include <memory>
#include <random>
#include <tuple>
#include <vector>

using namespace mkclean;

namespace
{

constexpr std::array<page_order, 3> orders{page_order::small, page_order::mega, page_order::giga};

/// What there is to know of an entry.
using fact = std::tuple<std::uint64_t /*order*/, std::uint64_t /*page*/, std::uint64_t /*space*/,
                        bool /*global*/, std::uint64_t /*frame*/, bool /*W*/, bool /*D*/>;

fact fact_of(const tlb_entry& e)
{
    return {static_cast<unsigned>(e.order),
            e.page.raw(),
            e.space.raw(),
            e.global,
            e.frame.raw(),
            e.writable,
            e.dirty};
}

/// Written anew, in bytes instead of shifted page numbers, so as not to share a mistake.
bool covers(const tlb_entry& e, std::uint64_t page, std::uint64_t space)
{
    const std::uint64_t size = e.order == page_order::small  ? 0x1000
                               : e.order == page_order::mega ? 0x20'0000
                                                             : 0x4000'0000;
    const std::uint64_t va = page * 0x1000;
    const std::uint64_t begin = e.page.raw() * 0x1000;
    return begin <= va && va < begin + size && (e.global || e.space.raw() == space);
}

/// A set-associative array under LRU: a list for each set, the latest used first.
struct model_array {
    std::uint64_t sets = 1;
    std::uint64_t ways = 1;
    std::map<std::uint64_t, std::list<tlb_entry>> lists;
    std::uint64_t evictions = 0;

    std::list<tlb_entry>& list_of(const tlb_entry& e)
    {
        return lists[e.page.raw() / pages_of(e.order) % sets];
    }
    void put(const tlb_entry& e)
    {
        std::list<tlb_entry>& list = list_of(e);
        const auto same = [&](const tlb_entry& other) {
            return other.order == e.order && covers(other, e.page.raw(), e.space.raw());
        };
        list.remove_if(same);
        if (list.size() == ways) {
            list.pop_back();
            ++evictions;
        }
        list.push_front(e);
    }
    void use(const tlb_entry& e)
    {
        std::list<tlb_entry>& list = list_of(e);
        const auto at = std::find_if(list.begin(), list.end(), [&](const tlb_entry& other) {
            return fact_of(other) == fact_of(e);
        });
        REQUIRE(at != list.end());
        list.splice(list.begin(), list, at);
    }
    template <class Which>
    std::size_t remove_if(Which which)
    {
        std::size_t removed = 0;
        for (auto& [index, list] : lists) {
            const std::size_t before = list.size();
            list.remove_if(which);
            removed += before - list.size();
        }
        return removed;
    }
    template <class See>
    void for_each(See see) const
    {
        for (const auto& [index, list] : lists)
            for (const tlb_entry& e : list)
                see(e);
    }
    /// Which of several entries for one page answers is hardware's choice (SDM vol. 3, 4.10.2.3):
    /// all that could.
    std::vector<fact> answers(std::uint64_t page, std::uint64_t space) const
    {
        std::vector<fact> all;
        for_each([&](const tlb_entry& e) {
            if (covers(e, page, space))
                all.push_back(fact_of(e));
        });
        return all;
    }
};

struct model_tlb {
    /// The first level's: for small, mega, giga; those that are shared are null.
    std::array<std::unique_ptr<model_array>, 3> first;
    std::unique_ptr<model_array> second;
    page_order second_holds = page_order::giga;

    explicit model_tlb(const tlb_options& o) : second_holds(o.l2_holds)
    {
        const auto array = [](std::uint64_t entries, std::uint64_t ways) {
            auto made = std::make_unique<model_array>();
            made->ways = ways;
            made->sets = ways == 0 ? 0 : entries / ways;
            return entries == 0 ? nullptr : std::move(made);
        };
        first = {array(o.entries, o.ways), array(o.entries_2m, o.ways_2m),
                 array(o.entries_1g, o.ways_1g)};
        second = array(o.l2_entries, o.l2_ways);
    }
    model_array& first_for(page_order order)
    {
        std::size_t i = order == page_order::giga ? 2 : order == page_order::mega ? 1U : 0U;
        while (first.at(i) == nullptr)
            --i;
        return *first.at(i);
    }
    template <class F>
    void for_each_array(F f)
    {
        for (const auto& a : first)
            if (a != nullptr)
                f(*a);
        if (second != nullptr)
            f(*second);
    }
    template <class Which>
    std::size_t remove_if(Which which)
    {
        std::size_t removed = 0;
        for_each_array([&](model_array& a) { removed += a.remove_if(which); });
        return removed;
    }
    std::vector<fact> first_answers(std::uint64_t page, std::uint64_t space) const
    {
        std::vector<fact> all;
        for (const auto& a : first)
            if (a != nullptr)
                for (const fact& f : a->answers(page, space))
                    all.push_back(f);
        return all;
    }
    std::vector<fact> everything()
    {
        std::vector<fact> all;
        for_each_array([&](model_array& a) {
            a.for_each([&](const tlb_entry& e) { all.push_back(fact_of(e)); });
        });
        std::sort(all.begin(), all.end());
        return all;
    }
    std::uint64_t first_evictions() const
    {
        std::uint64_t n = 0;
        for (const auto& a : first)
            n += a != nullptr ? a->evictions : 0;
        return n;
    }
    void insert(const tlb_entry& e, std::uint64_t walked)
    {
        // The frame is new: nothing else is the entry itself.
        if (second != nullptr && e.order <= second_holds)
            second->put(e);
        first_for(e.order).put(e);
        remove_if([&](const tlb_entry& other) {
            return covers(other, walked, e.space.raw()) && other.frame != e.frame;
        });
    }
};

std::vector<fact> everything(const tlb& t)
{
    std::vector<fact> all;
    t.for_each([&](const tlb_entry& e) { all.push_back(fact_of(e)); });
    std::sort(all.begin(), all.end());
    return all;
}

bool contains(const std::vector<fact>& all, const fact& one)
{
    return std::find(all.begin(), all.end(), one) != all.end();
}

constexpr std::uint64_t spaces = 3;

/// Few pages, but in every position that matters: next to each other, and in several 2 MiB and 1
/// GiB.
std::uint64_t any_page(std::mt19937_64& random)
{
    return random() % 3 << 18 | random() % 3 << 9 | random() % 7;
}

tlb_entry any_translation(std::mt19937_64& random, std::uint64_t page, std::uint64_t frame)
{
    tlb_entry e;
    const std::uint64_t dice = random() % 10;
    e.order = orders.at(dice < 6 ? 0 : dice < 9 ? 1 : 2);
    e.page = virtual_page(page & ~(pages_of(e.order) - 1));
    e.space = asid(random() % spaces);
    e.frame = frame_number(frame);
    e.writable = random() % 2 == 0;
    e.dirty = random() % 2 == 0;
    return e;
}

/// The upper GiB is the kernel's, and global, as it is on x86.
bool is_kernel(std::uint64_t page)
{
    return page >> 18 == 2;
}

tlb_options any_geometry(std::mt19937_64& random)
{
    const auto few = [&](std::uint64_t n) { return 1 + random() % n; };
    tlb_options o;
    o.ways = few(4);
    o.entries = o.ways * few(5);
    o.ways_2m = few(3);
    o.entries_2m = random() % 2 == 0 ? 0 : o.ways_2m * few(3);
    o.ways_1g = few(2);
    o.entries_1g = random() % 2 == 0 ? 0 : o.ways_1g * few(2);
    o.l2_ways = few(6);
    o.l2_entries = random() % 4 == 0 ? 0 : o.l2_ways * few(6);
    o.l2_holds = orders.at(random() % orders.size());
    return o;
}

/// How often each thing was seen: a comparison in which nothing happens is worth nothing.
struct tally {
    std::uint64_t first_hits = 0;
    std::uint64_t second_hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t global_hits = 0;
    std::uint64_t large_hits = 0;
    std::uint64_t choices = 0; ///< several entries could have answered
    std::uint64_t evictions = 0;
    std::uint64_t l2_evictions = 0;
    std::uint64_t invalidated = 0;
};

void compare_with_model(std::uint64_t seed, tally& all)
{
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    const tlb_options o = any_geometry(random);
    tlb real(o);
    model_tlb model(o);
    std::uint64_t frame = 0;
    std::uint64_t fills = 0;
    std::uint64_t flushed_pages = 0;
    std::uint64_t flushes = 0;

    // As the MMU does it: the first level, then the second.
    const auto access = [&](std::uint64_t page, std::uint64_t space) {
        const std::vector<fact> expected = model.first_answers(page, space);
        const tlb_entry* const found = real.lookup(virtual_page(page), asid(space));
        REQUIRE((found != nullptr) == !expected.empty());
        if (found != nullptr) {
            REQUIRE(found->valid);
            REQUIRE(contains(expected, fact_of(*found)));
            model.first_for(found->order).use(*found);
            ++all.first_hits;
            all.choices += expected.size() > 1 ? 1U : 0U;
            all.global_hits += found->space.raw() != space ? 1U : 0U;
            all.large_hits += found->order != page_order::small ? 1U : 0U;
            return;
        }
        const std::vector<fact> second =
            model.second != nullptr ? model.second->answers(page, space) : std::vector<fact>();
        const tlb_entry* const promoted = real.promote(virtual_page(page), asid(space));
        REQUIRE((promoted != nullptr) == !second.empty());
        if (promoted == nullptr) {
            ++all.misses;
            return;
        }
        REQUIRE(contains(second, fact_of(*promoted)));
        model.second->use(*promoted);
        model.first_for(promoted->order).put(*promoted);
        REQUIRE(real.lookup(virtual_page(page), asid(space)) == promoted);
        ++all.second_hits;
        all.large_hits += promoted->order != page_order::small ? 1U : 0U;
    };

    for (int i = 0; i < 300; ++i) {
        const std::uint64_t page = any_page(random);
        const std::uint64_t space = random() % spaces;
        const std::uint64_t dice = random() % 100;
        if (dice < 55) {
            access(page, space);
        } else if (dice < 90) {
            tlb_entry e = any_translation(random, page, ++frame);
            e.global = is_kernel(page);
            const tlb_entry& inserted = real.insert(e, virtual_page(page));
            model.insert(e, page);
            REQUIRE(inserted.valid);
            REQUIRE(fact_of(inserted) == fact_of(e));
            REQUIRE(real.lookup(virtual_page(page), e.space) == &inserted);
            ++fills;
        } else if (dice < 96) {
            const std::size_t dropped =
                model.remove_if([=](const tlb_entry& e) { return covers(e, page, space); });
            REQUIRE(real.invalidate(virtual_page(page), asid(space)) == (dropped > 0));
            flushed_pages += dropped > 0 ? 1U : 0U;
            all.invalidated += dropped;
        } else if (dice == 96) {
            real.flush_all();
            model.remove_if([](const tlb_entry&) { return true; });
            ++flushes;
        } else if (dice == 97) {
            real.flush_non_global();
            model.remove_if([](const tlb_entry& e) { return !e.global; });
            ++flushes;
        } else {
            real.flush_space(asid(space));
            model.remove_if(
                [=](const tlb_entry& e) { return !e.global && e.space.raw() == space; });
            ++flushes;
        }
        REQUIRE(everything(real) == model.everything());
        REQUIRE(real.stats().evictions == model.first_evictions());
        REQUIRE(real.stats().l2_evictions ==
                (model.second != nullptr ? model.second->evictions : 0));
    }
    CHECK(real.stats().fills == fills);
    CHECK(real.stats().flushed_pages == flushed_pages);
    CHECK(real.stats().flushes == flushes);
    CHECK(real.has_second_level() == (o.l2_entries > 0));
    all.evictions += real.stats().evictions;
    all.l2_evictions += real.stats().l2_evictions;
}

} // namespace

TEST_CASE("a TLB of two levels, three page sizes and any split is lists, the latest used first")
{
    tally all;
    for (std::uint64_t seed = 0; seed < 3000; ++seed)
        compare_with_model(seed, all);
    for (const std::uint64_t seen :
         {all.first_hits, all.second_hits, all.misses, all.global_hits, all.large_hits, all.choices,
          all.evictions, all.l2_evictions, all.invalidated})
        CHECK(seen > 3000);
}

// A clean entry that survived in some array would send the next store to walk again, for ever.
// Here pages are small or large, global or not from one insertion to the next, as after a kernel
// that forgot to flush.
TEST_CASE("what was walked for is what the next lookup finds, whatever mapped the page before")
{
    for (const tlb_replacement_kind* kind : tlb_options().replacements) {
        CAPTURE(kind->name);
        for (std::uint64_t seed = 0; seed < 500; ++seed) {
            CAPTURE(seed);
            std::mt19937_64 random(seed);
            tlb_options o = any_geometry(random);
            o.replacement = kind;
            o.seed = seed;
            for (std::uint64_t* ways : {&o.ways, &o.ways_2m, &o.ways_1g, &o.l2_ways})
                *ways = 1;
            o.entries = 4 * (o.ways = 4);
            if (o.l2_entries > 0)
                o.l2_entries = 4 * (o.l2_ways = 8);
            tlb t(o);
            for (std::uint64_t i = 0; i < 300; ++i) {
                const std::uint64_t page = any_page(random);
                tlb_entry e = any_translation(random, page, i);
                e.global = random() % 4 == 0;
                const tlb_entry& inserted = t.insert(e, virtual_page(page));
                REQUIRE(t.lookup(virtual_page(page), e.space) == &inserted);
                std::size_t others = 0;
                t.for_each([&](const tlb_entry& other) {
                    if (covers(other, page, e.space.raw()) && other.frame != e.frame)
                        ++others;
                });
                REQUIRE(others == 0);
                // Others in between: the host's shortcuts are to be filled as well.
                for (int k = 0; k < 5; ++k) {
                    const virtual_page some(any_page(random));
                    const asid space(random() % spaces);
                    if (t.lookup(some, space) == nullptr)
                        t.promote(some, space);
                }
            }
        }
    }
}
