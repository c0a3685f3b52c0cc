#include "vm/asid.h"

#include <algorithm>
#include <unordered_map>

namespace mkclean
{

namespace
{

class one_for_all final : public asid_allocator
{
public:
    asid_choice choose(mm_struct& mm) override
    {
        m_gen = mm.tlb_gen;
        m_mm = &mm;
        loads(m_gen);
        return {asid(), false, true};
    }
    void heard_of(const mm_struct& mm, std::uint64_t tlb_gen) override
    {
        if (m_mm == &mm)
            m_gen = tlb_gen;
    }

private:
    const mm_struct* m_mm = nullptr;
    std::uint64_t m_gen = 0;
};

// arch/x86/mm/tlb.c, choose_new_asid().
class dynamic_slots final : public asid_allocator
{
public:
    explicit dynamic_slots(std::uint64_t asids) : m_ctxs(std::min(nr_dyn_asids, asids - 1)) {}

    asid_choice choose(mm_struct& mm) override
    {
        const auto known = std::find_if(m_ctxs.begin(), m_ctxs.end(),
                                        [&](const context& c) { return c.mm == &mm; });
        if (known != m_ctxs.end())
            return load(*known, known->tlb_gen < mm.tlb_gen);
        context& reused = m_ctxs[m_next++ % m_ctxs.size()];
        reused.mm = &mm;
        return load(reused, true);
    }
    // Its tags are no other core's: hardware that is told of one finds nothing here.
    void heard_of(const mm_struct&, std::uint64_t) override {}

private:
    static constexpr std::uint64_t nr_dyn_asids = 6; // TLB_NR_DYN_ASIDS
    struct context {
        const mm_struct* mm = nullptr;
        std::uint64_t tlb_gen = 0;
    };

    asid_choice load(context& c, bool flush)
    {
        c.tlb_gen = c.mm->tlb_gen;
        loads(c.tlb_gen);
        return {asid(static_cast<std::uint64_t>(&c - m_ctxs.data()) + 1), flush, false};
    }

    std::vector<context> m_ctxs;
    std::uint64_t m_next = 0;
};

// arch/mips/include/asm/mmu_context.h, get_new_mmu_context(). A tag whose address space has been
// flushed is left to itself until the count is through.
class rolling final : public asid_allocator
{
public:
    explicit rolling(std::uint64_t asids) : m_asids(asids) {}

    asid_choice choose(mm_struct& mm) override
    {
        context& c = m_contexts[&mm];
        loads(c.tlb_gen);
        if (c.round == m_round && c.tlb_gen == mm.tlb_gen)
            return {c.tag, false, false};
        const bool through = m_last + 1 == m_asids;
        if (through) {
            ++m_round;
            m_last = 0;
        }
        c = {asid(++m_last), mm.tlb_gen, m_round};
        return {c.tag, false, through};
    }
    void heard_of(const mm_struct&, std::uint64_t) override {}
    bool forgets_by_choosing() const override { return true; }

private:
    struct context {
        asid tag;
        std::uint64_t tlb_gen = 0;
        std::uint64_t round = 0;
    };

    std::uint64_t m_asids;
    std::uint64_t m_last = 0;
    std::uint64_t m_round = 1;
    std::unordered_map<const mm_struct*, context> m_contexts;
};

// arch/arm64/mm/context.c without the rollover: who comes when all tags are taken has none, and is
// flushed with every switch.
class one_each final : public asid_allocator
{
public:
    one_each(std::uint64_t asids, std::uint64_t& last) : m_asids(asids), m_last(last) {}

    asid_choice choose(mm_struct& mm) override
    {
        if (mm.tag == asid() && m_last + 1 < m_asids)
            mm.tag = asid(++m_last);
        std::uint64_t& gen = m_gens[&mm];
        const bool behind = gen != 0 && gen < mm.tlb_gen;
        gen = mm.tlb_gen;
        loads(gen);
        return {mm.tag, behind || mm.tag == asid(), false};
    }
    void heard_of(const mm_struct& mm, std::uint64_t tlb_gen) override
    {
        const auto known = m_gens.find(&mm);
        if (known != m_gens.end())
            known->second = tlb_gen;
    }

private:
    std::uint64_t m_asids;
    std::uint64_t& m_last;
    std::unordered_map<const mm_struct*, std::uint64_t> m_gens;
};

} // namespace

std::unique_ptr<asid_allocator> make_asid_allocator(asid_policy policy, std::uint64_t asids,
                                                    std::uint64_t& last_global)
{
    switch (policy) {
    case asid_policy::slots:
        return std::make_unique<dynamic_slots>(asids);
    case asid_policy::roll:
        return std::make_unique<rolling>(asids);
    case asid_policy::global:
        return std::make_unique<one_each>(asids, last_global);
    case asid_policy::none:
        break;
    }
    return std::make_unique<one_for_all>();
}

} // namespace mkclean
