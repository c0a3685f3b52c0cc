// What an MMU makes of its TLB's options: a second level, address-space tags, entries that do not
// remember D, walks before permission faults.

#include "mmu/mmu.h"
#include "mmu/tests/machine.h"
#include "mmu/tests/metered_actor.h"
#include "mmu/tests/mmu_rig.h"

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <random>
#include <vector>

using namespace mkclean;

namespace
{

using outcome = mmu_rig::outcome;
constexpr access_kind load = access_kind::load;
constexpr access_kind store = access_kind::store;
constexpr virtual_address here(0x7f12'3456'7000);
constexpr virtual_address there(0x7f12'3456'9000);

const pte writable_page = pte::of_page(frame_number(77)).mkwrite();

/// One entry, behind it many: any other page drives the latest one out of the first level only.
tlb_options tiny_first_level()
{
    tlb_options o;
    o.entries = o.ways = 1;
    o.l2_entries = 16;
    return o;
}

tlb_options with(tlb_options o, bool tlb_options::*flag, bool value)
{
    o.*flag = value;
    return o;
}

/// A rig whose accesses are metered.
struct metered_rig : mmu_rig {
    explicit metered_rig(const tlb_options& tlb_opts, const walker_options& walker_opts = {})
        : mmu_rig(walker_opts, tlb_opts)
    {
        leaf(here).set_pte(writable_page);
        leaf(there).set_pte(pte::of_page(frame_number(78)).mkwrite());
    }
    struct bill {
        std::uint64_t cycles;
        std::uint64_t bus;
        std::uint64_t reads;
        outcome result;
    };
    bill access(virtual_address va, access_kind kind)
    {
        const std::uint64_t before = unit.page_walker().stats().reads;
        metered_actor self;
        const outcome result = mmu_rig::access(self, va, kind);
        return {self.spent, self.on_bus, unit.page_walker().stats().reads - before, result};
    }
    const tlb_stats& stats() const { return unit.translations().stats(); }
    std::size_t entries_of(virtual_address va) const
    {
        std::size_t n = 0;
        unit.translations().for_each(
            [&](const tlb_entry& e) { n += e.maps(page_of(va), unit.space()) ? 1U : 0U; });
        return n;
    }
};

} // namespace

// ---- two levels ---------------------------------------------------------------------------------

TEST_CASE("a hit in the second level costs its latency in cycles and nothing on the bus")
{
    for (const std::uint64_t latency : {0U, 1U, 7U, 100U}) {
        CAPTURE(latency);
        tlb_options o = tiny_first_level();
        o.l2_latency = latency;
        metered_rig rig(o);
        CHECK(rig.access(here, load).cycles == latency); // in vain
        CHECK(rig.access(there, load).cycles == latency);
        CHECK(rig.stats().misses == 2);
        const metered_rig::bill again = rig.access(here, load);
        CHECK(again.result == outcome::walked); // it was no hit of the first level
        CHECK(again.cycles == latency);
        CHECK(again.bus == 0);
        CHECK(again.reads == 0);
        CHECK(rig.stats().l2_hits == 1);
        CHECK(rig.stats().misses == 2);
        const metered_rig::bill first_level = rig.access(here, load);
        CHECK(first_level.result == outcome::hit);
        CHECK(first_level.cycles == 0);
        CHECK(first_level.reads == 0);
        CHECK(rig.stats().l2_hits == 1);
    }
}

TEST_CASE("without a second level nobody pays for one")
{
    tlb_options o = tiny_first_level();
    o.l2_entries = 0;
    o.l2_latency = 100;
    metered_rig rig(o);
    for (int i = 0; i < 3; ++i)
        for (const virtual_address va : {here, there}) {
            const metered_rig::bill bill = rig.access(va, store);
            CHECK(bill.cycles == 0);
            CHECK(bill.reads > 0);
        }
    CHECK(rig.stats().misses == 6);
    CHECK(rig.stats().l2_hits == 0);
}

