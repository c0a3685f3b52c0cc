#include "mmu/pte.h"

namespace mkclean
{

std::string show_pte(std::uint64_t raw)
{
    const pte entry(raw);
    return {entry.present() ? 'P' : '-', entry.writable() ? 'W' : '-', entry.dirty() ? 'D' : '-'};
}

std::string show_pte_change(std::uint64_t before, std::uint64_t after)
{
    const bool huge = pte(before | after).huge();
    return (huge ? "PMD " : "PTE ") + show_pte(before) + " -> " + show_pte(after);
}

} // namespace mkclean
