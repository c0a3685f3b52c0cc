#pragma once

#include "sim/number.h"

#include <string>

namespace mkclean
{

/// A page-table entry, as kernel and walker think of it and as the log shows it: what it says is
/// the same on every architecture. Its bits are those of x86-64 with 4 KiB pages (Intel SDM vol. 3,
/// table 4-20; the same layout serves the upper levels, table 4-15 ff.); how another architecture
/// writes it into memory is its pte_format's affair. An immutable value.
class pte
{
public:
    static constexpr std::uint64_t present_bit = 1ull << 0;
    static constexpr std::uint64_t write_bit = 1ull << 1;
    static constexpr std::uint64_t user_bit = 1ull << 2;
    static constexpr std::uint64_t accessed_bit = 1ull << 5;
    static constexpr std::uint64_t dirty_bit = 1ull << 6;
    static constexpr std::uint64_t huge_bit = 1ull << 7; ///< _PAGE_PSE: a leaf above the last level
    static constexpr std::uint64_t frame_mask = 0x000f'ffff'ffff'f000ull;

    constexpr pte() = default;
    constexpr explicit pte(std::uint64_t raw) : m_raw(raw) {}

    /// A present, readable user page; the kernel makes PTEs young (accessed).
    static constexpr pte of_page(frame_number frame)
    {
        return pte((frame.raw() << page_shift) | present_bit | user_bit | accessed_bit);
    }
    /// Only the frame, and nothing allowed.
    static constexpr pte at(frame_number frame) { return pte(frame.raw() << page_shift); }
    static constexpr pte of_table(frame_number frame)
    {
        return pte((frame.raw() << page_shift) | present_bit | write_bit | user_bit);
    }

    constexpr std::uint64_t raw() const { return m_raw; }
    constexpr bool none() const { return m_raw == 0; }
    constexpr bool present() const { return has(present_bit); }
    constexpr bool writable() const { return has(write_bit); }
    constexpr bool user() const { return has(user_bit); }
    constexpr bool dirty() const { return has(dirty_bit); }
    constexpr bool accessed() const { return has(accessed_bit); }
    constexpr bool huge() const { return has(huge_bit); }
    constexpr frame_number frame() const
    {
        return frame_number((m_raw & frame_mask) >> page_shift);
    }

    constexpr pte mkpresent() const { return pte(m_raw | present_bit); }
    constexpr pte mkhuge() const { return pte(m_raw | huge_bit); }
    constexpr pte mkuser() const { return pte(m_raw | user_bit); }
    constexpr pte mkdirty() const { return pte(m_raw | dirty_bit); }
    constexpr pte mkclean() const { return pte(m_raw & ~dirty_bit); }
    constexpr pte mkyoung() const { return pte(m_raw | accessed_bit); }
    constexpr pte mkold() const { return pte(m_raw & ~accessed_bit); }
    constexpr pte mkwrite() const { return pte(m_raw | write_bit); }
    constexpr pte wrprotect() const { return pte(m_raw & ~write_bit); }

    friend constexpr bool operator==(pte a, pte b) { return a.m_raw == b.m_raw; }
    friend constexpr bool operator!=(pte a, pte b) { return a.m_raw != b.m_raw; }

private:
    constexpr bool has(std::uint64_t bit) const { return (m_raw & bit) != 0; }
    std::uint64_t m_raw = 0;
};

/// "PWD" with dashes for what is not set.
std::string show_pte(std::uint64_t raw);
/// "PTE PWD -> P--", as the log prints a change; "PMD" if it is one of a larger page.
std::string show_pte_change(std::uint64_t before, std::uint64_t after);

} // namespace mkclean
