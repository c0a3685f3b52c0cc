// Pages of 2 MiB and 1 GiB, in the walker and in the TLB: one entry, one D.

#include "mmu/tests/mmu_rig.h"

#include <doctest/doctest.h>

#include <random>

using namespace mkclean;

namespace
{

using outcome = mmu_rig::outcome;
constexpr access_kind load = access_kind::load;
constexpr access_kind store = access_kind::store;
constexpr page_order orders[] = {page_order::mega, page_order::giga};
constexpr pte_layout layouts[] = {pte_layout::x86_64, pte_layout::x86_64_la57, pte_layout::sv39,
                                  pte_layout::sv48, pte_layout::aarch64};

/// A machine with one page of that size, the second in memory, clean and writable.
struct huge_rig : mmu_rig {
    explicit huge_rig(page_order o = page_order::mega, pte_layout layout = pte_layout::x86_64)
        : mmu_rig(walker_of(layout), tlb_options{}, 3 * pages_of(o)),
          order(o),
          bytes(pages_of(o) * page_size),
          here(table.format().address_limit() / 8 / bytes * bytes),
          first(pages_of(o)),
          slot(leaf(here, o))
    {
        slot.set_pte(pte::of_page(first).mkhuge().mkwrite());
    }
    static walker_options walker_of(pte_layout layout)
    {
        walker_options options;
        options.layout = layout;
        return options;
    }
    virtual_address page(std::uint64_t n) const { return here + n * page_size; }
    unsigned entries() const
    {
        unsigned n = 0;
        unit.translations().for_each([&](const tlb_entry&) { ++n; });
        return n;
    }

    page_order order;
    std::uint64_t bytes;
    virtual_address here;
    frame_number first;
    pte_slot slot;
};

} // namespace

TEST_CASE("huge: one walk and one TLB entry serve all pages, and one D all stores")
{
    for (const pte_layout layout : layouts) {
        for (const page_order order : orders) {
            huge_rig rig(order, layout);
            CAPTURE(rig.table.format().name());
            const std::uint64_t last = pages_of(order) - 1;
            CHECK(rig.access(rig.page(3), load) == outcome::walked);
            CHECK(rig.unit.page_walker().stats().reads ==
                  rig.table.format().levels() - pte_format::level_of(order));
            for (const std::uint64_t page : {std::uint64_t{0}, std::uint64_t{255}, last})
                CHECK(rig.access(rig.page(page) + 17, load) == outcome::hit);
            CHECK_FALSE(rig.slot.get().dirty());
            CHECK(rig.access(rig.page(last), store) == outcome::walked);
            CHECK(rig.slot.get() == pte::of_page(rig.first).mkhuge().mkwrite().mkdirty());
            CHECK(rig.unit.page_walker().stats().dirty_set == 1);
            for (const std::uint64_t page : {std::uint64_t{0}, std::uint64_t{511}, last})
                CHECK(rig.access(rig.page(page), store) == outcome::hit);
            CHECK(rig.entries() == 1);
            CHECK(rig.access(rig.here + rig.bytes, load) == outcome::faulted); // and no further
        }
    }
}

TEST_CASE("huge: every byte is where the frames are")
{
    huge_rig rig;
    rig.access(rig.here, load);
    for (std::uint64_t n = 0; n < pages_of(rig.order); ++n)
        REQUIRE(rig.cached(rig.page(n))->host_of(rig.page(n) + 5) ==
                rig.memory.frame(rig.first + n) + 5);
}

TEST_CASE("huge: R2 holds for all 2 MiB: D cleared in memory is not set again by any store")
{
    huge_rig rig;
    rig.access(rig.page(0), store);
    rig.slot.set_pte(rig.slot.get().mkclean().wrprotect());
    CHECK(rig.access(rig.page(511), store) == outcome::hit);
    CHECK_FALSE(rig.slot.get().dirty());
    rig.invlpg(rig.page(200) + 9); // any address of it
    CHECK(rig.entries() == 0);
    CHECK(rig.access(rig.page(511), store) == outcome::faulted);
    CHECK(rig.fault.error.present);
    CHECK(rig.access(rig.page(511), load) == outcome::walked);
}

TEST_CASE("huge: R1 sets A in every entry on the way, where the format has it, and no more")
{
    for (const pte_layout layout : layouts) {
        for (const page_order order : orders) {
            huge_rig rig(order, layout);
            rig.slot.set_pte(rig.slot.get().mkold());
            CAPTURE(rig.table.format().name());
            CHECK(rig.access(rig.page(9), load) == outcome::walked);
            CHECK(rig.slot.get() == pte::of_page(rig.first).mkhuge().mkwrite());
            const unsigned read = rig.table.format().levels() - pte_format::level_of(order);
            CHECK(rig.unit.page_walker().stats().accessed_set ==
                  (rig.table.format().tables_have_accessed() ? read : 1));
        }
    }
}

