// The rules that x86 hardware keeps about the A and D bits, one by one: R1 to R8 of docs/design.md
// (Intel SDM vol. 3, 4.8 and 4.10; what Linux relies on in 6.14's pte_flags_need_flush and
// friends).

#include "mmu/tests/mmu_rig.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <random>

using namespace mkclean;

namespace
{

constexpr unsigned x86_levels = 4;

using outcome = mmu_rig::outcome;
constexpr access_kind load = access_kind::load;
constexpr access_kind store = access_kind::store;
constexpr virtual_address here(0x7f12'3456'7000);
constexpr virtual_address neighbour(0x7f12'3456'8000);

// Every combination of the bits that matter, over a fixed frame.
constexpr unsigned combinations = 16;
pte combination(unsigned bits)
{
    pte entry((std::uint64_t{77} << page_shift) | pte::user_bit);
    entry = (bits & 1U) != 0 ? pte(entry.raw() | pte::present_bit) : entry;
    entry = (bits & 2U) != 0 ? entry.mkwrite() : entry;
    entry = (bits & 4U) != 0 ? entry.mkyoung() : entry;
    return (bits & 8U) != 0 ? entry.mkdirty() : entry;
}

bool permits(pte entry, access_kind kind)
{
    return entry.present() && (kind == load || entry.writable());
}

/// What a stale translation did that the PTE does not stand for any more.
bool harmful(pte now_in_memory, access_kind kind, outcome how)
{
    if (how == outcome::faulted)
        return false;
    return !permits(now_in_memory, kind) || (kind == store && !now_in_memory.dirty());
}

} // namespace

// ---- R1 -----------------------------------------------------------------------------------------

TEST_CASE("R1: a store sets D in the last entry, and any access A in every entry used")
{
    for (const access_kind kind : {load, store}) {
        mmu_rig rig;
        rig.leaf(here).set_pte(pte::of_page(frame_number(77)).mkwrite().mkold());
        CHECK(rig.access(here, kind) == outcome::walked);
        for (unsigned level = 0; level < x86_levels; ++level) {
            CAPTURE(level);
            CHECK(rig.entry(here, level).get().accessed());
            CHECK(rig.entry(here, level).get().dirty() == (level == 0 && kind == store));
        }
        CHECK(rig.unit.page_walker().stats().accessed_set == 4);
        CHECK(rig.unit.page_walker().stats().dirty_set == (kind == store ? 1 : 0));
        CHECK(rig.cached(here)->dirty == (kind == store));
        CHECK(rig.cached(here)->writable);
        CHECK(rig.cached(here)->frame == frame_number(77));
    }
}

TEST_CASE("R1: a store through an entry that was filled by a load sets D")
{
    mmu_rig rig;
    rig.leaf(here).set_pte(pte::of_page(frame_number(77)).mkwrite());
    CHECK(rig.access(here, load) == outcome::walked);
    CHECK(rig.access(here, load) == outcome::hit);
    CHECK_FALSE(rig.leaf(here).get().dirty());
    CHECK(rig.access(here, store) == outcome::walked);
    CHECK(rig.leaf(here).get().dirty());
    CHECK(rig.access(here, store) == outcome::hit);
}

// With a kernel that flushes whatever it changes, an access does what the PTE in memory says.
TEST_CASE("R1: hardware sets A and D, never clears them, and touches no other bit")
{
    for (std::uint64_t seed = 0; seed < 1000; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random(seed);
        walker_options walker_opts;
        walker_opts.tables.entries[0] = random() % 3;
        tlb_options tlb_opts;
        tlb_opts.entries = 4;
        tlb_opts.ways = 2;
        mmu_rig rig(walker_opts, tlb_opts);
        rig.port.on_update = [](physical_address, pte before, pte after) {
            const std::uint64_t set = before.raw() ^ after.raw();
            REQUIRE((after.raw() & set) == set);
            REQUIRE((set & ~(pte::accessed_bit | pte::dirty_bit)) == 0);
        };
        // Across a border between two leaf tables.
        const auto page = [&random] { return virtual_address(0x1ff000 + random() % 4 * 0x1000); };
        rig.run([&](engine& self) {
            for (int i = 0; i < 60; ++i) {
                const virtual_address va = page();
                if (random() % 3 == 0) {
                    rig.leaf(va).set_pte(combination(unsigned(random() % combinations)));
                    rig.unit.invlpg(self, va);
                    continue;
                }
                const access_kind kind = random() % 2 == 0 ? load : store;
                const pte before = rig.leaf(va).get();
                const bool done = rig.access(self, va, kind) != outcome::faulted;
                const pte after = rig.leaf(va).get();
                REQUIRE(done == permits(before, kind));
                const pte wanted = kind == store ? before.mkyoung().mkdirty() : before.mkyoung();
                REQUIRE(after == (done ? wanted : before));
            }
        });
    }
}

