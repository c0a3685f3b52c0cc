#pragma once

#include "mmu/physical_memory.h"
#include "mmu/pte_format.h"

#include <functional>
#include <optional>

namespace mkclean
{

/// One 8-byte leaf entry in physical memory, as kernel code changes it. The operations are the
/// kernel's (asm/pgtable.h); each is one indivisible access and is to be made inside actor::step().
class pte_slot
{
public:
    pte_slot(physical_memory& memory, physical_address at, const pte_format& format)
        : m_memory(&memory),
          m_at(at),
          m_format(&format)
    {
    }

    physical_address address() const { return m_at; }
    /// As the log shows it; in memory it is the format's.
    std::uint64_t raw() const { return get().raw(); }
    pte get() const { return m_format->decode_page(m_memory->read64(m_at)); }
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

    /// The leaf entry for `va`, if the tables down to it exist.
    std::optional<pte_slot> find(virtual_address va) const;
    /// The same, allocating what is missing.
    pte_slot find_or_allocate(virtual_address va, const allocate_frame& allocate);

private:
    frame_number new_table(const allocate_frame& allocate);
    static physical_address entry_address(frame_number table, virtual_address va, unsigned level);

    physical_memory& m_memory;
    const pte_format& m_format;
    free_frame m_free;
    std::vector<frame_number> m_tables;
    frame_number m_root;
};

} // namespace mkclean
