#include "mmu/pte_format.h"

namespace mkclean
{

namespace
{

constexpr std::uint64_t bit(unsigned n)
{
    return std::uint64_t{1} << n;
}

constexpr std::uint64_t field(unsigned high, unsigned low)
{
    return (~std::uint64_t{0} >> (63 - (high - low))) << low;
}

constexpr bool all_set(std::uint64_t raw, std::uint64_t bits)
{
    return (raw & bits) == bits;
}

constexpr pte with(pte entry, bool yes, pte (pte::*set)() const)
{
    return yes ? (entry.*set)() : entry;
}

bool aligned(frame_number frame, page_order order)
{
    return frame.raw() % pages_of(order) == 0;
}

// No page is where such an entry points.
pte only_if_aligned(pte entry, page_order order)
{
    return aligned(entry.frame(), order) ? entry : pte(entry.raw() & ~pte::present_bit);
}

/// Intel SDM vol. 3, tables 4-15 to 4-20: `pte` is this layout. A 2-MiB or 1-GiB page has PS (bit
/// 7) in its PDE or PDPTE, PAT in bit 12, and between that and the frame reserved bits, which fault
/// if they are set. In a last-level entry bit 7 is PAT.
class x86_64_format final : public pte_format
{
public:
    x86_64_format(const char* name, unsigned levels) : pte_format(name, levels, true) {}

    std::uint64_t encode_page(pte entry) const override { return entry.raw(); }
    std::uint64_t encode_table(frame_number table) const override
    {
        return pte::of_table(table).raw();
    }
    pte decode_page(std::uint64_t raw) const override { return pte(raw & ~pte::huge_bit); }
    pte decode_table(std::uint64_t raw) const override { return is_huge(raw) ? pte() : pte(raw); }
    std::uint64_t mark(std::uint64_t raw, bool dirty) const override
    {
        return raw | pte::accessed_bit | (dirty ? pte::dirty_bit : 0);
    }

private:
    bool is_huge(std::uint64_t raw) const override { return pte(raw).huge(); }
    pte decode_huge(std::uint64_t raw, page_order order) const override
    {
        constexpr std::uint64_t pat = bit(12);
        return only_if_aligned(pte(raw & ~pat), order);
    }
};

/// The RISC-V Instruction Set Manual, volume II, Sv39, with the same entry in Sv48; the bits as in
/// Linux's arch/riscv/include/asm/pgtable-bits.h. A table is an entry with V and without R, W and
/// X; its A, D and U are reserved. Any other is a leaf, at whatever level; one whose frame is not a
/// multiple of its size (a misaligned superpage) faults.
class riscv_format final : public pte_format
{
public:
    riscv_format(const char* name, unsigned levels) : pte_format(name, levels, false) {}

    std::uint64_t encode_page(pte entry) const override
    {
        if (entry.none())
            return 0;
        return (entry.present() ? v : 0) | r | (entry.writable() ? w : 0) | (entry.user() ? u : 0) |
               (entry.accessed() ? a : 0) | (entry.dirty() ? d : 0) |
               entry.frame().raw() << ppn_shift;
    }
    std::uint64_t encode_table(frame_number table) const override
    {
        return v | table.raw() << ppn_shift;
    }
    pte decode_page(std::uint64_t raw) const override
    {
        // Neither a table nor the reserved W without R can be a leaf.
        const bool leaf = all_set(raw, v) && (raw & r) != 0;
        pte entry = pte::at(frame_number((raw & ppn) >> ppn_shift));
        entry = with(entry, leaf, &pte::mkpresent);
        entry = with(entry, (raw & w) != 0, &pte::mkwrite);
        entry = with(entry, (raw & u) != 0, &pte::mkuser);
        entry = with(entry, (raw & a) != 0, &pte::mkyoung);
        return with(entry, (raw & d) != 0, &pte::mkdirty);
    }
    pte decode_table(std::uint64_t raw) const override
    {
        const bool table = (raw & (v | r | w | x)) == v;
        const frame_number frame((raw & ppn) >> ppn_shift);
        return table ? pte::of_table(frame).mkyoung() : pte();
    }
    std::uint64_t mark(std::uint64_t raw, bool dirty) const override
    {
        return raw | a | (dirty ? d : 0);
    }

private:
    bool is_huge(std::uint64_t raw) const override { return (raw & (r | w | x)) != 0; }
    pte decode_huge(std::uint64_t raw, page_order order) const override
    {
        return only_if_aligned(decode_page(raw).mkhuge(), order);
    }

