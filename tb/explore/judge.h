#pragma once

#include "storage/disk/controller.h"
#include "vm/kernel.h"

#include <cstdint>
#include <vector>

namespace mkclean
{

class world;

/// What the oracle judges, for worlds that are copied back and forth: it remembers no times and no
/// order, only what can still matter. Of every place that was stored to since exploring began it
/// knows the byte that belongs there, and of every sync under way which bytes may be found there
/// after it.
///
/// What was there before is taken to be on the disk: scenarios begin synced.
class exploring_judge final : public kernel_observer, public access_observer
{
public:
    exploring_judge(kernel& k, const disk_controller& disk, const disk_media& media);

    struct counts {
        std::uint32_t lost = 0;  ///< places whose byte was dropped, or is not there at the end
        std::uint32_t lies = 0;  ///< promised places that are not durable
        std::uint32_t stale = 0; ///< loads of something else
    };
    /// Since the last call.
    counts take_counts();
    /// From now on stores are followed.
    void begin() { m_begun = true; }
    /// Everything is unmapped and synced.
    void judge_end();
    /// A page that nobody has locked holds what the disk does not, and nothing says so: lost,
    /// unless somebody is about to say it after all.
    bool suspects_loss() const;

    void on_store(const core& cpu, picoseconds, virtual_address va, const std::byte* bytes,
                  std::size_t length, store_part) override;
    void on_load(const core& cpu, virtual_address va, const std::byte* bytes,
                 std::size_t length) override;
    void on_mmap(const mm_struct&, const vm_area_struct&) override {}
    void on_munmap(const mm_struct&, virtual_address, virtual_address) override {}
    void on_file_write(const core& cpu, const inode& file, std::uint64_t offset,
                       const std::byte* bytes, std::size_t length) override;
    void on_file_written(const core&) override {}
    void on_file_read(const core& cpu, const inode& file, std::uint64_t offset,
                      const std::byte* bytes, std::size_t length) override;
    void on_sync_begin(const core& cpu, const inode& file, page_index first,
                       page_index end) override;
    void on_sync_end(const core& cpu, const inode& file, int result) override;
    void on_truncate(const core& cpu, const inode& file, truncated what) override;
    void on_drop(const core& cpu, const inode& file, page_index page) override;

    /// A byte of a file that was stored to: the first of what one access stored to a block.
    struct place {
        const inode* file = nullptr;
        inode_number ino;
        std::uint64_t offset = 0; ///< in the file
        std::byte current{};
        bool lost = false;

        bool is_before(const place& other) const
        {
            return ino < other.ino || (ino == other.ino && offset < other.offset);
        }
    };
    const std::vector<place>& places() const { return m_places; }
    /// The byte that a power cut would leave there now.
    std::byte durable(const place& p) const;

private:
    struct acceptable { // at one place, to a sync under way
        std::uint64_t offset = 0;
        std::vector<std::byte> bytes;
    };
    struct promise {
        actor_id by = 0;
        inode_number ino;
        std::uint64_t first = 0; ///< bytes of the file
        std::uint64_t end = 0;
        std::uint64_t size = 0; ///< of the file: what lies behind is promised to nobody
        std::vector<acceptable> about;
    };

    void stored_all(const inode& file, std::uint64_t offset, const std::byte* bytes,
                    std::size_t length);
    void stored(const inode& file, std::uint64_t offset, std::byte value);
    /// What a reader would get if the page were forgotten now.
    std::byte behind_the_page(const inode& file, const place& p) const;
    place* find(inode_number ino, std::uint64_t offset);
    const inode* file_at(const core& cpu, virtual_address va, std::uint64_t& offset) const;

    kernel& m_kernel;
    const disk_controller& m_disk;
    const disk_media& m_media;
    bool m_begun = false;
    counts m_counts;
    std::vector<place> m_places;     ///< in order
    std::vector<promise> m_promises; ///< in the order of their actors
};

} // namespace mkclean