// ---- R2 -----------------------------------------------------------------------------------------

TEST_CASE("R2: D cleared in memory is not set again until the TLB forgets it")
{
    mmu_rig rig;
    pte_slot slot = rig.leaf(here);
    slot.set_pte(pte::of_page(frame_number(77)).mkwrite());
    rig.access(here, store);
    slot.set_pte(slot.get().mkclean());
    CHECK(rig.access(here, store) == outcome::hit);
    CHECK_FALSE(slot.get().dirty()); // dirtiness that the kernel will never hear of

    SUBCASE("by invlpg")
    {
        rig.invlpg(here);
    }
    SUBCASE("by a load of cr3")
    {
        rig.unit.load_root(rig.table.root());
    }
    SUBCASE("by a flush of everything")
    {
        rig.run([&](engine& self) { rig.unit.flush_all(self); });
    }
    SUBCASE("by eviction")
    {
        const tlb_options o;
        for (std::uint64_t i = 1; i <= o.ways; ++i) {
            const virtual_address va = here + i * (o.entries / o.ways) * page_size;
            rig.leaf(va).set_pte(pte::of_page(frame_number(78)));
            rig.access(va, load);
        }
        CHECK(rig.unit.translations().stats().evictions == 1);
    }
    CHECK(rig.cached(here) == nullptr);
    CHECK(rig.access(here, store) == outcome::walked);
    CHECK(slot.get().dirty());
}

TEST_CASE("R2: A cleared in memory is not set again until the TLB forgets it")
{
    mmu_rig rig;
    pte_slot slot = rig.leaf(here);
    slot.set_pte(pte::of_page(frame_number(77)));
    rig.access(here, load);
    slot.set_pte(slot.get().mkold());
    CHECK(rig.access(here, load) == outcome::hit);
    CHECK_FALSE(slot.get().accessed());
    rig.invlpg(here);
    rig.access(here, load);
    CHECK(slot.get().accessed());
}

// ---- R3 -----------------------------------------------------------------------------------------

TEST_CASE("R3: nothing is cached of an entry that is not present, at any level")
{
    for (unsigned missing = 0; missing < x86_levels; ++missing) {
        CAPTURE(missing);
        mmu_rig rig;
        rig.leaf(here).set_pte(pte::of_page(frame_number(77)).mkwrite());
        pte_slot slot = rig.entry(here, missing);
        const pte entry = slot.get_and_clear();
        slot.set_pte(pte(entry.raw() & ~pte::present_bit));
        for (const access_kind kind : {load, store}) {
            CHECK(rig.access(here, kind) == outcome::faulted);
            CHECK(rig.fault.va == here);
            CHECK_FALSE(rig.fault.error.present);
            CHECK(rig.fault.error.write == (kind == store));
            CHECK(rig.cached(here) == nullptr);
        }
        slot.set_pte(entry); // P 0 -> 1 needs no invalidation
        CHECK(rig.access(here, store) == outcome::walked);
        CHECK(rig.access(here, store) == outcome::hit);
    }
}

TEST_CASE("R3: a translation is cached only once A is set")
{
    mmu_rig rig;
    pte_slot slot = rig.leaf(here);
    slot.set_pte(pte::of_page(frame_number(77)).mkold());
    const auto check = [&](physical_address, pte, pte) { CHECK(rig.cached(here) == nullptr); };
    rig.port.on_update = check;
    CHECK(rig.access(here, load) == outcome::walked);
    CHECK(slot.get().accessed());
    CHECK(rig.cached(here) != nullptr);
}

