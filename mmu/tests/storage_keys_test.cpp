// Dirtiness in storage keys: who sets R and C, what forgets them, and that it costs nothing.

#include "mmu/keyed_format.h"
#include "mmu/storage_keys.h"
#include "mmu/tests/mmu_rig.h"

#include <doctest/doctest.h>

#include <stdexcept>

using namespace mkclean;

namespace
{

using outcome = mmu_rig::outcome;
constexpr access_kind load = access_kind::load;
constexpr access_kind store = access_kind::store;
constexpr virtual_address here(0x7f12'3456'7000);
constexpr virtual_address elsewhere(0x7f12'3456'8000);
constexpr frame_number frame(77);

walker_options keyed()
{
    walker_options o;
    o.sets_dirty = dirty_setter::storage_key;
    return o;
}

// The frame is mapped writable, and nobody has used it since its key was reset.
struct keyed_rig : mmu_rig {
    explicit keyed_rig(const tlb_options& tlb_opts = {}) : mmu_rig(keyed(), tlb_opts)
    {
        leaf(here).set_pte(pte::of_page(frame).mkwrite());
        reset();
    }
    void reset()
    {
        keys->reset_change(frame);
        keys->reset_reference(frame);
    }
    std::string key() { return show_key_change(keys->raw(frame), keys->raw(frame)).substr(4, 2); }
};

} // namespace

TEST_CASE("storage keys: what a frame held before says that it was stored to")
{
    physical_memory memory(4 * page_size);
    storage_keys keys(memory);
    CHECK(keys.is_changed(frame_number(3)));
    CHECK(keys.is_referenced(frame_number(3)));
}

TEST_CASE("storage keys: a load sets R, a store R and C, and the PTE says nothing of either")
{
    for (const access_kind kind : {load, store}) {
        keyed_rig rig;
        const std::uint64_t in_memory = rig.memory.read64(rig.leaf(here).address());
        CHECK(rig.access(here, kind) == outcome::walked);
        CHECK(rig.key() == "--"); // the walk has made the access possible, no more
        CHECK(rig.access(here, kind) == outcome::hit);
        CHECK(rig.key() == (kind == store ? "RC" : "R-"));
        CHECK(rig.memory.read64(rig.leaf(here).address()) == in_memory);
        CHECK_FALSE(rig.leaf(here).get().dirty());
        CHECK_FALSE(rig.leaf(here).get().accessed());
        CHECK(rig.unit.page_walker().stats().dirty_set == 0);
    }
}

TEST_CASE("storage keys: a store sets C again after every reset, and nothing was flushed")
{
    keyed_rig rig;
    CHECK(rig.access(here, store) == outcome::walked);
    for (int round = 0; round < 3; ++round) {
        CHECK(rig.access(here, store) == outcome::hit);
        CHECK(rig.unit.hit(here, store) != nullptr); // without a look at the key
        CHECK(rig.key() == "RC");
        rig.keys->reset_change(frame);
        CHECK(rig.unit.hit(here, store) == nullptr);
        CHECK(rig.unit.hit(here, load) != nullptr);
        CHECK(rig.key() == "R-");
    }
    CHECK(rig.unit.page_walker().stats().walks == 1);
}

TEST_CASE("storage keys: a load sets R again after every reset")
{
    keyed_rig rig;
    CHECK(rig.access(here, load) == outcome::walked);
    for (int round = 0; round < 3; ++round) {
        CHECK(rig.access(here, load) == outcome::hit);
        CHECK(rig.unit.hit(here, load) != nullptr);
        CHECK(rig.key() == "R-");
        rig.keys->reset_reference(frame);
        CHECK(rig.unit.hit(here, load) == nullptr);
        CHECK(rig.key() == "--");
    }
    CHECK(rig.unit.page_walker().stats().walks == 1);
}

TEST_CASE("storage keys: a store that the PTE does not allow sets no C")
{
    keyed_rig rig;
    rig.leaf(here).set_pte(pte::of_page(frame));
    CHECK(rig.access(here, load) == outcome::walked);
    CHECK(rig.access(here, store) == outcome::faulted);
    CHECK(rig.access(here, store) == outcome::faulted);
    CHECK_FALSE(rig.keys->is_changed(frame));
}

TEST_CASE("storage keys: setting a bit takes no time and is no miss")
{
    keyed_rig rig;
    rig.access(here, store);
    const picoseconds before = rig.exec.now();
    const tlb_stats stats = rig.unit.translations().stats();
    rig.access(here, store);
    rig.reset();
    rig.access(here, load);
    rig.access(here, store);
    CHECK(rig.exec.now() == before);
    CHECK(rig.unit.translations().stats().misses == stats.misses);
    CHECK(rig.unit.translations().stats().fills == stats.fills);
}

TEST_CASE("storage keys: the second level forgets a reset key, too, and comes back for it")
{
    tlb_options tlb;
    tlb.entries = 1;
    tlb.ways = 1;
    tlb.l2_entries = 8;
    keyed_rig rig(tlb);
    rig.leaf(elsewhere).set_pte(pte::of_page(frame_number(78)));
    rig.access(here, store);
    rig.access(here, store);
    rig.access(elsewhere, load); // and `here` is in the second level only
    rig.reset();
    CHECK(rig.access(here, store) == outcome::walked); // though without a walk
    CHECK(rig.unit.translations().stats().l2_hits == 1);
    CHECK(rig.key() == "--");
    CHECK(rig.access(here, store) == outcome::hit);
    CHECK(rig.key() == "RC");
}

TEST_CASE("storage keys: stores of devices and of the kernel set C, and a device's load R alone")
{
    keyed_rig rig;
    std::uint64_t word = 0;
    rig.port.read(address_of(frame), &word, sizeof word);
    CHECK(rig.key() == "R-");
    rig.port.write(address_of(frame) + 100, &word, sizeof word);
    CHECK(rig.key() == "RC");
    rig.reset();
    rig.memory.frame(frame);
    CHECK(rig.key() == "--");
    rig.memory.frame_to_store(frame);
    CHECK(rig.key() == "RC");
}

TEST_CASE("storage keys: no format has A or D in a page's entry, and all else as without keys")
{
    for (const pte_layout layout : {pte_layout::x86_64, pte_layout::x86_64_la57, pte_layout::sv39,
                                    pte_layout::sv48, pte_layout::aarch64}) {
        const pte_format& plain = format_of(layout);
        const pte_format& keyed = format_with_keys(layout);
        CAPTURE(plain.name());
        CHECK(keyed.levels() == plain.levels());
        CHECK(keyed.encode_page(pte()) == 0);
        const pte page = pte::of_page(frame).mkwrite().mkdirty();
        CHECK(keyed.decode_page(keyed.encode_page(page)) == page.mkclean().mkold());
        CHECK(keyed.encode_page(page) == plain.encode_page(page.mkclean().mkold()));
        CHECK(keyed.encode_table(frame) == plain.encode_table(frame));
    }
}

TEST_CASE("storage keys: who asks for them has to have them")
{
    physical_memory memory(4 * page_size);
    direct_memory_port port(memory, picoseconds(1));
    CHECK_THROWS_AS(mmu(port, tlb_options{}, keyed()), std::invalid_argument);
    storage_keys keys(memory);
    CHECK_THROWS_AS(mmu(port, tlb_options{}, walker_options{}, &keys), std::invalid_argument);
}
