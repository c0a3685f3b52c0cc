#pragma once

#include "mmu/tlb_entry.h"
#include "vm/mm.h"
#include "vm/tlb_flush_options.h"

#include <memory>
#include <vector>

namespace mkclean
{

/// What a core is to do to run an address space.
struct asid_choice {
    asid tag;
    bool flush_tag = false; ///< what the TLB holds under that tag is another's, or out of date
    bool flush_all = false; ///< and what it holds of anybody
};

/// Which tag an address space's translations bear in one core's TLB, and how many of its flushes
/// that core has followed.
class asid_allocator
{
public:
    virtual ~asid_allocator() = default;
    /// The address space is about to be loaded.
    virtual asid_choice choose(mm_struct& mm) = 0;
    /// What was cached of it is to be forgotten: by choosing again, if true.
    virtual bool forgets_by_choosing() const { return false; }

    /// mm.tlb_gen as of the last flush that this core has done for what it has loaded.
    std::uint64_t loaded_gen() const { return *m_loaded_gen; }
    void followed(std::uint64_t tlb_gen) { *m_loaded_gen = tlb_gen; }
    /// Hardware has done for this core all flushes of an address space, loaded or not, up to that.
    virtual void heard_of(const mm_struct& mm, std::uint64_t tlb_gen) = 0;

protected:
    void loads(std::uint64_t& gen) { m_loaded_gen = &gen; }

private:
    std::uint64_t m_none = 0;
    std::uint64_t* m_loaded_gen = &m_none;
};

/// `asids`: how many tags the TLB has, the first of which is nobody's. `last_global`: the last tag
/// that any core gave away for good; shared by all of them.
std::unique_ptr<asid_allocator> make_asid_allocator(asid_policy policy, std::uint64_t asids,
                                                    std::uint64_t& last_global);

} // namespace mkclean