TEST_CASE("R3: W granted without an invalidation costs one fault that was for nothing, no more")
{
    mmu_rig rig;
    pte_slot slot = rig.leaf(here);
    slot.set_pte(pte::of_page(frame_number(77)));
    rig.access(here, load);
    slot.set_pte(slot.get().mkwrite());
    CHECK(rig.access(here, store) == outcome::faulted);
    CHECK(rig.fault.error.present);
    CHECK(rig.fault.error.write);
    CHECK_FALSE(slot.get().dirty());
    CHECK(rig.access(here, store) == outcome::walked);
    CHECK(slot.get().dirty());
}

// ---- R4 -----------------------------------------------------------------------------------------

namespace
{

/// One indivisible change of a PTE by the kernel. What it took out of it is kept.
using kernel_step = std::function<void(pte_slot&, pte& taken)>;

struct kernel_path {
    const char* name;
    pte at_first;
    std::vector<kernel_step> steps;
};

void take(pte_slot& slot, pte& taken)
{
    taken = pte(taken.raw() | slot.get_and_clear().raw());
}

const pte protected_page = pte::of_page(frame_number(77));
const pte writable_page = protected_page.mkwrite();

/// What a kernel may do to an entry that maps a page, given as young, clean and read-only.
std::array<kernel_path, 7> kernel_paths_for(pte page)
{
    const pte writable = page.mkwrite();
    // page_mkclean of 2.6.19 and later: xchg, then set_pte with what was found, clean and
    // protected.
    const kernel_step clean = [](pte_slot& slot, pte& taken) {
        slot.set_pte(taken.mkclean().wrprotect());
    };
    const kernel_step clean_in_place = [](pte_slot& slot, pte& taken) {
        take(slot, taken);
        slot.set_pte(taken.mkclean().wrprotect());
    };
    const kernel_step restore = [writable](pte_slot& slot, pte&) { slot.set_pte(writable); };
    const kernel_step grant = [](pte_slot& slot, pte&) { slot.set_pte(slot.get().mkwrite()); };
    const kernel_step grow_old = [](pte_slot& slot, pte&) { slot.set_pte(slot.get().mkold()); };
    return {kernel_path{"clean and wrprotect", writable, {take, clean}},
            {"zap", writable, {take}},
            {"wrprotect in place", writable, {clean_in_place}},
            {"zap, then restore", writable, {take, restore}},
            {"clean and wrprotect, then grant W again", writable, {take, clean, grant}},
            {"grant W", page, {grant}},
            {"clear A", writable, {grow_old}}};
}

const std::array<kernel_path, 7> kernel_paths = kernel_paths_for(protected_page);

/// The same for one of 2 MiB or 1 GiB: its second one in memory, so that it is aligned.
std::array<kernel_path, 7> kernel_paths_for(page_order order)
{
    return kernel_paths_for(pte::of_page(frame_number(pages_of(order))).mkhuge());
}

struct race_result {
    bool translated = false;        ///< the store goes ahead
    bool d_without_right = false;   ///< D was set while P or W was not
    bool dirtiness_lost = false;    ///< the store went ahead; neither PTE nor kernel has its D
    bool kernel_in_between = false; ///< between the walker's reading of the leaf and its update
    std::uint64_t retries = 0;
};

/// Walks for a store while the kernel takes its steps, each in the middle of the given slot of bus
/// transactions. `primed`: a load has filled the TLB with a clean entry before.
race_result race(const kernel_path& path, const std::vector<std::uint64_t>& slots,
                 const walker_options& options, bool primed, page_order order)
{
    mmu_rig rig(options, {}, std::max<std::uint64_t>(256, 2 * pages_of(order)));
    pte_slot slot = rig.leaf(here, order);
    slot.set_pte(path.at_first);
    if (primed)
        rig.access(here, load);
    const picoseconds begun = rig.exec.now();

    race_result result;
    bool leaf_was_read = false;
    bool over = false;
    rig.port.on_read = [&](physical_address at) { leaf_was_read |= at == slot.address(); };
    rig.port.on_update = [&](physical_address at, pte before, pte after) {
        const unsigned level = pte_format::level_of(order);
        const pte was = rig.table.format().decode(before.raw(), level);
        const pte is = rig.table.format().decode(after.raw(), level);
        if (at == slot.address() && !was.dirty() && is.dirty())
            result.d_without_right |= !was.present() || !was.writable();
        over |= at == slot.address();
    };
    pte taken;
    rig.start(0, [&](engine& self) {
        result.translated = rig.access(self, here, store) != outcome::faulted;
    });
    rig.start(0, [&](engine& self) {
        for (std::size_t i = 0; i < path.steps.size(); ++i) {
            self.wait_until(begun + slots[i] * mmu_rig::latency + mmu_rig::latency / 2);
            path.steps[i](slot, taken);
            result.kernel_in_between |= leaf_was_read && !over;
        }
    });
    rig.exec.run();
    result.dirtiness_lost = result.translated && !taken.dirty() && !slot.get().dirty();
    result.retries = rig.unit.page_walker().stats().retries;
    return result;
}

/// Calls `f` with every way in which the kernel's steps can fall among the walker's transactions:
/// never falling slots. A walk is at most 5 reads, 4 updates of A on the way, and updates of the
/// leaf, one more for each time the kernel got in between.
template <class F>
void for_every_interleaving(const kernel_path& path, F&& f)
{
    constexpr std::uint64_t last_slot = 15;
    std::vector<std::uint64_t> slots(path.steps.size(), 0);
    const std::function<void(std::size_t, std::uint64_t)> choose = [&](std::size_t i,
                                                                       std::uint64_t from) {
        if (i == slots.size()) {
            f(slots);
            return;
        }
        for (slots[i] = from; slots[i] <= last_slot; ++slots[i])
            choose(i + 1, slots[i]);
    };
    choose(0, 0);
}

/// Formats, and paging-structure caches.
std::vector<std::pair<pte_layout, paging_structure_cache_options>> every_walker()
{
    std::vector<std::pair<pte_layout, paging_structure_cache_options>> all;
    for (const pte_layout layout : {pte_layout::x86_64, pte_layout::x86_64_la57, pte_layout::sv39,
                                    pte_layout::sv48, pte_layout::aarch64})
        for (const paging_structure_cache_options& tables :
             {paging_structure_cache_options{{0, 0, 0}}, {{16, 0, 0}}, {{0, 4, 0}}})
            all.emplace_back(layout, tables);
    return all;
}

struct race_summary {
    unsigned runs = 0;
    unsigned translated = 0;
    unsigned retried = 0;
    unsigned d_without_right = 0;
    unsigned dirtiness_lost = 0;
};

template <class Check>
race_summary race_everywhere(const kernel_path& path, const walker_options& options, Check&& check,
                             page_order order = page_order::small)
{
    race_summary sum;
    for (const bool primed : {false, true}) {
        for_every_interleaving(path, [&](const std::vector<std::uint64_t>& slots) {
            const race_result r = race(path, slots, options, primed, order);
            CAPTURE(path.name);
            CAPTURE(primed);
            CAPTURE(slots.front());
            CAPTURE(slots.back());
            check(r);
            ++sum.runs;
            sum.translated += r.translated ? 1U : 0U;
            sum.retried += r.retries > 0 ? 1U : 0U;
            sum.d_without_right += r.d_without_right ? 1U : 0U;
            sum.dirtiness_lost += r.dirtiness_lost ? 1U : 0U;
        });
    }
    return sum;
}

} // namespace

