#pragma once

#include <cstdint>

namespace mkclean
{

/// The kernel's counters under the kernel's names (/proc/vmstat); pages unless said otherwise.
struct vmstat {
    // how many there are now
    std::int64_t nr_dirty =
        0; ///< NR_FILE_DIRTY; signed, for the races that take it below zero show
    std::int64_t nr_writeback = 0;
    std::int64_t nr_file_pages = 0;
    std::int64_t nr_mapped = 0;     ///< pages of files
    std::int64_t nr_anon_pages = 0; ///< mapped pages of no file
    // how many there have been
    std::uint64_t nr_dirtied = 0;
    std::uint64_t nr_written = 0;
    std::uint64_t pgfault = 0;
    std::uint64_t pgmajfault = 0; ///< faults that waited for the disk
    std::uint64_t pgpgin = 0;     ///< KiB read
    std::uint64_t pgpgout = 0;    ///< KiB written
    std::uint64_t pgreuse = 0;    ///< write-protection faults that kept the page
    std::uint64_t pgscan_direct = 0;
    std::uint64_t pgsteal = 0; ///< pages reclaimed
    std::uint64_t pgmigrate_success = 0;
    std::uint64_t pgmigrate_fail = 0;    ///< somebody used the page
    std::uint64_t drop_pagecache = 0;    ///< pages dropped by fadvise
    std::uint64_t thp_file_mapped = 0;   ///< PMDs made
    std::uint64_t thp_file_fallback = 0; ///< faults that got a small page where a PMD would fit
    std::uint64_t nr_tlb_remote_flush = 0;
    std::uint64_t nr_tlb_remote_flush_received = 0;
    std::uint64_t nr_tlb_local_flush_one = 0;
    std::uint64_t nr_tlb_local_flush_all = 0;
    std::uint64_t nr_tlb_lazy_catchup =
        0;                              ///< flushes that a core did when it went back to user mode
    std::uint64_t nr_leave_mm = 0;      ///< address spaces that idle cores gave up
    std::uint64_t nr_asid_rollover = 0; ///< times a core has run out of tags
    // not in /proc/vmstat
    std::uint64_t fault_ps = 0;        ///< time in page faults, what they waited for included
    std::uint64_t flush_tlb_ps = 0;    ///< time in flushes of TLBs, until the last is done
    std::uint64_t page_mkclean_ps = 0; ///< time in it, flushes and waiting for locks included
    /// Time in full logs of dirtied pages and in reading all logs, what it waited for included; but
    /// throttling reads them in the time of the fault, full log or write(2) that it throttles.
    std::uint64_t dirty_log_ps = 0;
    std::uint64_t flush_tlb = 0;            ///< flushes: of a page, a range, or all
    std::uint64_t page_mkclean = 0;         ///< calls
    std::uint64_t page_mkclean_cleaned = 0; ///< PTEs it cleaned
    std::uint64_t no_io_writepages = 0;     ///< writepage found every buffer clean: nothing written
    std::uint64_t writepages = 0;
    std::uint64_t redirtied_by_mkclean = 0; ///< set_page_dirty() calls that the 2.6.20 fix added
    std::uint64_t dirty_log_drains = 0; ///< times that all cores' logs of dirtied pages were read
    std::uint64_t dirty_log_full = 0;   ///< times that one was full
};

} // namespace mkclean
