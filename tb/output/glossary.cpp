#include "tb/output/glossary.h"

#include <algorithm>

namespace mkclean
{

namespace
{

constexpr std::string_view sdm = "Intel SDM vol. 3, 4.10";

const glossary_entry* find(const std::vector<glossary_entry>& in, std::string_view name)
{
    const auto found =
        std::find_if(in.begin(), in.end(), [&](const glossary_entry& e) { return e.name == name; });
    return found == in.end() ? nullptr : &*found;
}

} // namespace

const std::vector<glossary_entry>& glossary_of_steps()
{
    static const std::vector<glossary_entry> all = {
        // ---- the processor
        {"store", "the core", "",
         "a program stores bytes through its mapping; only memory has them"},
        {"TLB fill", "the page-table walker", sdm,
         "a walk puts the translation into the TLB, with the W and D that the PTE has now"},
        {"TLB evict", "the TLB", sdm, "a translation makes room for another one"},
        {"invlpg", "the TLB", sdm, "translations are dropped: the next access walks again"},
        {"walker sets A", "the page-table walker", "Intel SDM vol. 3, 4.8",
         "the walker marks the PTE as accessed"},
        {"walker sets D", "the page-table walker", "Intel SDM vol. 3, 4.8",
         "the walker marks the PTE as dirty, in one locked read-modify-write, before the store"},
        {"walker logs", "the page-table walker", "Intel SDM vol. 3, 28.3.6 (PML)",
         "the walker appends the frame to the log of dirtied pages"},
        {"access sets key", "the storage key", "z/Architecture Principles of Operation, 3",
         "an access sets R, a store sets C in the key of the frame"},
        {"device store", "a device's DMA", "",
         "a device stores into a pinned page, past every PTE"},
        // ---- faults
        {"page fault", "do_page_fault()", "arch/i386/mm/fault.c, Linux 2.6",
         "the PTE does not allow the access: the kernel has to look"},
        {"set_pte", "do_no_page(), do_wp_page()", "mm/memory.c, Linux 2.6",
         "the fault installs the PTE that lets the access through"},
        {"ptep_set_access_flags", "do_wp_page(), handle_pte_fault()", "mm/memory.c, Linux 2.6",
         "the fault gives the PTE more rights, or the bits that hardware does not set"},
        {"pte_clear", "set_pte_at()", "include/asm-powerpc/pgtable.h, Linux 2.6 (479db0bf408e)",
         "the PTE is empty for a moment before the new one is written"},
        {"pmd_fault", "create_huge_pmd(), wp_huge_pmd()", "mm/memory.c, Linux 4.x [from memory]",
         "the PMD does not allow the access: the kernel has to look"},
        {"do_set_pmd", "do_set_pmd()", "mm/memory.c, Linux 4.8",
         "the fault maps 512 pages with one entry"},
        {"huge_pmd_set_accessed", "huge_pmd_set_accessed()", "mm/huge_memory.c, Linux 3.8",
         "the fault gives the PMD more rights"},
        {"page_add_file_rmap", "page_add_file_rmap()", "mm/rmap.c, Linux 2.6",
         "one more PTE maps the page"},
        {"page_remove_rmap", "page_remove_rmap()", "mm/rmap.c, Linux 2.6",
         "one PTE less maps the page"},
        // ---- becoming dirty
        {"set_buffer_dirty", "__set_page_dirty_buffers()", "fs/buffer.c, Linux 2.6.18",
         "the block's buffer is dirty: the filesystem will find it"},
        {"TestSetPageDirty", "__set_page_dirty_buffers()", "fs/buffer.c, Linux 2.6.18",
         "the master dirty bit is set"},
        {"set TAG_DIRTY", "__set_page_dirty_buffers()", "fs/buffer.c, Linux 2.6.18",
         "the mapping's tree says where the dirty page is, and it is counted"},
        {"__mark_inode_dirty", "__mark_inode_dirty()", "fs/fs-writeback.c, Linux 2.6.18",
         "the inode goes on the list that the flusher works through"},
        {"filemap_copy_from_user", "generic_file_buffered_write()", "mm/filemap.c, Linux 2.6.18",
         "write(2) copies its bytes into the page"},
        {"create_empty_buffers", "create_empty_buffers()", "fs/buffer.c, Linux 2.6.18",
         "the page gets a buffer for every block"},
        {"drop_buffers", "try_to_free_buffers()", "fs/buffer.c, Linux 2.6.20 (ecdfc9787fe5)",
         "the page loses its buffers, which were clean"},
        {"SetPageUptodate", "SetPageUptodate()", "include/linux/page-flags.h",
         "what is in memory is what the file holds"},
        {"memclear_highpage_flush", "block_write_full_page()", "fs/buffer.c, Linux 2.6",
         "the kernel zeroes what is behind the end of the file"},
        {"add_to_page_cache", "add_to_page_cache()", "mm/filemap.c, Linux 2.6",
         "the page enters the page cache"},
        {"remove_from_page_cache", "remove_mapping()", "mm/vmscan.c, Linux 2.6.19",
         "the page leaves the page cache: what only memory knew is gone"},
        {"migrate_page_move_mapping", "migrate_page_move_mapping()", "mm/migrate.c, Linux 2.6.17",
         "another frame takes the page's place in the tree"},
        {"migrate_page_copy", "migrate_page_copy()", "mm/migrate.c, Linux 2.6.17",
         "bytes and flags go to the new frame"},
        // ---- becoming clean
        {"lock_page", "lock_page()", "mm/filemap.c, Linux 2.6", "somebody has the page to himself"},
        {"unlock_page", "unlock_page()", "mm/filemap.c, Linux 2.6",
         "others may have the page again"},
        {"page_mkclean", "page_mkclean_one()", "mm/rmap.c, Linux 2.6.19 (d08b3851da41)",
         "D and W leave the PTE, so that the next store faults; what D said is the caller's to "
         "keep"},
        {"ptep_get_and_clear", "page_mkclean_one(), move_ptes()",
         "mm/rmap.c, Linux 2.6.20 (c2fda5fed81e)",
         "the PTE is taken away until the TLBs have been flushed"},
        {"ptep_clear_flush_young", "page_referenced_one()", "mm/rmap.c, Linux 2.6",
         "reclaim asks whether the page was accessed"},
        {"pmdp_invalidate", "page_mkclean_one()", "mm/rmap.c, Linux 4.x [from memory]",
         "the PMD is taken away until the TLBs have been flushed"},
        {"page_mkclean PMD", "page_mkclean_one()", "mm/rmap.c, Linux 4.x [from memory]",
         "D and W leave the PMD, for all its 512 pages"},
        {"pmdp_clear_flush_young", "page_referenced_one()", "mm/rmap.c, Linux 4.x [from memory]",
         "reclaim asks whether any of the 512 pages was accessed"},
        {"flush_tlb_others", "flush_tlb_others()", "arch/i386/kernel/smp.c, Linux 2.6",
         "other cores are interrupted: they may still store through old translations"},
        {"flush_tlb_func ack", "smp_invalidate_interrupt()", "arch/i386/kernel/smp.c, Linux 2.6",
         "a core has dropped the translation and says so"},
        {"tlbi", "the core", "Arm ARM D8.13; AMD APM vol. 2, 5.5.3 (INVLPGB)",
         "other TLBs are told to drop the translation, by hardware"},
        {"tlbi received", "the other cores", "Arm ARM D8.13",
         "other TLBs have dropped the translation"},
        {"TestClearPageDirty", "clear_page_dirty_for_io()", "mm/page-writeback.c, Linux 2.6",
         "the master dirty bit is taken away: whoever did it has to write the page"},
        {"dec nr_dirty", "clear_page_dirty_for_io()", "mm/page-writeback.c, Linux 2.6",
         "one dirty page less is counted"},
        {"page_test_dirty", "page_test_dirty()", "include/asm-s390/pgtable.h, Linux 2.6",
         "the kernel reads C in the storage key"},
        {"page_clear_dirty", "page_clear_dirty()", "include/asm-s390/pgtable.h, Linux 2.6",
         "C leaves the storage key"},
        {"page_test_and_clear_young", "page_test_and_clear_young()",
         "include/asm-s390/pgtable.h, Linux 2.6", "R leaves the storage key"},
        {"msync_pte", "msync_pte_range()", "mm/msync.c, Linux 2.6.18",
         "D leaves the PTE for PG_dirty; W stays"},
        {"zap_pte", "zap_pte_range()", "mm/memory.c, Linux 2.6",
         "munmap or truncate takes the PTE away, and what it knows goes to the page"},
        {"zap_huge_pmd", "zap_huge_pmd()", "mm/huge_memory.c, Linux 4.x",
         "munmap takes the PMD away, and what it knows goes to 512 pages"},
        {"try_to_unmap", "try_to_unmap_one()", "mm/rmap.c, Linux 2.6",
         "reclaim or migration takes the PTE away; what it knows is the caller's to keep"},
        {"try_to_unmap PMD", "try_to_unmap_one()", "mm/rmap.c, Linux 4.x [from memory]",
         "reclaim takes the PMD away, and what it knows goes to 512 pages"},
        {"move_ptes", "move_ptes()", "mm/mremap.c, Linux 2.6", "the PTE is at its new address"},
        {"take dirty log", "kvm_flush_pml_buffers()", "arch/x86/kvm/vmx.c, Linux 4.0",
         "the kernel takes what the hardware has logged"},
        {"apply dirty log", "kvm_flush_pml_buffers()", "arch/x86/kvm/vmx.c, Linux 4.0",
         "a logged page becomes dirty for the kernel"},
        {"ask for dirty logs", "kvm_vm_ioctl_get_dirty_log()",
         "arch/x86/kvm/x86.c, Linux 4.0 [from memory]", "other cores are asked for their logs"},
        {"dirty log ack", "kvm_vm_ioctl_get_dirty_log()",
         "arch/x86/kvm/x86.c, Linux 4.0 [from memory]", "a core has given up its log"},
        // ---- being written
        {"lock_buffer", "lock_buffer()", "fs/buffer.c, Linux 2.6",
         "somebody has the block's buffer to himself"},
        {"unlock_buffer", "unlock_buffer()", "fs/buffer.c, Linux 2.6",
         "others may have the block's buffer again"},
        {"test_clear_buffer_dirty", "__block_write_full_page(), journal_submit_data_buffers()",
         "fs/buffer.c; fs/jbd/commit.c, Linux 2.6.19",
         "the buffer's dirty bit is taken away; if it was set, the block is written"},
        {"no IO underway", "__block_write_full_page()", "fs/buffer.c, Linux 2.6",
         "no buffer was dirty: the filesystem writes nothing, and the page counts as written"},
        {"set_page_writeback", "test_set_page_writeback()", "mm/page-writeback.c, Linux 2.6",
         "the page is on its way to the disk"},
        {"set TAG_WRITEBACK", "test_set_page_writeback()", "mm/page-writeback.c, Linux 2.6",
         "the mapping's tree says so, for a sync that has to wait"},
        {"clear TAG_DIRTY", "test_set_page_writeback()", "mm/page-writeback.c, Linux 2.6",
         "a sync does not find the page as dirty any more"},
        {"set TAG_TOWRITE", "tag_pages_for_writeback()", "mm/page-writeback.c, Linux 2.6.36",
         "the sync has taken the page on"},
        {"submit_bh", "submit_bh()", "fs/buffer.c, Linux 2.6",
         "the block goes to the disk's queue"},
        {"disk_fetched", "the disk's interface", "", "the disk has read the command"},
        {"disk_first_beat", "the disk's DMA", "",
         "the disk begins to read memory: a store from now on may be half in it"},
        {"disk_last_beat", "the disk's DMA", "", "the disk reads the last beat"},
        {"disk_in_cache", "the disk's write cache", "",
         "the block reads back as new; a power cut would still lose it"},
        {"disk_on_media", "the disk's mechanism", "", "the sector is durable"},
        {"disk_done", "the disk's interface", "", "the command is complete: the disk interrupts"},
        {"disk_failed", "the disk's interface", "", "the command has failed"},
        {"end_io", "end_bio_bh_io_sync()", "fs/buffer.c, Linux 2.6",
         "the kernel hears that the block is written or read"},
        {"end_page_writeback", "end_page_writeback()", "mm/filemap.c, Linux 2.6",
         "the page is not on its way any more: who waited for it goes on"},
        {"clear TAG_WRITEBACK", "test_clear_page_writeback()", "mm/page-writeback.c, Linux 2.6",
         "a sync need not wait for the page any more"},
        {"journal_commit_transaction", "journal_commit_transaction()", "fs/jbd/commit.c, Linux 2.6",
         "the journal commits; in ordered mode it writes the data's buffers first, by itself"},
        {"mapping_tagged", "mapping_tagged()", "mm/page-writeback.c, Linux 2.6",
         "the flusher asks whether the file has dirty pages left"},
        {"clear I_DIRTY_PAGES", "__sync_single_inode()", "fs/fs-writeback.c, Linux 2.6",
         "the inode leaves the list"},
        {"i_size_write", "i_size_write()", "include/linux/fs.h", "the file has another size"},
        {"truncate_count", "unmap_mapping_range()", "mm/memory.c, Linux 2.6",
         "faults that are under way are told that the file was cut off"},
    };
    return all;
}

const std::vector<glossary_entry>& glossary_of_spans()
{
    static const std::vector<glossary_entry> all = {
        {"handle_pte_fault", "handle_pte_fault()", "mm/memory.c, Linux 2.6",
         "the fault is being handled"},
        {"page_mkclean", "page_mkclean()", "mm/rmap.c, Linux 2.6.19 (d08b3851da41)",
         "every PTE of the page is cleaned, and the TLBs flushed"},
        {"flush_tlb", "flush_tlb_page(), flush_tlb_mm()", "arch/i386/kernel/smp.c, Linux 2.6",
         "until no TLB has the old translation any more"},
        {"do_fsync", "do_fsync()", "fs/sync.c, Linux 2.6.19 (before: fs/buffer.c)",
         "until everything stored to the file before is durable"},
        {"do_msync", "sys_msync()", "mm/msync.c, Linux 2.6",
         "until everything stored to the mapping before is durable"},
        {"do_sync", "do_sync()", "fs/sync.c, Linux 2.6.19 (before: fs/buffer.c)",
         "until everything is durable"},
        {"write_cache_pages", "mpage_writepages(); write_cache_pages()",
         "fs/mpage.c, Linux 2.6.18; mm/page-writeback.c, Linux 2.6.22",
         "dirty pages of a file are looked for and written"},
        {"balance_dirty_pages", "balance_dirty_pages()", "mm/page-writeback.c, Linux 2.6",
         "who dirtied too much writes, or waits"},
        {"try_to_free_pages", "try_to_free_pages()", "mm/vmscan.c, Linux 2.6",
         "memory is short: pages are reclaimed"},
        {"journal_commit_transaction", "journal_commit_transaction()", "fs/jbd/commit.c, Linux 2.6",
         "a transaction is being committed"},
    };
    return all;
}

bool puts_bytes_into_memory(std::string_view step)
{
    constexpr std::string_view names[] = {"store", "filemap_copy_from_user", "device store",
                                          "memclear_highpage_flush"};
    return std::find(std::begin(names), std::end(names), step) != std::end(names);
}

const glossary_entry* explain_step(std::string_view name)
{
    return find(glossary_of_steps(), name);
}

const glossary_entry* explain_span(std::string_view name)
{
    return find(glossary_of_spans(), name);
}

} // namespace mkclean
