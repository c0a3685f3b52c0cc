#include "vm/keyed_page.h"
#include "cache/page_key.h"

namespace mkclean
{

bool is_keyed(const kernel& k, const page& pg)
{
    return k.cache.keys != nullptr && pg.mapping != nullptr;
}

bool page_mkclean_key(kernel& k, core& cpu, page& pg)
{
    const lock_guard<spinlock> guard(cpu, pg.mapping->key_lock);
    // Until 6e1beb3c2249 (2007) any page's: and what was read or zeroed counted as stored.
    return (pg.mapped() || !k.policies.mkclean_key_if_mapped) &&
           page_test_and_clear_dirty(cpu, k.cache, pg);
}

void key_to_page_dirty(kernel& k, core& cpu, page& pg)
{
    if (page_test_and_clear_dirty(cpu, k.cache, pg))
        set_page_dirty(cpu, pg);
}

} // namespace mkclean
