#pragma once

#include "storage/disk/controller.h"
#include "storage/fs/recovery.h"
#include "tb/oracle/shadow_pages.h"
#include "vm/kernel.h"

#include <array>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

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
/// It takes no simulated time and changes nothing that the model could feel; with or without it a
/// run is the same. (Of frames that leave the page cache while a TLB holds them it tells
/// frame_sharing, which then lets nobody run ahead: what order stores are told in matters here.)
///
/// Complexity: O(bytes) a store or load; O(page) for a page that leaves the cache, loses its last
/// dirty bit or is judged; the end of a sync is O(pages stored to since the last promise, and
/// blocks in the journal), for it asks what a recovery would find.
class oracle final : public access_observer, public kernel_observer, public event_sink
{
public:
    oracle(kernel& k, const disk_controller& disk, const disk_media& media, frame_sharing& frames);

    // access_observer
    void on_store(const core& cpu, picoseconds when, virtual_address va, const std::byte* bytes,
                  std::size_t length, store_part part) override;
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
    void on_truncate(const core& cpu, const inode& file, truncated what) override;
    void on_drop(const core& cpu, const inode& file, page_index page) override;
    // event_sink
    void on_event(const event& e) override;
    bool follows_stores() const override { return false; } // it is told of them as an observer

    /// The disk is about to read memory: what is there may turn up on the media.
    void on_dma_read(physical_address from, std::size_t bytes);

    /// After everything was unmapped and sync() has returned: what is not on the media is lost.
    void judge_end(picoseconds now);
    /// After a power cut: what was promised has to be there, and nothing that nobody stored.
    void judge_power_cut(picoseconds now);

    const verdict& result() const { return m_verdict; }
    /// The file's page as it should be; zeros if nobody stored to it.
    page_bytes expected(inode_number ino, page_index page) const;

private:
    struct file_shadow;
    struct region { // of an address space, as user programs know it
        virtual_address end;
        file_shadow* file = nullptr; // null: what is stored there stays there
        page_index pgoff;
    };
    /// A page that programs have just stored to or loaded, found without a search.
    struct recent_page {
        const address_context* context = nullptr;
        virtual_page at;
        std::uint64_t as_of = 0;       // m_mappings, then
        shadow_page* shadow = nullptr; // null: nobody has stored to it, or it is of no file
        file_shadow* file = nullptr;   // null: of none
        page_index page;
    };
    struct sync_call {
        page_index first, end;             // the pages that the promise is about
        std::uint64_t before = 0;          // stores with smaller ids are promised,
        std::vector<std::uint64_t> except; // but those of a write(2) that was going on
        std::uint64_t size = 0;            // of the file: what lies behind is promised to nobody
        std::uint64_t written = 0;         // pages that it has put under writeback itself
        std::uint64_t pages = 0;
        std::uint64_t tagged = 0; // pages that it has taken on when it took its snapshot
    };
    struct file_shadow {
        inode_number ino;
        shadow_pages pages;
        std::vector<page_index> unpromised; // stored to since the last promise, each once
        const inode* file = nullptr;        // null until it is known to the VM
    };

    recent_page& page_at(const core& cpu, virtual_address va)
    {
        recent_page& r = m_recent[page_of(va).raw() % m_recent.size()];
        if (r.as_of != m_mappings || r.at != page_of(va) || r.context != cpu.current().context())
            look_up(r, cpu.current().context(), page_of(va));
        return r;
    }
    void look_up(recent_page& r, const address_context* context, virtual_page at);
    file_shadow& shadow_of(inode_number ino);
    shadow_page* shadow_of(inode_number ino, page_index page);
    shadow_page& begin_shadow(file_shadow& file, page_index page);
    void now_unpromised(file_shadow& file, page_index page, shadow_page& shadow);
    void compare_with_zeros(const std::byte* bytes, std::size_t length);
    void compare_read(const shadow_page& shadow, std::uint32_t in_page, const std::byte* bytes,
                      std::size_t length);
    void on_evidence(const event& e, const page& pg);
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
    frame_sharing& m_frames;
    verdict m_verdict;
    struct write_call {
        inode_number ino;
        std::uint64_t store = 0;
    };
    std::map<actor_id, write_call> m_writing; // write(2)s whose page is not dirty yet
    std::uint64_t m_syncs_begun = 0;
    std::unordered_map<const address_context*, std::map<virtual_address, region>> m_regions;
    std::map<inode_number, file_shadow> m_files;
    static constexpr std::size_t pages_kept_recent = 256;
    std::array<recent_page, pages_kept_recent> m_recent;
    std::uint64_t m_mappings = 1; // counts what makes answers of m_recent untrue
    std::map<std::pair<actor_id, inode_number>, sync_call> m_syncs;
    std::map<std::pair<inode_number, page_index>, event> m_dropped;
};

} // namespace mkclean
