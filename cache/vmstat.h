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
    std::uint64_t pgsteal = 0;           ///< pages reclaimed
    std::uint64_t drop_pagecache = 0;    ///< pages dropped by fadvise
    std::uint64_t thp_file_mapped = 0;   ///< PMDs made
    std::uint64_t thp_file_fallback = 0; ///< faults that got a small page where a PMD would fit
    std::uint64_t nr_tlb_remote_flush = 0;
    std::uint64_t nr_tlb_remote_flush_received = 0;
    std::uint64_t nr_tlb_local_flush_one = 0;
    std::uint64_t nr_tlb_local_flush_all = 0;
    // not in /proc/vmstat
    std::uint64_t page_mkclean = 0;         ///< calls
    std::uint64_t page_mkclean_cleaned = 0; ///< PTEs it cleaned
    std::uint64_t no_io_writepages = 0;     ///< writepage found every buffer clean: nothing written
    std::uint64_t writepages = 0;
    std::uint64_t redirtied_by_mkclean = 0; ///< set_page_dirty() calls that the 2.6.20 fix added
};

} // namespace mkclean
