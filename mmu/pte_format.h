#pragma once

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
/// decode_page() is the inverse of encode_page() for every entry that a kernel writes. What it
/// makes of other bits is what hardware would.
class pte_format
{
public:
    virtual ~pte_format() = default;

    const char* name() const { return m_name; }
    /// Of tables, the root included; each is indexed by 9 bits of the address.
    unsigned levels() const { return m_levels; }
    /// Whether walkers set A in the entries of upper levels, too (x86), or only in leaves.
    bool tables_have_accessed() const { return m_tables_have_accessed; }

    /// A leaf of 4 KiB. An entry that is none() is 0.
    virtual std::uint64_t encode_page(pte entry) const = 0;
    virtual std::uint64_t encode_table(frame_number table) const = 0;
    virtual pte decode_page(std::uint64_t raw) const = 0;
    /// An entry that points to a table, or is not present. Where such have no A they are accessed.
    virtual pte decode_table(std::uint64_t raw) const = 0;

    /// What hardware turns an entry into when it sets A, and D for a store, and looks at nothing
    /// else of it.
    virtual std::uint64_t mark(std::uint64_t raw, bool dirty) const = 0;

    /// User addresses are below that.
    std::uint64_t address_limit() const
    {
        return std::uint64_t{1} << (page_shift + bits_per_level * levels() - 1);
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
    static constexpr std::uint64_t bits_per_level = 9;

    const char* m_name;
    unsigned m_levels;
    bool m_tables_have_accessed;
};

/// They have no state and live for ever.
const pte_format& format_of(pte_layout layout);

} // namespace mkclean
