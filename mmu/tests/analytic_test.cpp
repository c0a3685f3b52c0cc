// What TLBs and walks must do on the average, or exactly, by a formula that has nothing to do with
// how they are made. Each formula is derived where it is used. Figures that chance has a hand in
// have to be within 1 %: the runs are so long that the standard deviation is a quarter of that at
// most.

#include "mmu/tests/metered_actor.h"
#include "mmu/tests/mmu_rig.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <list>
#include <random>
#include <vector>

using namespace mkclean;

namespace
{

constexpr access_kind load = access_kind::load;
constexpr access_kind store = access_kind::store;

tlb_options array_of(const tlb_replacement_kind& kind, std::uint64_t entries, std::uint64_t ways)
{
    tlb_options o;
    o.entries = entries;
    o.ways = ways;
    o.replacement = &kind;
    return o;
}

tlb_options fully_associative(const tlb_replacement_kind& kind, std::uint64_t entries)
{
    return array_of(kind, entries, entries);
}

tlb_entry translation(std::uint64_t page)
{
    tlb_entry e;
    e.page = virtual_page(page);
    e.frame = frame_number(page);
    return e;
}

/// Counts as an MMU would, without its walks.
struct access_counts {
    double accesses = 0;
    double first_hits = 0;
    double second_hits = 0;

    double hit_rate() const { return first_hits / accesses; }
    double second_hit_rate() const { return second_hits / (accesses - first_hits); }
};

/// `next()` says which page is accessed; the first `warm_up` accesses do not count.
template <class Next>
access_counts simulate(const tlb_options& o, std::uint64_t warm_up, std::uint64_t accesses,
                       Next&& next)
{
    tlb t(o);
    access_counts counts;
    for (std::uint64_t i = 0; i < warm_up + accesses; ++i) {
        const virtual_page page(next());
        const bool first = t.lookup(page, asid()) != nullptr;
        const bool second = !first && t.promote(page, asid()) != nullptr;
        if (!first && !second)
            t.insert(translation(page.raw()));
        if (i < warm_up)
            continue;
        ++counts.accesses;
        counts.first_hits += first ? 1 : 0;
        counts.second_hits += second ? 1 : 0;
    }
    return counts;
}

auto uniform_pages(std::uint64_t pages, std::uint64_t seed)
{
    return [pages, random = std::mt19937_64(seed)]() mutable { return random() % pages; };
}

auto cyclic_pages(std::uint64_t pages)
{
    return [pages, next = std::uint64_t{0}]() mutable { return next++ % pages; };
}

bool within_one_percent(double measured, double expected)
{
    return std::abs(measured - expected) <= 0.01 * expected;
}

#define CHECK_WITHIN_1_PERCENT(measured, expected)                                                 \
    do {                                                                                           \
        INFO("measured ", (measured), ", expected ", (expected));                                  \
        CHECK(within_one_percent(measured, expected));                                             \
    } while (false)

} // namespace

// ---- uniformly random accesses ------------------------------------------------------------------

