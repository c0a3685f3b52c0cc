#include "tb/output/causes.h"

namespace mkclean
{

namespace
{

// What takes W, D or all of a PTE.
const std::vector<std::string_view> pte_taken = {
    "page_mkclean",     "ptep_get_and_clear", "zap_pte",      "try_to_unmap",    "msync_pte",
    "page_mkclean PMD", "pmdp_invalidate",    "zap_huge_pmd", "try_to_unmap PMD"};

std::vector<std::string_view> with(std::vector<std::string_view> names,
                                   std::initializer_list<std::string_view> more)
{
    names.insert(names.end(), more);
    return names;
}

const std::vector<cause_rule>& rules()
{
    static const std::vector<cause_rule> all = {
        {"page fault", pte_taken, false, "page fault"},
        {"set_pte", {"page fault"}, true, "set_pte"},
        {"do_set_pmd", {"pmd_fault"}, true, "do_set_pmd"},
        {"walker sets D", {"TLB fill"}, true, "walker sets D"},
        {"TestSetPageDirty", with(pte_taken, {"page fault", "filemap_copy_from_user"}), true,
         "TestSetPageDirty"},
        {"set_buffer_dirty", with(pte_taken, {"page fault", "filemap_copy_from_user"}), true,
         "set_buffer_dirty"},
        {"set TAG_DIRTY", {"TestSetPageDirty"}, true, "set TAG_DIRTY"},
        {"__mark_inode_dirty", {"TestSetPageDirty"}, true, "__mark_inode_dirty"},
        {"flush_tlb_others", pte_taken, true, "flush_tlb_others"},
        {"tlbi", pte_taken, true, "tlbi"},
        {"tlbi received", {"tlbi"}, true, "tlbi received"},
        {"invlpg", with(pte_taken, {"flush_tlb_others"}), false, ""},
        {"flush_tlb_func ack", {"flush_tlb_others"}, false, ""},
        {"page_mkclean",
         {"flush_tlb_func ack", "tlbi received", "ptep_get_and_clear"},
         false,
         "lock_page"},
        {"TestClearPageDirty",
         {"flush_tlb_func ack", "tlbi received", "page_mkclean", "page_mkclean PMD"},
         false,
         "lock_page"},
        {"set_page_writeback", {"TestClearPageDirty"}, true, "set_page_writeback"},
        {"set TAG_WRITEBACK", {"set_page_writeback"}, true, "set TAG_WRITEBACK"},
        {"clear TAG_DIRTY", {"set_page_writeback"}, true, "clear TAG_DIRTY"},
        {"test_clear_buffer_dirty", {"lock_buffer"}, true, "test_clear_buffer_dirty"},
        {"submit_bh", {"test_clear_buffer_dirty"}, true, "submit_bh"},
        {"disk_fetched", {"submit_bh"}, false, "disk_fetched"},
        {"disk_first_beat", {"disk_fetched"}, false, "disk_first_beat"},
        {"disk_last_beat", {"disk_first_beat"}, false, "disk_last_beat"},
        {"disk_in_cache", {"disk_last_beat"}, false, "disk_in_cache"},
        {"disk_on_media", {"disk_in_cache", "disk_last_beat"}, false, ""},
        {"disk_done", {"disk_in_cache", "disk_on_media", "disk_last_beat"}, false, "disk_done"},
        {"disk_failed", {"disk_last_beat", "disk_fetched"}, false, "disk_failed"},
        {"end_io", {"disk_done", "disk_failed"}, false, "end_io"},
        {"unlock_buffer", {"end_io"}, true, "unlock_buffer"},
        {"end_page_writeback", {"end_io", "no IO underway"}, false, "end_page_writeback"},
        {"clear TAG_WRITEBACK", {"end_page_writeback"}, true, "clear TAG_WRITEBACK"},
    };
    return all;
}

} // namespace

const cause_rule* cause_rule_of(std::string_view effect)
{
    for (const cause_rule& rule : rules())
        if (rule.effect == effect)
            return &rule;
    return nullptr;
}

} // namespace mkclean
