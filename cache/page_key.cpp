#include "cache/page_key.h"
#include "mmu/storage_keys.h"

namespace mkclean
{

namespace
{

const step_site site_test_dirty{"page_test_dirty", place::key, show_key_change};
const step_site site_clear_dirty{"page_clear_dirty", place::key, show_key_change};
const step_site site_clear_young{"page_test_and_clear_young", place::key, show_key_change};

} // namespace

bool page_test_dirty(actor& self, page_cache& cache, const page& pg)
{
    self.spend(self.cost().iske);
    const key_word key{*cache.keys, pg.frame};
    return self.step(site_test_dirty, subject_of(pg), key,
                     [&] { return key.keys.is_changed(key.frame); });
}

void page_clear_dirty(actor& self, page_cache& cache, const page& pg)
{
    self.spend(self.cost().sske);
    const key_word key{*cache.keys, pg.frame};
    self.step(site_clear_dirty, subject_of(pg), key, [&] { key.keys.reset_change(key.frame); });
}

bool page_test_and_clear_dirty(actor& self, page_cache& cache, const page& pg)
{
    if (!page_test_dirty(self, cache, pg))
        return false;
    page_clear_dirty(self, cache, pg);
    return true;
}

bool page_test_and_clear_young(actor& self, page_cache& cache, const page& pg)
{
    self.spend(self.cost().rrbe);
    const key_word key{*cache.keys, pg.frame};
    return self.step(site_clear_young, subject_of(pg), key, [&] {
        const bool young = key.keys.is_referenced(key.frame);
        key.keys.reset_reference(key.frame);
        return young;
    });
}

} // namespace mkclean
