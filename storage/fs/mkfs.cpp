#include "storage/fs/mkfs.h"

#include <algorithm>
#include <stdexcept>

namespace mkclean
{

namespace
{

constexpr std::uint64_t fewest_inodes = 64;

std::uint64_t blocks_for(std::uint64_t bytes, std::uint32_t block_size)
{
    return (bytes + block_size - 1) / block_size;
}

void write_bitmap(disk_media& media, const super_block_layout& sb)
{
    const std::uint64_t bits = std::uint64_t{sb.block_size} * 8;
    for (std::uint64_t first = 0; first < sb.blocks; first += bits) {
        std::vector<std::byte> bytes(sb.block_size);
        for (std::uint64_t bit = 0; bit < bits; ++bit) {
            const std::uint64_t block = first + bit;
            if (block < sb.first_data || block >= sb.blocks)
                bytes[bit / 8] |= std::byte{1} << (bit % 8);
            else if (block % 8 == 0 && block + 8 <= sb.blocks)
                bit += 7; // the rest of a free byte
        }
        write_block(media, sb.block_bitmap + first / bits, bytes);
    }
}

void write_inodes(disk_media& media, const super_block_layout& sb,
                  const std::vector<std::uint64_t>& file_sizes)
{
    const std::uint64_t per_block = sb.block_size / inode_layout::bytes;
    for (std::uint64_t first = 0; first < sb.inodes; first += per_block) {
        std::vector<std::byte> bytes(sb.block_size);
        for (std::uint64_t i = 0; i < per_block && first + i < file_sizes.size(); ++i) {
            inode_layout inode;
            inode.size = file_sizes[first + i];
            inode.write(bytes.data() + i * inode_layout::bytes);
        }
        write_block(media, sb.inode_table + first / per_block, bytes);
    }
}

} // namespace

std::vector<std::byte> read_block(const disk_media& media, std::uint32_t block_size,
                                  std::uint64_t block)
{
    std::vector<std::byte> bytes(block_size);
    const std::uint64_t sectors = block_size / sector_size;
    media.read(sector_number(block * sectors), sectors, bytes.data());
    return bytes;
}

void write_block(disk_media& media, std::uint64_t block, const std::vector<std::byte>& bytes)
{
    const std::uint64_t sectors = bytes.size() / sector_size;
    media.write(sector_number(block * sectors), sectors, bytes.data());
}

super_block_layout mkfs(disk_media& media, std::uint32_t block_size, std::uint64_t journal_blocks,
                        const std::vector<std::uint64_t>& file_sizes)
{
    super_block_layout sb;
    sb.block_size = block_size;
    sb.blocks = media.capacity() * sector_size / block_size;
    sb.inodes = std::max<std::uint64_t>(fewest_inodes, file_sizes.size());
    sb.block_bitmap = 1;
    sb.inode_table = sb.block_bitmap + blocks_for((sb.blocks + 7) / 8, block_size);
    sb.journal = sb.inode_table + blocks_for(sb.inodes * inode_layout::bytes, block_size);
    sb.journal_blocks = journal_blocks;
    sb.first_data = sb.journal + journal_blocks;
    if (sb.first_data >= sb.blocks)
        throw disk_too_small((sb.first_data + 1) * block_size / sector_size);

    std::vector<std::byte> bytes(block_size);
    sb.write(bytes.data());
    write_block(media, 0, bytes);
    write_bitmap(media, sb);
    write_inodes(media, sb, file_sizes);
    if (journal_blocks > 0) {
        std::fill(bytes.begin(), bytes.end(), std::byte{0});
        journal_header header;
        header.type = journal_header::kind::superblock;
        header.sequence = 1;
        header.count = 1;
        header.write(bytes.data());
        write_block(media, sb.journal, bytes);
    }
    return sb;
}

} // namespace mkclean
