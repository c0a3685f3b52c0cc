#include "storage/fs/recovery.h"
#include "storage/fs/mkfs.h"

#include <algorithm>
#include <cstring>

namespace mkclean
{

recovered_filesystem::recovered_filesystem(const disk_media& media) : m_media(media)
{
    // The superblock fits in the smallest block there is, and says how large they really are.
    m_layout = super_block_layout::read(read_block(media, 1024, 0).data());
    m_valid = m_layout.magic == super_block_layout::expected_magic;
    if (m_valid && m_layout.journal_blocks > 0)
        replay_journal();
}

std::vector<std::byte> recovered_filesystem::block(std::uint64_t number) const
{
    std::vector<std::byte> bytes(m_layout.block_size);
    copy_block(number, bytes.data());
    return bytes;
}

// Replaying would copy it from the log; where it is read from makes no difference.
std::uint64_t recovered_filesystem::place_of(std::uint64_t block) const
{
    const auto copy = m_copy_of.find(block);
    return copy == m_copy_of.end() ? block : copy->second;
}

void recovered_filesystem::copy_block(std::uint64_t number, std::byte* to) const
{
    const std::uint64_t sectors = m_layout.block_size / sector_size;
    m_media.read(sector_number(place_of(number) * sectors), sectors, to);
}

template <std::size_t bytes>
void recovered_filesystem::read_field(std::uint64_t number, std::size_t offset,
                                      std::array<std::byte, bytes>& field) const
{
    const std::uint64_t at = place_of(number) * m_layout.block_size + offset;
    std::array<std::byte, sector_size> sector;
    m_media.read(sector_number(at / sector_size), 1, sector.data());
    std::memcpy(field.data(), sector.data() + offset % sector_size, bytes);
}

std::uint64_t recovered_filesystem::next_in_ring(std::uint64_t at) const
{
    return at + 1 == m_layout.journal_blocks ? 1 : at + 1;
}

void recovered_filesystem::replay_journal()
{
    const journal_header super =
        journal_header::read(read_block(m_media, m_layout.block_size, m_layout.journal).data());
    if (super.magic != journal_header::expected_magic || super.count == 0 ||
        super.count >= m_layout.journal_blocks)
        return;
    std::uint64_t at = super.count;
    std::uint32_t sequence = super.sequence;
    while (replay_transaction(at, sequence)) {
        ++sequence;
        ++m_replayed;
    }
}

// Reads descriptors and copies up to the commit record; without one the transaction never was.
bool recovered_filesystem::replay_transaction(std::uint64_t& at, std::uint32_t sequence)
{
    std::vector<std::pair<std::uint64_t, std::uint64_t>> found; // block, its copy in the log
    std::uint64_t position = at;
    for (std::uint64_t visited = 0; visited < m_layout.journal_blocks; ++visited) {
        const auto bytes = read_block(m_media, m_layout.block_size, m_layout.journal + position);
        const journal_header header = journal_header::read(bytes.data());
        position = next_in_ring(position);
        if (header.magic != journal_header::expected_magic || header.sequence != sequence)
            return false;
        if (header.type == journal_header::kind::commit) {
            for (const auto& [number, copy] : found)
                m_copy_of[number] = copy;
            at = position;
            return true;
        }
        if (header.type != journal_header::kind::descriptor ||
            header.count > (m_layout.block_size - journal_header::bytes) / 8)
            return false;
        for (std::uint32_t i = 0; i < header.count; ++i) {
            const std::uint64_t number =
                get_u64(bytes.data() + journal_header::bytes + std::size_t{8} * i);
            if (number >= m_layout.blocks)
                return false;
            found.emplace_back(number, m_layout.journal + position);
            position = next_in_ring(position);
        }
    }
    return false;
}

inode_layout recovered_filesystem::read_inode(std::uint64_t ino) const
{
    const std::uint64_t per_block = m_layout.block_size / inode_layout::bytes;
    const std::uint64_t number = ino - 1;
    std::array<std::byte, inode_layout::bytes> bytes;
    read_field(m_layout.inode_table + number / per_block, number % per_block * inode_layout::bytes,
               bytes);
    return inode_layout::read(bytes.data());
}

std::uint64_t recovered_filesystem::find_block(const inode_layout& inode,
                                               std::uint64_t file_block) const
{
    const block_path path = path_to(file_block, m_layout.block_size);
    if (path.depth == 0)
        return 0;
    std::uint64_t number = inode.block.at(path.slot[0]);
    for (unsigned level = 1; level < path.depth && number != 0; ++level) {
        if (number >= m_layout.blocks)
            return 0;
        std::array<std::byte, 4> pointer;
        read_field(number, std::size_t{4} * path.slot[level], pointer);
        number = get_u32(pointer.data());
    }
    return number < m_layout.blocks ? number : 0;
}

void recovered_filesystem::read_page(std::uint64_t ino, std::uint64_t page, std::byte* to) const
{
    if (!m_valid)
        return; // somebody has written over the superblock: no file can be found any more
    std::memset(to, 0, page_size);
    const inode_layout inode = read_inode(ino);
    const std::uint64_t start = page * page_size;
    if (start >= inode.size)
        return;
    const std::uint64_t per_page = page_size / m_layout.block_size;
    for (std::uint64_t i = 0; i < per_page; ++i) {
        const std::uint64_t number = find_block(inode, page * per_page + i);
        if (number != 0)
            copy_block(number, to + i * m_layout.block_size);
    }
    const std::uint64_t valid = std::min(page_size, inode.size - start);
    std::memset(to + valid, 0, page_size - valid);
}

} // namespace mkclean
