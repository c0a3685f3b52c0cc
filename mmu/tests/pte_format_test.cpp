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

constexpr page_order huge_orders[] = {page_order::mega, page_order::giga};

/// Those that map a large page, aligned.
std::vector<pte> huge_entries_of(frame_number frame)
{
    std::vector<pte> all = entries_of(frame);
    for (pte& entry : all)
        entry = entry.mkhuge();
    return all;
}

/// Memory in which the second page of that size is whole.
std::uint64_t frames_for(page_order order)
{
    return 2 * pages_of(order);
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

TEST_CASE("format: 2 MiB and 1 GiB are one entry of x86-64 with PS set")
{
    // Intel SDM vol. 3, tables 4-16 and 4-18: as a PTE, with PS (7), PAT (12), and the frame from
    // bit 30 or 21 on; what is between must be 0.
    for (const pte_layout layout : {pte_layout::x86_64, pte_layout::x86_64_la57}) {
        const pte_format& x86 = format_of(layout);
        const pte mega = pte::of_page(frame_number(0x12200)).mkhuge();
        const pte giga = pte::of_page(frame_number(0x40000)).mkhuge();
        CHECK(x86.encode_page(mega) == 0x1220'00a5);
        CHECK(x86.encode_page(mega.mkwrite().mkdirty()) == 0x1220'00e7);
        CHECK(x86.encode_page(giga.mkwrite().mkdirty()) == 0x4000'00e7);
        CHECK(x86.decode(0x1220'00a5, 1) == mega);
        CHECK(x86.decode(0x1220'10a5, 1) == mega); // PAT
        CHECK(x86.decode(0x4000'00a5, 2) == giga);
        for (unsigned reserved = 13; reserved <= 20; ++reserved)
            CHECK_FALSE(x86.decode(0x1220'00a5 | 1ULL << reserved, 1).present());
        for (unsigned reserved = 13; reserved <= 29; ++reserved)
            CHECK_FALSE(x86.decode(0x4000'00a5 | 1ULL << reserved, 2).present());
        CHECK_FALSE(x86.decode(0x4000'00a5, 3).present()); // reserved in a PML4E
        CHECK_FALSE(x86.decode_table(0x1220'00a5).present());
        CHECK(x86.decode(0x1234'5007, 1) == pte::of_table(frame_number(0x12345)));
        CHECK_FALSE(x86.decode(0x1234'50a5, 0).huge()); // bit 7 is PAT there
    }
}

TEST_CASE("format: any entry of RISC-V that can be read, written or executed is a leaf")
{
    for (const pte_layout layout : {pte_layout::sv39, pte_layout::sv48}) {
        const pte_format& riscv = format_of(layout);
        const pte mega = pte::of_page(frame_number(0x12200)).mkhuge();
        const pte giga = pte::of_page(frame_number(0x40000)).mkhuge();
        CHECK(riscv.encode_page(mega.mkwrite().mkdirty()) == (0x12200ULL << 10 | 0xd7));
        CHECK(riscv.encode_page(giga) == (0x40000ULL << 10 | 0x53));
        CHECK(riscv.decode(0x12200ULL << 10 | 0xd7, 1) == mega.mkwrite().mkdirty());
        CHECK(riscv.decode(0x40000ULL << 10 | 0x53, 2) == giga);
        CHECK_FALSE(riscv.decode(0x12200ULL << 10 | 0x55, 1).present()); // W without R
        // A misaligned superpage.
        CHECK_FALSE(riscv.decode(0x12201ULL << 10 | 0xd7, 1).present());
        CHECK_FALSE(riscv.decode(0x12200ULL << 10 | 0xd7, 2).present());
        CHECK(riscv.decode(0x12345ULL << 10 | 0x01, 1).frame() == frame_number(0x12345));
        CHECK_FALSE(riscv.decode(0x12345ULL << 10 | 0x01, 1).huge());
    }
}

TEST_CASE("format: AArch64's large pages are block descriptors")
{
    // Arm ARM D8.3: bits 1:0 are 01; the attributes are those of a page; OA[47:21] or [47:30].
    const pte_format& arm = format_of(pte_layout::aarch64);
    const std::uint64_t always = 0x0060'0000'0000'0f41; // valid, EL0, SH 3, AF, nG, PXN, UXN
    const std::uint64_t rdonly = 1ULL << 7;
    const std::uint64_t dbm = 1ULL << 51;
    const std::uint64_t frame = 0x12200ULL << 12;
    const pte mega = pte::of_page(frame_number(0x12200)).mkhuge();
    CHECK(arm.encode_page(mega) == (always | frame | rdonly));
    CHECK(arm.encode_page(mega.mkwrite()) == (always | frame | rdonly | dbm));
    CHECK(arm.encode_page(mega.mkwrite().mkdirty()) == (always | frame | dbm | 1ULL << 55));
    CHECK(arm.mark(always | frame | rdonly | dbm, true) == (always | frame | dbm));
    CHECK(arm.decode(always | frame | dbm, 1) == mega.mkwrite().mkdirty());
    CHECK(arm.decode(always | frame | rdonly | 0xf'f000, 1) == mega); // RES0: not looked at
    CHECK(arm.decode(0x40000ULL << 12 | always | rdonly, 2) ==
          pte::of_page(frame_number(0x40000)).mkhuge());
    CHECK_FALSE(arm.decode(always | rdonly, 3).present()); // no 512 GiB with this granule
    CHECK_FALSE(arm.decode(always | frame, 0).present());  // 01 is reserved where pages are
    CHECK(arm.decode(0x12345ULL << 12 | 3, 1) == pte::of_table(frame_number(0x12345)).mkyoung());
}

TEST_CASE("format: the same of large pages, and no table is taken for one")
{
    for (const pte_layout layout : layouts) {
        const pte_format& format = format_of(layout);
        CAPTURE(format.name());
        for (const unsigned level : {1U, 2U}) {
            const page_order order = pte_format::order_of_level(level);
            CHECK(pte_format::level_of(order) == level);
            CHECK(format.decode(0, level).none());
            for (const std::uint64_t number : {1ULL, 5ULL, 0x3'ffffULL}) {
                const frame_number frame(number * pages_of(order));
                const pte table = format.decode(format.encode_table(frame), level);
                CHECK(table.present());
                CHECK_FALSE(table.huge());
                for (const pte entry : huge_entries_of(frame)) {
                    const std::uint64_t raw = format.encode_page(entry);
                    CHECK(format.decode(raw, level) == entry);
                    CHECK(format.decode(format.mark(raw, false), level) == entry.mkyoung());
                    if (entry.writable())
                        CHECK(format.decode(format.mark(raw, true), level) ==
                              entry.mkyoung().mkdirty());
                    CHECK_FALSE(format.decode(raw, 3).present());
                    CHECK_FALSE(format.decode_table(raw).present());
                }
            }
        }
    }
}

TEST_CASE("format: an access to any part of a large page does what its entry says")
{
    for (const pte_layout layout : layouts) {
        for (const page_order order : huge_orders) {
            const unsigned level = pte_format::level_of(order);
            for (const pte entry : huge_entries_of(frame_number(pages_of(order)))) {
                for (const access_kind kind : {load, store}) {
                    for (const dirty_setter setter : {dirty_setter::walker, dirty_setter::fault}) {
                        walker_options options;
                        options.layout = layout;
                        options.sets_dirty = setter;
                        mmu_rig rig(options, {}, frames_for(order));
                        const virtual_address here = high_address(rig.table.format());
                        pte_slot slot = rig.leaf(here, order);
                        slot.set_pte(entry);
                        const bool permitted =
                            entry.present() && (kind == load || entry.writable());
                        const bool marked = entry.accessed() && (kind == load || entry.dirty());
                        const bool goes_on =
                            permitted && (marked || setter == dirty_setter::walker);
                        CAPTURE(rig.table.format().name());
                        CAPTURE(show_pte(entry.raw()));
                        CHECK(rig.access(here, kind) ==
                              (goes_on ? outcome::walked : outcome::faulted));
                        const pte after =
                            kind == store ? entry.mkyoung().mkdirty() : entry.mkyoung();
                        CHECK(slot.get() == (goes_on ? after : entry));
                        CHECK(rig.unit.page_walker().stats().reads >=
                              rig.table.format().levels() - level);
                        if (!goes_on)
                            continue;
                        const tlb_entry& cached = *rig.cached(here);
                        CHECK(cached.order == order);
                        CHECK(cached.frame == entry.frame());
                        CHECK(cached.page.raw() % pages_of(order) == 0);
                        CHECK(cached.host_of(here) ==
                              rig.memory.frame(slot.frame_at(here)) + offset_in_page(here));
                    }
                }
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
