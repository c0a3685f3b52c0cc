// The log of dirtied pages: what is in it, and what happens when it is full.

#include "mmu/dirty_log.h"
#include "mmu/tests/mmu_rig.h"

#include <doctest/doctest.h>

using namespace mkclean;

namespace
{

using outcome = mmu_rig::outcome;
constexpr access_kind load = access_kind::load;
constexpr access_kind store = access_kind::store;
constexpr virtual_address here(0x7f12'3456'7000);
constexpr frame_number log_memory(200);

walker_options with_log(std::uint64_t entries)
{
    walker_options o;
    o.dirty_log_entries = entries;
    return o;
}

virtual_address page(std::uint64_t n)
{
    return here + n * page_size;
}

// Some pages that are mapped writable and clean.
struct logging_rig : mmu_rig {
    explicit logging_rig(std::uint64_t entries) : mmu_rig(with_log(entries))
    {
        log().use(log_memory);
        for (std::uint64_t n = 0; n < 4; ++n)
            leaf(page(n)).set_pte(pte::of_page(frame_number(70 + n)).mkwrite());
    }
    dirty_log& log() { return unit.log_of_dirtied(); }
    std::uint64_t in_memory(std::uint64_t index)
    {
        return memory.read64(address_of(log_memory) + physical_address(8 * index));
    }
};

} // namespace

TEST_CASE("dirty log: a page is in it once, when the walker sets its D, as an address in memory")
{
    logging_rig rig(4);
    CHECK(rig.access(page(1), load) == outcome::walked);
    CHECK(rig.log().raw() == 0);
    CHECK(rig.access(page(1), store) == outcome::walked);
    CHECK(rig.access(page(1), store) == outcome::hit);
    CHECK(rig.access(page(0), store) == outcome::walked);
    CHECK(rig.log().raw() == 2);
    CHECK(rig.in_memory(0) == address_of(frame_number(71)).raw());
    CHECK(rig.in_memory(1) == address_of(frame_number(70)).raw());
    CHECK(rig.unit.page_walker().stats().logged == 2);
    CHECK(rig.log().take(rig.memory) ==
          std::vector<frame_number>{frame_number(71), frame_number(70)});
    CHECK(rig.log().take(rig.memory).empty());
}

TEST_CASE("dirty log: a page that is dirty already, or that the store may not change, is not in it")
{
    logging_rig rig(4);
    rig.leaf(page(0)).set_pte(pte::of_page(frame_number(70)).mkwrite().mkdirty().mkold());
    rig.leaf(page(1)).set_pte(pte::of_page(frame_number(71)));
    CHECK(rig.access(page(0), store) == outcome::walked);
    CHECK(rig.access(page(1), store) == outcome::faulted);
    CHECK_FALSE(rig.fault.log_full);
    CHECK(rig.log().raw() == 0);
}

TEST_CASE("dirty log: a cleaned page is logged again, as soon as no TLB remembers its D")
{
    logging_rig rig(4);
    rig.access(here, store);
    rig.leaf(here).set_pte(rig.leaf(here).get().mkclean());
    CHECK(rig.access(here, store) == outcome::hit); // R2: and nobody hears of it
    CHECK(rig.log().raw() == 1);
    rig.invlpg(here);
    CHECK(rig.access(here, store) == outcome::walked);
    CHECK(rig.log().raw() == 2);
}

TEST_CASE("dirty log: without room no D is set, and with room the same store goes through")
{
    logging_rig rig(2);
    rig.access(page(0), store);
    rig.access(page(1), store);
    CHECK(rig.access(page(2), load) == outcome::walked);
    for (int again = 0; again < 2; ++again) {
        CHECK(rig.access(page(2), store) == outcome::faulted);
        CHECK(rig.fault.log_full);
        CHECK_FALSE(rig.leaf(page(2)).get().dirty());
    }
    CHECK(rig.access(page(2), load) == outcome::hit); // it is no fault of the translation's
    CHECK(rig.access(page(0), store) == outcome::hit);
    rig.log().take(rig.memory);
    CHECK(rig.access(page(2), store) == outcome::walked);
    CHECK(rig.leaf(page(2)).get().dirty());
    CHECK(rig.log().take(rig.memory) == std::vector<frame_number>{frame_number(72)});
}

TEST_CASE("dirty log: a full one is in nobody's way who sets no D")
{
    logging_rig rig(1);
    rig.access(page(0), store);
    rig.leaf(page(1)).set_pte(pte::of_page(frame_number(71)).mkold());
    CHECK(rig.access(page(1), load) == outcome::walked);
    CHECK(rig.access(page(1), store) == outcome::faulted);
    CHECK_FALSE(rig.fault.log_full);
    CHECK(rig.fault.error.present);
}

TEST_CASE("dirty log: an entry takes one more transaction")
{
    picoseconds took[2];
    for (const bool logs : {false, true}) {
        mmu_rig rig(with_log(4));
        rig.leaf(here).set_pte(pte::of_page(frame_number(70)).mkwrite());
        if (logs)
            rig.unit.log_of_dirtied().use(log_memory);
        rig.access(here, store);
        took[logs ? 1 : 0] = rig.exec.now();
        CHECK(rig.unit.page_walker().stats().logged == (logs ? 1 : 0));
    }
    CHECK(took[1] - took[0] == picoseconds(mmu_rig::latency));
}