namespace
{

void check_every_interleaving(const std::array<kernel_path, 7>& paths, page_order order)
{
    for (const auto& [layout, tables] : every_walker()) {
        walker_options options;
        options.layout = layout;
        options.tables = tables;
        CAPTURE(format_of(layout).name());
        for (const kernel_path& path : paths) {
            const race_summary sum = race_everywhere(
                path, options,
                [](const race_result& r) {
                    REQUIRE_FALSE(r.d_without_right);
                    REQUIRE_FALSE(r.dirtiness_lost);
                    if (r.retries > 0)
                        REQUIRE(r.kernel_in_between);
                },
                order);
            CAPTURE(path.name);
            // All sorts of interleavings were there, but that the kernel is never faster than a
            // walk that begins with the leaf (1 GiB in Sv39).
            const bool first_is_leaf =
                format_of(layout).levels() - 1 == pte_format::level_of(order);
            CHECK((sum.translated > 0) == (path.at_first.writable() || !first_is_leaf));
            if (path.at_first.writable())
                CHECK(sum.retried > 0);
            if (&path != &paths.back())
                CHECK(sum.translated < sum.runs);
        }
    }
}

} // namespace

TEST_CASE("R4: however a walk and the kernel interleave, D is not set where P or W is gone")
{
    check_every_interleaving(kernel_paths, page_order::small);
}