TEST_CASE("huge: R3 and R5: nothing is cached or changed of an entry that does not allow it")
{
    for (const pte_layout layout : layouts) {
        huge_rig rig(page_order::mega, layout);
        const pte allowed = rig.slot.get();
        const pte absent(allowed.mkdirty().raw() & ~pte::present_bit);
        for (const pte entry : {absent, allowed.wrprotect()}) {
            rig.slot.set_pte(entry);
            CHECK(rig.access(rig.page(1), store) == outcome::faulted);
            CHECK(rig.slot.get() == entry);
            CHECK(rig.entries() == 0);
            CHECK(rig.fault.error.present == entry.present());
        }
    }
}

TEST_CASE("huge: no paging-structure cache goes through a large leaf")
{
    huge_rig rig;
    const std::uint64_t reads = rig.table.format().levels() - 1;
    for (std::uint64_t walk = 1; walk <= 5; ++walk) {
        CHECK(rig.access(rig.page(walk), load) == outcome::walked);
        rig.unit.translations().flush_all(); // the entry only
        CHECK(rig.unit.page_walker().stats().reads == walk * reads);
    }
    CHECK(rig.unit.page_walker().stats().cache_hits == 0);
    // A table in its place is found at once.
    rig.slot.get_and_clear();
    rig.leaf(rig.page(4)).set_pte(pte::of_page(frame_number(77)));
    CHECK(rig.access(rig.page(4), load) == outcome::walked);
    CHECK(rig.cached(rig.page(4))->order == page_order::small);
    CHECK(rig.cached(rig.page(4))->frame == frame_number(77));
}

TEST_CASE("huge: a leaf that has become a table when D is to be set is walked through")
{
    for (const pte_layout layout : layouts) {
        huge_rig rig(page_order::mega, layout);
        bool read = false;
        rig.port.on_read = [&](physical_address at) { read |= at == rig.slot.address(); };
        rig.start(0, [&](engine& self) {
            CHECK(rig.access(self, rig.page(4), store) == outcome::walked);
        });
        rig.start(0, [&](engine& self) {
            while (!read)
                self.delay(picoseconds(1));
            CHECK_FALSE(rig.slot.get_and_clear().dirty());
            rig.leaf(rig.page(4)).set_pte(pte::of_page(frame_number(77)).mkwrite());
        });
        rig.exec.run();
        CAPTURE(rig.table.format().name());
        CHECK(rig.unit.page_walker().stats().retries == 1);
        CHECK(rig.cached(rig.page(4))->order == page_order::small);
        CHECK(rig.leaf(rig.page(4)).get() == pte::of_page(frame_number(77)).mkwrite().mkdirty());
        CHECK_FALSE(rig.slot.get().dirty()); // the entry of the table
    }
}

TEST_CASE("huge: a table that has become a leaf meanwhile ends the walk")
{
    huge_rig rig;
    const pte huge = rig.slot.get_and_clear();
    rig.leaf(rig.page(4)).set_pte(pte::of_page(frame_number(77)).mkwrite());
    bool read = false;
    rig.port.on_read = [&](physical_address at) { read |= at == rig.slot.address(); };
    rig.start(
        0, [&](engine& self) { CHECK(rig.access(self, rig.page(4), store) == outcome::walked); });
    rig.start(0, [&](engine& self) {
        while (!read)
            self.delay(picoseconds(1));
        rig.slot.set_pte(huge); // before A is set in the table's entry
    });
    rig.exec.run();
    CHECK(rig.cached(rig.page(4))->order == page_order::mega);
    CHECK(rig.slot.get() == huge.mkdirty());
}

TEST_CASE("huge: a misaligned leaf faults on x86 and RISC-V, and AArch64 does not look")
{
    for (const pte_layout layout : layouts) {
        huge_rig rig(page_order::mega, layout);
        const bool arm = layout == pte_layout::aarch64;
        const unsigned shift = layout == pte_layout::sv39 || layout == pte_layout::sv48 ? 10 : 12;
        const std::uint64_t raw = rig.memory.read64(rig.slot.address()) | std::uint64_t{16}
                                                                              << shift; // 16 frames
        rig.memory.write64(rig.slot.address(), raw);
        CAPTURE(rig.table.format().name());
        CHECK(rig.access(rig.page(1), store) == (arm ? outcome::walked : outcome::faulted));
        if (arm)
            CHECK(rig.cached(rig.page(1))->frame == rig.first);
        else
            CHECK(rig.memory.read64(rig.slot.address()) == raw);
    }
}

TEST_CASE("huge: a page that reaches beyond memory is not granted")
{
    mmu_rig rig({}, {}, 512 + 511);
    const virtual_address here(std::uint64_t{1} << 30);
    rig.leaf(here, page_order::mega).set_pte(pte::of_page(frame_number(512)).mkhuge());
    bool refused = false;
    rig.run([&](engine& self) {
        try {
            rig.access(self, here, load);
        } catch (const bus_error&) {
            refused = true;
        }
    });
    CHECK(refused);
    CHECK(rig.cached(here) == nullptr);
}
