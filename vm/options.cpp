// The options of the kernel: sysctls, the era, and every policy by itself.

#include "vm/options.h"
#include "sim/option_set.h"

namespace mkclean
{

void vm_options::declare(option_set& o)
{
    o.percent("vm.dirty_background_ratio", dirty_background_ratio, {0, 100},
              "of memory: above, pdflush writes");
    o.percent("vm.dirty_ratio", dirty_ratio, {1, 100},
              "of memory: above, whoever dirties pages writes some itself");
    o.duration("vm.dirty_writeback", dirty_writeback, {0, 1'000'000'000'000'000},
               "between wakeups of pdflush (dirty_writeback_centisecs); 0: never");
    o.duration("vm.dirty_expire", dirty_expire, {0, 1'000'000'000'000'000},
               "age at which dirty pages are written (dirty_expire_centisecs)");
    o.count("vm.flusher_core", flusher_core, {0, 63},
            "the core that pdflush runs on, modulo how many there are");
    o.count("vm.journal_core", journal_core, {0, 63},
            "the core that kjournald runs on, modulo how many there are");
    o.choice("vm.huge_pages", huge_pages, {{"off", page_order::small}, {"2MiB", page_order::mega}},
             "whether shared mappings of files get PMDs where 2 MiB of one fit and 512 frames in a "
             "row can be had: one entry, one dirty bit; needs vm.write_fault = golden");
    tlb.declare(o);
}

void tlb_flush_options::declare(option_set& o)
{
    o.choice("shootdown.kind", kind,
             {{"ipi", shootdown_kind::ipi},
              {"early_ack", shootdown_kind::early_ack},
              {"broadcast", shootdown_kind::broadcast},
              {"rar", shootdown_kind::rar}},
             "how other cores' TLBs are flushed: an interrupt, acknowledged after or before the "
             "flush; an instruction to all (TLBI and DSB, INVLPGB and TLBSYNC); Intel's remote "
             "action request");
    o.duration("shootdown.latency", latency, {0, 1'000'000'000},
               "broadcast and rar: from the instruction to its completion on all cores");
    o.flag("shootdown.completion_drains", completion_drains,
           "broadcast and rar: whether completion waits for stores through old translations; off "
           "is a hardware bug");
    o.flag("shootdown.concurrent", concurrent,
           "whether a core flushes its own TLB while the others flush theirs (5.13)");
    o.choice("vm.asids", asids,
             {{"none", asid_policy::none},
              {"slots", asid_policy::slots},
              {"roll", asid_policy::roll},
              {"global", asid_policy::global}},
             "how the kernel uses tlb.asids: not at all, six a core in turn (x86), counting "
             "through them (MIPS), one an address space (Arm)");
    o.choice("vm.lazy_tlb", lazy,
             {{"flush", lazy_tlb_policy::flush},
              {"leave", lazy_tlb_policy::leave},
              {"skip", lazy_tlb_policy::skip}},
             "what a core does about flushes while it runs a kernel thread or nothing: as if the "
             "program ran, unloads it at the first (2.6 on i386), is not asked and catches up "
             "(4.20)");
    o.count("vm.tlb_flush_ceiling", ceiling, {0, 1'000'000},
            "pages that are flushed one by one; more are flushed as everything (33 since 3.15)");
    o.choice("vm.reclaim_flush", reclaim,
             {{"each", reclaim_flush_policy::each},
              {"linux-4.3", reclaim_flush_policy::linux_4_3},
              {"batched", reclaim_flush_policy::batched}},
             "when reclaim flushes: for every page, for up to 32 at once (4.3), or the same, but "
             "munmap and copy on write make up for what is put off (4.13)");
}

void era_options::declare(option_set& o)
{
    o.choice("kernel", era, kernel_era_names(),
             "the kernel: sets every policy that is not set by itself");
    o.optional_choice("vm.clear_page_dirty_for_io", clear_page_dirty_for_io,
                      {{"linux-2.6.18", cpdfio_policy::linux_2_6_18},
                       {"linux-2.6.19", cpdfio_policy::linux_2_6_19},
                       {"linux-2.6.20", cpdfio_policy::linux_2_6_20}},
                      "where it looks for dirtiness, and in which order");
    o.optional_choice("vm.write_fault", write_fault,
                      {{"linux-2.6.18", write_fault_policy::linux_2_6_18},
                       {"linux-2.6.19", write_fault_policy::linux_2_6_19},
                       {"linux-2.6.23", write_fault_policy::linux_2_6_23},
                       {"linux-6.14", write_fault_policy::linux_6_14},
                       {"golden", write_fault_policy::golden}},
                      "the order of set_page_dirty, the PTE and the page lock");
    o.optional_choice("vm.dirty_tracking", dirty_tracking,
                      {{"write_protect", dirty_tracking_policy::write_protect},
                       {"dirty_log", dirty_tracking_policy::dirty_log}},
                      "how stores to clean pages are noticed: by the fault of a read-only PTE, or "
                      "by reading what hardware has logged (mmu.dirty_log_entries)");
    o.optional_choice("vm.msync", msync,
                      {{"linux-2.6.18", msync_policy::linux_2_6_18},
                       {"linux-2.6.19", msync_policy::linux_2_6_19}},
                      "whether msync looks at PTEs");
    o.optional_choice("vm.page_mkclean", page_mkclean,
                      {{"linux-2.6.19", mkclean_policy::linux_2_6_19},
                       {"linux-2.6.20", mkclean_policy::linux_2_6_20}},
                      "whether the clean PTE is written before the TLB flush or after");
    o.optional_choice(
        "vm.mkclean_flush", mkclean_flush,
        {{"everyone", mkclean_flush_policy::everyone},
         {"local", mkclean_flush_policy::local},
         {"none", mkclean_flush_policy::none}},
        "whose TLB is flushed when a PTE is cleaned; local and none are broken on purpose");
    o.optional_choice("vm.zap_flush", zap_flush,
                      {{"after_unlock", zap_flush_policy::after_unlock},
                       {"dirty_before_unlock", zap_flush_policy::dirty_before_unlock},
                       {"before_unlock", zap_flush_policy::before_unlock}},
                      "when munmap and madvise flush the TLBs, with respect to the page-table "
                      "lock: after it, before if a file's PTE was dirty (3.15), or before");
    o.optional_choice("vm.rmap_remove", rmap_remove,
                      {{"before_flush", rmap_remove_policy::before_flush},
                       {"after_flush", rmap_remove_policy::after_flush}},
                      "when munmap and madvise tell the reverse map, with respect to the TLB "
                      "flush: before it (until 6.1), or after");
    o.optional_choice("vm.tlb_flush_pending", tlb_flush_pending, {{"off", false}, {"on", true}},
                      "whether munmap and madvise that find nothing to flush do so for another "
                      "thread's that is under way (4.13)");
    o.optional_choice(
        "vm.madvise_lock", madvise_lock,
        {{"write", madvise_lock_policy::write}, {"read", madvise_lock_policy::read}},
        "how madvise holds mmap_sem: alone, or with other threads' faults and madvises (2.6.22)");
    o.optional_choice("vm.mremap_flush", mremap_flush,
                      {{"each", mremap_flush_policy::each},
                       {"after_unlock", mremap_flush_policy::after_unlock},
                       {"before_unlock", mremap_flush_policy::before_unlock}},
                      "when mremap flushes the TLBs: at every PTE that it moves (until 3.1), at "
                      "the end (3.2), or before it drops a lock (4.19)");
    o.optional_choice(
        "vm.mkclean_peek", mkclean_peek,
        {{"lockless", mkclean_peek_policy::lockless}, {"locked", mkclean_peek_policy::locked}},
        "whether page_mkclean passes over a PTE that is absent when it looks without "
        "the page-table lock (until 2.6.26), or looks under it");
    o.optional_choice(
        "vm.set_pte", set_pte,
        {{"atomic", set_pte_policy::atomic}, {"clear_first", set_pte_policy::clear_first}},
        "how a fault writes a PTE over a present one: at once, or clearing it before, "
        "as powerpc64 does");
    o.optional_choice(
        "vm.try_to_free_buffers", try_to_free_buffers,
        {{"linux-2.6.18", ttfb_policy::linux_2_6_18},
         {"linux-2.6.19", ttfb_policy::linux_2_6_19},
         {"ecdfc9787fe5", ttfb_policy::ecdfc9787fe5},
         {"linux-2.6.20", ttfb_policy::linux_2_6_20}},
        "what becomes of the dirty bit of a page whose buffers are all clean, and whether under "
        "the buffers' lock");
    o.optional_choice(
        "vm.write_cache_pages", write_cache_pages,
        {{"linux-2.6.18", writepages_policy::linux_2_6_18}, {"golden", writepages_policy::golden}},
        "when a pass of writeback stops, and where a cyclic one goes on");
    o.optional_choice(
        "vm.pte_none", pte_none,
        {{"linux-2.6.18", pte_none_policy::linux_2_6_18}, {"golden", pte_none_policy::golden}},
        "whether A or D alone make a PTE corrupt, which kills the process, or nothing (4.8)");
    o.optional_choice("vm.towrite_tag", towrite_tag, {{"off", false}, {"on", true}},
                      "whether a sync writes a snapshot of the dirty pages (2.6.36)");
    o.optional_choice("vm.sync_honours_nr_to_write", sync_honours_nr_to_write,
                      {{"off", false}, {"on", true}},
                      "whether a sync stops after twice the file's pages (until 2.6.29)");
    o.optional_choice("vm.dirty_under_private_lock", dirty_under_private_lock,
                      {{"off", false}, {"on", true}},
                      "whether PG_dirty is set before the buffers' lock is dropped (2.6.29)");
    o.optional_choice("vm.fsync_writes_clean_inode", fsync_writes_clean_inode,
                      {{"off", false}, {"on", true}},
                      "whether fsync writes (ext2) or commits (ext3) an inode also when it says "
                      "that it is clean");
    o.optional_choice("vm.set_page_writeback_keepwrite", set_page_writeback_keepwrite,
                      {{"off", false}, {"on", true}},
                      "whether a page that writepage puts back stays one that a sync under way "
                      "has to write (2014)");
    o.optional_choice("vm.inode_clean", inode_clean,
                      {{"linux-2.6.18", inode_clean_policy::linux_2_6_18},
                       {"linux-3.16", inode_clean_policy::linux_3_16},
                       {"linux-3.19", inode_clean_policy::linux_3_19}},
                      "when the flusher clears I_DIRTY_PAGES: before it writes; after it has "
                      "seen that no page is dirty; before it looks whether one is");
    declare_page_mkwrite(o);
    declare_truncate_and_errors(o);
    declare_reverse_map(o);
}

void era_options::declare_page_mkwrite(option_set& o)
{
    o.optional_choice("vm.page_mkwrite", page_mkwrite,
                      {{"none", page_mkwrite_policy::none},
                       {"unlocked", page_mkwrite_policy::unlocked},
                       {"locked", page_mkwrite_policy::locked}},
                      "whether a write fault asks the filesystem to make room first, and whether "
                      "the page stays locked until it is dirty (2.6.30)");
    o.optional_choice("vm.mkwrite_balances", mkwrite_balances, {{"off", false}, {"on", true}},
                      "whether a write fault is throttled if ->page_mkwrite has dirtied the page "
                      "before it (2.6.23)");
    o.optional_choice("vm.pagecache_isize_extended", pagecache_isize_extended,
                      {{"off", false}, {"on", true}},
                      "whether a file that grows within a page has that write-protected, so that "
                      "->page_mkwrite is asked for its new blocks (2014)");
    o.optional_choice("fs.reserves_blocks", reserves_blocks, {{"off", false}, {"on", true}},
                      "whether ->writepage throws away blocks for which ->page_mkwrite or "
                      "write(2) has not set room aside, each time anew; needs vm.page_mkwrite");
    o.optional_choice("fs.background_allocates", background_allocates,
                      {{"off", false}, {"on", true}},
                      "whether pdflush gives blocks to pages that have none, or puts them back");
    o.optional_choice("fs.mpage_readpage", mpage_readpage, {{"off", false}, {"on", true}},
                      "whether pages that were read have no buffers yet");
    o.optional_choice("vm.stable_pages", stable_pages, {{"no", false}, {"yes", true}},
                      "whether stores wait for the end of writeback where the disk asks for it "
                      "(disk.checksums)");
    o.optional_choice("vm.unpin", unpin,
                      {{"put_page", unpin_policy::put_page},
                       {"set_page_dirty_lock", unpin_policy::set_page_dirty_lock},
                       {"golden", unpin_policy::golden}},
                      "what a driver does with a page that its device has stored to: nothing, "
                      "dirties it, or asks the filesystem for room and dirties it");
}

void era_options::declare_truncate_and_errors(option_set& o)
{
    o.optional_choice("vm.truncate_complete_page", truncate_complete_page,
                      {{"linux-2.6.18", truncate_policy::linux_2_6_18},
                       {"linux-2.6.20", truncate_policy::linux_2_6_20},
                       {"golden", truncate_policy::golden}},
                      "whether truncation takes a page's dirty bit before ->invalidatepage "
                      "(2.6.20) or after, and looks again when the page leaves the cache");
    o.optional_choice("fs.files_shrink", files_shrink, {{"off", false}, {"on", true}},
                      "ext2: whether ftruncate may make files smaller");
    o.optional_choice("fs.invalidatepage_redirties", invalidatepage_redirties,
                      {{"off", false}, {"on", true}},
                      "whether ->invalidatepage dirties pages, as ext3's data=journal does");
    o.optional_choice("fs.mark_buffer_dirty", mark_buffer_dirty_barrier,
                      {{"unlocked_check", false}, {"barrier", true}},
                      "whether write(2) looks whether a buffer is dirty already once its bytes can "
                      "be seen, or a processor of weak order may have looked before (2008)");
    o.optional_choice("vm.wb_error", wb_error,
                      {{"flag", wb_error_policy::flag}, {"errseq", wb_error_policy::errseq}},
                      "who is told of an error of writeback: the first to sync, or everybody who "
                      "has the file open (4.13)");
}

void era_options::declare_reverse_map(option_set& o)
{
    o.optional_choice("vm.mkclean_pmd", mkclean_pmd, {{"left", false}, {"cleaned", true}},
                      "whether page_mkclean cleans and write-protects PMDs (DAX: 4.10)");
    o.optional_choice("vm.pmd_dirty", pmd_dirty_kept, {{"dropped", false}, {"kept", true}},
                      "whether D of a PMD that reclaim takes away reaches its pages");
    o.optional_choice("vm.migrate_dirty", migrate_dirty_kept, {{"dropped", false}, {"kept", true}},
                      "whether D of a PTE that migration takes away reaches its page "
                      "(fd35ca3d12cc)");
    o.optional_choice("vm.mkclean_key", mkclean_key_if_mapped, {{"any", false}, {"mapped", true}},
                      "whose storage key page_mkclean looks at: any page's, or only one's that is "
                      "mapped (6e1beb3c2249)");
    o.optional_choice("vm.remap_file_pages", remap_file_pages_emulated,
                      {{"nonlinear", false}, {"emulated", true}},
                      "whether it changes a mapping, of which the reverse map knows nothing, or "
                      "makes another one (3ee6dafc677a)");
    o.optional_choice("vm.young_flush", young_flush, {{"off", false}, {"on", true}},
                      "whether reclaim flushes the TLBs when it takes A from a PTE");
    o.optional_choice("vm.pagevec_strip", pagevec_strip, {{"off", false}, {"on", true}},
                      "whether reclaim takes the buffers of pages that it spares, as if there "
                      "were too many buffers");
}

vm_policies era_options::policies() const
{
    vm_policies p = policies_of(era);
    const auto set = [](auto& policy, const auto& chosen) {
        if (chosen)
            policy = *chosen;
    };
    set(p.clear_page_dirty_for_io, clear_page_dirty_for_io);
    set(p.write_fault, write_fault);
    set(p.dirty_tracking, dirty_tracking);
    set(p.msync, msync);
    set(p.page_mkclean, page_mkclean);
    set(p.mkclean_flush, mkclean_flush);
    set(p.zap_flush, zap_flush);
    set(p.rmap_remove, rmap_remove);
    set(p.tlb_flush_pending, tlb_flush_pending);
    set(p.madvise_lock, madvise_lock);
    set(p.mremap_flush, mremap_flush);
    set(p.mkclean_peek, mkclean_peek);
    set(p.set_pte, set_pte);
    set(p.try_to_free_buffers, try_to_free_buffers);
    set(p.pte_none, pte_none);
    set(p.towrite_tag, towrite_tag);
    set(p.write_cache_pages, write_cache_pages);
    set(p.sync_honours_nr_to_write, sync_honours_nr_to_write);
    set(p.cache.dirty_under_private_lock, dirty_under_private_lock);
    set(p.cache.fsync_writes_clean_inode, fsync_writes_clean_inode);
    set(p.page_mkwrite, page_mkwrite);
    set(p.mkwrite_balances, mkwrite_balances);
    set(p.pagecache_isize_extended, pagecache_isize_extended);
    set(p.inode_clean, inode_clean);
    set(p.truncate_complete_page, truncate_complete_page);
    p.cache.removal_accounts_dirty = p.truncate_complete_page == truncate_policy::golden;
    set(p.wb_error, wb_error);
    set(p.stable_pages, stable_pages);
    set(p.unpin, unpin);
    set(p.mkclean_pmd, mkclean_pmd);
    set(p.pmd_dirty_kept, pmd_dirty_kept);
    set(p.migrate_dirty_kept, migrate_dirty_kept);
    set(p.mkclean_key_if_mapped, mkclean_key_if_mapped);
    set(p.remap_file_pages_emulated, remap_file_pages_emulated);
    set(p.young_flush, young_flush);
    set(p.pagevec_strip, pagevec_strip);
    set(p.cache.set_page_writeback_keepwrite, set_page_writeback_keepwrite);
    set(p.cache.mpage_readpage, mpage_readpage);
    set(p.cache.background_allocates, background_allocates);
    set(p.cache.reserves_blocks, reserves_blocks);
    set(p.cache.files_shrink, files_shrink);
    set(p.cache.invalidatepage_redirties, invalidatepage_redirties);
    set(p.cache.mark_buffer_dirty_barrier, mark_buffer_dirty_barrier);
    return p;
}

} // namespace mkclean
