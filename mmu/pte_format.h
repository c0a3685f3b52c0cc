#pragma once

#include "mmu/page_order.h"
#include "mmu/pte.h"

namespace mkclean
{

/// `mmu.format`: how page tables are laid out in memory.
enum class pte_layout {
    x86_64,      ///< 4 levels, 48 bits
    x86_64_la57, ///< 5 levels, 57 bits
    sv39,        ///< RISC-V, 3 levels
    sv48,        ///< RISC-V, 4 levels
    aarch64      ///< stage 1, 4 KiB granule, 4 levels, 48 bits
};

/// What an architecture makes of a page-table entry: its bits in memory. The kernel and the walker
/// think in `pte`; only what is in memory is the architecture's, and exactly so.
///
/// Decoding is the inverse of encoding for every entry that a kernel writes. What it makes of other
/// bits is what hardware would: what that does not take for a leaf or a table is not present, as
/// are leaves above level 2, which no format here has but Sv48.
class pte_format
{
public:
    virtual ~pte_format() = default;

    const char* name() const { return m_name; }
    /// Of tables, the root included; each is indexed by 9 bits of the address.
    unsigned levels() const { return m_levels; }
    /// Whether walkers set A in the entries of upper levels, too (x86), or only in leaves.
    bool tables_have_accessed() const { return m_tables_have_accessed; }

    /// A leaf of 4 KiB or, if it is huge(), of a larger page, whose frame is a multiple of its
    /// size. An entry that is none() is 0.
    virtual std::uint64_t encode_page(pte entry) const = 0;
    virtual std::uint64_t encode_table(frame_number table) const = 0;
    /// A leaf of 4 KiB.
    virtual pte decode_page(std::uint64_t raw) const = 0;
    /// An entry that points to a table, or is not present. Where such have no A they are accessed.
    virtual pte decode_table(std::uint64_t raw) const = 0;
    /// An entry of a table of `level` (0 = of 4 KiB leaves): a leaf, which above level 0 is huge(),
    /// or one that points to a table.
    pte decode(std::uint64_t raw, unsigned level) const;

    /// What hardware turns an entry into when it sets A, and D for a store, and looks at nothing
    /// else of it.
    virtual std::uint64_t mark(std::uint64_t raw, bool dirty) const = 0;

    /// User addresses are below that.
    std::uint64_t address_limit() const
    {
        return std::uint64_t{1} << (page_shift + bits_per_level * levels() - 1);
    }
    /// What a leaf in a table of `level` (0 to 2) maps.
    static constexpr page_order order_of_level(unsigned level)
    {
        return static_cast<page_order>(bits_per_level * level);
    }
    static constexpr unsigned level_of(page_order order)
    {
        return static_cast<unsigned>(order) / unsigned{bits_per_level};
    }
    /// Where in a table of `level` (0 = leaf) the entry for `va` is, in bytes.
    static std::uint64_t entry_offset(virtual_address va, unsigned level)
    {
        return ((va.raw() >> (page_shift + bits_per_level * level)) & 0x1ff) *
               sizeof(std::uint64_t);
    }

protected:
    pte_format(const char* name, unsigned levels, bool tables_have_accessed)
        : m_name(name),
          m_levels(levels),
          m_tables_have_accessed(tables_have_accessed)
    {
    }

private:
    /// Whether an entry above level 0, present or not, is a leaf.
    virtual bool is_huge(std::uint64_t raw) const = 0;
    /// One that is.
    virtual pte decode_huge(std::uint64_t raw, page_order order) const = 0;

    static constexpr std::uint64_t bits_per_level = 9;

    const char* m_name;
    unsigned m_levels;
    bool m_tables_have_accessed;
};

/// They have no state and live for ever.
const pte_format& format_of(pte_layout layout);

} // namespace mkclean