TEST_CASE("R4: the same of the one entry of 2 MiB and of that of 1 GiB" *
          doctest::test_suite("long"))
{
    for (const page_order order : {page_order::mega, page_order::giga})
        check_every_interleaving(kernel_paths_for(order), order);
}

TEST_CASE("R4: a walker that does not recheck sets D where P and W are gone, and the kernel never "
          "learns of the store")
{
    walker_options blind;
    blind.rechecks = dirty_recheck::never;
    for (const kernel_path& path : kernel_paths) {
        const race_summary sum = race_everywhere(path, blind, [](const race_result& r) {
            // Only in the window between reading the entry and updating it.
            if (!r.kernel_in_between) {
                REQUIRE_FALSE(r.d_without_right);
                REQUIRE_FALSE(r.dirtiness_lost);
            }
        });
        CAPTURE(path.name);
        const bool takes_right_away = path.at_first.writable() && &path != &kernel_paths.back();
        CHECK((sum.d_without_right > 0) == takes_right_away);
        // Its D lands in an entry that the kernel then overwrites: the page is not known dirty.
        const bool overwrites = path.steps.size() > 1;
        CHECK((sum.dirtiness_lost > 0) == overwrites);
    }
}

TEST_CASE("R4: a walk that lost the race starts over from what is there now")
{
    mmu_rig rig;
    pte_slot slot = rig.leaf(here);
    slot.set_pte(writable_page);
    bool moved = false;
    rig.port.on_read = [&](physical_address at) { moved |= at == slot.address(); };
    rig.start(0, [&](engine& self) { CHECK(rig.access(self, here, store) == outcome::walked); });
    rig.start(0, [&](engine& self) {
        while (!moved)
            self.delay(picoseconds(1));
        slot.set_pte(pte::of_page(frame_number(88)).mkwrite()); // another page
    });
    rig.exec.run();
    CHECK(rig.unit.page_walker().stats().retries == 1);
    CHECK(rig.cached(here)->frame == frame_number(88));
    CHECK(slot.get() == pte::of_page(frame_number(88)).mkwrite().mkdirty());
}

// ---- R5 -----------------------------------------------------------------------------------------

TEST_CASE("R5: an access that faults leaves the last entry as it was")
{
    for (unsigned bits = 0; bits < combinations; ++bits) {
        for (const access_kind kind : {load, store}) {
            CAPTURE(bits);
            mmu_rig rig;
            pte_slot slot = rig.leaf(here);
            slot.set_pte(combination(bits));
            const bool faulted = rig.access(here, kind) == outcome::faulted;
            CHECK(faulted == !permits(combination(bits), kind));
            if (!faulted)
                continue;
            CHECK(slot.get() == combination(bits));
            CHECK(rig.cached(here) == nullptr);
            CHECK(rig.fault.error.present == combination(bits).present());
            CHECK(rig.fault.error.write == (kind == store));
            CHECK(rig.unit.page_walker().stats().dirty_set == 0);
        }
    }
}

TEST_CASE("R5: a load never sets D, whatever it finds")
{
    for (unsigned bits = 0; bits < combinations; ++bits) {
        CAPTURE(bits);
        mmu_rig rig;
        pte_slot slot = rig.leaf(here);
        slot.set_pte(combination(bits));
        rig.access(here, load);
        CHECK(slot.get().dirty() == combination(bits).dirty());
    }
}

