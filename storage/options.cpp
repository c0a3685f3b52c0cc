// The options of the block layer, the filesystem and the disk: names, units, ranges.

#include "storage/disk/options.h"
#include "sim/option_set.h"
#include "storage/block/block_device.h"
#include "storage/fs/ext3.h"
#include "storage/options.h"

namespace mkclean
{

void block_options::declare(option_set& o)
{
    o.choice("block.elevator", order, {{"noop", elevator::noop}, {"cscan", elevator::cscan}},
             "the order in which queued requests are started");
    o.count("block.queue_depth", queue_depth, {1, 32},
            "commands outstanding at the disk; 1 is a disk without queueing");
    o.count("block.max_segments", max_segments, {1, 128}, "buffers merged into one request");
    o.count("block.nr_requests", nr_requests, {4, 1'000'000},
            "requests queued before who comes sleeps");
}

void filesystem_options::declare(option_set& o)
{
    o.choice("fs.type", type, {{"ext2", filesystem_type::ext2}, {"ext3", filesystem_type::ext3}},
             "the filesystem");
    o.bytes("fs.block_size", block_size, {1024, 4096}, "1KiB, 2KiB or 4KiB");
    o.choice("fs.data", data,
             {{"ordered", data_mode::ordered}, {"writeback", data_mode::writeback}},
             "ext3: whether a commit waits for, and writes, the data of its transaction");
    o.count("fs.journal_blocks", journal.blocks, {64, 1'000'000},
            "ext3: length of the journal, in blocks");
    o.duration("fs.commit", journal.commit_interval, {1'000'000'000, 1'000'000'000'000'000},
               "ext3: age at which a transaction is committed");
    o.flag("fs.barrier", journal.barrier,
           "flush the disk's write cache where the filesystem depends on order, and at the end of "
           "fsync");
    o.flag("fs.account_dirty", bdi.account_dirty,
           "off: BDI_CAP_NO_ACCT_DIRTY, dirty pages are not counted and not tracked");
}

void declare_disk_options(disk_options& d, option_set& o)
{
    o.choice("disk.kind", d.kind,
             {{"rotating", disk_kind::rotating}, {"constant", disk_kind::constant_latency}},
             "the timing model of the media");
    o.count("disk.capacity", d.capacity, {1, std::uint64_t{1} << 40}, "sectors of 512 bytes");
    o.choice("disk.leftover", d.never_written,
             {{"zeros", leftover::zeros}, {"pattern", leftover::pattern}},
             "what sectors hold that were never written");
    o.flag("disk.write_cache", d.write_cache,
           "writes are done when they are in the disk's volatile cache");
    o.bytes("disk.cache_size", d.cache_size, {512, std::uint64_t{1} << 40}, "of the disk's buffer");
    o.choice("disk.destage", d.destage,
             {{"elevator", destage_order::elevator}, {"fifo", destage_order::fifo}},
             "the order in which the cache is written to the media");
    o.duration("disk.destage_idle", d.destage_idle, {0, 1'000'000'000'000'000},
               "without a command for so long, the cache is emptied");
    o.count("disk.destage_run", d.destage_run, {1, 1 << 20},
            "sectors destaged in one access at most");
    o.flag("disk.checksums", d.checksums,
           "writes are read from memory twice, for their checksums first; what has changed in "
           "between fails, and what is being written must not change (vm.stable_pages)");
    o.count("disk.queue_depth", d.queue_depth, {1, 32},
            "commands that the disk works on at a time");
    o.choice("disk.scheduling", d.scheduling,
             {{"fcfs", disk_scheduling::fcfs}, {"nearest", disk_scheduling::nearest}},
             "which of them the arm serves first");
    o.bytes("disk.dma_beat", d.dma_beat, {1, 512}, "moved in one bus transaction, at one instant");
    o.bytes("disk.dma_bandwidth", d.dma_bandwidth, {1000, 1'000'000'000'000},
            "of the disk's interface, a second");
    o.duration("disk.read_overhead", d.read_overhead, {0, 1'000'000'000'000},
               "of the disk's processor on a read");
    o.duration("disk.write_overhead", d.write_overhead, {0, 1'000'000'000'000},
               "of the disk's processor on a write");
    o.duration("disk.flush_overhead", d.flush_overhead, {0, 1'000'000'000'000},
               "of the disk's processor on a flush");
    o.duration("disk.constant.read", d.constant.read_latency, {0, 1'000'000'000'000'000},
               "constant: until a read's first byte");
    o.duration("disk.constant.write", d.constant.write_latency, {0, 1'000'000'000'000'000},
               "constant: until a write's first byte");
    o.bytes("disk.constant.bandwidth", d.constant.bandwidth, {1000, 1'000'000'000'000},
            "constant: of the media, a second");
}

} // namespace mkclean
