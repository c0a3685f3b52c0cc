#pragma once

#include "tb/output/recording.h"
#include "tb/world.h"

#include <vector>

namespace mkclean
{

/// The state of one page in all its places, by lane.
using portrait = std::vector<std::uint32_t>;

/// Paints pages as they are now, without time.
class portrait_painter
{
public:
    explicit portrait_painter(const world& w) : m_world(w) {}

    std::size_t lanes() const { return lane::tlbs + m_world.cores().size(); }
    /// Flags, tags, buffers, key, inode and PTEs. `pg` may be null: it is not cached. Mappings that
    /// are new to `about` get the next number.
    void paint(const page* pg, recorded_page& about, std::vector<const mm_struct*>& spaces,
               portrait& p) const;
    /// What its bytes differ in from those on the disk. O(page).
    void compare_bytes(const page* pg, portrait& p) const;
    /// What TLBs have of the frame; `may_have(core)` false spares a search.
    template <class MayHave>
    void paint_tlbs(frame_number frame, MayHave may_have, portrait& p) const
    {
        for (std::size_t i = 0; i < m_world.cores().size(); ++i)
            p[lane::tlbs + i] = may_have(i) ? entry_of(i, frame) : 0;
    }

private:
    std::uint32_t entry_of(std::size_t core, frame_number frame) const;
    void paint_buffers(const page& pg, portrait& p) const;
    void paint_ptes(const page& pg, recorded_page& about, std::vector<const mm_struct*>& spaces,
                    portrait& p) const;
    std::string process_of(const mm_struct& mm) const;

    const world& m_world;
};

} // namespace mkclean