    static constexpr std::uint64_t v = bit(0);
    static constexpr std::uint64_t r = bit(1);
    static constexpr std::uint64_t w = bit(2);
    static constexpr std::uint64_t x = bit(3);
    static constexpr std::uint64_t u = bit(4);
    static constexpr std::uint64_t a = bit(6);
    static constexpr std::uint64_t d = bit(7);
    static constexpr unsigned ppn_shift = 10;
    static constexpr std::uint64_t ppn = field(53, ppn_shift);
};

/// VMSAv8-64 (Arm ARM, DDI 0487), stage 1 with a 4 KiB granule; the bits as in Linux's
/// arch/arm64/include/asm/pgtable-hwdef.h. What hardware calls dirty is DBM (bit 51) with AP[2]
/// clear; bits 55 to 58 are software's. The use of them is Linux's
/// (arch/arm64/include/asm/pgtable.h, 6.14): DBM is PTE_WRITE, what the kernel lets be written;
/// AP[2] is PTE_RDONLY, what the hardware must not write yet; bit 55 is PTE_DIRTY. A larger page is
/// a block descriptor, in which bit 1 is clear and the address bits below its size are RES0, which
/// hardware does not look at.
class aarch64_format final : public pte_format
{
public:
    aarch64_format() : pte_format("aarch64", 4, false) {} // tables would need FEAT_HAFT

    std::uint64_t encode_page(pte entry) const override
    {
        if (entry.none())
            return 0;
        const bool read_only = !(entry.writable() && entry.dirty());
        return (entry.present() ? valid : 0) | (entry.huge() ? 0 : page_or_table) |
               (entry.user() ? el0 : 0) | (read_only ? rdonly : 0) | inner_shareable |
               (entry.accessed() ? af : 0) | not_global | (entry.writable() ? dbm : 0) | pxn | uxn |
               (entry.dirty() ? sw_dirty : 0) | (entry.frame().raw() << page_shift & address);
    }
    std::uint64_t encode_table(frame_number table) const override
    {
        return valid | page_or_table | (table.raw() << page_shift & address);
    }
    pte decode_page(std::uint64_t raw) const override
    {
        const bool hw_dirty = (raw & dbm) != 0 && (raw & rdonly) == 0;
        pte entry = pte::at(frame_number((raw & address) >> page_shift));
        entry = with(entry, all_set(raw, valid | page_or_table), &pte::mkpresent);
        entry = with(entry, (raw & dbm) != 0, &pte::mkwrite);
        entry = with(entry, (raw & el0) != 0, &pte::mkuser);
        entry = with(entry, (raw & af) != 0, &pte::mkyoung);
        return with(entry, hw_dirty || (raw & sw_dirty) != 0, &pte::mkdirty);
    }
    pte decode_table(std::uint64_t raw) const override
    {
        const frame_number frame((raw & address) >> page_shift);
        return all_set(raw, valid | page_or_table) ? pte::of_table(frame).mkyoung() : pte();
    }
    std::uint64_t mark(std::uint64_t raw, bool dirty) const override
    {
        return (raw | af) & ~(dirty ? rdonly : 0);
    }

private:
    bool is_huge(std::uint64_t raw) const override
    {
        return raw != 0 && (raw & page_or_table) == 0;
    }
    pte decode_huge(std::uint64_t raw, page_order order) const override
    {
        const std::uint64_t below = (pages_of(order) - 1) << page_shift;
        return decode_page((raw & ~below) | page_or_table).mkhuge();
    }

    static constexpr std::uint64_t valid = bit(0);
    static constexpr std::uint64_t page_or_table = bit(1);
    static constexpr std::uint64_t el0 = bit(6);
    static constexpr std::uint64_t rdonly = bit(7);
    static constexpr std::uint64_t inner_shareable = field(9, 8);
    static constexpr std::uint64_t af = bit(10);
    static constexpr std::uint64_t not_global = bit(11);
    static constexpr std::uint64_t address = field(47, 12);
    static constexpr std::uint64_t dbm = bit(51);
    static constexpr std::uint64_t pxn = bit(53);
    static constexpr std::uint64_t uxn = bit(54);
    static constexpr std::uint64_t sw_dirty = bit(55);
};

} // namespace

pte pte_format::decode(std::uint64_t raw, unsigned level) const
{
    if (level == 0)
        return decode_page(raw);
    if (!is_huge(raw))
        return decode_table(raw);
    constexpr unsigned highest = level_of(page_order::giga);
    return level <= highest ? decode_huge(raw, order_of_level(level)) : pte();
}

const pte_format& format_of(pte_layout layout)
{
    static const x86_64_format x86_64("x86-64", 4);
    static const x86_64_format la57("x86-64-la57", 5);
    static const riscv_format sv39("sv39", 3);
    static const riscv_format sv48("sv48", 4);
    static const aarch64_format aarch64;
    switch (layout) {
    case pte_layout::x86_64_la57:
        return la57;
    case pte_layout::sv39:
        return sv39;
    case pte_layout::sv48:
        return sv48;
    case pte_layout::aarch64:
        return aarch64;
    case pte_layout::x86_64:
        break;
    }
    return x86_64;
}

} // namespace mkclean
