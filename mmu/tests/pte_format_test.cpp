// Page tables as each architecture writes them into memory.

#include "mmu/tests/mmu_rig.h"

#include <doctest/doctest.h>

#include <random>
#include <vector>

using namespace mkclean;

namespace
{

using outcome = mmu_rig::outcome;
constexpr access_kind load = access_kind::load;
constexpr access_kind store = access_kind::store;

const std::vector<pte_layout> layouts = {pte_layout::x86_64, pte_layout::x86_64_la57,
                                         pte_layout::sv39, pte_layout::sv48, pte_layout::aarch64};

/// Every entry that a kernel may write for a frame: P, W, A and D each set or not.
std::vector<pte> entries_of(frame_number frame)
{
    std::vector<pte> all;
    for (unsigned bits = 0; bits < 16; ++bits) {
        pte entry = pte::at(frame).mkuser();
        entry = (bits & 1U) != 0 ? entry.mkpresent() : entry;
        entry = (bits & 2U) != 0 ? entry.mkwrite() : entry;
        entry = (bits & 4U) != 0 ? entry.mkyoung() : entry;
        all.push_back((bits & 8U) != 0 ? entry.mkdirty() : entry);
    }
    return all;
}

/// An address in the upper half of what a program may have, so that every level is in use.
virtual_address high_address(const pte_format& format)
{
    return virtual_address(format.address_limit() / 8 * 7 +
                           0x12'3456'7000 % format.address_limit() / 8);
}

} // namespace

