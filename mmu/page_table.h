#pragma once

#include "mmu/physical_memory.h"
#include "mmu/pte.h"

#include <functional>
#include <optional>

namespace mkclean
{

/// One 8-byte entry in physical memory, as kernel code changes it. The operations are the kernel's
/// (asm/pgtable.h); each is one indivisible access and is to be made inside actor::step().
class pte_slot
{
public:
    pte_slot(physical_memory& memory, physical_address at) : m_memory(&memory), m_at(at) {}

    physical_address address() const { return m_at; }
    std::uint64_t raw() const { return m_memory->read64(m_at); }
    pte get() const { return pte(raw()); }
    void set_pte(pte value) { m_memory->write64(m_at, value.raw()); }
    /// xchg with 0: what hardware set until this instant is in the result.
    pte get_and_clear()
    {
        const pte found = get();
        set_pte(pte());
        return found;
    }

private:
    physical_memory* m_memory;
    physical_address m_at;
};

/// Four levels of x86-64 page tables in frames of physical memory: what the kernel builds and the
/// walker reads. Tables are allocated on demand and freed with the object.
class page_table
{
public:
    static constexpr unsigned levels = 4;
    /// May sleep; meanwhile somebody else may add the table that was missing.
    using allocate_frame = std::function<frame_number()>;
    using free_frame = std::function<void(frame_number)>;

    page_table(physical_memory& memory, const allocate_frame& allocate, free_frame free);
    ~page_table();
    page_table(const page_table&) = delete;
    page_table& operator=(const page_table&) = delete;

    frame_number root() const { return m_root; }

    /// The leaf entry for `va`, if the tables down to it exist.
    std::optional<pte_slot> find(virtual_address va) const;
    /// The same, allocating what is missing.
    pte_slot find_or_allocate(virtual_address va, const allocate_frame& allocate);

    /// Where in a table of `level` (3 = root, 0 = leaf) the entry for `va` is, in bytes.
    static std::uint64_t entry_offset(virtual_address va, unsigned level);

private:
    frame_number new_table(const allocate_frame& allocate);
    physical_address entry_address(frame_number table, virtual_address va, unsigned level) const;

    physical_memory& m_memory;
    free_frame m_free;
    std::vector<frame_number> m_tables;
    frame_number m_root;
};

} // namespace mkclean
