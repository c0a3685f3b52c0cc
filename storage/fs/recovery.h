#pragma once

#include "storage/disk/media.h"
#include "storage/fs/layout.h"

#include <array>
#include <unordered_map>
#include <vector>

namespace mkclean
{

/// What a filesystem would hold if it were mounted from these media, after a power cut, say: the
/// journal's complete transactions are replayed (into memory, the media stay as they are), and
/// files are read by their pointers. Knows nothing of what the running filesystem had in memory.
///
/// Complexity: to begin, O(blocks in complete transactions); a page, O(levels of indirection).
class recovered_filesystem
{
public:
    explicit recovered_filesystem(const disk_media& media);

    bool valid() const { return m_valid; }
    /// Transactions found complete in the journal.
    std::uint64_t replayed() const { return m_replayed; }
    const super_block_layout& layout() const { return m_layout; }
    /// A block as it is after the replay.
    std::vector<std::byte> block(std::uint64_t number) const;
    inode_layout read_inode(std::uint64_t ino) const;
    /// A page of a file, 4096 bytes: holes and what lies beyond the end read as zeros.
    void read_page(std::uint64_t ino, std::uint64_t page, std::byte* to) const;

private:
    std::uint64_t place_of(std::uint64_t block) const;
    void copy_block(std::uint64_t number, std::byte* to) const;
    /// Fills `field` from a block; it does not cross a sector.
    template <std::size_t bytes>
    void read_field(std::uint64_t number, std::size_t offset,
                    std::array<std::byte, bytes>& field) const;
    void replay_journal();
    bool replay_transaction(std::uint64_t& at, std::uint32_t sequence);
    std::uint64_t next_in_ring(std::uint64_t at) const;
    std::uint64_t find_block(const inode_layout& inode, std::uint64_t file_block) const;

    const disk_media& m_media;
    super_block_layout m_layout;
    bool m_valid = false;
    std::uint64_t m_replayed = 0;
    std::unordered_map<std::uint64_t, std::uint64_t>
        m_copy_of; // replayed block -> block of the log
};

} // namespace mkclean
