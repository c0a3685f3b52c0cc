#pragma once

#include "mmu/core.h"
#include "sim/fifo.h"
#include "storage/fs/filesystem.h"
#include "vm/mm.h"
#include "vm/policies.h"
#include "vm/tlb_flush_options.h"

#include <deque>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

namespace mkclean
{

/// vm.dirty_*: the sysctls of Documentation/sysctl/vm.txt.
struct vm_options {
    std::uint64_t dirty_background_ratio = 10;         ///< % of memory
    std::uint64_t dirty_ratio = 40;                    ///< % of memory
    std::uint64_t dirty_writeback = 5'000'000'000'000; ///< ps between wakeups of the flusher
    std::uint64_t dirty_expire = 30'000'000'000'000;   ///< ps after which dirty data is written
    std::uint64_t flusher_core = 1;                    ///< where pdflush runs
    std::uint64_t journal_core = 2;                    ///< where the filesystem's threads run
    tlb_flush_options tlb;
    /// The largest pages that shared mappings of files get: small or mega.
    page_order huge_pages = page_order::small;

    void declare(option_set& options);
};

/// What of a file has been cut off so far.
enum class truncated { size, pages, blocks };

/// For the log: the first and the last byte of a page that something is stored to.
std::string show_bytes(std::uint64_t first, std::uint64_t last);

/// Told what no event says: what user programs were promised, and which bytes went by other ways
/// than stores and loads. The oracle is one; it takes no time and changes nothing.
class kernel_observer
{
public:
    virtual ~kernel_observer() = default;
    virtual void on_mmap(const mm_struct& mm, const vm_area_struct& vma) = 0;
    /// munmap() has returned: what is stored there from now on is nobody's.
    virtual void on_munmap(const mm_struct& mm, virtual_address start, virtual_address end) = 0;
    /// write(2) has put bytes into a page, and has yet to say that the page is dirty.
    virtual void on_file_write(const core& cpu, const inode& file, std::uint64_t offset,
                               const std::byte* bytes, std::size_t length) = 0;
    /// It has said so.
    virtual void on_file_written(const core& cpu) = 0;
    virtual void on_file_read(const core& cpu, const inode& file, std::uint64_t offset,
                              const std::byte* bytes, std::size_t length) = 0;
    /// msync or fsync of the file's pages [first, end) begins; when it returns 0, what was stored
    /// to them before is promised.
    virtual void on_sync_begin(const core& cpu, const inode& file, page_index first,
                               page_index end) = 0;
    virtual void on_sync_end(const core& cpu, const inode& file, int result) = 0;
    /// The file has shrunk to its size; once its pages are gone, what was stored behind that is as
    /// if it never was.
    virtual void on_truncate(const core& cpu, const inode& file, truncated what) = 0;
    /// The file's page was clean and has just been forgotten.
    virtual void on_drop(const core& cpu, const inode& file, page_index page) = 0;
};

/// struct flush_tlb_info: what TLBs are to forget.
struct flush_tlb_info {
    mm_struct* mm = nullptr;
    bool everything = false; ///< or else these:
    virtual_address start;
    page_order stride = page_order::small;
    std::uint64_t pages = 1;       ///< of that size
    std::uint64_t new_tlb_gen = 0; ///< of mm, by this flush
};

/// The same on its way: shared by those it was sent to until the last of them has acknowledged.
struct tlb_flush_request {
    flush_tlb_info what;
    unsigned unacknowledged = 0;
    picoseconds ack_line_free; ///< before that, another core is writing its acknowledgement
    wait_queue acknowledged;
};

/// Pages that hardware has logged as dirty, and of which PG_dirty is still to hear.
struct logged_pages {
    tried_mutex apply;               ///< had by whoever takes entries out of `frames`
    std::deque<frame_number> frames; ///< taken out of the cores' logs, oldest first
    unsigned unacknowledged = 0;     ///< cores that were asked for theirs and have not answered
    wait_queue acknowledged;

    std::uint64_t raw() const { return frames.size(); }
};

class asid_allocator;

/// The kernel: what its code shares. The code itself is functions of (kernel, core, ...), a file a
/// subject, as in Linux.
class kernel final : public kernel_entries, public store_listener
{
public:
    kernel(const vm_options& vm, const vm_policies& chosen, physical_memory& ram, page_cache& pages,
           filesystem& files, block_device& device, std::vector<core*> processors);
    ~kernel() override;

    /// Starts pdflush and the filesystem's threads.
    void start();

    mm_struct& new_mm();

    void handle_page_fault(core& cpu, const page_fault& fault) override;
    void handle_dirty_log_full(core& cpu) override;
    void handle_interrupt(core& cpu, interrupt vector) override;
    void switch_mm(core& cpu, address_context& next) override;
    void on_landing(core& cpu, virtual_address va, std::size_t length) override;

    const vm_options options;
    const vm_policies policies;
    physical_memory& memory;
    page_cache& cache;
    filesystem& fs;
    block_device& disk;
    const std::vector<core*> cores;
    const pte_format& format;       ///< the one that they walk
    const bool hardware_sets_dirty; ///< or else handle_pte_fault() does
    kernel_observer* observer = nullptr;
    vmstat& stats;

    std::vector<fifo<tlb_flush_request*>> tlb_flush_queues; ///< one a core
    std::vector<std::unique_ptr<asid_allocator>> asids;     ///< the same
    std::uint64_t last_global_asid = 0;
    logged_pages logged;
    wait_queue flusher_wait;               ///< pdflush sleeps here
    bool flusher_requested = false;        ///< wakeup_pdflush(): background_writeout is wanted
    std::int64_t flusher_min_pages = 0;    ///< that many it shall write even below the limit
    unsigned s_io_walks = 0;               ///< passes over the dirty inodes under way
    std::vector<std::uint64_t> ratelimits; ///< pages dirtied since the last balance, one a core
    bool dirty_exceeded = false;
    /// FAULT_FLAG_TRIED: the PMD that a thread has made writable and was then made to pay for.
    std::unordered_map<actor_id, virtual_address> tried_faults;
    /// f_wb_err of the files that threads have open: the error that each was told of last.
    std::map<std::pair<actor_id, inode_number>, std::uint64_t> f_wb_err;

private:
    void give_memory_to_logs();

    std::vector<std::unique_ptr<mm_struct>> m_mms;
};

/// Where page tables get their frames from; may sleep in reclaim.
page_table::allocate_frame table_allocator(kernel& k, core& cpu);

} // namespace mkclean