TEST_CASE("a permission that the first level has not got is not looked for in the second")
{
    tlb_options o = tiny_first_level();
    metered_rig rig(o);
    rig.access(here, load);
    const metered_rig::bill sets_d = rig.access(here, store);
    CHECK(sets_d.cycles == 0);
    CHECK(sets_d.reads == 1);
    CHECK(rig.stats().misses == 1);
}

TEST_CASE("on a core, a load by way of the second level takes its cycles and one access")
{
    for (const time_sync sync : {time_sync::window, time_sync::every_access}) {
        CAPTURE(int(sync));
        machine_options o;
        o.core.frequency = 1'000'000'000; // a cycle is 1000 ps
        o.core.access = 3;
        o.core.sync = sync;
        o.tlb = tiny_first_level();
        o.tlb.l2_latency = 11;
        o.bus_latency = picoseconds(50'000);
        fiber_executor exec;
        machine m(exec, o);
        m.map_dirty(0);
        m.map_dirty(1);
        std::vector<std::uint64_t> took;
        m.user(0, [&](core& cpu) {
            std::uint64_t value = 0;
            for (const std::uint64_t page : {0U, 1U, 0U, 0U, 1U}) {
                cpu.sync();
                const picoseconds begun = cpu.now();
                cpu.load(machine::base + page * page_size, &value, sizeof value);
                cpu.sync();
                took.push_back((cpu.now() - begun).raw() / 1000);
            }
        });
        exec.run();
        CHECK(took == std::vector<std::uint64_t>{11 + 7 * 50 + 3, 11 + 50 + 3, 11 + 3, 3, 11 + 3});
        const tlb_stats& stats = m.cores[0]->memory_unit().translations().stats();
        CHECK(stats.misses == 2);
        CHECK(stats.l2_hits == 2);
    }
}

// The second level's entry was filled by the load. Had it kept that, the store after the eviction
// would walk, or, where software sets D, fault for nothing.
TEST_CASE("a store through a clean entry makes both levels dirty")
{
    for (const bool promoted : {false, true}) {
        CAPTURE(promoted);
        metered_rig rig(tiny_first_level());
        rig.access(here, load);
        if (promoted)
            rig.access(there, load);
        CHECK(rig.access(here, store).reads == 1);
        CHECK(rig.leaf(here).get().dirty());
        rig.access(there, load); // goes to the first level, instead of `here`
        CHECK(rig.cached(here) == nullptr);
        const metered_rig::bill again = rig.access(here, store);
        CHECK(again.reads == 0);
        CHECK(again.result == outcome::walked);
        CHECK(rig.access(here, store).result == outcome::hit);
        CHECK(rig.entries_of(here) == 2);
    }
}

TEST_CASE("where software sets D or grants W, a fault is taken once and not once a level")
{
    for (const bool grants_w : {false, true}) {
        CAPTURE(grants_w);
        walker_options software;
        software.sets_dirty = dirty_setter::fault;
        metered_rig rig(tiny_first_level(), software);
        if (grants_w)
            rig.leaf(here).set_pte(pte::of_page(frame_number(77)));
        rig.access(here, load);
        rig.access(there, load);
        CHECK(rig.access(here, store).result == outcome::faulted);
        CHECK(rig.entries_of(here) == 0);
        rig.leaf(here).set_pte(rig.leaf(here).get().mkwrite().mkdirty()); // needs no flush
        for (int i = 0; i < 3; ++i) {
            CHECK(rig.access(here, store).result != outcome::faulted);
            rig.access(there, load);
        }
    }
}

TEST_CASE("whoever drops a translation drops it from both levels, wherever it is")
{
    struct way_to_drop {
        const char* name;
        void (*drop)(metered_rig&, metered_actor&);
        bool spares_others;
    };
    const std::array<way_to_drop, 4> ways{{
        {"invlpg", [](metered_rig& rig, metered_actor& self) { rig.unit.invlpg(self, here); },
         true},
        {"flush_all", [](metered_rig& rig, metered_actor& self) { rig.unit.flush_all(self); },
         false},
        {"flush_space",
         [](metered_rig& rig, metered_actor& self) { rig.unit.flush_space(self, asid()); }, false},
        {"load_root",
         [](metered_rig& rig, metered_actor&) { rig.unit.load_root(rig.table.root()); }, false},
    }};
    for (const way_to_drop& way : ways)
        for (const bool in_first_as_well : {false, true}) {
            CAPTURE(way.name);
            CAPTURE(in_first_as_well);
            metered_rig rig(tiny_first_level());
            rig.access(there, store);
            rig.access(here, store);
            if (!in_first_as_well)
                rig.access(there, load);
            REQUIRE(rig.entries_of(here) == (in_first_as_well ? 2 : 1));
            const std::size_t others = rig.entries_of(there);
            metered_actor self;
            way.drop(rig, self);
            CHECK(rig.entries_of(here) == 0);
            CHECK(rig.entries_of(there) == (way.spares_others ? others : 0));
            rig.leaf(here).set_pte(pte());
            CHECK(rig.access(here, load).result == outcome::faulted);
        }
}

// ---- D that is not remembered -------------------------------------------------------------------

TEST_CASE(
    "caches_dirty = off: a PTE that was cleaned without a flush is dirty after the next store")
{
    for (const std::uint64_t l2_entries : {0U, 16U})
        for (const access_kind first : {load, store})
            for (const bool evicted : {false, true})
                for (const bool dirty_before : {false, true}) {
                    CAPTURE(l2_entries);
                    CAPTURE(int(first));
                    CAPTURE(evicted);
                    CAPTURE(dirty_before);
                    tlb_options o = with(tiny_first_level(), &tlb_options::caches_dirty, false);
                    o.l2_entries = l2_entries;
                    metered_rig rig(o);
                    pte_slot slot = rig.leaf(here);
                    if (dirty_before)
                        slot.set_pte(writable_page.mkdirty());
                    rig.access(here, first);
                    if (rig.unit.hit(here, load) != nullptr && first == store)
                        rig.unit.hit(here, store); // the store that was walked for
                    for (int i = 0; i < 3; ++i) {
                        if (evicted)
                            rig.access(there, load);
                        slot.set_pte(slot.get().mkclean());
                        CHECK(rig.access(here, store).result == outcome::walked);
                        CHECK(slot.get().dirty());
                        CHECK(rig.unit.hit(here, store) != nullptr);
                        CHECK(rig.unit.hit(here, store) == nullptr); // no more than one
                    }
                }
}

TEST_CASE("caches_dirty = off: every store reads the PTE, no load that hits does")
{
    metered_rig rig(with(tlb_options(), &tlb_options::caches_dirty, false));
    rig.access(here, load);
    for (int i = 0; i < 10; ++i) {
        CHECK(rig.access(here, load).result == outcome::hit);
        const metered_rig::bill bill = rig.access(here, store);
        CHECK(bill.result == outcome::walked);
        CHECK(bill.reads == 1);
        // The first sets D, the others find it set.
        CHECK(bill.bus == (i == 0 ? 2 : 1) * mmu_rig::latency);
        CHECK(rig.unit.hit(here, store) != nullptr);
        CHECK(rig.access(here, load).reads == 0);
    }
    CHECK(rig.stats().misses == 1);
    CHECK(rig.unit.page_walker().stats().dirty_set == 1);
}

TEST_CASE("caches_dirty = off: a store to a page that may not be written any more faults at once")
{
    metered_rig rig(with(tlb_options(), &tlb_options::caches_dirty, false));
    rig.access(here, store);
    CHECK(rig.unit.hit(here, store) != nullptr);
    rig.leaf(here).set_pte(rig.leaf(here).get().mkclean().wrprotect());
    CHECK(rig.access(here, store).result == outcome::faulted);
    CHECK(rig.fault.error.present);
    CHECK(rig.fault.error.write);
    CHECK_FALSE(rig.leaf(here).get().dirty());
}

TEST_CASE(
    "caches_dirty = off: where software sets D, a store faults if the PTE is clean, else never")
{
    for (const access_kind first : {load, store}) {
        CAPTURE(int(first));
        walker_options software;
        software.sets_dirty = dirty_setter::fault;
        metered_rig rig(with(tlb_options(), &tlb_options::caches_dirty, false), software);
        pte_slot slot = rig.leaf(here);
        slot.set_pte(writable_page.mkdirty());
        CHECK(rig.access(here, first).result == outcome::walked);
        if (first == store)
            CHECK(rig.unit.hit(here, store) != nullptr);
        for (int i = 0; i < 5; ++i) {
            CHECK(rig.access(here, store).result == outcome::walked);
            CHECK(rig.unit.hit(here, store) != nullptr);
        }
        slot.set_pte(slot.get().mkclean());
        CHECK(rig.access(here, store).result == outcome::faulted);
        slot.set_pte(slot.get().mkdirty());
        CHECK(rig.access(here, store).result == outcome::walked);
    }
}

TEST_CASE("caches_dirty = off: on a core, a store to many bytes walks once for each access")
{
    for (const time_sync sync : {time_sync::window, time_sync::every_access}) {
        CAPTURE(int(sync));
        machine_options o;
        o.core.sync = sync;
        o.tlb.caches_dirty = false;
        fiber_executor exec;
        machine m(exec, o);
        m.map_dirty(0);
        m.map_dirty(1);
        const std::array<std::byte, 80> bytes{};
        std::array<std::byte, 80> read{};
        m.user(0, [&](core& cpu) {
            cpu.store(machine::base + (page_size - 40), bytes.data(), bytes.size());
            cpu.load(machine::base + (page_size - 40), read.data(), read.size());
        });
        exec.run();
        CHECK(m.cores[0]->memory_unit().page_walker().stats().walks == 10);
    }
}

// A store that is interrupted has not begun: after the interrupt it is another, that asks again.
// The handler, or whoever runs before its thread does again, may have cleaned the page.
TEST_CASE("caches_dirty = off: a store that has walked and is interrupted walks again")
{
    for (const time_sync sync : {time_sync::window, time_sync::every_access}) {
        std::uint64_t in_between = 0;
        for (std::uint64_t due = 1; due < 9 * 50; due += 7) {
            CAPTURE(int(sync));
            CAPTURE(due);
            machine_options o;
            o.core.frequency = 1'000'000'000; // a cycle is 1000 ps
            o.core.sync = sync;
            o.tlb.caches_dirty = false;
            o.bus_latency = picoseconds(50'000);
            fiber_executor exec;
            machine m(exec, o);
            m.map_dirty(0);
            bool stored = false;
            m.on_interrupt = [&](core& cpu, interrupt) {
                cpu.sync();
                stored = !m.all("store").empty();
                in_between += !stored && !m.all("TLB fill").empty() ? 1U : 0U;
                m.slot(0).set_pte(m.slot(0).get().mkclean());
            };
            m.user(0, [&](core& cpu) {
                const std::uint64_t value = 1;
                cpu.sync();
                cpu.post_interrupt(interrupt::disk, cpu.now() + picoseconds(due * 1000));
                cpu.store(machine::base, &value, sizeof value);
                cpu.compute(cycles(1000));
            });
            exec.run();
            CHECK(m.slot(0).get().dirty() == !stored);
        }
        CHECK(in_between > 0);
    }
}

// ---- walks before permission faults -------------------------------------------------------------

TEST_CASE("R3: W granted without a flush costs one spurious fault, and none if the MMU walks first")
{
    for (const bool rewalks : {false, true})
        for (const bool caches_dirty : {false, true})
            for (const std::uint64_t l2_entries : {0U, 16U})
                for (const bool evicted : {false, true}) {
                    CAPTURE(rewalks);
                    CAPTURE(caches_dirty);
                    CAPTURE(l2_entries);
                    CAPTURE(evicted);
                    tlb_options o = with(tiny_first_level(), &tlb_options::rewalks, rewalks);
                    o.caches_dirty = caches_dirty;
                    o.l2_entries = l2_entries;
                    metered_rig rig(o);
                    rig.leaf(here).set_pte(pte::of_page(frame_number(77)));
                    rig.access(here, load);
                    rig.leaf(here).set_pte(writable_page);
                    if (evicted)
                        rig.access(there, load);
                    const bool cached = !evicted || l2_entries > 0;
                    unsigned faults = 0;
                    for (int i = 0; i < 5; ++i) {
                        const outcome result = rig.access(here, store).result;
                        faults += result == outcome::faulted ? 1U : 0U;
                        if (result == outcome::faulted) {
                            CHECK(rig.fault.error.present);
                            CHECK(rig.fault.error.write);
                            CHECK(i == 0);
                        }
                        rig.access(there, load);
                    }
                    CHECK(faults == (cached && !rewalks ? 1 : 0));
                    CHECK(rig.leaf(here).get().dirty());
                }
}

TEST_CASE("R5: a walk that ends in a permission fault all the same sets nothing and caches nothing")
{
    metered_rig rig(with(tiny_first_level(), &tlb_options::rewalks, true));
    const pte read_only = pte::of_page(frame_number(77));
    rig.leaf(here).set_pte(read_only);
    rig.access(here, load);
    const metered_rig::bill bill = rig.access(here, store);
    CHECK(bill.result == outcome::faulted);
    CHECK(bill.reads == 1);
    CHECK(rig.fault.error.present);
    CHECK(rig.fault.error.write);
    CHECK(rig.leaf(here).get() == read_only);
    CHECK(rig.entries_of(here) == 0);
}

// ---- address spaces -----------------------------------------------------------------------------

namespace
{

/// Two address spaces in one MMU; `here` is another frame in each.
struct two_spaces : metered_rig {
    explicit two_spaces(const tlb_options& o) : metered_rig(o)
    {
        other.find_or_allocate(here, allocator()).set_pte(pte::of_page(frame_number(88)).mkwrite());
    }
    void load_first() { unit.load_root(table.root(), asid(1)); }
    void load_other() { unit.load_root(other.root(), asid(2)); }
    frame_number frame_here()
    {
        access(here, load);
        return unit.hit(here, load)->frame;
    }
    page_table other{memory, unit.page_walker().format(), allocator(), [](frame_number) {}};
};

tlb_entry global_entry(virtual_address va)
{
    tlb_entry e;
    e.page = page_of(va);
    e.frame = frame_number(99);
    e.global = true;
    return e;
}

} // namespace

TEST_CASE("a tagged load of the root keeps what is cached, and no space hits another's")
{
    for (const std::uint64_t l2_entries : {0U, 16U}) {
        CAPTURE(l2_entries);
        tlb_options o;
        o.l2_entries = l2_entries;
        two_spaces rig(o);
        rig.load_first();
        CHECK(rig.unit.root() == rig.table.root());
        CHECK(rig.unit.space() == asid(1));
        CHECK(rig.access(here, store).result == outcome::walked);
        rig.load_other();
        CHECK(rig.unit.root() == rig.other.root());
        CHECK(rig.unit.hit(here, load) == nullptr);
        CHECK(rig.access(here, load).reads > 0);
        CHECK(rig.unit.hit(here, load)->frame == frame_number(88));
        CHECK(rig.unit.hit(here, store) == nullptr); // D of the other's is none of this one
        for (int i = 0; i < 3; ++i) {
            rig.load_first();
            CHECK(rig.access(here, store).result == outcome::hit);
            CHECK(rig.frame_here() == frame_number(77));
            rig.load_other();
            CHECK(rig.access(here, load).result == outcome::hit);
            CHECK(rig.frame_here() == frame_number(88));
        }
        CHECK(rig.stats().misses == 2);
    }
}

TEST_CASE("the paging-structure cache does not lead one address space into the other's tables")
{
    tlb_options o;
    o.entries = o.ways = 1;
    two_spaces rig(o);
    for (int i = 0; i < 3; ++i) {
        rig.load_first();
        CHECK(rig.frame_here() == frame_number(77));
        rig.load_other();
        CHECK(rig.frame_here() == frame_number(88));
    }
    CHECK(rig.unit.page_walker().stats().cache_hits == 4); // it remembers both
}

TEST_CASE("a global entry answers every address space and goes only by invlpg or a full flush")
{
    for (const std::uint64_t l2_entries : {0U, 16U})
        for (const bool by_invlpg : {false, true}) {
            CAPTURE(l2_entries);
            CAPTURE(by_invlpg);
            tlb_options o;
            o.l2_entries = l2_entries;
            two_spaces rig(o);
            const virtual_address kernel(0xffff'8000'0000'0000);
            metered_actor self;
            rig.load_first();
            rig.unit.translations().insert(global_entry(kernel));
            rig.access(here, load);
            const auto found = [&] { return rig.unit.hit(kernel, load) != nullptr; };
            CHECK(found());
            rig.load_other();
            CHECK(found());
            for (const std::uint64_t space : {0U, 1U, 2U})
                rig.unit.flush_space(self, asid(space));
            CHECK(found());
            rig.unit.load_root(rig.table.root());
            CHECK(found());
            CHECK(rig.entries_of(kernel) == (l2_entries > 0 ? 2 : 1));
            rig.load_other(); // it need not be in the space that filled it
            if (by_invlpg)
                rig.unit.invlpg(self, kernel);
            else
                rig.unit.flush_all(self);
            CHECK_FALSE(found());
            CHECK(rig.entries_of(kernel) == 0);
        }
}

TEST_CASE("an untagged load of the root keeps global entries and nothing else, of any space")
{
    for (const std::uint64_t l2_entries : {0U, 16U}) {
        CAPTURE(l2_entries);
        tlb_options o;
        o.l2_entries = l2_entries;
        two_spaces rig(o);
        const virtual_address kernel(0xffff'8000'0000'0000);
        rig.access(there, load);
        rig.load_first();
        rig.access(here, load);
        rig.load_other();
        rig.access(here, load);
        rig.unit.translations().insert(global_entry(kernel));
        rig.unit.load_root(rig.table.root());
        CHECK(rig.unit.space() == asid());
        rig.unit.translations().for_each([](const tlb_entry& e) { CHECK(e.global); });
        CHECK(rig.unit.hit(kernel, load) != nullptr);
        CHECK(rig.frame_here() == frame_number(77));
        rig.load_other();
        CHECK(rig.unit.hit(here, load) == nullptr);
    }
}

TEST_CASE("flush_space drops one space's, loaded or not")
{
    for (const bool of_the_loaded : {false, true}) {
        CAPTURE(of_the_loaded);
        two_spaces rig{tlb_options()};
        metered_actor self;
        rig.load_first();
        rig.access(here, load);
        rig.load_other();
        rig.access(here, load);
        rig.unit.flush_space(self, asid(of_the_loaded ? 2 : 1));
        CHECK((rig.unit.hit(here, load) == nullptr) == of_the_loaded);
        rig.load_first();
        CHECK((rig.unit.hit(here, load) == nullptr) == !of_the_loaded);
    }
}

// ---- whatever the TLB is like -------------------------------------------------------------------

namespace
{

tlb_options any_tlb(std::mt19937_64& random)
{
    const tlb_options defaults;
    tlb_options o;
    o.ways = std::uint64_t{1} << random() % 3;
    o.entries = o.ways * (1 + random() % 3);
    o.l2_ways = std::uint64_t{1} << random() % 3;
    o.l2_entries = o.l2_ways * (random() % 5);
    o.replacement = defaults.replacements.at(random() % defaults.replacements.size());
    o.caches_dirty = random() % 2 == 0;
    o.rewalks = random() % 2 == 0;
    o.seed = random();
    return o;
}

walker_options any_walker(std::mt19937_64& random)
{
    constexpr std::array<pte_layout, 5> layouts{pte_layout::x86_64, pte_layout::x86_64_la57,
                                                pte_layout::sv39, pte_layout::sv48,
                                                pte_layout::aarch64};
    walker_options o;
    o.layout = layouts.at(random() % layouts.size());
    o.tables.entries[0] = random() % 3;
    o.sets_dirty = random() % 3 == 0 ? dirty_setter::fault : dirty_setter::walker;
    return o;
}

} // namespace

// With caches_dirty = off the kernel need not flush when it takes D away (but W, yes).
TEST_CASE("behind any TLB an access does what the PTE says, under a kernel that flushes as it must")
{
    std::uint64_t unflushed = 0;
    std::uint64_t l2_hits = 0;
    std::uint64_t hits = 0;
    for (std::uint64_t seed = 0; seed < 2000; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random(seed);
        const tlb_options tlb_opts = any_tlb(random);
        const walker_options walker_opts = any_walker(random);
        mmu_rig rig(walker_opts, tlb_opts);
        page_table other(rig.memory, rig.table.format(), rig.allocator(), [](frame_number) {});
        const std::array<page_table*, 2> tables{&rig.table, &other};
        const bool hardware = walker_opts.sets_dirty == dirty_setter::walker;
        metered_actor self;
        std::uint64_t space = 0;
        rig.unit.load_root(tables[0]->root(), asid(0));
        for (int i = 0; i < 200; ++i) {
            const virtual_address va(0x1fc000 + random() % 8 * 0x1000);
            const auto slot_in = [&](std::uint64_t s) {
                return tables.at(s)->find_or_allocate(va, rig.allocator());
            };
            pte_slot slot = slot_in(space);
            const std::uint64_t dice = random() % 20;
            if (dice == 0) {
                space = 1 - space;
                rig.unit.load_root(tables.at(space)->root(), asid(space));
            } else if (dice < 3) { // anything, and a flush
                pte entry = pte::of_page(frame_number(60 + 20 * space + random() % 20));
                entry = random() % 3 == 0 ? entry : entry.mkwrite();
                entry = random() % 2 == 0 ? entry : entry.mkdirty();
                slot.set_pte(random() % 5 == 0 ? pte() : entry);
                rig.unit.invlpg(self, va);
            } else if (dice == 3) { // the other space's, and a flush of all of it
                slot_in(1 - space).set_pte(pte());
                rig.unit.flush_space(self, asid(1 - space));
            } else if (dice == 4 && !tlb_opts.caches_dirty) {
                unflushed += slot.get().dirty() ? 1U : 0U;
                slot.set_pte(slot.get().none() ? pte() : slot.get().mkclean());
            } else if (dice == 5 && slot.get().present()) { // ptep_set_access_flags
                slot.set_pte(slot.get().mkwrite().mkdirty().mkyoung());
            } else {
                const access_kind kind = random() % 2 == 0 ? load : store;
                const pte before = slot.get();
                const bool store_needs_d = kind == store && !hardware && !before.dirty();
                const bool permitted =
                    before.present() && (kind == load || before.writable()) && !store_needs_d;
                outcome result = rig.access(self, va, kind);
                if (result == outcome::faulted && permitted) {
                    // Spurious: W or D was granted since, and only once.
                    REQUIRE(kind == store);
                    REQUIRE((!tlb_opts.rewalks || !hardware));
                    result = rig.access(self, va, kind);
                }
                REQUIRE((result != outcome::faulted) == permitted);
                if (!permitted) {
                    REQUIRE(slot.get() == before);
                    continue;
                }
                REQUIRE(slot.get().dirty() == (before.dirty() || kind == store));
                // The store that was walked for uses the permission up, if it is for one only.
                const tlb_entry* const entry =
                    result == outcome::hit
                        ? rig.unit.translations().lookup(page_of(va), rig.unit.space())
                        : rig.unit.hit(va, kind);
                REQUIRE(entry != nullptr);
                REQUIRE(entry->frame == before.frame());
                hits += result == outcome::hit ? 1U : 0U;
            }
        }
        l2_hits += rig.unit.translations().stats().l2_hits;
    }
    CHECK(unflushed > 1000);
    CHECK(l2_hits > 1000);
    CHECK(hits > 10'000);
}