// The independent reference model (King, "Analysis of demand paging algorithms", 1971) with equal
// probabilities 1/N: a full TLB holds K different pages, whichever they are, and the next page is
// drawn without regard to that. So it hits with K/N under every replacement.
TEST_CASE("analytic: uniform accesses to N pages hit K entries K/N of the time, whoever goes")
{
    for (const tlb_replacement_kind* kind : tlb_options().replacements)
        for (const auto& [entries, pages] :
             std::vector<std::pair<std::uint64_t, std::uint64_t>>{{16, 32}, {64, 80}, {64, 256}}) {
            CAPTURE(kind->name);
            CAPTURE(entries);
            CAPTURE(pages);
            const access_counts counts = simulate(fully_associative(*kind, entries), 10'000,
                                                  600'000, uniform_pages(pages, entries));
            CHECK_WITHIN_1_PERCENT(counts.hit_rate(), double(entries) / double(pages));
        }
}

// A set of W ways serves those n_s of the N pages whose number leaves its remainder. It is a small
// TLB of its own under uniform accesses, which are for it with probability n_s/N and hit it with
// min(W, n_s)/n_s. The sum over the sets is sum min(W, n_s) / N: K/N if no set has fewer pages than
// ways.
TEST_CASE("analytic: uniform accesses hit a set-associative TLB K/N of the time, less in idle ways")
{
    struct geometry {
        std::uint64_t sets, ways, pages;
    };
    for (const tlb_replacement_kind* kind : tlb_options().replacements)
        for (const geometry g : {geometry{16, 4, 256}, geometry{16, 4, 100}, geometry{64, 1, 128},
                                 geometry{6, 8, 51}, geometry{5, 4, 22}, geometry{32, 4, 72}}) {
            CAPTURE(kind->name);
            CAPTURE(g.sets);
            CAPTURE(g.ways);
            CAPTURE(g.pages);
            std::uint64_t kept = 0;
            for (std::uint64_t set = 0; set < g.sets; ++set)
                kept += std::min(g.ways, (g.pages + g.sets - 1 - set) / g.sets);
            const access_counts counts = simulate(array_of(*kind, g.sets * g.ways, g.ways), 10'000,
                                                  600'000, uniform_pages(g.pages, g.sets));
            CHECK_WITHIN_1_PERCENT(counts.hit_rate(), double(kept) / double(g.pages));
        }
}

// Large pages in arrays of their own do not take each other's entries: each is a TLB under the
// accesses to its pages only.
TEST_CASE("analytic: with split arrays each size of page has the hit rate of its own array")
{
    tlb_options o = fully_associative(random_replacement, 32);
    o.entries_2m = o.ways_2m = 16;
    o.entries_1g = o.ways_1g = 4;
    constexpr std::array<page_order, 3> orders{page_order::small, page_order::mega,
                                               page_order::giga};
    constexpr std::array<std::uint64_t, 3> pages{128, 24, 10};
    constexpr std::array<double, 3> expected{32.0 / 128, 16.0 / 24, 4.0 / 10};
    tlb t(o);
    std::mt19937_64 random(1);
    std::array<double, 3> accesses{};
    std::array<double, 3> hits{};
    for (int i = 0; i < 1'000'000; ++i) {
        const std::size_t kind = random() % 3;
        // In regions apart from each other.
        const std::uint64_t number = (std::uint64_t{kind} << 12) + random() % pages.at(kind);
        tlb_entry e = translation(number << static_cast<unsigned>(orders.at(kind)));
        e.order = orders.at(kind);
        const virtual_page page = e.page + virtual_page(random() % pages_of(e.order));
        const bool hit = t.lookup(page, asid()) != nullptr;
        if (!hit)
            t.insert(e, page);
        if (i < 10'000)
            continue;
        ++accesses.at(kind);
        hits.at(kind) += hit ? 1 : 0;
    }
    for (std::size_t kind = 0; kind < 3; ++kind) {
        CAPTURE(kind);
        CHECK_WITHIN_1_PERCENT(hits.at(kind) / accesses.at(kind), expected.at(kind));
    }
}

// ---- cyclic accesses ----------------------------------------------------------------------------

// Under LRU the page that is wanted next is the one used longest ago, the victim.
TEST_CASE("analytic: K+1 pages in turn never hit K entries under LRU, K pages always do")
{
    for (const std::uint64_t entries : {1U, 2U, 16U, 64U}) {
        CAPTURE(entries);
        const tlb_options o = fully_associative(lru_replacement, entries);
        CHECK(simulate(o, 0, 100'000, cyclic_pages(entries + 1)).first_hits == 0);
        CHECK(simulate(o, entries, 100'000, cyclic_pages(entries)).hit_rate() == 1);
        CHECK(simulate(o, 0, entries, cyclic_pages(entries)).first_hits == 0);
    }
    // In sets, consecutive pages go round as well: a set thrashes if it has one page too many.
    const tlb_options sets = array_of(lru_replacement, 64, 4); // 16 sets
    CHECK(simulate(sets, 64, 64'000, cyclic_pages(64)).hit_rate() == 1);
    CHECK(simulate(sets, 80, 80'000, cyclic_pages(80)).first_hits == 0);
    // One page too many: that of one set, which has five now.
    CHECK(simulate(sets, 65, 65'000, cyclic_pages(65)).hit_rate() == 60.0 / 65);
}

namespace
{

// Between two uses of a page there are N-1 accesses to others, of which (1-h)(N-1) miss. Each of
// these evicts one of K ways at random, so the page survives with (1 - 1/K)^((1-h)(N-1)), which
// has to be h. h = 1 solves it, too: a TLB that holds everything, which it cannot if N > K. The
// other root is the one that iteration from 0 comes to, rising (as for the extinction of a
// branching process). That the misses are as many as their mean is true for large K only.
double cyclic_random_hit_rate(double entries, double pages)
{
    double h = 0;
    for (int i = 0; i < 10'000; ++i)
        h = std::pow(1 - 1 / entries, (1 - h) * (pages - 1));
    return h;
}

} // namespace

TEST_CASE("analytic: N > K pages in turn hit random replacement as often as a page survives a turn")
{
    for (const auto& [entries, pages] :
         std::vector<std::pair<std::uint64_t, std::uint64_t>>{{128, 192}, {256, 320}, {256, 512}}) {
        CAPTURE(entries);
        CAPTURE(pages);
        const double expected = cyclic_random_hit_rate(double(entries), double(pages));
        REQUIRE(expected > 0);
        REQUIRE(expected < 0.999);
        const access_counts counts = simulate(fully_associative(random_replacement, entries),
                                              100 * pages, 1500 * pages, cyclic_pages(pages));
        CHECK_WITHIN_1_PERCENT(counts.hit_rate(), expected);
    }
}

// ---- two levels ---------------------------------------------------------------------------------

namespace
{

// Uniform accesses to N pages, K1 and K2 entries that go at random. Let o pages be in both levels.
// One access changes o as follows:
// * a hit of the first level (K1/N): not at all;
// * a hit of the second only ((K2-o)/N): the page comes to the first level as well, and one of K1
//   goes from there, which was one of the o with o/K1: +1 with 1 - o/K1;
// * a miss of both ((N-K1-K2+o)/N): one of K2 goes, which was one of the o with o/K2, then one of
//   K1, which is one of those o' that are left with o'/K1; the new page is in both. So +1 with
//   (1 - o/K2)(1 - o/K1), -1 with o/K2 (o-1)/K1.
// That is a birth-death chain, whose stationary distribution follows from detailed balance. A miss
// of the first level, which has nothing to do with o, hits the second with (K2-o)/(N-K1).
double second_hit_rate_by_overlap(double k1, double k2, double n)
{
    const auto miss = [=](double o) { return n - k1 - k2 + o; };
    const auto up = [=](double o) {
        return (k2 - o) * (1 - o / k1) + miss(o) * (1 - o / k2) * (1 - o / k1);
    };
    const auto down = [=](double o) { return miss(o) * o / k2 * (o - 1) / k1; };
    double weight = 1;
    double sum = 0;
    double mean = 0;
    const double least = std::max(1.0, k1 + k2 - n); // the latest miss is in both for ever
    for (double o = least; o <= std::min(k1, k2); ++o) {
        sum += weight;
        mean += weight * o;
        weight *= up(o) / down(o + 1);
    }
    return (k2 - mean / sum) / (n - k1);
}

} // namespace

TEST_CASE("analytic: uniform accesses hit two random levels as a chain of their overlap says")
{
    struct sizes {
        std::uint64_t first, second, pages;
    };
    for (const sizes s : {sizes{16, 64, 128}, sizes{12, 32, 96}, sizes{32, 32, 64},
                          sizes{32, 64, 80}, sizes{24, 8, 40}}) {
        CAPTURE(s.first);
        CAPTURE(s.second);
        CAPTURE(s.pages);
        tlb_options o = fully_associative(random_replacement, s.first);
        o.l2_entries = o.l2_ways = s.second;
        const access_counts counts =
            simulate(o, 10'000, 1'200'000, uniform_pages(s.pages, s.first));
        CHECK_WITHIN_1_PERCENT(counts.hit_rate(), double(s.first) / double(s.pages));
        CHECK_WITHIN_1_PERCENT(
            counts.second_hit_rate(),
            second_hit_rate_by_overlap(double(s.first), double(s.second), double(s.pages)));
    }
}

// Under LRU the second level sees what misses the first. Cyclic accesses to K1 < N <= K2 pages
// always miss the first, and always hit the second.
TEST_CASE("analytic: pages in turn that fit only the second level are always found there")
{
    tlb_options o = fully_associative(lru_replacement, 16);
    o.l2_entries = o.l2_ways = 64;
    for (const std::uint64_t pages : {17U, 40U, 64U}) {
        CAPTURE(pages);
        const access_counts counts = simulate(o, pages, 50'000, cyclic_pages(pages));
        CHECK(counts.first_hits == 0);
        CHECK(counts.second_hits == 50'000);
    }
    CHECK(simulate(o, 0, 50'000, cyclic_pages(65)).second_hits == 0);
}

// ---- walks --------------------------------------------------------------------------------------

namespace
{

struct shape {
    pte_layout layout;
    unsigned levels;
    bool tables_have_accessed;
};

// The depth as the manuals have it, not as our own tables do. Only x86 has A in its tables.
constexpr std::array<shape, 5> shapes{{{pte_layout::x86_64, 4, true},
                                       {pte_layout::x86_64_la57, 5, true},
                                       {pte_layout::sv39, 3, false},
                                       {pte_layout::sv48, 4, false},
                                       {pte_layout::aarch64, 4, false}}};

constexpr std::uint64_t region = std::uint64_t{1} << 21; // what one leaf table maps

/// Leaf tables remembered, the latest used first: what has to be known of a walk to say its cost.
class remembered_regions
{
public:
    explicit remembered_regions(std::size_t entries) : m_entries(entries) {}

    bool use(std::uint64_t number)
    {
        const auto at = std::find(m_list.begin(), m_list.end(), number);
        const bool known = at != m_list.end();
        if (known)
            m_list.erase(at);
        m_list.push_front(number);
        if (m_list.size() > m_entries)
            m_list.pop_back();
        return known;
    }

private:
    std::size_t m_entries;
    std::list<std::uint64_t> m_list;
};

} // namespace

// A walk that begins at the root reads one entry a level; one that begins at a remembered leaf
// table reads that table's. Each entry whose A or D has to be set costs one locked update more.
// Nothing else goes over the bus, and each transaction takes its latency.
TEST_CASE("analytic: a walk costs a read a level that is not remembered, and an update a mark")
{
    for (const shape& s : shapes)
        for (const std::uint64_t remembered : {0U, 1U, 3U, 16U})
            for (const bool caches_dirty : {false, true}) {
                CAPTURE(int(s.layout));
                CAPTURE(remembered);
                CAPTURE(caches_dirty);
                walker_options walker_opts;
                walker_opts.layout = s.layout;
                walker_opts.tables.entries[0] = remembered;
                tlb_options tlb_opts = fully_associative(lru_replacement, 1);
                tlb_opts.caches_dirty = caches_dirty;
                mmu_rig rig(walker_opts, tlb_opts);

                constexpr std::uint64_t regions = 6;
                constexpr std::uint64_t pages = 4; // of each
                const auto va_of = [](std::uint64_t r, std::uint64_t p) {
                    return virtual_address(0x4000'0000 + r * region + p * page_size);
                };
                for (std::uint64_t r = 0; r < regions; ++r)
                    for (std::uint64_t p = 0; p < pages; ++p)
                        rig.leaf(va_of(r, p))
                            .set_pte(
                                pte::of_page(frame_number(100 + r * pages + p)).mkwrite().mkold());

                std::array<std::array<bool, pages>, regions> young{};
                std::array<std::array<bool, pages>, regions> dirty{};
                std::array<bool, regions> leaf_table_young{};
                bool upper_tables_young = false;
                remembered_regions tables(remembered);
                std::uint64_t in_tlb = ~std::uint64_t{0}; // the one page
                bool in_tlb_dirty = false;
                std::mt19937_64 random(remembered);
                std::uint64_t reads = 0;
                for (int i = 0; i < 2000; ++i) {
                    const std::uint64_t r = random() % regions;
                    const std::uint64_t p = random() % pages;
                    const bool stores = random() % 3 == 0;
                    const std::uint64_t page = r * pages + p;
                    std::uint64_t updates = 0;
                    std::uint64_t walk_reads = 0;
                    if (page != in_tlb || (stores && !(in_tlb_dirty && caches_dirty))) {
                        const bool known = tables.use(r) && remembered > 0;
                        walk_reads = known ? 1 : s.levels;
                        if (!known && s.tables_have_accessed) {
                            // All of it is in one GiB: the tables above are common to all.
                            updates += upper_tables_young ? 0U : s.levels - 2;
                            updates += leaf_table_young.at(r) ? 0U : 1U;
                            upper_tables_young = leaf_table_young.at(r) = true;
                        }
                        const bool marks = !young.at(r).at(p) || (stores && !dirty.at(r).at(p));
                        updates += marks ? 1U : 0U;
                        young.at(r).at(p) = true;
                        dirty.at(r).at(p) = dirty.at(r).at(p) || stores;
                        in_tlb = page;
                        in_tlb_dirty = dirty.at(r).at(p);
                    }
                    metered_actor self;
                    rig.access(self, va_of(r, p), stores ? store : load);
                    if (stores && walk_reads > 0)
                        REQUIRE(rig.unit.hit(va_of(r, p), store) != nullptr); // uses it up
                    reads += walk_reads;
                    REQUIRE(self.on_bus == (walk_reads + updates) * mmu_rig::latency);
                    REQUIRE(self.spent == 0);
                    REQUIRE(rig.unit.page_walker().stats().reads == reads);
                }
                std::uint64_t all_dirty = 0;
                for (const auto& of_region : dirty)
                    all_dirty +=
                        std::uint64_t(std::count(of_region.begin(), of_region.end(), true));
                CHECK(rig.unit.page_walker().stats().dirty_set == all_dirty);
            }
}

// Where tables above the leaf tables are remembered as well, a walk begins at the lowest one known
// and reads a level less for each that it does not come through. What it comes through it
// remembers.
TEST_CASE("analytic: a walk begins at the lowest table that is remembered")
{
    using per_level = std::array<std::uint64_t, 3>;
    for (const shape& s : shapes) {
        std::uint64_t begun_above_in_all = 0;
        for (const per_level& entries :
             {per_level{0, 2, 0}, per_level{0, 0, 1}, per_level{3, 2, 1}, per_level{5, 3, 2},
              per_level{2, 16, 16}, per_level{64, 1, 1}}) {
            CAPTURE(int(s.layout));
            CAPTURE(entries[0]);
            CAPTURE(entries[1]);
            CAPTURE(entries[2]);
            walker_options walker_opts;
            walker_opts.layout = s.layout;
            walker_opts.tables.entries = entries;
            mmu_rig rig(walker_opts);
            // 3 regions of each of 4 GiB of each of 3 times 512 GiB, of which Sv39 has one.
            std::vector<virtual_address> pages;
            for (std::uint64_t i = 0; i < (s.levels == 3 ? 12U : 36U); ++i)
                pages.emplace_back((i / 12 << 39) + (i / 3 % 4 << 30) + (i % 3 << 21));
            for (const virtual_address va : pages)
                rig.leaf(va).set_pte(pte::of_page(frame_number(100)));

            std::array<remembered_regions, 3> tables{remembered_regions(entries[0]),
                                                     remembered_regions(entries[1]),
                                                     remembered_regions(entries[2])};
            metered_actor self;
            page_fault fault;
            std::mt19937_64 random(s.levels);
            std::uint64_t reads = 0;
            std::uint64_t begun_above = 0;
            for (int i = 0; i < 5000; ++i) {
                const virtual_address va = pages.at(random() % pages.size());
                unsigned known = 0;
                const auto region_at = [va](unsigned level) {
                    return va.raw() >> (21 + 9 * level);
                };
                while (known < std::min(3U, s.levels - 1) &&
                       !tables.at(known).use(region_at(known)))
                    ++known;
                const bool from_root = known == std::min(3U, s.levels - 1);
                reads += from_root ? s.levels : known + 1;
                begun_above += !from_root && known > 0 ? 1U : 0U;
                rig.unit.translations().flush_all(); // and not the tables
                REQUIRE(rig.unit.miss(self, va, load, fault));
                REQUIRE(rig.unit.page_walker().stats().reads == reads);
                REQUIRE(rig.unit.page_walker().stats().upper_cache_hits == begun_above);
            }
            begun_above_in_all += begun_above;
        }
        CHECK(begun_above_in_all > 5000);
    }
}

// Uniform accesses to R regions find one of C remembered with C/R (as above), and read 1 entry
// then, all levels otherwise: 1 + (levels-1)(1 - C/R) on the average.
TEST_CASE("analytic: a walk reads 1 + (levels-1)(1-C/R) entries on the average")
{
    constexpr std::uint64_t regions = 24;
    constexpr int walks = 300'000;
    for (const shape& s : shapes)
        for (const std::uint64_t remembered : {6U, 16U}) {
            CAPTURE(int(s.layout));
            CAPTURE(remembered);
            walker_options walker_opts;
            walker_opts.layout = s.layout;
            walker_opts.tables.entries[0] = remembered;
            mmu_rig rig(walker_opts);
            const auto va_of = [](std::uint64_t r) {
                return virtual_address(0x4000'0000 + r * region);
            };
            for (std::uint64_t r = 0; r < regions; ++r)
                rig.leaf(va_of(r)).set_pte(pte::of_page(frame_number(100 + r)));
            metered_actor self;
            page_fault fault;
            std::mt19937_64 random(remembered);
            for (int i = 0; i < walks; ++i) {
                rig.unit.translations().flush_all(); // and not the tables
                REQUIRE(rig.unit.miss(self, va_of(random() % regions), load, fault));
            }
            const double expected =
                1 + double(s.levels - 1) * (1 - double(remembered) / double(regions));
            CHECK_WITHIN_1_PERCENT(double(rig.unit.page_walker().stats().reads) / walks, expected);
            CHECK_WITHIN_1_PERCENT(double(self.on_bus) / walks / mmu_rig::latency, expected);
        }
}

// Hennessy and Patterson's average access time: a miss of the first level (1 - K1/N) costs a
// search of the second, a miss of both a walk as well, here of one read.
TEST_CASE("analytic: an access costs what both levels' miss rates say, on the average")
{
    constexpr std::uint64_t first = 16;
    constexpr std::uint64_t second = 64;
    constexpr std::uint64_t pages = 128;
    constexpr int accesses = 600'000;
    tlb_options o = fully_associative(random_replacement, first);
    o.l2_entries = o.l2_ways = second;
    o.l2_latency = 7;
    mmu_rig rig({}, o);
    const auto va_of = [](std::uint64_t p) { return virtual_address(0x4000'0000 + p * page_size); };
    for (std::uint64_t p = 0; p < pages; ++p)
        rig.leaf(va_of(p)).set_pte(pte::of_page(frame_number(100 + p)));
    metered_actor self;
    std::mt19937_64 random(7);
    for (int i = 0; i < accesses; ++i)
        rig.access(self, va_of(random() % pages), load);
    const double misses_first = 1 - double(first) / double(pages);
    const double misses_both =
        misses_first *
        (1 - second_hit_rate_by_overlap(double(first), double(second), double(pages)));
    CHECK_WITHIN_1_PERCENT(double(self.spent) / accesses, 7 * misses_first);
    CHECK_WITHIN_1_PERCENT(double(self.on_bus) / accesses, mmu_rig::latency * misses_both);
}