// ---- R6 -----------------------------------------------------------------------------------------

TEST_CASE("R6: invlpg forgets one page's translation and no other's")
{
    mmu_rig rig;
    for (const virtual_address va : {here, neighbour}) {
        rig.leaf(va).set_pte(writable_page);
        rig.access(va, store);
    }
    rig.invlpg(here + 0x123); // any address in the page
    CHECK(rig.cached(here) == nullptr);
    CHECK(rig.cached(neighbour) != nullptr);
    CHECK(rig.unit.translations().stats().flushed_pages == 1);
    rig.invlpg(here); // of what is not there
    CHECK(rig.unit.translations().stats().flushed_pages == 1);
}

TEST_CASE("R6: invlpg of any page forgets every table that was remembered")
{
    mmu_rig rig;
    rig.leaf(here).set_pte(pte::of_page(frame_number(77)));
    rig.leaf(neighbour).set_pte(pte::of_page(frame_number(78)));
    rig.access(here, load);
    // The kernel puts another leaf table in place of the one that has been used.
    const frame_number other(200);
    pte_slot(rig.memory, address_of(other) + pte_format::entry_offset(neighbour, 0),
             rig.table.format())
        .set_pte(pte::of_page(frame_number(99)));
    rig.entry(here, 1).set_pte(pte::of_table(other));

    SUBCASE("without one, the walker goes on using the old table")
    {
        rig.access(neighbour, load);
        CHECK(rig.cached(neighbour)->frame == frame_number(78));
        CHECK(rig.unit.page_walker().stats().cache_hits == 1);
    }
    SUBCASE("with one, of whatever page, it reads the new")
    {
        rig.invlpg(virtual_address(0x1000));
        rig.access(neighbour, load);
        CHECK(rig.cached(neighbour)->frame == frame_number(99));
        CHECK(rig.unit.page_walker().stats().cache_hits == 0);
    }
    SUBCASE("a load of cr3 does as well")
    {
        rig.unit.load_root(rig.table.root());
        rig.access(neighbour, load);
        CHECK(rig.cached(neighbour)->frame == frame_number(99));
    }
}

TEST_CASE("R6: so it does the tables above")
{
    walker_options options;
    options.tables.entries = {0, 4, 0};
    mmu_rig rig(options);
    rig.leaf(here).set_pte(pte::of_page(frame_number(77)));
    rig.leaf(neighbour).set_pte(pte::of_page(frame_number(78)));
    rig.access(here, load);
    // Another table of 1 GiB in place of the one that has been used, with nothing in it.
    rig.entry(here, 2).set_pte(pte::of_table(frame_number(200)));

    SUBCASE("without an invlpg, the walker goes on using the old table")
    {
        CHECK(rig.access(neighbour, load) != outcome::faulted);
        CHECK(rig.unit.page_walker().stats().upper_cache_hits == 1);
    }
    SUBCASE("with one, it reads the new")
    {
        rig.invlpg(virtual_address(0x1000));
        CHECK(rig.access(neighbour, load) == outcome::faulted);
        CHECK(rig.unit.page_walker().stats().upper_cache_hits == 0);
    }
}

// ---- R7 -----------------------------------------------------------------------------------------

namespace
{

/// pte_flags_need_flush() of Linux 6.14, for the bits that there are here.
bool need_flush(pte before, pte after)
{
    if (!before.present())
        return false;
    const std::uint64_t cleared = before.raw() & ~after.raw();
    const std::uint64_t changed = before.raw() ^ after.raw();
    return (cleared & (pte::present_bit | pte::dirty_bit)) != 0 || (changed & pte::write_bit) != 0;
}

} // namespace

