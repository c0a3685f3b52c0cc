#pragma once

#include "mmu/physical_memory.h"
#include "mmu/pte_format.h"

#include <functional>
#include <optional>

namespace mkclean
{

/// One 8-byte entry in physical memory where a leaf is or may be, as kernel code changes it. The
/// operations are the kernel's (asm/pgtable.h); each is one indivisible access and is to be made
/// inside actor::step().
class pte_slot
{
public:
    pte_slot(physical_memory& memory, physical_address at, const pte_format& format,
             page_order order = page_order::small)
        : m_memory(&memory),
          m_at(at),
          m_format(&format),
          m_order(order)
    {
    }

    physical_address address() const { return m_at; }
    /// What a leaf here maps.
    page_order order() const { return m_order; }
    /// As the log shows it; in memory it is the format's.
    std::uint64_t raw() const { return get().raw(); }
    /// Above the last level it may be an entry that points to a table: present, and not huge().
    pte get() const
    {
        return m_format->decode(m_memory->read64(m_at), pte_format::level_of(m_order));
    }
    /// The frame that the leaf maps at `va`, which is in its reach.
    frame_number frame_at(virtual_address va) const
    {
        return get().frame() + ((va.raw() >> page_shift) & (pages_of(m_order) - 1));
    }
    void set_pte(pte value) { m_memory->write64(m_at, m_format->encode_page(value)); }
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
    const pte_format* m_format;
    page_order m_order;
};

/// Page tables in frames of physical memory: what the kernel builds and the walker reads. Tables
/// are allocated on demand and freed with the object.
class page_table
{
public:
    /// May sleep; meanwhile somebody else may add the table that was missing.
    using allocate_frame = std::function<frame_number()>;
    using free_frame = std::function<void(frame_number)>;

    page_table(physical_memory& memory, const pte_format& format, const allocate_frame& allocate,
               free_frame free);
    ~page_table();
    page_table(const page_table&) = delete;
    page_table& operator=(const page_table&) = delete;

    frame_number root() const { return m_root; }
    const pte_format& format() const { return m_format; }

    /// The entry for `va` in the last of the tables that lead to it: a leaf of whatever order, or
    /// one of 4 KiB that is none. Nothing if a table is missing on the way there.
    std::optional<pte_slot> find(virtual_address va) const;
    /// The entry where a leaf of that order for `va` has its place, whatever is there, allocating
    /// the tables that are missing above it; or that of a larger leaf, if there is one.
    pte_slot find_or_allocate(virtual_address va, const allocate_frame& allocate,
                              page_order order = page_order::small);

private:
    frame_number new_table(const allocate_frame& allocate);
    static physical_address entry_address(frame_number table, virtual_address va, unsigned level);
    pte entry_at(physical_address at, unsigned level) const;
    pte_slot slot_at(physical_address at, unsigned level) const;

    physical_memory& m_memory;
    const pte_format& m_format;
    free_frame m_free;
    std::vector<frame_number> m_tables;
    frame_number m_root;
};

} // namespace mkclean
