#pragma once

#include "storage/disk/controller.h"
#include "storage/fs/recovery.h"
#include "tb/oracle/shadow_page.h"
#include "vm/kernel.h"

#include <map>
#include <optional>
#include <set>
#include <unordered_map>

namespace mkclean
{

/// Bytes that are not what they should be, and whose fault it is.
struct finding {
    inode_number ino;
    page_index page;
    std::uint32_t offset = 0; ///< in the page, of the first byte
    std::uint32_t length = 0; ///< of the run of such bytes
    std::byte expected{};     ///< of the first byte
    std::byte found{};
    std::optional<store_record> store; ///< that the byte is from
    std::optional<event> dropped;      ///< the step after which nothing knew the page was dirty
    picoseconds when;                  ///< when it was found out
};

struct verdict {
    std::uint64_t lost_bytes = 0;
    std::uint64_t lost_runs = 0; ///< contiguous in a page, and of one store
    std::uint64_t fsync_lies = 0;
    std::uint64_t stale_reads = 0;
    std::uint64_t invented_bytes = 0;
    std::uint64_t livelocks = 0;
    std::optional<finding> first_loss;
    std::optional<finding> first_lie;
    std::vector<finding> losses; ///< the first thousand
};

/// Knows every byte that was ever stored to a file, by whom and when, and what was promised of it.
/// Compares that with what readers see and with what a power cut would leave.
///
/// It takes no simulated time and touches nothing; with or without it a run is the same.
class oracle final : public access_observer, public kernel_observer, public event_sink
{
public:
    oracle(kernel& k, const disk_controller& disk, const disk_media& media);

    // access_observer
    void on_store(const core& cpu, virtual_address va, const std::byte* bytes,
                  std::size_t length) override;
    void on_load(const core& cpu, virtual_address va, const std::byte* bytes,
                 std::size_t length) override;
    // kernel_observer
    void on_mmap(const mm_struct& mm, const vm_area_struct& vma) override;
    void on_munmap(const mm_struct& mm, virtual_address start, virtual_address end) override;
    void on_file_write(const core& cpu, const inode& file, std::uint64_t offset,
                       const std::byte* bytes, std::size_t length) override;
    void on_file_written(const core& cpu) override { m_writing.erase(cpu.id()); }
    void on_file_read(const core& cpu, const inode& file, std::uint64_t offset,
                      const std::byte* bytes, std::size_t length) override;
    void on_sync_begin(const core& cpu, const inode& file, page_index first,
                       page_index end) override;
    void on_sync_end(const core& cpu, const inode& file, int result) override;
    void on_drop(const core& cpu, const inode& file, page_index page) override;
    // event_sink
    void on_event(const event& e) override;
    bool follows_stores() const override { return false; } // it is told of them as an observer

    /// After everything was unmapped and sync() has returned: what is not on the media is lost.
    void judge_end(picoseconds now);
    /// After a power cut: what was promised has to be there, and nothing that nobody stored.
    void judge_power_cut(picoseconds now);

    const verdict& result() const { return m_verdict; }
    /// The file's page as it should be; zeros if nobody stored to it.
    page_bytes expected(inode_number ino, page_index page) const;

private:
    struct region { // of an address space, as user programs know it
        virtual_address end;
        inode_number ino;
        page_index pgoff;
        bool file_backed = false;
    };
    struct sync_call {
        page_index first, end;             // the pages that the promise is about
        std::uint64_t before = 0;          // stores with smaller ids are promised,
        std::vector<std::uint64_t> except; // but those of a write(2) that was going on
        std::uint64_t size = 0;            // of the file: what lies behind is promised to nobody
        std::uint64_t written = 0;         // pages that it has put under writeback itself
        std::uint64_t pages = 0;
    };
    struct file_shadow {
        std::map<page_index, shadow_page> pages;
        std::set<page_index> unpromised; // stored to since the last promise
        const inode* file = nullptr;     // null until it is known to the VM
    };

    const region* region_of(const core& cpu, virtual_address va, virtual_address& start) const;
    void store(const core& cpu, std::uint64_t serial, inode_number ino, std::uint64_t offset,
               const std::byte* bytes, std::size_t length);
    void compare_read(inode_number ino, std::uint64_t offset, const std::byte* bytes,
                      std::size_t length);
    page_bytes device_page(const inode& file, page_index page) const;
    void forget_what_is_durable(inode_number ino, page_index page, shadow_page& shadow);
    void count_loss(inode_number ino, page_index page, shadow_page& shadow, const page_bytes& found,
                    picoseconds now);
    void check_promise(inode_number ino, page_index page, shadow_page& shadow,
                       const page_bytes& durable, const sync_call& call, picoseconds now);
    void count_invented(const page_bytes& found, const shadow_page* shadow, std::uint32_t limit);
    static std::uint32_t bytes_within(std::uint64_t size, page_index page);
    std::uint32_t bytes_of_file(inode_number ino, page_index page) const;
    finding describe(inode_number ino, page_index page, const shadow_page& shadow,
                     const page_bytes& found, std::uint32_t at, std::uint32_t length,
                     picoseconds now) const;

    kernel& m_kernel;
    const disk_controller& m_disk;
    const disk_media& m_media;
    verdict m_verdict;
    std::uint64_t m_next_store = 1;
    struct write_call {
        inode_number ino;
        std::uint64_t store = 0;
    };
    std::map<actor_id, write_call> m_writing; // write(2)s whose page is not dirty yet
    std::uint64_t m_writes = 0;               // by write(2), each piece a store of its own
    /// The latest store of each thread: which of its core's store() calls it belongs to, and how
    /// many syncs had begun. Pieces of one call with no sync between them are one store.
    using piece = std::pair<std::uint64_t, std::uint64_t>;
    std::unordered_map<actor_id, piece> m_latest;
    std::uint64_t m_syncs_begun = 0;
    std::unordered_map<const address_context*, std::map<virtual_address, region>> m_regions;
    std::map<inode_number, file_shadow> m_files;
    std::map<std::pair<actor_id, inode_number>, sync_call> m_syncs;
    std::map<std::pair<inode_number, page_index>, event> m_dropped;
};

} // namespace mkclean