TEST_CASE("R7: without a flush, harm comes only of changes that Linux flushes for, with one, none")
{
    unsigned harmed = 0;
    for (unsigned old_bits = 0; old_bits < combinations; ++old_bits) {
        for (unsigned new_bits = 0; new_bits < combinations; ++new_bits) {
            for (const access_kind first : {load, store}) {
                for (const access_kind then : {load, store}) {
                    for (const bool flush : {false, true}) {
                        CAPTURE(old_bits);
                        CAPTURE(new_bits);
                        mmu_rig rig;
                        pte_slot slot = rig.leaf(here);
                        slot.set_pte(combination(old_bits));
                        rig.access(here, first);
                        const pte before = slot.get();
                        slot.set_pte(combination(new_bits));
                        if (flush)
                            rig.invlpg(here);
                        const bool harm = harmful(slot.get(), then, rig.access(here, then)) ||
                                          harmful(slot.get(), then, rig.access(here, then));
                        if (flush || !need_flush(before, combination(new_bits)))
                            REQUIRE_FALSE(harm);
                        harmed += harm ? 1U : 0U;
                    }
                }
            }
        }
    }
    CHECK(harmed > 0);
}

TEST_CASE("R7: each loss that Linux flushes for does harm where it does not")
{
    struct change {
        const char* what;
        pte after;
        access_kind access;
    };
    const pte before = writable_page.mkdirty();
    for (const change& c :
         {change{"P", pte(before.raw() & ~pte::present_bit), load},
          change{"P", pte(before.raw() & ~pte::present_bit), store},
          change{"W", before.wrprotect(), store}, change{"D", before.mkclean(), store}}) {
        CAPTURE(c.what);
        mmu_rig rig;
        pte_slot slot = rig.leaf(here);
        slot.set_pte(before);
        rig.access(here, store);
        REQUIRE(need_flush(slot.get(), c.after));
        slot.set_pte(c.after);
        CHECK(harmful(slot.get(), c.access, rig.access(here, c.access)));
    }
}

// ---- R8 -----------------------------------------------------------------------------------------

TEST_CASE("R8: ptep_set_access_flags may widen a PTE without a flush")
{
    for (unsigned old_bits = 0; old_bits < combinations; ++old_bits) {
        for (unsigned added = 0; added < combinations; ++added) {
            if ((added & 1U) != 0)
                continue; // it is given present PTEs and leaves them so
            CAPTURE(old_bits);
            CAPTURE(added);
            mmu_rig rig;
            pte_slot slot = rig.leaf(here);
            slot.set_pte(combination(old_bits | 1U));
            rig.access(here, load);
            slot.set_pte(pte(slot.raw() | combination(added).raw()));
            const bool may_write = slot.get().writable();
            unsigned faults = 0;
            outcome how = outcome::faulted;
            for (int attempt = 0; attempt < 4 && how == outcome::faulted; ++attempt) {
                how = rig.access(here, store);
                faults += how == outcome::faulted ? 1U : 0U;
            }
            CHECK((how != outcome::faulted) == may_write);
            if (may_write) {
                const bool was_protected = (old_bits & 2U) == 0;
                CHECK(faults == (was_protected ? 1 : 0));
                CHECK(slot.get().dirty());
            }
        }
    }
}

TEST_CASE("R8: ptep_clear_flush has all that hardware set, and nothing gets in afterwards")
{
    for (unsigned bits = 0; bits < combinations; ++bits) {
        for (const access_kind before : {load, store}) {
            CAPTURE(bits);
            mmu_rig rig;
            pte_slot slot = rig.leaf(here);
            slot.set_pte(combination(bits));
            const bool stored = rig.access(here, before) != outcome::faulted && before == store;
            const pte found = slot.get_and_clear();
            rig.invlpg(here);
            CHECK(found.dirty() == (stored || combination(bits).dirty()));
            CHECK(rig.access(here, load) == outcome::faulted);
            CHECK(rig.access(here, store) == outcome::faulted);
            CHECK(slot.get().none());
        }
    }
}

TEST_CASE("R8: ptep_clear_flush_young does not flush: accesses go on unseen, but none is wrong")
{
    mmu_rig rig;
    pte_slot slot = rig.leaf(here);
    slot.set_pte(writable_page);
    rig.access(here, load);
    slot.set_pte(slot.get().mkold());
    CHECK(rig.access(here, load) == outcome::hit);
    CHECK_FALSE(slot.get().accessed());
    CHECK(rig.access(here, store) == outcome::walked); // the first store looks at the PTE
    CHECK(slot.get() == writable_page.mkdirty());
}
