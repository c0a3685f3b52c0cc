#include "tb/oracle/page_state.h"
#include "mmu/storage_keys.h"

namespace mkclean
{

page* page_of_event(kernel& k, const event& e)
{
    frame_number frame = e.what.frame;
    if (frame == frame_number())
        return nullptr;
    page& pg = k.cache.page_of(frame);
    return pg.mapping == nullptr ? nullptr : &pg;
}

bool is_change_of_pmd(const event& e)
{
    return e.site->touches == place::pte && e.what.frame != frame_number() &&
           pte(e.before | e.after).huge();
}

bool has_dirty_evidence(const kernel& k, const page& pg)
{
    if (pg.dirty() || pg.writeback())
        return true;
    if (k.cache.keys != nullptr && pg.mapped() && k.cache.keys->is_changed(pg.frame))
        return true;
    for (const buffer_head& bh : pg.buffers)
        if (bh.dirty() || bh.locked())
            return true;
    bool in_pte = false;
    for_each_pte(pg, [&](const vm_area_struct& vma, pte entry) {
        in_pte = in_pte || (vma.flags.shared && entry.dirty());
    });
    return in_pte;
}

} // namespace mkclean