TEST_CASE("format: x86-64 entries are those of the manual")
{
    // Intel SDM vol. 3, table 4-20: P 0, R/W 1, U/S 2, A 5, D 6, the frame from bit 12 on.
    const pte_format& x86 = format_of(pte_layout::x86_64);
    CHECK(x86.levels() == 4);
    CHECK(x86.address_limit() == 0x8000'0000'0000);
    CHECK(format_of(pte_layout::x86_64_la57).levels() == 5);
    CHECK(format_of(pte_layout::x86_64_la57).address_limit() == 0x100'0000'0000'0000);
    const pte page = pte::of_page(frame_number(0x12345));
    CHECK(x86.encode_page(page) == 0x1234'5025);
    CHECK(x86.encode_page(page.mkwrite().mkdirty()) == 0x1234'5067);
    CHECK(x86.encode_table(frame_number(0x12345)) == 0x1234'5007);
}

TEST_CASE("format: RISC-V entries are those of the manual")
{
    // Privileged architecture, figure "Sv39 page table entry": V 0, R 1, W 2, X 3, U 4, G 5, A 6,
    // D 7, the PPN from bit 10 on.
    const pte_format& sv39 = format_of(pte_layout::sv39);
    CHECK(sv39.levels() == 3);
    CHECK(sv39.address_limit() == 0x40'0000'0000);
    CHECK(format_of(pte_layout::sv48).levels() == 4);
    CHECK(format_of(pte_layout::sv48).address_limit() == 0x8000'0000'0000);
    const pte page = pte::of_page(frame_number(0x12345));
    CHECK(sv39.encode_page(page) == (0x12345ULL << 10 | 0x53));
    CHECK(sv39.encode_page(page.mkwrite().mkdirty()) == (0x12345ULL << 10 | 0xd7));
    CHECK(sv39.encode_table(frame_number(0x12345)) == (0x12345ULL << 10 | 0x01));
    // A pointer to a table is no page, and the reverse; W without R is reserved.
    CHECK_FALSE(sv39.decode_page(0x12345ULL << 10 | 0x01).present());
    CHECK_FALSE(sv39.decode_table(0x12345ULL << 10 | 0x53).present());
    CHECK_FALSE(sv39.decode_page(0x12345ULL << 10 | 0x15).present());
}

TEST_CASE("format: AArch64 descriptors are those of the manual, used as Linux does")
{
    // Arm ARM D8.3: valid 0, table or page 1, AP[1] 6, AP[2] 7, SH 9:8, AF 10, nG 11, DBM 51, PXN
    // 53, UXN 54; Linux: PTE_WRITE 51, PTE_RDONLY 7, PTE_DIRTY 55.
    const pte_format& arm = format_of(pte_layout::aarch64);
    CHECK(arm.levels() == 4);
    CHECK(arm.address_limit() == 0x8000'0000'0000);
    const std::uint64_t always = 0x0060'0000'0000'0f43; // valid, page, EL0, SH 3, AF, nG, PXN, UXN
    const std::uint64_t frame = 0x12345ULL << 12;
    const std::uint64_t rdonly = 1ULL << 7;
    const std::uint64_t dbm = 1ULL << 51;
    const std::uint64_t dirty = 1ULL << 55;
    const pte page = pte::of_page(frame_number(0x12345));
    CHECK(arm.encode_page(page) == (always | frame | rdonly));
    CHECK(arm.encode_page(page.mkwrite()) == (always | frame | rdonly | dbm)); // writable-clean
    CHECK(arm.encode_page(page.mkwrite().mkdirty()) == (always | frame | dbm | dirty));
    CHECK(arm.encode_page(page.mkdirty()) == (always | frame | rdonly | dirty));
    CHECK(arm.encode_table(frame_number(0x12345)) == (frame | 3));
    // FEAT_HAFDBS: hardware clears AP[2] of a descriptor with DBM, and that is all it says.
    CHECK(arm.mark(always | frame | rdonly | dbm, true) == (always | frame | dbm));
    CHECK(arm.decode_page(always | frame | dbm) == page.mkwrite().mkdirty());
}

TEST_CASE("format: what a kernel writes is what it reads, and what hardware marks is marked")
{
    for (const pte_layout layout : layouts) {
        const pte_format& format = format_of(layout);
        CAPTURE(format.name());
        CHECK(format.encode_page(pte()) == 0);
        CHECK(format.decode_page(0).none());
        CHECK_FALSE(format.decode_table(0).present());
        for (const std::uint64_t frame : {1ULL, 77ULL, 0xf'ffffULL, 0xf'ffff'ffffULL}) {
            const pte table = format.decode_table(format.encode_table(frame_number(frame)));
            CHECK(table.present());
            CHECK(table.frame() == frame_number(frame));
            CHECK(table.accessed() != format.tables_have_accessed());
            for (const pte entry : entries_of(frame_number(frame))) {
                const std::uint64_t raw = format.encode_page(entry);
                CHECK(format.decode_page(raw) == entry);
                CHECK(format.decode_page(format.mark(raw, false)) == entry.mkyoung());
                if (entry.writable())
                    CHECK(format.decode_page(format.mark(raw, true)) == entry.mkyoung().mkdirty());
            }
        }
    }
}

TEST_CASE("format: an access does what the PTE says, whoever wrote it, in whatever format")
{
    for (const pte_layout layout : layouts) {
        for (const pte entry : entries_of(frame_number(77))) {
            for (const access_kind kind : {load, store}) {
                walker_options options;
                options.layout = layout;
                mmu_rig rig(options);
                const virtual_address here = high_address(rig.table.format());
                pte_slot slot = rig.leaf(here);
                slot.set_pte(entry);
                const bool permitted = entry.present() && (kind == load || entry.writable());
                const outcome how = rig.access(here, kind);
                CAPTURE(rig.table.format().name());
                CAPTURE(show_pte(entry.raw()));
                CHECK(how == (permitted ? outcome::walked : outcome::faulted));
                const pte marked = kind == store ? entry.mkyoung().mkdirty() : entry.mkyoung();
                CHECK(slot.get() == (permitted ? marked : entry));
                CHECK(rig.unit.page_walker().stats().reads >= rig.table.format().levels());
                if (permitted)
                    CHECK(rig.cached(here)->frame == frame_number(77));
            }
        }
    }
}

TEST_CASE(
    "format: where software sets A and D, a walk changes nothing and faults until they are set")
{
    for (const pte_layout layout : layouts) {
        for (const pte entry : entries_of(frame_number(77))) {
            for (const access_kind kind : {load, store}) {
                walker_options options;
                options.layout = layout;
                options.sets_dirty = dirty_setter::fault;
                mmu_rig rig(options);
                rig.port.on_update = [](physical_address, pte, pte) { FAIL("a walker wrote"); };
                const virtual_address here = high_address(rig.table.format());
                pte_slot slot = rig.leaf(here);
                slot.set_pte(entry);
                const bool permitted = entry.present() && (kind == load || entry.writable());
                const bool marked = entry.accessed() && (kind == load || entry.dirty());
                CAPTURE(rig.table.format().name());
                CAPTURE(show_pte(entry.raw()));
                CHECK(rig.access(here, kind) ==
                      (permitted && marked ? outcome::walked : outcome::faulted));
                CHECK(slot.get() == entry);
                if (permitted && !marked) {
                    CHECK(rig.fault.error.present); // not to be taken for a missing page
                    slot.set_pte(kind == store ? entry.mkyoung().mkdirty() : entry.mkyoung());
                    CHECK(rig.access(here, kind) == outcome::walked);
                }
            }
        }
    }
}

TEST_CASE("format: a store through a clean TLB entry faults at once where software sets D")
{
    for (const pte_layout layout : layouts) {
        walker_options options;
        options.layout = layout;
        options.sets_dirty = dirty_setter::fault;
        mmu_rig rig(options);
        const virtual_address here = high_address(rig.table.format());
        pte_slot slot = rig.leaf(here);
        slot.set_pte(pte::of_page(frame_number(77)).mkwrite());
        CHECK(rig.access(here, load) == outcome::walked);
        const std::uint64_t reads = rig.unit.page_walker().stats().reads;
        CHECK(rig.access(here, store) == outcome::faulted);
        CHECK(rig.unit.page_walker().stats().reads == reads); // the TLB knew
        CHECK(rig.cached(here) == nullptr);                   // and forgets
        slot.set_pte(slot.get().mkdirty());
        CHECK(rig.access(here, store) == outcome::walked);
    }
}

TEST_CASE("format: a cold walk reads an entry a level, and sets A where the format has it")
{
    for (const pte_layout layout : layouts) {
        walker_options options;
        options.layout = layout;
        mmu_rig rig(options);
        const pte_format& format = rig.table.format();
        const virtual_address here = high_address(format);
        rig.leaf(here).set_pte(pte::of_page(frame_number(77)).mkold());
        CHECK(rig.access(here, load) == outcome::walked);
        CAPTURE(format.name());
        CHECK(rig.unit.page_walker().stats().reads == format.levels());
        CHECK(rig.unit.page_walker().stats().accessed_set ==
              (format.tables_have_accessed() ? format.levels() : 1));
    }
}
