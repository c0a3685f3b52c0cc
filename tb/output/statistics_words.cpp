// The words of docs/reference/statistics.md.

#include "tb/output/statistics_words.h"

namespace mkclean
{
namespace
{

using figure_list = std::vector<figure_words>;

/// What the oracle knows of the first byte that went wrong; `finding` is where it stands.
figure_list finding_words(const std::string& finding, const std::string& what)
{
    return {
        {finding, "", what + "; null if there was none"},
        {finding + "/ino", "", "the file's inode number"},
        {finding + "/page", "", "index of the page in the file, from 0"},
        {finding + "/offset", "B", "of the first byte in the page"},
        {finding + "/length", "B", "bytes in a row that went wrong with it"},
        {finding + "/expected", "", "the first byte as it was stored, 0 to 255"},
        {finding + "/found", "", "the first byte as it is on the device"},
        {finding + "/found_out_ps", "ps", "when that was found out"},
        {finding + "/store/by", "", "the thread that had stored the byte"},
        {finding + "/store/time_ps", "ps", "when it had"},
        {finding + "/store/offset", "B", "of that store in the page"},
        {finding + "/store/length", "B", "of that store"},
        {finding + "/dropped/step", "",
         "the step after which nothing knew any more that the page was dirty"},
        {finding + "/dropped/by", "", "the thread that took it"},
        {finding + "/dropped/time_ps", "ps", "when it did"},
        {finding + "/dropped/change", "", "the bits that the step changed, before and after"},
    };
}

figure_list verdict_words()
{
    figure_list words = {
        {"/schema", "", "the form of all this; a figure that changes its meaning changes the form"},
        {"/config/*", "", "the value of each option, as text that a config takes"},
        {"/verdict/ok", "", "whether every promise was kept"},
        {"/verdict/expected", "", "whether that is what `expect.lost` and `expect.kernels` say"},
        {"/verdict/judged", "", "whether there was an oracle (`oracle`)"},
        {"/verdict/ended", "",
         "finished, power_cut, out_of_time (`time.limit`), interrupted or deadlock"},
        {"/verdict/lost_bytes", "B",
         "bytes that were stored and are not on the device when they have to be"},
        {"/verdict/lost_runs", "", "lost bytes in a row, of one page and one store, counted once"},
        {"/verdict/fsync_lies", "B",
         "bytes that were stored before a msync or fsync which returned 0, and that a power cut at "
         "that instant would have lost"},
        {"/verdict/stale_reads", "B",
         "bytes that a load or read(2) saw otherwise than they were stored last, or than zero "
         "where nobody had"},
        {"/verdict/invented_bytes", "B", "bytes on the device that nobody has ever stored there"},
        {"/verdict/accounting_skew", "pages",
         "how far nr_dirty is from the number of dirty pages at the end"},
        {"/verdict/livelocks", "",
         "syncs that wrote many times what there was to write, and runs without an end"},
    };
    const auto add = [&words](const figure_list& more) {
        words.insert(words.end(), more.begin(), more.end());
    };
    add(finding_words("/verdict/first_loss", "the first bytes that were lost"));
    add(finding_words("/verdict/first_lie", "the first bytes that a sync lied about"));
    return words;
}

const figure_list invariant_words = {
    {"/invariants/I1", "", "1 if nr_dirty was not the number of dirty pages at the end"},
    {"/invariants/I2", "", "steps after which a dirty page, not locked, had no dirty tag"},
    {"/invariants/I3", "",
     "steps after which a page that was not under writeback had the writeback tag"},
    {"/invariants/I4", "", "steps with which a dirty page left the cache"},
    {"/invariants/I5", "",
     "steps after which a PTE was dirty or writable and its page, of a file, was not dirty"},
    {"/invariants/I6", "", "steps after which a clean page had a dirty buffer"},
    {"/invariants/I7", "",
     "steps after which somebody could store to a page that a device with checksums reads"},
    {"/invariants/first/invariant", "", "the first that was broken, if one was"},
    {"/invariants/first/time_ps", "ps", "when"},
    {"/invariants/first/step", "", "by which step"},
    {"/invariants/first/ino", "", "of which file, its inode number"},
    {"/invariants/first/page", "", "of which of its pages"},
};

const figure_list time_words = {
    {"/time/cycles", "cycles", "simulated time from power-on to the end, in cycles of a core"},
    {"/time/ps", "ps", "the same"},
};

const figure_list hardware_words = {
    {"/cores/*/loads", "", "loads of this core's programs"},
    {"/cores/*/stores", "", "stores of this core's programs"},
    {"/cores/*/page_faults", "", "page faults on this core"},
    {"/cores/*/interrupts", "", "interrupts that it took, IPIs included"},
    {"/cores/*/ipis_sent", "", "interrupts that it sent to other cores"},
    {"/cores/*/ipis_received", "", "interrupts that it took from other cores"},
    {"/cores/*/context_switches", "", "times that another thread went on"},
    {"/cores/*/idle_ps", "ps", "time with nothing to do"},
    {"/tlb/hits", "", "accesses that found all they needed in the first level; of all cores"},
    {"/tlb/l2_hits", "", "misses of the first level that the second helped"},
    {"/tlb/misses", "", "walks because there was no entry"},
    {"/tlb/fills", "", "entries made after walks"},
    {"/tlb/evictions", "", "entries that had to leave the first level for others"},
    {"/tlb/l2_evictions", "", "entries that had to leave the second level for others"},
    {"/tlb/flushed_pages", "", "entries dropped by invalidations of one page"},
    {"/tlb/flushes", "", "invalidations of everything, or of an address space"},
    {"/walker/walks", "", "page-table walks; of all cores"},
    {"/walker/reads", "", "entries read over the bus"},
    {"/walker/line_hits", "",
     "of them, those that found their line in a cache (`walker.l1_lines`)"},
    {"/walker/cache_hits", "", "walks that began at the last table (`walker.cache_entries`)"},
    {"/walker/upper_cache_hits", "", "walks that began at a table between it and the root"},
    {"/walker/accessed_set", "", "PTE.A turned from 0 to 1 by hardware"},
    {"/walker/dirty_set", "", "PTE.D turned from 0 to 1 by hardware"},
    {"/walker/retries", "", "PTEs that changed between the read and the locked update"},
    {"/walker/logged", "", "pages appended to a log of dirtied pages (`mmu.dirty_log_entries`)"},
};

const figure_list vm_words = {
    {"/vm/nr_dirty", "pages", "dirty at the end; below zero shows that it was miscounted"},
    {"/vm/nr_writeback", "pages", "under writeback at the end"},
    {"/vm/nr_file_pages", "pages", "in the page cache at the end"},
    {"/vm/nr_mapped", "pages", "of files, mapped by somebody at the end"},
    {"/vm/nr_anon_pages", "pages", "of no file, mapped at the end"},
    {"/vm/nr_dirtied", "pages", "times that a page was made dirty"},
    {"/vm/nr_written", "pages", "times that a page's writeback ended"},
    {"/vm/pgfault", "", "page faults"},
    {"/vm/pgmajfault", "", "page faults that waited for the disk"},
    {"/vm/pgreuse", "", "write-protection faults that kept the page"},
    {"/vm/pgpgin", "KiB", "read from the device"},
    {"/vm/pgpgout", "KiB", "written to the device"},
    {"/vm/pgscan_direct", "pages", "looked at by reclaim"},
    {"/vm/pgsteal", "pages", "reclaimed"},
    {"/vm/pgmigrate_success", "pages", "moved to another frame"},
    {"/vm/pgmigrate_fail", "pages", "not moved, for somebody used them"},
    {"/vm/drop_pagecache", "pages", "dropped because a program asked for it (fadvise)"},
    {"/vm/thp_file_mapped", "", "PMDs made, of 2 MiB each (`vm.huge_pages`)"},
    {"/vm/thp_file_fallback", "", "faults that got a small page where a PMD would fit"},
    {"/vm/nr_tlb_remote_flush", "", "flushes for which other cores were asked"},
    {"/vm/nr_tlb_remote_flush_received", "", "times that a core was asked for a flush"},
    {"/vm/nr_tlb_local_flush_one", "", "invalidations of one page that cores did"},
    {"/vm/nr_tlb_local_flush_all", "", "invalidations of everything that cores did"},
    {"/vm/nr_tlb_lazy_catchup", "",
     "flushes that a core did when it went back to user mode (`vm.lazy_tlb`)"},
    {"/vm/nr_leave_mm", "", "address spaces that idle cores gave up"},
    {"/vm/nr_asid_rollover", "", "times that a core ran out of tags (`tlb.asids`)"},
    {"/vm/fault_ps", "ps", "in page faults, what they waited for included"},
    {"/vm/flush_tlb_ps", "ps", "in flushes of TLBs, until the last core is done"},
    {"/vm/page_mkclean_ps", "ps", "in page_mkclean(), flushes and waiting for locks included"},
    {"/vm/dirty_log_ps", "ps", "in full logs of dirtied pages and in reading them"},
    {"/vm/dirty_tracking_ps", "ps",
     "in page faults and logs, the ways into the kernel and back included: what those who store "
     "pay for its being known"},
    {"/vm/flush_tlb", "", "flushes of TLBs, of a page, a range, or all"},
    {"/vm/page_mkclean", "", "calls of page_mkclean()"},
    {"/vm/page_mkclean_cleaned", "", "PTEs that it cleaned"},
    {"/vm/redirtied_by_mkclean", "", "calls of set_page_dirty() that the fix of 2.6.20 added"},
    {"/vm/dirty_log_drains", "", "times that the logs of all cores were read"},
    {"/vm/dirty_log_full", "", "times that one was full"},
    {"/vm/signals", "", "threads that a signal has ended, SIGBUS or SIGSEGV"},
};

const figure_list storage_words = {
    {"/fs/writepages", "", "calls of writepage"},
    {"/fs/no_io_writepages", "", "of them, those that found every buffer clean and wrote nothing"},
    {"/fs/journal_commits", "", "transactions committed; these four are ext3's alone"},
    {"/fs/journal_data_buffers_written", "",
     "dirty buffers of data that kjournald wrote by itself"},
    {"/fs/journal_metadata_buffers_logged", "", "buffers of metadata written to the log"},
    {"/fs/journal_checkpoints", "", "times that the log was made room in"},
    {"/block/reads", "", "read requests to the disk"},
    {"/block/writes", "", "write requests to the disk"},
    {"/block/flushes", "", "flushes of the disk's cache that were asked for"},
    {"/block/merges", "", "buffers that joined a request that was there"},
    {"/block/blocks_read", "blocks", "buffers read, of whatever size (`fs.block_size`)"},
    {"/block/blocks_written", "blocks", "buffers written, of whatever size"},
    {"/block/sectors_written", "sectors", "of 512 bytes, written"},
    {"/block/max_queued", "", "the most requests that were queued at a time"},
    {"/disk/reads", "", "read commands that succeeded"},
    {"/disk/writes", "", "write commands that succeeded"},
    {"/disk/flushes", "", "flush commands that succeeded"},
    {"/disk/sectors_read", "sectors", "read by the host"},
    {"/disk/sectors_written", "sectors", "written by the host"},
    {"/disk/media_writes", "sectors", "that reached the media"},
    {"/disk/cache_hits", "sectors", "read by the host that the write cache had"},
    {"/disk/destage_runs", "", "accesses to the media to write sectors of the cache"},
    {"/disk/seeks", "", "accesses, and steps within them, that moved the arm"},
    {"/disk/max_queue", "", "the most commands outstanding at a time"},
    {"/disk/mechanism_busy_ps", "ps", "in positioning and transferring"},
    {"/disk/interface_busy_ps", "ps", "in fetching commands and moving data over the bus"},
    {"/disk/service_ps", "ps", "sum over all commands, from issue to end"},
};

const figure_list workload_words = {
    {"/workload/stores", "", "stores of all threads"},
    {"/workload/loads", "", "loads of all threads"},
    {"/workload/chunks", "", "rtorrent: chunks of the file"},
    {"/workload/chunks_written", "", "rtorrent: chunks that it has stored"},
    {"/workload/bad_chunks", "", "rtorrent: chunks that are not as they were stored, read again"},
    {"/workload/records", "", "apt: records of the database"},
    {"/workload/updates", "", "apt: updates of a record"},
    {"/workload/msyncs", "", "apt: calls of msync"},
    {"/workload/failed_msyncs", "", "apt: calls of msync that returned an error"},
    {"/workload/bad_headers", "", "apt: headers that are not as they were stored, read again"},
    {"/workload/bad_records", "", "apt: records that are not as they were stored, read again"},
    {"/workload/bad_bytes", "B", "rtorrent, apt: bytes that are not as they were stored"},
    {"/workload/bad_words", "words", "touch: of 8 bytes, not as they were stored"},
    {"/workload/operations", "", "random, script: operations done"},
    {"/workload/failed_calls", "", "random, script: system calls that returned an error"},
    {"/workload/bus_errors", "", "random: accesses behind the end of the file"},
    {"/workload/segmentation_faults", "", "random: accesses to what a sibling had just unmapped"},
    {"/workload/kills", "", "random: accesses that met a corrupt page table"},
    {"/workload/refused_truncates", "",
     "random: files that the kernel did not cut (files only grow)"},
    {"/workload/bad_private_bytes", "B", "random: wrong bytes of private mappings"},
    {"/workload/bad_anonymous_bytes", "B", "random: wrong bytes of anonymous memory"},
    {"/workload/expectations", "", "script: times that it looked for what it expects"},
    {"/workload/expectations_failed", "", "script: times that it found something else"},
    {"/workload/late", "", "script: instants to wait for (`until`) that had passed"},
    {"/workload/trace_lines", "", "lackey: lines of the trace"},
    {"/workload/instructions", "", "lackey: instructions of the traced program"},
    {"/workload/accesses_elsewhere", "", "lackey: accesses outside the mapping"},
    {"/workload/file_loads", "", "lackey: loads from the mapping"},
    {"/workload/file_stores", "", "lackey: stores to the mapping"},
};

const figure_list host_words = {
    {"/host/wall_s", "s", "that the run took here"},
    {"/host/accesses_per_s", "1/s", "loads and stores simulated in a second of this host's"},
    {"/host/peak_rss_bytes", "B", "the most memory that this process has had"},
};

} // namespace

const figure_list& figures()
{
    static const figure_list all = [] {
        figure_list words = verdict_words();
        for (const figure_list* more : {&invariant_words, &time_words, &hardware_words, &vm_words,
                                        &storage_words, &workload_words, &host_words})
            words.insert(words.end(), more->begin(), more->end());
        return words;
    }();
    return all;
}

} // namespace mkclean
